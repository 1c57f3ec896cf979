import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { plantedBugs } from './bugs.ts';
import { broken, type InvariantName, invariants } from './invariants.ts';
import { script, scriptOf, type Step } from './script.ts';
import { shrink } from './shrink.ts';
import { simulate } from './simulate.ts';

/** `npm run simulate` runs a thousand; here are enough to notice what broke. */
const seeds = 12;

test.each(Array.from({ length: seeds }, (_, index) => index + 1))(
  'every invariant holds under the faults of seed %i',
  async (seed) => {
    const run = await simulate(scriptOf(seed));
    expect(run.jobs.length).toBeGreaterThan(0);
    expect(broken(run), `npm run simulate -- --seed ${seed} --shrink`).toEqual([]);
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
