import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { plantedBugs } from './bugs.ts';
import { broken, type InvariantName, invariants } from './invariants.ts';
import { orders, script, scriptOf, type Step } from './script.ts';
import { shrink } from './shrink.ts';
import { type Run, simulate } from './simulate.ts';

/** `npm run simulate` runs a thousand; here are enough to notice what broke. */
const seeds = Array.from({ length: 12 }, (_, index) => index + 1);
const runs = new Map<number, Promise<Run>>();
function runOf(seed: number): Promise<Run> {
  const run = runs.get(seed) ?? simulate(scriptOf(seed));
  runs.set(seed, run);
  return run;
}

test.each(seeds)('every invariant holds under the faults of seed %i', async (seed) => {
  const run = await runOf(seed);
  expect(run.jobs.length).toBeGreaterThan(0);
  expect(broken(run), `npm run simulate -- --seed ${seed} --shrink`).toEqual([]);
});

test('every kind of job has its effect under some seed: nothing is simulated that always fails', async () => {
  const succeeded = new Set<string>();
  for (const seed of seeds)
    for (const { type, state } of (await runOf(seed)).jobs) if (state === 'succeeded') succeeded.add(type);
  expect([...succeeded].toSorted()).toEqual([...new Set(['key.load', ...orders])].toSorted());
});

const install: Step = { at: 20_000, do: 'order', terminal: 0, type: 'software.install', isUrgent: false, delayMs: 0 };
const installed = (run: Run) =>
  run.jobs.filter(({ type, state }) => type === 'software.install' && state === 'succeeded');

test.each([100, 1_500, 4_000, 9_000])(
  'software is installed although its download is torn after %i bytes',
  async (afterBytes) => {
    const torn: Step = { at: 15_000, do: 'tear-downloads', terminal: 0, forMs: 15_000, afterBytes };
    const run = await simulate({ seed: 1, terminals: 1, steps: [torn, install] });
    expect(run.terminals[0]?.lines.torn).toBeGreaterThan(0);
    expect(installed(run)).toHaveLength(1);
    expect(broken(run)).toEqual([]);
  },
);

test.each([2, 6, 10, 14, 18, 22, 26])(
  'software is installed although the power is cut at change %i of the medium',
  async (nth) => {
    const cut: Step = {
      at: 19_999,
      do: 'cut-terminal-at-change',
      terminal: 0,
      nth,
      forMs: 2_000,
      keepsUnsynced: nth % 4 === 0,
    };
    const run = await simulate({ seed: 1, terminals: 1, steps: [cut, install] });
    expect(run.terminals[0]?.boots).toBe(2);
    expect(installed(run)).toHaveLength(1);
    expect(broken(run)).toEqual([]);
  },
);

test('the same seed twice is the same run, whatever ran between', async () => {
  const first = await simulate(scriptOf(3));
  await simulate(scriptOf(4));
  const second = await simulate(scriptOf(3));
  expect(second.trace).toEqual(first.trace);
  expect(second.hash).toBe(first.hash);
});

test.each(Object.keys(invariants) as InvariantName[])('%s notices its planted bug', async (name) => {
  const { bugs, script: of } = plantedBugs[name];
  // Without the bug the same script breaks nothing: it is the bug that is noticed.
  expect(broken(await simulate(of))).toEqual([]);
  const found = broken(await simulate(of, bugs));
  expect(found.map((one) => one.name)).toContain(name);
});

test('a failing script is shrunk to the steps that it takes', async () => {
  const { bugs, script: of } = plantedBugs.commandsTakeEffectOnce;
  const noise = Array.from({ length: 6 }, (_, index): Step[] => [
    { at: 1_000 * index, do: 'configure', language: index % 2 === 0 ? 'en' : 'ja', floorLimitMinor: 0 },
    { at: 9_000 + 5_000 * index, do: 'line-down', terminal: 1, forMs: 1_000 },
  ]).flat();
  const steps = [...noise, ...of.steps].toSorted((one, other) => one.at - other.at);
  const least = await shrink({ ...of, steps }, 'commandsTakeEffectOnce', async (candidate, name) =>
    broken(await simulate(candidate, bugs)).some((one) => one.name === name),
  );
  expect(least.steps.map((step) => step.do).toSorted()).toEqual(['cut-terminal-at-event', 'order']);
});

const regressions = new URL('regressions/', import.meta.url);
test.each(readdirSync(regressions).filter((name) => name.endsWith('.json')))(
  'what was found once stays mended: %s',
  async (name) => {
    const of = script.parse(JSON.parse(readFileSync(new URL(name, regressions), 'utf8')));
    expect(broken(await simulate(of))).toEqual([]);
  },
);
