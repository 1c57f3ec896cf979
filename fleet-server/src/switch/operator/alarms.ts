import type { SwitchAlarmView } from '@tsunagu/protocols/fleet';
import { fail, ok, type Result } from '@tsunagu/protocols/kit';
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

/** Writes an alarm down, or counts it where the same one waits to be seen. */
export async function raiseAlarm(
  store: Pick<Store, 'write'>,
  { place, fault }: SwitchAlarm,
  id: string,
  nowMs: number,
): Promise<void> {
  const last = { facts: JSON.stringify(fault.facts ?? {}), last_at: nowMs };
  await store.write((tx) =>
    tx
      .insertInto('switch_alarms')
      .values({
        ...last,
        id,
        open_key: `${fault.code} ${place}`,
        code: fault.code,
        place,
        count: 1,
        first_at: nowMs,
        seen_by: null,
      })
      .onConflict((on) =>
        on.column('open_key').doUpdateSet((row) => ({ ...last, count: row('switch_alarms.count', '+', 1) })),
      )
      .execute(),
  );
}

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

/** A person has seen an alarm: the next of its kind is another one. SWITCH_ALARM_UNKNOWN: it was seen already, or never raised. */
export async function alarmSeen(
  store: Pick<Store, 'write'>,
  id: string,
  by: string,
): Promise<Result<void, 'SWITCH_ALARM_UNKNOWN'>> {
  const { numUpdatedRows } = await store.write((tx) =>
    tx
      .updateTable('switch_alarms')
      .set({ open_key: null, seen_by: by })
      .where('id', '=', id)
      .where('open_key', 'is not', null)
      .executeTakeFirst(),
  );
  return numUpdatedRows > 0n ? ok(undefined) : fail('SWITCH_ALARM_UNKNOWN', { facts: { id } });
}
