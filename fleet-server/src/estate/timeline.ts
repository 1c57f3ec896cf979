import { type Serial, type TimelineEntry, timelineEntry } from '@tsunagu/protocols/fleet';
import type { World } from '@tsunagu/protocols/world';
import type { Transaction } from 'kysely';
import type { LiveHub } from '../live/index.ts';
import { type Database, isoTime } from '../store/index.ts';

/** What an entry of the timeline says besides its kind. */
export type TimelineFacts = TimelineEntry['facts'];

/** A row of the event log as a person sees it. */
export const timelineEntryOf = (row: { id: number; at: number; kind: string; facts: string }): TimelineEntry =>
  timelineEntry.parse({ id: row.id, at: isoTime(row.at), kind: row.kind, facts: JSON.parse(row.facts) });

/** Appends to the event log. */
export interface Timeline {
  /** Notes something in the transaction that makes it true. Onlookers hear of it once `settled` was called after the commit. */
  note(tx: Transaction<Database>, serial: Serial, kind: TimelineEntry['kind'], facts?: TimelineFacts): Promise<void>;
  /** Shows what was noted for this terminal since the last call. Nothing of a transaction that failed is shown. */
  settled(serial: Serial): Promise<void>;
}

export function openTimeline(world: Pick<World, 'clock'>, live: LiveHub): Timeline {
  // Waiting entries by terminal; those of a transaction that was undone have ids that the store does not know.
  const waiting = new Map<Serial, { at: number; kind: TimelineEntry['kind']; facts: TimelineFacts; id: number }[]>();
  return {
    async note(tx, serial, kind, facts = {}) {
      const at = world.clock.now();
      const { id } = await tx
        .insertInto('timeline')
        .values({ serial, at, kind, facts: JSON.stringify(facts) })
        .returning('id')
        .executeTakeFirstOrThrow();
      waiting.set(serial, [...(waiting.get(serial) ?? []), { id, at, kind, facts }].slice(-100));
    },
    settled(serial) {
      const entries = waiting.get(serial) ?? [];
      waiting.delete(serial);
      for (const { id, at, kind, facts } of entries)
        live.publish({ name: 'timeline', data: { id, at: isoTime(at), kind, facts, serial } });
      return Promise.resolve();
    },
  };
}
