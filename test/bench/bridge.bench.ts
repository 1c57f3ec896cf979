import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { scavengeAlone, terminalThreadLimits } from '@tsunagu/firmware-bridge/host/index';
import { EmulatedCcidReader } from '@tsunagu/firmware-bridge/readers/emulated/ccid-device';
import type { ChipCard } from '@tsunagu/firmware-bridge/readers/emulated/chip-card';
import { openReader } from '@tsunagu/firmware-bridge/readers/families';
import type { SaleTimings } from '@tsunagu/firmware-bridge/secure/index';
import { EmulatedBus } from '@tsunagu/firmware-bridge/usb/emulated/bus';
import { registeredTerminal } from '@tsunagu/protocols/fleet';
import { hex, unwrap } from '@tsunagu/protocols/kit';
import { systemWorld } from '@tsunagu/protocols/world';
import { type House, startHouse } from '../e2e/house.ts';

/** Of each card, from its first one on: six of them are beyond the 99th percentile. */
const sales = 600;
const exchanges = 30_000;
const terminals = 500;

/** The goals, as they were set. */
const goals = { contactlessMs: 10, contactMs: 25, exchangesPerSecond: 50_000, terminalMb: 3 };

type Figures = Record<string, number>;

const quantile = (values: readonly number[], q: number): number =>
  [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * q))] ?? Number.NaN;

/** The terminal's share of a sale, its memory, and what an APDU costs on its way through driver, frames and bus. */
export default async function run(flags: readonly string[] = []) {
  const figures: Figures = {};
  const ratios: Figures = {};
  const only = flags.find((flag) => flag.startsWith('--only='))?.slice('--only='.length);
  const isAsked = (part: string): boolean => only === undefined || only === part;
  if (isAsked('apdus')) await apdus(figures, ratios);
  if (isAsked('sales')) await inHouse(['--terminals', '1'], (house) => shares(house, figures, ratios));
  if (isAsked('memory')) await inHouse(['--terminals', String(terminals)], (house) => memory(house, figures, ratios));
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
    const taken = await sell({ folder, sales, cards: Object.keys(goalOf) });
    for (const [card, goalMs] of Object.entries(goalOf)) {
      const times = taken[card] ?? [];
      // Tap to request: what driver, kernel and application take; the card's own time and the writes stand apart.
      const ours = times.map(({ reader, kernel, payment }) => reader + kernel + payment);
      figures[`${card}: ours, tap to request, p50 ms`] = quantile(ours, 0.5);
      figures[`${card}: ours, tap to request, p99 ms`] = quantile(ours, 0.99);
      figures[`${card}: card model to request, p99 ms (apart)`] = quantile(
        times.map((one) => one.card),
        0.99,
      );
      figures[`${card}: durable writes to request, p99 ms (apart)`] = quantile(
        times.map((one) => one.storage),
        0.99,
      );
      ratios[`${card}: ours p99 / goal`] = quantile(ours, 0.99) / goalMs;
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const goalOf: Readonly<Record<string, number>> = {
  'visa-contactless': goals.contactlessMs,
  'mastercard-contactless': goals.contactlessMs,
  'visa-contact': goals.contactMs,
};

/** Sells in a thread that is set up as the bridge sets up those of its terminals. */
function sell(workerData: {
  readonly folder: string;
  readonly cards: readonly string[];
  readonly sales: number;
}): Promise<Readonly<Record<string, readonly SaleTimings[]>>> {
  scavengeAlone();
  const thread = new Worker(new URL('./bridge-terminal.mjs', import.meta.url), {
    workerData,
    resourceLimits: terminalThreadLimits,
  });
  return new Promise((resolve, reject) => thread.once('message', resolve).once('error', reject));
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
