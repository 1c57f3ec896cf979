import type { SwitchAlarmView } from '@tsunagu/protocols/fleet';
import type { ErrorCode } from '@tsunagu/protocols/errors';
import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import { type Expression, sql, type SqlBool, type Transaction } from 'kysely';
import {
  type Database,
  highestFirst,
  isoTime,
  type Page,
  type PageRequest,
  type Store,
  pageOn,
  viewPage,
} from '../store/index.ts';

/** So long an alarm is kept after it was raised last, once somebody has seen it. One that nobody has seen is kept. */
const seenKeptMs = 90 * 86_400_000;

/** An alarm on its way into a list. */
export interface AlarmRaised {
  readonly id: string;
  readonly code: string;
  /** Where it comes from. */
  readonly from: string;
  readonly facts: Readonly<Record<string, string | number | boolean | null>>;
  /** How often it was raised since it was written last. */
  readonly count: number;
  readonly atMs: number;
}

/** Which alarms a person asks for, or has seen. */
export interface AlarmFilter {
  readonly code?: string | undefined;
  /** Where it comes from. */
  readonly from?: string | undefined;
  /** What else holds of the row. */
  readonly where?: Expression<SqlBool> | undefined;
}

/** How many alarms of a code nobody has seen yet. */
export interface AlarmCount {
  readonly code: string;
  readonly count: number;
}

/** Alarms that nobody has seen yet, in a table of theirs. */
export interface AlarmList<Unknown extends ErrorCode> {
  /** Writes an alarm down, or counts it where the same one waits to be seen. */
  raise(tx: Transaction<Database>, alarm: AlarmRaised): Promise<void>;
  /** Those that nobody has seen yet, newest first. */
  unseen(
    db: Store['db'],
    filter: AlarmFilter,
    page: PageRequest,
  ): Promise<Result<Page<SwitchAlarmView>, 'INPUT_INVALID'>>;
  /** How many of each code nobody has seen yet. */
  counts(db: Store['db']): Promise<readonly AlarmCount[]>;
  /** A person has seen one: the next of its kind is another one. `unknown`: it was seen already, or never raised. */
  seen(store: Pick<Store, 'write'>, id: string, by: string, nowMs: number): Promise<Result<void, Unknown>>;
  /** A person has seen all that a filter finds and that were not raised after `untilMs`; says how many they were. */
  seenAll(
    store: Pick<Store, 'write'>,
    filter: AlarmFilter & { readonly untilMs: number },
    by: string,
    nowMs: number,
  ): Promise<number>;
}

/**
 * The list in one table. Those seen long ago go with the next that is seen, so that there are never more than were seen in ninety days.
 *
 * @param origin its column of where an alarm comes from
 */
export function alarmList<Unknown extends ErrorCode>({
  table,
  origin,
  unknown,
}: {
  readonly table: 'switch_alarms' | 'terminal_alarms';
  readonly origin: string;
  readonly unknown: Unknown;
}): AlarmList<Unknown> {
  const from = sql.ref<string>(origin);

  const found = ({ code, from: wanted, where }: AlarmFilter) =>
    sql<SqlBool>`open_key is not null${code === undefined ? sql`` : sql` and code = ${code}`}${
      wanted === undefined ? sql`` : sql` and ${from} = ${wanted}`
    }${where === undefined ? sql`` : sql` and ${where}`}`;

  const markSeen = (
    store: Pick<Store, 'write'>,
    which: Expression<SqlBool>,
    by: string,
    nowMs: number,
  ): Promise<number> =>
    store.write(async (tx) => {
      await tx
        .deleteFrom(table)
        .where('open_key', 'is', null)
        .where('last_at', '<', nowMs - seenKeptMs)
        .execute();
      const { numUpdatedRows } = await tx
        .updateTable(table)
        .set({ open_key: null, seen_by: by })
        .where('open_key', 'is not', null)
        .where(which)
        .executeTakeFirst();
      return Number(numUpdatedRows);
    });

  return {
    async raise(tx, { id, code, from: where, facts, count, atMs }) {
      await sql`
        insert into ${sql.table(table)} (id, open_key, code, ${from}, facts, count, first_at, last_at)
        values (${id}, ${`${code} ${where}`}, ${code}, ${where}, ${JSON.stringify(facts)}, ${count}, ${atMs}, ${atMs})
        on conflict (open_key) do update set facts = excluded.facts, last_at = excluded.last_at,
          count = ${sql.table(table)}.count + excluded.count`.execute(tx);
    },
    async unseen(db, filter, page) {
      const query = db
        .selectFrom(table)
        .select(['seq', 'id', 'code', 'facts', 'count', 'first_at', 'last_at', from.as('from')])
        .where(found(filter));
      return viewPage(await pageOn(query, highestFirst('seq'), page), (row) => ({
        id: row.id,
        code: row.code,
        from: row.from,
        facts: factsOf(row.facts),
        count: row.count,
        firstAt: isoTime(row.first_at),
        lastAt: isoTime(row.last_at),
      }));
    },
    async counts(db) {
      const rows = await db
        .selectFrom(table)
        .select((all) => ['code', all.fn.countAll<number>().as('count')])
        .where('open_key', 'is not', null)
        .groupBy('code')
        .execute();
      return rows.map(({ code, count }) => ({ code, count: Number(count) }));
    },
    async seen(store, id, by, nowMs) {
      const marked = await markSeen(store, sql<SqlBool>`id = ${id}`, by, nowMs);
      return marked > 0 ? ok(undefined) : fail(unknown, { facts: { id } });
    },
    seenAll: (store, { untilMs, ...filter }, by, nowMs) =>
      markSeen(store, sql<SqlBool>`${found(filter)} and last_at <= ${untilMs}`, by, nowMs),
  };
}

const factsOf = (text: string): SwitchAlarmView['facts'] =>
  Object.fromEntries(
    Object.entries(JSON.parse(text) as AlarmRaised['facts']).flatMap(([name, value]) =>
      value === null ? [] : [[name, value]],
    ),
  );
