import type { SwitchAlarmView } from '@tsunagu/protocols/fleet';
import { type Fault, fail, ok, type Result } from '@tsunagu/protocols/kit';
import type { World } from '@tsunagu/protocols/world';
import {
  boundedLimit,
  isoTime,
  highestFirst,
  numberOfCursor,
  type Page,
  type PageRequest,
  pageOf,
  type Store,
} from '../../store/index.ts';
import type { SwitchAlarm } from '../ports.ts';

/** So often one alarm is written at most: what is raised meanwhile is counted, and written together. */
const apartMs = 1_000;
/** So long an alarm is kept after it was raised last, once somebody has seen it. One that nobody has seen is kept. */
const seenKeptMs = 90 * 86_400_000;

/** Alarms of the switch on their way to the store: one row for each code and place, however often it is raised. */
export interface AlarmDesk {
  raise(alarm: SwitchAlarm): void;
  /** Resolves when what was raised is on disk, or could not be written. */
  close(): Promise<void>;
}

/**
 * Opens the desk. Whoever has the switch refuse a thousand frames a second has it write one row a second: the first of a kind is written at once, the
 * next ones together.
 *
 * @param told hears of every alarm that is written
 */
export function openAlarmDesk(
  world: Pick<World, 'clock' | 'timers' | 'id' | 'log'>,
  store: Pick<Store, 'write'>,
  told: (alarm: SwitchAlarm) => void,
): AlarmDesk {
  /** What was raised since the last write, by code and place; undefined for nothing. */
  const held = new Map<
    string,
    { readonly alarm: SwitchAlarm; readonly count: number; readonly lastMs: number } | undefined
  >();
  const writing = new Set<Promise<void>>();
  let isClosed = false;

  function write(key: string, alarm: SwitchAlarm, count: number, lastMs: number): void {
    told(alarm);
    held.set(key, undefined);
    const written = keep(store, alarm, world.id(), count, lastMs)
      .catch((cause: unknown) => {
        world.log('error', 'alarmNotKept', { fault: { code: 'SWITCH_JOURNAL_FAILED', cause } });
      })
      .finally(() => writing.delete(written));
    writing.add(written);
    if (!isClosed) world.timers.after(apartMs, () => look(key));
  }

  function look(key: string): void {
    const raised = held.get(key);
    held.delete(key);
    if (raised) write(key, raised.alarm, raised.count, raised.lastMs);
  }

  return {
    raise(alarm) {
      const key = keyOf(alarm);
      const lastMs = world.clock.now();
      if (!held.has(key)) return write(key, alarm, 1, lastMs);
      held.set(key, { alarm, count: (held.get(key)?.count ?? 0) + 1, lastMs });
    },
    async close() {
      isClosed = true;
      for (const key of Array.from(held.keys())) look(key);
      await Promise.all(writing);
    },
  };
}

const keyOf = ({ place, fault }: SwitchAlarm): string => `${fault.code} ${place}`;

/** Writes an alarm down, or counts it where the same one waits to be seen. */
async function keep(
  store: Pick<Store, 'write'>,
  alarm: SwitchAlarm,
  id: string,
  count: number,
  lastMs: number,
): Promise<void> {
  const { place, fault } = alarm;
  const last = { facts: JSON.stringify(factsOf(fault)), last_at: lastMs };
  await store.write((tx) =>
    tx
      .insertInto('switch_alarms')
      .values({ ...last, id, open_key: keyOf(alarm), code: fault.code, place, count, first_at: lastMs, seen_by: null })
      .onConflict((on) =>
        on.column('open_key').doUpdateSet((row) => ({ ...last, count: row('switch_alarms.count', '+', count) })),
      )
      .execute(),
  );
}

/** What a person is told of it: facts, the element that it is about, and the code of what is below it. */
const factsOf = ({ facts, field, cause }: Fault): NonNullable<Fault['facts']> => ({
  ...(typeof cause === 'object' &&
    cause !== null &&
    'code' in cause &&
    typeof cause.code === 'string' && { because: cause.code }),
  ...(field !== undefined && field !== '' && { field }),
  ...facts,
});

/** How many alarms nobody has seen yet. */
export const countUnseen = async (db: Store['db']): Promise<number> =>
  Number(
    (
      await db
        .selectFrom('switch_alarms')
        .select((all) => all.fn.countAll<number>().as('count'))
        .where('open_key', 'is not', null)
        .executeTakeFirstOrThrow()
    ).count,
  );

/** Alarms that nobody has seen yet, newest first. */
export async function alarmsUnseen(
  db: Store['db'],
  { limit: wanted, cursor }: PageRequest,
): Promise<Result<Page<SwitchAlarmView>, 'INPUT_INVALID'>> {
  const before = numberOfCursor(cursor);
  if (!before.ok) return before;
  const limit = boundedLimit(wanted);
  const query = db.selectFrom('switch_alarms').selectAll().where('open_key', 'is not', null);
  const rows = await highestFirst(query, 'seq', before.value, limit).execute();
  return ok(
    pageOf(
      rows,
      limit,
      ({ seq }) => seq,
      (row) => ({
        id: row.id,
        code: row.code,
        from: row.place,
        facts: JSON.parse(row.facts) as SwitchAlarmView['facts'],
        count: row.count,
        firstAt: isoTime(row.first_at),
        lastAt: isoTime(row.last_at),
      }),
    ),
  );
}

/**
 * A person has seen an alarm: the next of its kind is another one. Those seen long ago go with it, so that there are never more than were seen in
 * ninety days. SWITCH_ALARM_UNKNOWN: it was seen already, or never raised.
 */
export async function alarmSeen(
  store: Pick<Store, 'write'>,
  id: string,
  by: string,
  nowMs: number,
): Promise<Result<void, 'SWITCH_ALARM_UNKNOWN'>> {
  const { numUpdatedRows } = await store.write(async (tx) => {
    await tx
      .deleteFrom('switch_alarms')
      .where('open_key', 'is', null)
      .where('last_at', '<', nowMs - seenKeptMs)
      .execute();
    return await tx
      .updateTable('switch_alarms')
      .set({ open_key: null, seen_by: by })
      .where('id', '=', id)
      .where('open_key', 'is not', null)
      .executeTakeFirst();
  });
  return numUpdatedRows > 0n ? ok(undefined) : fail('SWITCH_ALARM_UNKNOWN', { facts: { id } });
}
