import { describe, expect, test } from 'vitest';
import { type PlantedYearBug, plantedYearBugs } from './bugs.ts';
import { brokenIn, type YearInvariantName, yearInvariants } from './invariants.ts';
import { liveAYear, type YearOrder } from './year.ts';

/** A small fleet in a year in which a great deal happens. `npm run simulate:year` lives one with ten thousand. */
const busy: YearOrder = {
  seed: 7,
  terminals: 24,
  arrivals: 12,
  exchanges: 16,
  ends: 6,
  rounds: 6,
  cutEvery: 1_500,
  trouble: 3,
};

describe('a year in the life of a fleet', () => {
  const year = liveAYear(busy);

  test('every invariant holds, although the power of the server failed in it', async () => {
    const past = await year;
    expect(brokenIn(past)).toEqual([]);
    expect(past.cuts).toBeGreaterThan(1);
    for (const [what, { tried, refused }] of past.fleet.crew.faults) expect(refused, what).toBe(tried);
    // What is said to go wrong in it does.
    for (const what of [
      'a clone in the bag',
      'wrong serial',
      'a serial that is not listed',
      'one person for two',
      'one hand signs for both',
      'handed over by who did not have it',
      'one custodian enters two components',
      'a component of another custodian',
      'power cut before a key is written',
      'power cut before a key is reported',
      'power cut before a report',
      'returned with a sale in it',
      'scrapped with live keys',
      'a unit that speaks is declared dead',
      'the wipe of another',
    ])
      expect(past.fleet.crew.faults.get(what)?.tried ?? 0, what).toBeGreaterThan(0);
  });

  test('lives come to every end that a life can have', async () => {
    const taken = new Set([...(await year).steps.values()].flat().map(({ from, to }) => `${from}→${to}`));
    for (const way of [
      'deployed→swap',
      'swap→returned',
      'wipe→redeploy',
      'redeploy→keyed',
      'wipe→scrap',
      'refurbish→scrap',
    ])
      expect(taken).toContain(way);
    expect([...taken].some((way) => way.endsWith('→lost'))).toBe(true);
    expect([...taken].some((way) => way.endsWith('→quarantined'))).toBe(true);
  });

  test('the same seed is the same year', async () => {
    expect((await liveAYear(busy)).hash).toBe((await year).hash);
  });

  describe.each(Object.keys(yearInvariants) as YearInvariantName[])('%s', (name) => {
    test.each((plantedYearBugs[name] as readonly PlantedYearBug[]).map((planted) => [planted.is, planted] as const))(
      'notices that %s',
      async (_, { bugs, cutEvery = busy.cutEvery }) => {
        const past = await liveAYear({ ...busy, cutEvery }, bugs);
        expect(brokenIn(past).map((one) => one.name)).toContain(name);
      },
    );
  });
});
