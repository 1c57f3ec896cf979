// Runs in the namespace of the house: a card in pcscd's virtual reader that is the end of a process as soon as it has run an instruction for the
// n-th time. Whoever looks for that from outside looks now and then, and may come when the sale is over.
import { converse, nameOf } from '@tsunagu/firmware-bridge/export/peer';
import { VpcdCard } from '@tsunagu/firmware-bridge/export/vpcd/vpcd-card';
import { chipCardNamed } from '@tsunagu/firmware-bridge/workshop/cards';
import { systemWorld } from '@tsunagu/protocols/world';

const [instruction, times, pid] = process.argv.slice(2);
const peer = { host: '127.0.0.1', port: 35_963 };
const made = chipCardNamed('visa-contact');
if (!made.ok) throw new Error(made.fault.code);
let seen = 0;
const lent = new VpcdCard(made.value.card, made.value.atr, nameOf(peer), (event) => {
  console.log(JSON.stringify(event));
  if (event.event === 'cardCommand' && event.instruction === instruction && ++seen === Number(times))
    process.kill(Number(pid), 'SIGKILL');
});
const world = systemWorld(() => undefined);
const ended = await converse(world, peer, lent, { reconnect: false, signal: new AbortController().signal });
if (!ended.ok) console.error(ended.fault.code);
