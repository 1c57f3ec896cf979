# Runs in the guest, as root. Every program's output, errors and exit status go to files; the test looks at them afterwards.
cd @REPOSITORY@ || exit 1
out=/mnt/share/out
# Beside the sources (in the guest's layer alone), so that packages with native parts are found.
cp /mnt/share/hil-*.mjs firmware-bridge/
bridge="node firmware-bridge/hil-bridge.mjs"
run() { # NAME COMMAND...
  name=$1
  shift
  timeout 120 "$@" >$out/$name.out 2>$out/$name.err </dev/null
  echo $? >$out/$name.rc
}
await() { # COMMAND: waits until it succeeds, some minutes at most
  for _ in $(seq 900); do
    if eval "$1" >/dev/null 2>&1; then return 0; fi
    sleep 0.2
  done
  echo "waited in vain for: $1"
  return 1
}

# The emulator's hand is a pipe that stays open.
mkfifo /tmp/hand
$bridge emulate reader ccid --card visa-contact </tmp/hand >$out/emulator.out 2>$out/emulator.err &
exec 3>/tmp/hand
await "grep -q '\"ready\"' $out/emulator.out"
run usbip-list usbip list -r 127.0.0.1
run usbip-attach usbip attach -r 127.0.0.1 -b 1-1
run usbip-attach-unknown usbip attach -r 127.0.0.1 -b 1-9
run usbip-attach-twice usbip attach -r 127.0.0.1 -b 1-1
await 'lsusb -d 0e0f:0004'
run lsusb lsusb -v -d 0e0f:0004

run watch $bridge workshop watch --once
run certify $bridge workshop certify --reader 0e0f:0004 --record /tmp/session.trace
cp /tmp/session.trace $out/
run unplug node firmware-bridge/hil-unplug.mjs $out/emulator.out
echo remove >&3
await "grep -q cardRemoved $out/emulator.out"
run watch-empty $bridge workshop watch --once
echo insert visa-contact >&3
sleep 0.5

pcscd --foreground >$out/pcscd.out 2>&1 &
pcscd=$!
await "opensc-tool -l | grep -q Yes"
# The number of our reader: QEMU's own is another.
number=$(opensc-tool -l 2>/dev/null | sed -n 's/^\([0-9]\) .*VMware.*/\1/p' | head -1)
run opensc-list opensc-tool -l
run opensc-atr opensc-tool -r $number -a
run opensc-select opensc-tool -r $number -c default -s 00A404000E315041592E5359532E444446303100 -s 00A4040007A000000003101000
run opensc-other opensc-tool -r $number -c default -s 00A4040007A000000004101000
run watch-busy $bridge workshop watch --once
run opensc-after-watch opensc-tool -r $number -a
echo remove >&3
await "! opensc-tool -r $number -a"
run opensc-absent opensc-tool -r $number -a
kill $pcscd
wait $pcscd
echo unplug >&3
sleep 2

# The contract of a transport, over the usb package and this kernel.
run contract node firmware-bridge/hil-contract.mjs

# QEMU's reader, with our card in it: neither is the other's author.
run qemu-lsusb lsusb -v -d 08e6:4433
run qemu-certify $bridge workshop certify --reader 08e6:4433 --record /tmp/qemu.trace
cp /tmp/qemu.trace $out/
# A terminal whose reader it is.
run qemu-pay node firmware-bridge/hil-pay.mjs

# NFC: each reader in turn, to our bridge over the usb package, to libnfc where it knows the reader, to the kernel's own driver.
nfc() { # READER CARD VID:PID MODULE PORT libnfc|kernel
  mkfifo /tmp/hand-$1
  $bridge emulate reader $1 --usbip 127.0.0.1:$5 --card $2 </tmp/hand-$1 >$out/$1-emulator.out 2>&1 &
  exec 4>/tmp/hand-$1
  await "grep -q '\"ready\"' $out/$1-emulator.out"
  usbip --tcp-port $5 attach -r 127.0.0.1 -b 1-1 >/dev/null
  await "lsusb -d $3"
  run $1-self-test $bridge workshop self-test --reader $3
  [ "$6" = libnfc ] && run $1-nfc-list nfc-list -v
  dmesg -C
  modprobe $4
  sleep 2
  run $1-dmesg dmesg
  run $1-sysfs sh -c 'cat /sys/class/nfc/*/uevent; ls /sys/class/nfc/*/device/driver -d -l'
  modprobe -r $4
  echo remove >&4
  [ "$6" = libnfc ] && run $1-nfc-list-empty nfc-list -v
  echo unplug >&4
  exec 4>&-
}
export LIBNFC_LOG_LEVEL=1
nfc acr122u visa-contactless 072f:2200 pn533_usb 3241 libnfc
nfc rcs380 transit 054c:06c1 port100 3242 kernel
exit 0
