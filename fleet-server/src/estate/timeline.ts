import { type Serial, serialSchema, type TimelineEntry, timelineEntry } from '@tsunagu/protocols/fleet';
import type { World } from '@tsunagu/protocols/world';
import type { Transaction } from 'kysely';
import { type Database, isoTime, type Store } from '../store/index.ts';
import { terminalAlarms } from './alarms.ts';

/** What an entry of the timeline says besides its kind. */
export type TimelineFacts = TimelineEntry['facts'];

/** Notes something in the transaction that makes it true. An alarm also stands in the list of those that nobody has seen. */
export type Note = (
  tx: Transaction<Database>,
  serial: Serial,
  kind: TimelineEntry['kind'],
  facts?: TimelineFacts,
) => Promise<void>;

export const noteWith =
  (world: Pick<World, 'clock' | 'id'>): Note =>
  async (tx, serial, kind, facts = {}) => {
    const atMs = world.clock.now();
    if (kind === 'alarm') {
      const { code, ...about } = facts;
      const raised = { id: world.id(), code: String(code), from: serial, facts: about, count: 1, atMs };
      await terminalAlarms.raise(tx, raised);
    }
    await tx
      .insertInto('timeline')
      .values({ serial, at: atMs, kind, facts: JSON.stringify(facts) })
      .execute();
  };

/** Notes what a message of a terminal tells; false when that message was heard before. */
export const noteOnceWith =
  (world: Pick<World, 'clock'>) =>
  async (
    tx: Transaction<Database>,
    serial: Serial,
    message: string,
    kind: TimelineEntry['kind'],
    facts: TimelineFacts,
  ): Promise<boolean> => {
    const noted = await tx
      .insertInto('timeline')
      .values({ serial, at: world.clock.now(), kind, facts: JSON.stringify(facts), message })
      .onConflict((conflict) => conflict.doNothing())
      .executeTakeFirst();
    return noted.numInsertedOrUpdatedRows === 1n;
  };

/** A row of the event log as a person sees it. */
export const timelineEntryOf = (row: { id: number; at: number; kind: string; facts: string }): TimelineEntry =>
  timelineEntry.parse({ id: row.id, at: isoTime(row.at), kind: row.kind, facts: JSON.parse(row.facts) });

/** The most entries that are shown at once; onlookers who want more read the timeline itself. */
const shownMax = 500;

/** Follows the event log: each call hands out what was committed since the last one, in order. */
export async function followTimeline(store: Store): Promise<() => Promise<(TimelineEntry & { serial: Serial })[]>> {
  const newest = await store.db.selectFrom('timeline').select('id').orderBy('id', 'desc').executeTakeFirst();
  let shown = newest?.id ?? 0;
  return async () => {
    const rows = await store.db
      .selectFrom('timeline')
      .selectAll()
      .where('id', '>', shown)
      .orderBy('id')
      .limit(shownMax)
      .execute();
    shown = rows.at(-1)?.id ?? shown;
    return rows.map((row) => ({ ...timelineEntryOf(row), serial: serialSchema.parse(row.serial) }));
  };
}
