import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { forgetfulDisk, plantedBugs } from './bugs.ts';
import { broken, type InvariantName, invariantNames } from './invariants.ts';
import { script, scriptOf } from './script.ts';
import { simulate } from './simulate.ts';

/** `npm run simulate:switch` runs a thousand; here are enough to notice that it runs at all. */
test.each([1, 2, 3, 4, 5, 6])('every invariant holds under the faults of seed %i', async (seed) => {
  const run = await simulate(scriptOf(seed));
  expect(run.verdict.issuer.approved).toBeGreaterThan(0);
  expect(broken(run), `npm run simulate:switch -- --seed ${seed} --shrink`).toEqual([]);
});

test('the same seed twice is the same run', async () => {
  const first = await simulate(scriptOf(3));
  const second = await simulate(scriptOf(3));
  expect(second.trace).toEqual(first.trace);
});

test.each(invariantNames)('%s notices its planted bug', async (name: InvariantName) => {
  const { bugs, script: of } = plantedBugs[name];
  // Without the bug the same script breaks nothing: it is the bug that is noticed.
  expect(broken(await simulate(of))).toEqual([]);
  expect(broken(await simulate(of, bugs)).map((one) => one.name)).toContain(name);
});

test('a disk that loses what it said it had kept is noticed', async () => {
  expect(broken(await simulate(forgetfulDisk.script))).toEqual([]);
  expect(broken(await simulate(forgetfulDisk.script, forgetfulDisk.bugs))).not.toEqual([]);
});

const regressions = new URL('regressions/', import.meta.url);
test.each(readdirSync(regressions))('what was found once stays mended: %s', async (name) => {
  const of = script.parse(JSON.parse(readFileSync(new URL(name, regressions), 'utf8')));
  expect(broken(await simulate(of))).toEqual([]);
});
