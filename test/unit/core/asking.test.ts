import { openAsking } from '@tsunagu/fleet-server/conversation/asking';
import { serialSchema } from '@tsunagu/protocols/fleet';
import { expect, test } from 'vitest';

test('a fleet is asked so many a second, each terminal once, and whoever is added in between waits behind them', () => {
  const due: (() => void)[] = [];
  let cancelled = 0;
  const timers = {
    after: (_ms: number, work: () => void) => {
      due.push(work);
      return { cancel: () => void (cancelled += 1) };
    },
    every: () => ({ cancel: () => undefined }),
    sleep: () => Promise.resolve(),
  };
  const told: string[] = [];
  const asking = openAsking({ timers }, (serial) => void told.push(serial), 3);
  const [a, b, c, d, e] = ['A', 'B', 'C', 'D', 'E'].map((letter) => serialSchema.parse(`CT5100-000${letter}`));
  if (!a || !b || !c || !d || !e) throw new Error('five serials');
  asking.ask([a, b, c, d]);
  expect(told).toEqual([a, b, c]);
  // The second has no room left, and who waits is not put in twice.
  asking.ask([d, e]);
  expect(told).toEqual([a, b, c]);
  expect(due).toHaveLength(1);
  due.shift()?.();
  expect(told).toEqual([a, b, c, d, e]);
  // A second without anybody ends it; the next one asked is asked at once.
  due.shift()?.();
  expect(due).toHaveLength(0);
  asking.ask([a]);
  expect(told.at(-1)).toBe(a);
  asking.close();
  expect(cancelled).toBe(1);
});
