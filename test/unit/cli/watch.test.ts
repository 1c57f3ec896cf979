import { fail, ok } from '@tsunagu/protocols/kit';
import { expect, test } from 'vitest';
import { afterDeath, deathsMax, keepRunning, type Part } from '../../../cli/src/house/watch.ts';

const world = {
  clock: { now: () => 0, monotonicMs: () => 0 },
  timers: {
    after: () => ({ cancel: () => undefined }),
    every: () => ({ cancel: () => undefined }),
    sleep: () => Promise.resolve(),
  },
};
const events = { died: () => undefined, returned: () => undefined };
const running = { ready: { event: 'ready' as const }, stop: () => Promise.resolve() };
const never = new Promise<void>(() => undefined);
const dead = { ...running, name: 'dead', ended: Promise.resolve() };
const alive = { ...running, name: 'alive', ended: never };

test('the pause after a death grows, up to half a minute; deaths of long ago do not count', () => {
  expect(afterDeath([0])).toEqual({ pauseMs: 1_000 });
  expect(afterDeath([0, 1, 2])).toEqual({ pauseMs: 4_000 });
  expect(afterDeath([0, 1, 2, 3, 600_002])).toEqual({ pauseMs: 2_000 });
  expect(afterDeath([0, 1, 2, 3, 4])).toBe('give-up');
});

test('a part that dies is started again, one that holds is left alone', async () => {
  const over = new AbortController();
  let starts = 0;
  const held: Part = { child: alive, start: () => Promise.reject(new Error('it holds')) };
  const part: Part = {
    child: dead,
    start() {
      starts += 1;
      // The first try does not come up.
      return Promise.resolve(starts === 1 ? fail('PROCESS_DIED') : ok(alive));
    },
  };
  const returned = new Promise<void>((resolve) => {
    void keepRunning(world, [held, part], { ...events, returned: () => resolve() }, over.signal);
  });
  await returned;
  over.abort();
  expect(starts).toBe(2);
  expect(part.child).toBe(alive);
});

test('a part that dies again and again ends the house, and is named', async () => {
  let starts = 0;
  const part: Part = {
    child: dead,
    start() {
      starts += 1;
      return Promise.resolve(ok(dead));
    },
  };
  const held: Part = { child: alive, start: () => Promise.reject(new Error('it holds')) };
  expect(await keepRunning(world, [held, part], events, new AbortController().signal)).toBe(part);
  expect(starts).toBe(deathsMax - 1);
});

test('the signal ends the watch while a part is being started, and what came up is known', async () => {
  const over = new AbortController();
  const part: Part = {
    child: dead,
    start() {
      over.abort();
      return Promise.resolve(ok(alive));
    },
  };
  expect(await keepRunning(world, [part], events, over.signal)).toBeUndefined();
  expect(part.child).toBe(alive);
});
