import {
  type LifecyclePermit,
  type LifecycleState,
  type LifecycleView,
  lifecycle as states,
  lifecycleEdges,
  type MoveLifecycle,
  nextStates,
  permits,
  type Serial,
} from '@tsunagu/protocols/fleet';
import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import type { World } from '@tsunagu/protocols/world';
import type { Transaction } from 'kysely';
import { type Database, isoTime, type Queryable, type Store } from '../store/index.ts';
import type { Note } from './timeline.ts';

export interface LifecycleRooms {
  readonly world: Pick<World, 'clock' | 'log'>;
  readonly store: Store;
  readonly note: Note;
  /** Ends whatever connection the terminal has, on every wire. */
  disconnect(serial: Serial): void;
  announce(serial: Serial): void;
}

/** Where terminals are in their lives: moved along the edges of the table, and by nothing else. */
export interface Lifecycle {
  view(serial: Serial): Promise<Result<LifecycleView, 'TERMINAL_UNKNOWN'>>;
  /**
   * Moves a terminal along an edge. Order of faults: terminal unknown, not in the state it was believed to be in, no such edge. A state that
   * does not permit a connection ends those that are there.
   */
  move(
    serial: Serial,
    move: MoveLifecycle,
    by: { readonly subject: string },
  ): Promise<Result<LifecycleView, 'TERMINAL_UNKNOWN' | 'LIFECYCLE_STATE_CONFLICT' | 'LIFECYCLE_EDGE_UNKNOWN'>>;
}

const historyMax = 100;

/** The first step of a life, in the transaction that puts the terminal on the inventory. */
export async function beginLife(
  tx: Transaction<Database>,
  serial: Serial,
  state: LifecycleState,
  at: number,
  by: string,
): Promise<void> {
  await tx
    .insertInto('lifecycle_moves')
    .values({ serial, at, from_state: null, to_state: state, by, reason: 'registered', evidence: null })
    .execute();
}

/** Whether a terminal may do this in the state that it is in. */
export async function mayNow(
  on: Queryable,
  serial: Serial,
  what: LifecyclePermit,
): Promise<Result<void, 'TERMINAL_UNKNOWN' | 'LIFECYCLE_FORBIDS'>> {
  const row = await on.selectFrom('terminals').select('lifecycle').where('serial', '=', serial).executeTakeFirst();
  if (!row) return fail('TERMINAL_UNKNOWN', { field: 'serial' });
  return permits(row.lifecycle, what)
    ? ok(undefined)
    : fail('LIFECYCLE_FORBIDS', { facts: { serial, state: row.lifecycle, what } });
}

export function openLifecycle(rooms: LifecycleRooms): Lifecycle {
  const { world, store } = rooms;

  async function view(serial: Serial): Promise<Result<LifecycleView, 'TERMINAL_UNKNOWN'>> {
    const row = await store.db
      .selectFrom('terminals')
      .select(['lifecycle', 'lifecycle_since'])
      .where('serial', '=', serial)
      .executeTakeFirst();
    if (!row) return fail('TERMINAL_UNKNOWN', { facts: { serial } });
    const moves = await store.db
      .selectFrom('lifecycle_moves')
      .selectAll()
      .where('serial', '=', serial)
      .orderBy('id', 'desc')
      .limit(historyMax)
      .execute();
    return ok({
      state: row.lifecycle,
      since: isoTime(row.lifecycle_since),
      permits: [...states[row.lifecycle].permits],
      next: lifecycleEdges
        .filter(({ from }) => from === row.lifecycle)
        .map(({ to, evidence }) => ({ to, evidence: [...evidence] })),
      history: moves.map(({ id, at, from_state, to_state, by, reason }) => ({
        id,
        at: isoTime(at),
        from: from_state,
        to: to_state,
        by,
        reason,
      })),
    });
  }

  return {
    view,
    async move(serial, { to, reason, from }, by) {
      const moved = await store.write(
        async (
          tx,
        ): Promise<
          Result<LifecycleState, 'TERMINAL_UNKNOWN' | 'LIFECYCLE_STATE_CONFLICT' | 'LIFECYCLE_EDGE_UNKNOWN'>
        > => {
          const row = await tx
            .selectFrom('terminals')
            .select('lifecycle')
            .where('serial', '=', serial)
            .executeTakeFirst();
          if (!row) return fail('TERMINAL_UNKNOWN', { facts: { serial } });
          const before = row.lifecycle;
          if (from !== undefined && from !== before)
            return fail('LIFECYCLE_STATE_CONFLICT', { field: 'from', facts: { state: before } });
          if (!nextStates(before).includes(to))
            return fail('LIFECYCLE_EDGE_UNKNOWN', {
              field: 'to',
              facts: { from: before, to, next: nextStates(before).join(' ') },
            });
          const at = world.clock.now();
          await tx
            .updateTable('terminals')
            .set({ lifecycle: to, lifecycle_since: at })
            .where('serial', '=', serial)
            .execute();
          await tx
            .insertInto('lifecycle_moves')
            .values({ serial, at, from_state: before, to_state: to, by: by.subject, reason, evidence: null })
            .execute();
          await rooms.note(tx, serial, 'lifecycle-moved', { from: before, to, by: by.subject, reason });
          return ok(before);
        },
      );
      if (!moved.ok) return moved;
      world.log('info', 'lifecycleMoved', { serial, from: moved.value, to, by: by.subject });
      if (!permits(to, 'connect')) rooms.disconnect(serial);
      rooms.announce(serial);
      return await view(serial);
    },
  };
}
