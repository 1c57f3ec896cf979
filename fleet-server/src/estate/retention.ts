import type { World } from '@tsunagu/protocols/world';
import type { Store } from '../store/index.ts';

/** How long an entry of the timelines is kept unless told: a year, and a month to look back at it. The audit log and steps of lives stay. */
export const timelineKeptMs = 400 * 86_400_000;
/** Entries that one transaction removes, and those that one turn looks at: the writer is never held for long. */
const removedMax = 500;
const looksMax = 20;

/**
 * Removes the oldest entries of the timelines, a few at a time. Ids rise with time; where the clock was ahead once, entries that look new
 * stand before older ones, and are passed over.
 * @returns whether there may be more
 */
export async function forgetTimeline(world: Pick<World, 'clock'>, store: Store, keptMs: number): Promise<boolean> {
  const before = world.clock.now() - keptMs;
  let after = 0;
  for (let look = 0; look < looksMax; look++) {
    const rows = await store.db
      .selectFrom('timeline')
      .select(['id', 'at'])
      .where('id', '>', after)
      .orderBy('id')
      .limit(removedMax)
      .execute();
    const old = rows.filter(({ at }) => at < before).map(({ id }) => id);
    if (old.length > 0) {
      await store.write(async (tx) => {
        await tx.deleteFrom('timeline').where('id', 'in', old).execute();
      });
      return true;
    }
    const last = rows.at(-1);
    if (!last || rows.length < removedMax) return false;
    after = last.id;
  }
  return false;
}
