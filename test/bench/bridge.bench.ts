import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startTerminal } from '@tsunagu/firmware-bridge/agent/index';
import { TerminalCardSide } from '@tsunagu/firmware-bridge/payment/index';
import { EmulatedCcidReader } from '@tsunagu/firmware-bridge/readers/emulated/ccid-device';
import type { ChipCard } from '@tsunagu/firmware-bridge/readers/emulated/chip-card';
import { openReader } from '@tsunagu/firmware-bridge/readers/families';
import { folderFiles } from '@tsunagu/firmware-bridge/sealed-store/index';
import type { SaleTimings } from '@tsunagu/firmware-bridge/secure/index';
import { EmulatedBus } from '@tsunagu/firmware-bridge/usb/emulated/bus';
import { registeredTerminal } from '@tsunagu/protocols/fleet';
import { hex, unwrap } from '@tsunagu/protocols/kit';
import { systemWorld } from '@tsunagu/protocols/world';
import { type House, startHouse, until } from '../e2e/house.ts';

const sales = 300;
const exchanges = 30_000;
const terminals = 500;

/** The goals, as they were set. */
const goals = { contactlessMs: 10, contactMs: 25, exchangesPerSecond: 50_000, terminalMb: 3 };

type Figures = Record<string, number>;

const quantile = (values: readonly number[], q: number): number =>
  [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * q))] ?? Number.NaN;

/** The terminal's share of a sale, its memory, and what an APDU costs on its way through driver, frames and bus. */
export default async function run() {
  const figures: Figures = {};
  const ratios: Figures = {};
  await apdus(figures, ratios);
  await inHouse(['--terminals', '1'], (house) => shares(house, figures, ratios));
  await inHouse(['--terminals', String(terminals)], (house) => memory(house, figures, ratios));
  return {
    name: `the bridge (${sales} sales each, ${exchanges} APDUs, ${terminals} terminals in one process; all of the house on this machine)`,
    figures,
    ratios,
    peers: {
      'the card alone': 'the emulated card called as a function: no driver, no frames, no bus',
      goal: `the figures that were set: ${JSON.stringify(goals)}`,
    },
  };
}

async function inHouse(args: readonly string[], work: (house: House) => Promise<void> | void): Promise<void> {
  const house = await startHouse({ args: [...args, '--sale-every-seconds', '3600'], readyTimeoutMs: 900_000 });
  try {
    await work(house);
  } finally {
    await house.stop();
  }
}

/** A card that answers at once: what is measured is everything around it. */
const echo: ChipCard = {
  historicalBytes: hex('54455354'),
  reset: () => undefined,
  transmit: () => hex('6F0A8408A0000000031010009000'),
};

async function apdus(figures: Figures, ratios: Figures): Promise<void> {
  const world = systemWorld(() => {});
  const select = hex('00A4040007A000000003101000');
  const bus = new EmulatedBus(world);
  const device = new EmulatedCcidReader('contactless');
  const reader = unwrap(await openReader(world, bus, bus.plug(device)));
  if (reader.kind === 'stripe') throw new Error('a stripe head is no chip reader');
  device.insert(echo);
  unwrap(await reader.waitForCard(5_000));
  unwrap(await reader.powerOn());
  const perSecond = async (work: () => unknown): Promise<number> => {
    for (let warm = 0; warm < exchanges / 10; warm++) await work();
    const began = performance.now();
    for (let count = 0; count < exchanges; count++) await work();
    return (exchanges * 1_000) / (performance.now() - began);
  };
  const rounds: number[] = [];
  const bare: number[] = [];
  for (let round = 0; round < 3; round++) {
    rounds.push(await perSecond(() => reader.transmit(select)));
    bare.push(await perSecond(() => Promise.resolve(echo.transmit(select))));
  }
  await reader.close();
  await bus.close();
  figures['APDU round trips through CCID driver and bus, per second (best of 3)'] = Math.max(...rounds);
  figures['APDU round trips, per second (median of 3)'] = quantile(rounds, 0.5);
  figures['the card alone, calls per second (best of 3)'] = Math.max(...bare);
  ratios['APDU round trips per second / the card alone'] = Math.max(...rounds) / Math.max(...bare);
  ratios['APDU round trips per second / goal'] = Math.max(...rounds) / goals.exchangesPerSecond;
}

async function shares(house: House, figures: Figures, ratios: Figures): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'tsunagu-bench-'));
  try {
    const serial = 'CT5100-9001';
    const registered = await house.api('/api/v1/terminals', {
      method: 'POST',
      headers: { 'idempotency-key': serial },
      body: JSON.stringify({ serial, model: 'CT-5100', place: { merchant: 'bench', shop: 'bench' } }),
    });
    const { claim } = registeredTerminal.parse(registered.body);
    writeFileSync(join(folder, 'claim.json'), JSON.stringify(claim), { mode: 0o600 });
    let side: TerminalCardSide | undefined;
    const terminal = unwrap(
      await startTerminal({
        world: systemWorld(() => {}),
        files: await folderFiles(folder),
        openCardSide: async (options) => (side = await TerminalCardSide.open(options)),
      }),
    );
    unwrap(await terminal.connected);
    const opened = side;
    if (!opened) throw new Error('the terminal opened no card side');
    await until(
      async () => (await opened.sell({ amountMinor: 100, card: 'visa-contactless' })).outcome === 'approved',
      60_000,
    );
    for (const [card, goalMs] of [
      ['visa-contactless', goals.contactlessMs],
      ['mastercard-contactless', goals.contactlessMs],
      ['visa-contact', goals.contactMs],
    ] as const) {
      // A business day holds a bounded number of sales.
      unwrap(await opened.totals(true));
      const taken: SaleTimings[] = [];
      for (let sale = 0; sale < sales; sale++) {
        const { outcome, reason } = await opened.sell({ amountMinor: 1_280, card });
        const timings = opened.timingsToRequest();
        if (outcome !== 'approved' || !timings) throw new Error(`${card}: ${outcome} ${reason ?? ''}`);
        taken.push(timings);
      }
      // Tap to request: what driver, kernel and application take; the card's own time and the writes stand apart.
      const ours = taken.map(({ reader, kernel, payment }) => reader + kernel + payment);
      figures[`${card}: ours, tap to request, p50 ms`] = quantile(ours, 0.5);
      figures[`${card}: ours, tap to request, p99 ms`] = quantile(ours, 0.99);
      figures[`${card}: card model to request, p99 ms (apart)`] = quantile(
        taken.map((one) => one.card),
        0.99,
      );
      figures[`${card}: durable writes to request, p99 ms (apart)`] = quantile(
        taken.map((one) => one.storage),
        0.99,
      );
      ratios[`${card}: ours p99 / goal`] = quantile(ours, 0.99) / goalMs;
    }
    await terminal.stop();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function memory(house: House, figures: Figures, ratios: Figures): void {
  const listed = execFileSync('ps', ['-eo', 'rss=,args='], { encoding: 'utf8' })
    .split('\n')
    .find((line) => line.includes('firmware-bridge/dist/main.js') && line.includes(house.data));
  const megabytes = Number(listed?.trim().split(' ')[0]) / 1_024;
  figures[`memory of the bridge with ${terminals} terminals, MB`] = megabytes;
  figures['memory per emulated terminal, all of the process shared out, MB'] = megabytes / terminals;
  figures[`${terminals} terminals online after, s`] = house.readyMs / 1_000;
  ratios['memory per terminal / goal'] = megabytes / terminals / goals.terminalMb;
}
