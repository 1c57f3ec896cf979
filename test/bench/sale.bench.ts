import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startTerminal } from '@tsunagu/firmware-bridge/agent/index';
import { type CardSide, measureSales, openCardSide } from '@tsunagu/firmware-bridge/payment/index';
import { folderFiles } from '@tsunagu/firmware-bridge/sealed-store/index';
import { page, registeredTerminal, saleLine } from '@tsunagu/protocols/fleet';
import { unwrap } from '@tsunagu/protocols/kit';
import { systemWorld } from '@tsunagu/protocols/world';
import { startHouse, until } from '../e2e/house.ts';

const sales = 100;
/** The emulated card company thinks for 15 to 74 ms, evenly spread: no switch and no terminal could make that less. */
const thinkingMs = 44.5;

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

/** One sale, reader to answer, split by room: a terminal in this process against a real house on loopback sockets. */
export default async function run() {
  const house = await startHouse({ args: ['--terminals', '1', '--sale-every-seconds', '3600'] });
  const folder = mkdtempSync(join(tmpdir(), 'tsunagu-bench-'));
  try {
    const serial = 'CT5100-9001';
    const registered = await house.api('/api/v1/terminals', {
      method: 'POST',
      headers: { 'idempotency-key': serial },
      body: JSON.stringify({ serial, model: 'CT-5100', place: { merchant: 'bench', shop: 'bench' } }),
    });
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'claim.json'), JSON.stringify(registeredTerminal.parse(registered.body).claim), {
      mode: 0o600,
    });
    let side: CardSide | undefined;
    const terminal = unwrap(
      await startTerminal({
        world: systemWorld(() => {}),
        files: await folderFiles(folder),
        openCardSide: async (options) => (side = await openCardSide(options)),
      }),
    );
    unwrap(await terminal.connected);
    const opened = side;
    if (!opened) throw new Error('the terminal opened no card side');
    // Keys and list arrive by jobs: the first approved sale says that they are there. It also warms everything up.
    await until(
      async () => (await opened.sell({ amountMinor: 100, card: 'visa-contactless' })).outcome === 'approved',
      30_000,
    );
    const figures: Record<string, number> = {};
    const ratios: Record<string, number> = {};
    for (const card of ['visa-contactless', 'mastercard-contact']) {
      const measured = unwrap(await measureSales(opened, { amountMinor: 1280, card }, sales));
      const listed = await house.api(`/api/v1/sales?limit=${sales}&serial=${serial}`);
      const switchMs = median(
        page(saleLine)
          .parse(listed.body)
          .items.map((line) => line.durationMs ?? Number.NaN),
      );
      for (const [room, ms] of Object.entries(measured.median)) figures[`${card}: ${room}, median ms`] = ms;
      figures[`${card}: total, p99 ms`] = measured.p99.total;
      figures[`${card}: of acquirer, switch with card company, median ms`] = switchMs;
      figures[`${card}: of acquirer, line, TLS and DUKPT, median ms`] = measured.median.acquirer - switchMs;
      const oursMs = measured.median.total - measured.median.card - thinkingMs;
      figures[`${card}: ours (all but card and card company), median ms`] = oursMs;
      figures[`${card}: ours, percent of the whole`] = (100 * oursMs) / measured.median.total;
      ratios[`${card}: whole sale / card and card company alone`] =
        measured.median.total / (measured.median.card + thinkingMs);
    }
    await terminal.stop();
    return {
      name: `one sale, reader to answer (${sales} sales each, one after the other; everything on this machine)`,
      figures,
      ratios,
      peers: {
        'card and card company alone': `the time of the emulated card plus the card company's thinking time, ${thinkingMs} ms on average: the bound`,
      },
    };
  } finally {
    await house.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}
