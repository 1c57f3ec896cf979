# Runs in a network and mount namespace of its own, as root: pcscd with our card in its virtual reader, and a house whose one terminal reads from there.
out=$1
repository=$2
bridge="node $3"
fatal=$4
visa="$bridge emulate card visa-contact --vpcd 127.0.0.1:35963 --reconnect"
cd "$repository" || exit 1
tsunagu="node cli/bin/tsunagu.js --data $out/house"
ip link set lo up
mkdir -p /run/pcscd
mount -t tmpfs run /run/pcscd
run() { # NAME COMMAND...
  name=$1
  shift
  timeout 120 "$@" >"$out/$name.out" 2>"$out/$name.err" </dev/null
  echo $? >"$out/$name.rc"
}
await() {
  for _ in $(seq 900); do
    if eval "$1" >/dev/null 2>&1; then return 0; fi
    sleep 0.2
  done
  echo "waited in vain for: $1" >&2
  return 1
}
flags=--foreground
pcscd --help 2>&1 | grep -q disable-polkit && flags="$flags --disable-polkit"
pcscd $flags >"$out/pcscd.out" 2>&1 &
pcscd=$!
$tsunagu start --terminals 8 --sale-every-seconds 86400 --readers CT5100-0001=pcsc >"$out/house.out" 2>"$out/house.err" &
house=$!
# What stands still ends by nothing but this.
trap 'kill -CONT $issuers 2>/dev/null; kill $card $house $pcscd 2>/dev/null' EXIT
await "grep -q http $out/house.out" || exit 1
run named $tsunagu sale CT5100-0001 --amount 1280 --card visa-contact --json
run absent $tsunagu sale CT5100-0001 --amount 1280 --card reader --json
$visa >"$out/card.events" 2>&1 &
card=$!
await 'opensc-tool -r 0 -a' || exit 1
run watch $bridge workshop watch --pcsc --once
run certify $bridge workshop certify --pcsc
run sale $tsunagu sale CT5100-0001 --amount 1280 --card reader --json
insert() { # LOG COMMAND...: the card in the reader is another one
  log=$1
  shift
  kill $card 2>/dev/null
  wait $card
  "$@" >"$out/$log" 2>&1 &
  card=$!
  await 'opensc-tool -r 0 -a' || exit 1
}
# Taken out while its issuer is asked, who answers when it is out; then once more left in.
insert pulled.events $visa
issuers=$(pgrep -f "card-company.js --data $out/house")
kill -STOP $issuers || exit 1
run pulled $tsunagu sale CT5100-0001 --amount 1281 --card reader --json &
sale=$!
await "grep -q 'GENERATE AC' $out/pulled.events" || exit 1
kill -9 $card
wait $card
kill -CONT $issuers
wait $sale
insert whole.events $visa
run whole $tsunagu sale CT5100-0001 --amount 1282 --card reader --json
# The daemon dies while records are read, and is started again.
insert cut.events node $fatal 'READ RECORD' 2 $pcscd
run cut $tsunagu sale CT5100-0001 --amount 1283 --card reader --json
kill -9 $pcscd 2>/dev/null
wait $pcscd
rm -f /run/pcscd/*
pcscd $flags >>"$out/pcscd.out" 2>&1 &
pcscd=$!
insert after.events $visa
run after $tsunagu sale CT5100-0001 --amount 1284 --card reader --json
kill $card
wait $card
kill -TERM $house
wait $house
kill $pcscd
exit 0
