// One terminal in a thread of its own: makes sales, and tells of each where its time went until its request left. Plain JavaScript on what was
// built, as the threads of the bridge are.
import { parentPort, workerData } from 'node:worker_threads';
import { startTerminal } from '@tsunagu/firmware-bridge/agent/index';
import { TerminalCardSide } from '@tsunagu/firmware-bridge/payment/index';
import { folderFiles } from '@tsunagu/firmware-bridge/sealed-store/index';
import { unwrap } from '@tsunagu/protocols/kit';
import { systemWorld } from '@tsunagu/protocols/world';

/** A business day holds at most 500 sales. */
const salesInDay = 250;
const triesMax = 120;

const { folder, cards, sales } = workerData;
const world = systemWorld(() => {});
let side;
const terminal = unwrap(
  await startTerminal({
    world,
    files: await folderFiles(folder),
    openCardSide: async (options) => (side = await TerminalCardSide.open(options)),
  }),
);
unwrap(await terminal.connected);
// Its keys come by a job.
for (let tries = 0; ; tries++) {
  const { outcome, reason } = await side.sell({ amountMinor: 100, card: cards[0] });
  if (outcome === 'approved') break;
  if (tries === triesMax) throw new Error(`no sale: ${reason}`);
  await world.timers.sleep(500);
}
const taken = {};
for (const card of cards) {
  taken[card] = [];
  for (let sale = 0; sale < sales; sale++) {
    if (sale % salesInDay === 0) unwrap(await side.totals(true));
    const { outcome, reason } = await side.sell({ amountMinor: 1_280, card });
    const timings = side.timingsToRequest();
    if (outcome !== 'approved' || !timings) throw new Error(`${card}: ${outcome} ${reason ?? ''}`);
    taken[card].push(timings);
  }
}
await terminal.stop();
parentPort?.postMessage(taken);
