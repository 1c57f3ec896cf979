# Runs in a network and mount namespace of its own, as root: pcscd with its virtual reader, and our cards in it one after another.
out=$1
bridge="node $2"
shift 2
ip link set lo up
mkdir -p /run/pcscd
mount -t tmpfs run /run/pcscd
run() { # NAME COMMAND...
  name=$1
  shift
  timeout 60 "$@" >"$out/$name.out" 2>"$out/$name.err" </dev/null
  echo $? >"$out/$name.rc"
}
await() {
  for _ in $(seq 100); do
    if eval "$1" >/dev/null 2>&1; then return 0; fi
    sleep 0.1
  done
  echo "waited in vain for: $1"
  return 1
}
# pcsc-lite from 2.0 on asks polkit, which is not here.
flags=--foreground
pcscd --help 2>&1 | grep -q disable-polkit && flags="$flags --disable-polkit"
run absent $bridge emulate card visa-contact --vpcd 127.0.0.1:35963
pcscd $flags >"$out/pcscd.out" 2>&1 &
pcscd=$!
await 'opensc-tool -l | grep -q Virtual'
run empty opensc-tool -r 0 -a
for card in "$@"; do
  $bridge emulate card "$card" --vpcd 127.0.0.1:35963 --reconnect >"$out/$card.events" 2>&1 &
  process=$!
  await 'opensc-tool -r 0 -a'
  run "$card-atr" opensc-tool -r 0 -a
  # Directory with contacts and without; its first record; what the applications are called comes from the test.
  # shellcheck disable=SC2046
  run "$card" opensc-tool -r 0 -c default $(sed 's/^/-s /' "$out/$card.commands")
  kill $process
  wait $process
  echo $? >"$out/$card.rc-card"
  await '! opensc-tool -r 0 -a'
done
run gone opensc-tool -r 0 -a
run scan timeout 3 pcsc_scan -n
kill $pcscd
exit 0
