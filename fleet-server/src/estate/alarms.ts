import type { SwitchAlarmView, TimelineEntry } from '@tsunagu/protocols/fleet';
import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import type { World } from '@tsunagu/protocols/world';
import { sql, type SqlBool, type Transaction } from 'kysely';
import {
  boundedLimit,
  type Database,
  highestFirst,
  isoTime,
  numberOfCursor,
  type Page,
  type PageRequest,
  pageOf,
  type Store,
} from '../store/index.ts';
/** What an entry of the timeline says. */
type TimelineFacts = TimelineEntry['facts'];

/** So long an alarm is kept after it was raised last, once somebody has seen it. One that nobody has seen is kept. */
const seenKeptMs = 90 * 86_400_000;

/** Which alarms a person asks for. */
export interface AlarmFilter {
  readonly code?: string | undefined;
  readonly serial?: string | undefined;
  readonly shop?: string | undefined;
}

/** Counts an alarm of a terminal's timeline among those that nobody has seen: one row for each terminal and code, however often it is raised. */
export async function countAlarm(
  tx: Transaction<Database>,
  { clock, id }: Pick<World, 'clock' | 'id'>,
  serial: string,
  { code, ...facts }: TimelineFacts,
): Promise<void> {
  const now = clock.now();
  const last = { facts: JSON.stringify(facts), last_at: now };
  const name = String(code);
  await tx
    .insertInto('terminal_alarms')
    .values({
      ...last,
      id: id(),
      open_key: `${name} ${serial}`,
      code: name,
      serial,
      count: 1,
      first_at: now,
      seen_by: null,
    })
    .onConflict((on) =>
      on.column('open_key').doUpdateSet((row) => ({ ...last, count: row('terminal_alarms.count', '+', 1) })),
    )
    .execute();
}

/** Alarms of terminals that nobody has seen yet, newest first. */
export async function alarmsUnseen(
  db: Store['db'],
  { code, serial, shop }: AlarmFilter,
  { limit: wanted, cursor }: PageRequest,
): Promise<Result<Page<SwitchAlarmView>, 'INPUT_INVALID'>> {
  const before = numberOfCursor(cursor);
  if (!before.ok) return before;
  const limit = boundedLimit(wanted);
  let query = db.selectFrom('terminal_alarms').selectAll().where('open_key', 'is not', null);
  if (code !== undefined) query = query.where('code', '=', code);
  if (serial !== undefined) query = query.where('serial', '=', serial);
  if (shop !== undefined)
    query = query.where(
      sql<SqlBool>`serial in (select placed.serial from terminals as placed where placed.shop = ${shop})`,
    );
  const rows = await highestFirst(query, 'seq', before.value, limit).execute();
  return ok(
    pageOf(
      rows,
      limit,
      ({ seq }) => seq,
      (row) => ({
        id: row.id,
        code: row.code,
        from: row.serial,
        facts: factsOf(row.facts),
        count: row.count,
        firstAt: isoTime(row.first_at),
        lastAt: isoTime(row.last_at),
      }),
    ),
  );
}

const factsOf = (text: string): SwitchAlarmView['facts'] =>
  Object.fromEntries(
    Object.entries(JSON.parse(text) as TimelineFacts).flatMap(([name, value]) =>
      value === null ? [] : [[name, value]],
    ),
  );

/**
 * A person has seen an alarm: the next of its kind is another one. Those seen long ago go with it. TERMINAL_ALARM_UNKNOWN: it was seen already, or
 * never raised.
 */
export async function alarmSeen(
  store: Pick<Store, 'write'>,
  id: string,
  by: string,
  nowMs: number,
): Promise<Result<void, 'TERMINAL_ALARM_UNKNOWN'>> {
  const { numUpdatedRows } = await store.write(async (tx) => {
    await tx
      .deleteFrom('terminal_alarms')
      .where('open_key', 'is', null)
      .where('last_at', '<', nowMs - seenKeptMs)
      .execute();
    return await tx
      .updateTable('terminal_alarms')
      .set({ open_key: null, seen_by: by })
      .where('id', '=', id)
      .where('open_key', 'is not', null)
      .executeTakeFirst();
  });
  return numUpdatedRows > 0n ? ok(undefined) : fail('TERMINAL_ALARM_UNKNOWN', { facts: { id } });
}
