import { isVoided, totalsOf } from '@tsunagu/firmware-bridge/sales/index';
import type { PaymentOrder, SaleResult } from '@tsunagu/protocols/fleet';
import { describe, expect, it } from 'vitest';
import { MemoryFiles } from '../agent/memory-files.ts';
import { Centre, type LineMood } from './centre.ts';
import { boot } from './terminal.ts';

/** What is done while the power fails; `before` is done on the same disk with the power on. */
interface Scenario {
  readonly name: string;
  readonly before: readonly PaymentOrder[];
  readonly order: PaymentOrder;
}

const sale: PaymentOrder = { kind: 'sale', amountMinor: 1_280, card: 'visa-stripe' };
const preauth: PaymentOrder = { kind: 'preauth', amountMinor: 9_000, card: 'visa-stripe' };
const offline: PaymentOrder = { kind: 'sale', amountMinor: 700, card: 'visa-offline' };

const scenarios: readonly Scenario[] = [
  { name: 'a sale', before: [], order: sale },
  { name: 'an authorisation', before: [], order: preauth },
  { name: 'an offline sale', before: [], order: offline },
  { name: 'a void', before: [sale], order: { kind: 'void', original: '1' } },
  { name: 'a refund', before: [sale], order: { kind: 'refund', original: '1', amountMinor: 500 } },
  { name: 'a completion', before: [preauth], order: { kind: 'complete', original: '1', amountMinor: 8_000 } },
  { name: 'a balance inquiry', before: [], order: { kind: 'balance', card: 'visa-stripe' } },
];

/** The line, while the power fails: whole, or with the first answer to everything lost. */
const moods: Readonly<Record<string, (nth: number) => LineMood>> = {
  'a whole line': () => 'whole',
  'a line that loses first answers': (nth) => (nth === 0 ? 'answerLost' : 'whole'),
  'a line that doubles': () => 'doubled',
};

/** Runs a scenario with the power failing at change `failAt`. @returns whether the power failed at all */
async function cut(scenario: Scenario, mood: (nth: number) => LineMood, failAt: number, keepUnsynced: boolean) {
  const centre = new Centre();
  const disk = new MemoryFiles();
  const acquirer = (isAlive: () => boolean) => centre.line(isAlive);
  const prepared = await boot({ files: disk, acquirer });
  for (const order of scenario.before) expect((await prepared.side.run(order)).outcome).toBe('approved');
  await prepared.drained();
  await prepared.side.close();

  centre.mood = (_, nth) => mood(nth);
  const failing = disk.afterPowerLoss(true, failAt);
  let told: SaleResult | undefined;
  let isCut = false;
  try {
    const running = await boot({ files: failing, acquirer, failAt });
    const result = await running.side.run(scenario.order);
    isCut = failing.changes >= failAt;
    // What a dead terminal says is heard by nobody.
    if (!isCut) told = result;
    await running.side.close();
  } catch {
    isCut = true;
  }
  const after = await boot({ files: failing.afterPowerLoss(keepUnsynced), acquirer });
  await after.drained();
  const { sales, advices } = after.ports;
  const totals = totalsOf(sales.day, sales.all(), advices.entries());
  const where = `${scenario.name}, change ${failAt}, ${failing.log.at(-1)}`;
  // The terminal's books are the centre's, whatever happened.
  expect(totals.netMinor, where).toBe(centre.netMinor);
  expect(centre.complaints, where).toEqual([]);
  if (told?.outcome === 'approved') {
    const kept = sales.all().find(({ slip }) => slip === told.slip);
    expect(kept?.outcome, where).toBe('approved');
    expect(kept && isVoided(sales.all(), kept), where).toBe(false);
  }
  // The next payment is as good as any.
  centre.mood = () => 'whole';
  expect((await after.side.run(sale)).outcome, where).toBe('approved');
  await after.side.close();
  return { isCut, net: centre.netMinor };
}

/** More changes than any scenario makes. */
const changesMax = 80;

describe.each(Object.entries(moods))('power that fails at any write, on %s', (_, mood) => {
  it.each(scenarios)('leaves the books of terminal and centre the same: $name', async (scenario) => {
    let failAt = 1;
    for (; failAt < changesMax; failAt++) {
      const outcomes = [await cut(scenario, mood, failAt, false), await cut(scenario, mood, failAt, true)];
      if (outcomes.every(({ isCut }) => !isCut)) break;
    }
    // The enumeration came to its end: every write was the last one once.
    expect(failAt).toBeGreaterThan(6);
    expect(failAt).toBeLessThan(changesMax);
  });
});
