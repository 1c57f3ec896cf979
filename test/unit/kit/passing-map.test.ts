import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { PassingMap } from '@tsunagu/protocols/kit';
import { expect, test } from 'vitest';

test('holds what is put there until it is taken out', () => {
  const map = new PassingMap<string, number>();
  map.set('a', 1);
  map.set('b', 2);
  map.set('a', 3);
  expect(map.keys()).toEqual(['a', 'b']);
  expect([map.get('a'), map.get('b'), map.get('c'), map.has('b'), map.size]).toEqual([3, 2, undefined, true, 2]);
  map.delete('a');
  map.delete('c');
  expect([map.get('a'), map.has('a'), map.size]).toEqual([undefined, false, 1]);
  map.clear();
  expect([map.get('b'), map.size]).toEqual([undefined, 0]);
});

interface Passing {
  set(key: string, value: object): unknown;
  delete(key: string): unknown;
}

/** Bytes that came among the old objects of the heap while values went through a map, a dozen of them there at once. */
function grownOld(map: Passing, collect: (how: { type: 'minor' }) => void): number {
  const old = (): number =>
    getHeapSpaceStatistics().find(({ space_name }) => space_name === 'old_space')?.space_used_size ?? 0;
  let count = 0;
  const pass = (times: number): void => {
    for (const until = count + times; count < until; count += 1) {
      map.set(
        `in ${count}`,
        Array.from({ length: 500 }, (_, at) => at + 0.5),
      );
      map.delete(`in ${count - 12}`);
    }
  };
  pass(400);
  // What lives through two of these is old: from here on the table of the map is.
  collect({ type: 'minor' });
  collect({ type: 'minor' });
  const before = old();
  for (let round = 0; round < 40; round += 1) {
    pass(200);
    collect({ type: 'minor' });
  }
  return old() - before;
}

test('what has gone through it dies young, also once its table is among the old objects of the heap', () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as (how: { type: 'minor' }) => void;
  const grown = { passing: grownOld(new PassingMap(), collect), plain: grownOld(new Map(), collect) };
  expect(grown.passing).toBeLessThan(grown.plain / 3);
});
