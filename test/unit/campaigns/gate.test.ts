import {
  countSales,
  evidenceOf,
  freshGate,
  gateLimit,
  type GateState,
  totalsOf,
} from '@tsunagu/fleet-server/campaigns/rules/gate';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import { describe, expect, it } from 'vitest';

const chances = (seed: number) => {
  const generator = xoroshiro128plus(seed);
  return (): number => (generator.next() >>> 0) / 0x1_0000_0000;
};

interface World {
  readonly seed: number;
  /** Rates of updated terminals and of the others, by model. */
  readonly rates: readonly (readonly [updated: number, control: number])[];
  /** Sales of each side in one look. */
  readonly sales: readonly [updated: number, control: number];
  readonly looks: number;
  readonly margin: number;
  readonly alpha: number;
}

/** Looks after every block, as a server does, and says at which look the gate failed; undefined: never. */
function run({ seed, rates, sales: [a, b], looks, margin, alpha }: World): number | undefined {
  const chance = chances(seed);
  const events = (count: number, rate: number): number =>
    Array.from({ length: count }, chance).filter((value) => value < rate).length;
  let gate: GateState = freshGate;
  for (let look = 1; look <= looks; look++) {
    for (const [model, [updated, control]] of rates.entries()) {
      const eventsA = events(a, updated);
      gate = countSales(gate, `M${model}`, { salesA: a, eventsA, salesB: b, eventsB: events(b, control) }, margin);
    }
    if (evidenceOf(gate) >= 1 / alpha) return look;
  }
  return undefined;
}

const alarms = (runs: number, world: Omit<World, 'seed'>): number =>
  Array.from({ length: runs }, (_, seed) => run({ ...world, seed: seed + 1 })).filter((look) => look !== undefined)
    .length;

describe('the sequential test of a gate', () => {
  // 1,000 runs of 100 looks each, all of them looked at: with the bound at 5 % more than 72 alarms would come by chance once in a
  // thousand.
  const nulls = [
    { why: 'equal rates', rates: [[0.1, 0.1]], sales: [2, 2], margin: 0 },
    { why: 'rare events', rates: [[0.01, 0.01]], sales: [2, 6], margin: 0 },
    { why: 'common events', rates: [[0.5, 0.5]], sales: [1, 1], margin: 0 },
    { why: 'worse by the margin exactly', rates: [[0.12, 0.1]], sales: [2, 2], margin: 0.02 },
    { why: 'many updated and few others', rates: [[0.1, 0.1]], sales: [6, 1], margin: 0 },
    {
      why: 'models that differ',
      rates: [
        [0.02, 0.02],
        [0.3, 0.3],
      ],
      sales: [1, 3],
      margin: 0,
    },
  ] as const;
  it.each(nulls)('stops a good change no oftener than alpha, however often one looks: $why', (world) => {
    expect(alarms(1_000, { ...world, looks: 100, alpha: 0.05 })).toBeLessThanOrEqual(72);
  });

  const wrongs = [
    { why: 'every sale is reversed', rates: [[1, 0.02]], sales: [1, 4], looks: 20 },
    { why: 'a third is declined instead of a tenth', rates: [[0.33, 0.1]], sales: [2, 8], looks: 100 },
    { why: 'reversals go from 1 to 8 per cent', rates: [[0.08, 0.01]], sales: [5, 20], looks: 150 },
  ] as const;
  it.each(wrongs)('stops a bad change in 95 runs of 100: $why', (world) => {
    expect(alarms(100, { ...world, margin: 0.02, alpha: 0.01 / 5 })).toBeGreaterThanOrEqual(95);
  });

  it('finds a version that reverses every sale within a dozen sales', () => {
    const looks = Array.from({ length: 100 }, (_, seed) =>
      run({ seed: seed + 1, rates: [[1, 0.02]], sales: [1, 4], looks: 40, margin: 0.02, alpha: 0.002 }),
    ).map((look) => look ?? Number.POSITIVE_INFINITY);
    expect(looks.toSorted((a, b) => a - b)[95]).toBeLessThanOrEqual(12);
  });

  it('stops a good change no oftener than alpha over all its metrics together', () => {
    // Five metrics, each by chances of its own: against the bound of one alone some five times alpha would be stopped.
    const metrics = 5;
    const alpha = 0.2;
    const world = { rates: [[0.1, 0.1]], sales: [2, 2], margin: 0, looks: 100 } as const;
    const stopped = (limit: number): number =>
      Array.from({ length: 300 }, (_, campaign) =>
        Array.from({ length: metrics }, (__, metric) =>
          run({ ...world, alpha: 1 / limit, seed: 1 + campaign * metrics + metric }),
        ).some((look) => look !== undefined),
      ).filter(Boolean).length;
    const together = stopped(gateLimit(alpha, metrics));
    const alone = stopped(gateLimit(alpha, 1));
    // 300 campaigns at a fifth: 83 would come by chance once in a thousand.
    expect(together).toBeLessThanOrEqual(83);
    expect(alone).toBeGreaterThan(2 * together);
    expect(gateLimit(alpha, metrics)).toBe(metrics / alpha);
  });

  it('says nothing while one side has no sales', () => {
    let gate = freshGate;
    for (let look = 0; look < 50; look++)
      gate = countSales(gate, 'M', { salesA: 10, eventsA: 10, salesB: 0, eventsB: 0 }, 0);
    expect(evidenceOf(gate)).toBe(1);
  });

  it('keeps each value of a block an e-value: its exact expectation under the null is at most 1', () => {
    const choose = (n: number, k: number): number => (k === 0 ? 1 : (choose(n, k - 1) * (n - k + 1)) / k);
    for (const [a, b] of [
      [1, 1],
      [3, 2],
      [2, 9],
    ] as const)
      for (const margin of [0, 0.02, 0.1])
        for (const q of [0.001, 0.05, 0.3, 0.6, 0.85])
          for (const p of [q + margin, q + margin / 2, q / 2]) {
            let expected = 0;
            for (let i = 0; i <= a; i++)
              for (let j = 0; j <= b; j++) {
                const chance = choose(a, i) * p ** i * (1 - p) ** (a - i) * choose(b, j) * q ** j * (1 - q) ** (b - j);
                const gate = countSales(freshGate, 'M', { salesA: a, eventsA: i, salesB: b, eventsB: j }, margin);
                expected += chance * evidenceOf(gate);
              }
            expect(expected).toBeLessThanOrEqual(1 + 1e-9);
          }
  });
});

describe('the sales of both sides', () => {
  const seen = (salesA: number, salesB: number) => ({ salesA, eventsA: 0, salesB, eventsB: 1 });

  it('are those of models of which updated terminals sold: others are no control', () => {
    let gate = countSales(freshGate, 'CATS200', seen(0, 3), 0);
    gate = countSales(gate, 'CT-5100', seen(0, 900), 0);
    expect(totalsOf(gate)).toEqual({ salesA: 0, eventsA: 0, salesB: 0, eventsB: 0 });
    gate = countSales(gate, 'CATS200', seen(2, 4), 0);
    expect(totalsOf(gate)).toEqual({ salesA: 2, eventsA: 0, salesB: 7, eventsB: 2 });
  });
});
