import type { SwitchAlarmView } from '@tsunagu/protocols/fleet';
import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import type { Generated } from 'kysely';
import {
  boundedLimit,
  isoTime,
  numberOfCursor,
  type Page,
  type PageRequest,
  pageOf,
  type Store,
} from '../../store/index.ts';
import type { Migration } from '../../store/migration.ts';
import type { SwitchAlarm } from '../ports.ts';

/** Alarms of the switch. */
export interface SwitchAlarmTables {
  /** One for each code and place it came from, however often it was raised, until a person has seen it. */
  readonly switch_alarms: {
    seq: Generated<number>;
    id: string;
    /** Code and place while nobody has seen it; null afterwards, and the next one is another. */
    open_key: string | null;
    code: string;
    /** Serial of a terminal, link and acquirer of a centre, or an issuer link. */
    place: string;
    /** Of the last time, as JSON. */
    facts: string;
    count: number;
    first_at: number;
    last_at: number;
    seen_by: string | null;
  };
}

/** Steps of the schema of alarms. */
export const switchAlarmMigrations: readonly Migration[] = [
  {
    name: 'switch-alarms-0001',
    async up(db, types) {
      await types
        .counter(db.schema.createTable('switch_alarms'), 'seq')
        .addColumn('id', 'text', (column) => column.notNull().unique())
        .addColumn('open_key', 'text', (column) => column.unique())
        .addColumn('code', 'text', (column) => column.notNull())
        .addColumn('place', 'text', (column) => column.notNull())
        .addColumn('facts', 'text', (column) => column.notNull())
        .addColumn('count', 'integer', (column) => column.notNull())
        .addColumn('first_at', types.time, (column) => column.notNull())
        .addColumn('last_at', types.time, (column) => column.notNull())
        .addColumn('seen_by', 'text')
        .execute();
    },
  },
];

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
  let query = db.selectFrom('switch_alarms').selectAll().where('open_key', 'is not', null);
  if (before.value !== undefined) query = query.where('seq', '<', before.value);
  const rows = await query
    .orderBy('seq', 'desc')
    .limit(limit + 1)
    .execute();
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
