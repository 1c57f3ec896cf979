import { type Serial, serialSchema, silenceMinMs } from '@tsunagu/protocols/fleet';
import type { World } from '@tsunagu/protocols/world';
import type { Store } from '../store/index.ts';
import type { HeardRooms } from './heard-of.ts';

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

/** Terminals that one turn looks at, and sales of one that it looks for. */
const tellersMax = 500;
const toldMax = 500;

/**
 * Forgets the queued sales that the switch has got: who counts what waits in its hellos has them forgotten with each, who does not never would. What the switch
 * did not get stays, until a count says otherwise. Those of the last day stay: that the terminal spoke is known by them.
 * @returns the terminal that the next turn begins after; undefined when all were looked at
 */
export async function forgetArrived(
  world: Pick<World, 'clock'>,
  store: Store,
  atSwitch: HeardRooms['atSwitch'],
  after = '',
): Promise<Serial | undefined> {
  const before = world.clock.now() - silenceMinMs;
  const tellers = await store.db
    .selectFrom('queued_sales')
    .leftJoin('wipes', 'wipes.serial', 'queued_sales.serial')
    .select((all) => ['queued_sales.serial', all.fn.max<number | null>('wipes.at').as('wiped_at')])
    .where('queued_sales.serial', '>', after)
    .where('queued_sales.at', '<', before)
    .groupBy('queued_sales.serial')
    .orderBy('queued_sales.serial')
    .limit(tellersMax)
    .execute();
  for (const { serial: text, wiped_at } of tellers) {
    const serial = serialSchema.parse(text);
    const told = store.db
      .selectFrom('queued_sales')
      .select('stan')
      .where('serial', '=', serial)
      .where('at', '<', before);
    const stans = (await told.orderBy('at').limit(toldMax).execute()).map(({ stan }) => stan);
    const { came } = await atSwitch(store.db, serial, stans, wiped_at ?? 0);
    if (came.size === 0) continue;
    await store.write((tx) =>
      tx
        .deleteFrom('queued_sales')
        .where('serial', '=', serial)
        .where('at', '<', before)
        .where('stan', 'in', [...came])
        .execute(),
    );
  }
  const last = tellers.at(-1);
  return last && tellers.length === tellersMax ? serialSchema.parse(last.serial) : undefined;
}
