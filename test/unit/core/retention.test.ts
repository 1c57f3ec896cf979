import { forgetTimeline, timelineKeptMs } from '@tsunagu/fleet-server/estate/index';
import { expect, test } from 'vitest';
import { twinOnDisk } from '../twin/store.ts';

test('timelines lose what is past its keeping, a batch at a time, and nothing else; a clock that was ahead hides nothing', async () => {
  const made = await twinOnDisk([{ serial: 'KEPT-1' }]);
  const { store } = made;
  const now = 2 * timelineKeptMs;
  const note = (at: number, count: number) =>
    store.db
      .insertInto('timeline')
      .values(Array.from({ length: count }, () => ({ serial: 'KEPT-1', at, kind: 'hello', facts: '{}' })))
      .execute();
  // The clock was ahead in the beginning; then come old entries, and new ones.
  await note(3 * timelineKeptMs, 600);
  for (let part = 0; part < 3; part++) await note(1, 400);
  await note(now - 1, 50);
  const left = async () =>
    Number(
      (
        await store.db
          .selectFrom('timeline')
          .select((all) => all.fn.countAll<number>().as('n'))
          .executeTakeFirst()
      )?.n,
    );
  const before = await left();
  const clock = { ...made.world.clock, now: () => now };
  const removed: number[] = [];
  for (let seen = before; await forgetTimeline({ clock }, store, timelineKeptMs); ) {
    removed.push(seen - (await left()));
    seen = await left();
  }
  expect(removed.reduce((sum, count) => sum + count, 0)).toBe(1_200);
  expect(Math.max(...removed)).toBeLessThanOrEqual(500);
  expect(await left()).toBe(before - 1_200);
  await made.close();
});
