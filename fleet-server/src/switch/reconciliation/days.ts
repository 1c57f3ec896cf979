import { type ReconciliationDifference, type ReconciliationTotals, totalsOf } from '@tsunagu/protocols/acquiring';
import type { LinkProfile } from '@tsunagu/protocols/iso8583';
import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import type { Selectable, Transaction } from 'kysely';
import type { Database, Store } from '../../store/index.ts';
import { itemsOf } from '../journal/postings.ts';
import type { SwitchTables } from '../journal/tables.ts';

/** A business day of a link as it was compared. */
export type DayRow = Selectable<SwitchTables['switch_days']>;
/** One item of it that differs. */
export type DifferenceRow = Selectable<SwitchTables['switch_differences']>;

/** What a comparison found. */
export interface ComparedDay {
  readonly link: string;
  readonly day: string;
  readonly state: DayRow['state'];
  readonly ours: ReconciliationTotals;
  readonly theirs: ReconciliationTotals | undefined;
  readonly result: DayRow['result'];
  readonly at: number;
  /** By whose figures it is closed, and who had it closed; undefined while it is not. */
  readonly settled: { readonly why: Policy; readonly by: string } | undefined;
}

/** Why a day is closed: a person settled it, or what a comparison found and the link profile says of that. */
export type Settling = NonNullable<DayRow['settled_why']>;
type Policy = Exclude<Settling, 'by-hand'>;

/** Whose totals count then. */
const figuresOf = { balanced: 'both', 'settle-ours': 'ours', 'settle-theirs': 'theirs' } as const satisfies Record<
  Policy,
  DayRow['figures']
>;

/** Why a day may be closed; undefined: it is held. Nothing is settled by totals that nobody has. */
export function settlingOf(
  isBalanced: boolean,
  policy: LinkProfile['reconciliation']['outOfBalance'],
  theirs: ReconciliationTotals | undefined,
): Policy | undefined {
  if (isBalanced) return 'balanced';
  return policy === 'hold' || (policy === 'settle-theirs' && theirs === undefined) ? undefined : policy;
}

/** The totals that count of a day: of one that is open, and of one of which nobody knows whose do, ours. */
export const countedOf = ({ figures, ours, theirs }: Pick<DayRow, 'figures' | 'ours' | 'theirs'>) =>
  JSON.parse(figures === 'theirs' && theirs !== null ? theirs : ours) as ReconciliationTotals;

/** Writes down how a day compares. A closed day (`wasClosed`) is left as it is, and handed out as it was. */
export async function keepDay(
  tx: Transaction<Database>,
  compared: ComparedDay,
  items?: {
    readonly found: readonly ReconciliationDifference[];
    readonly saleOf: (stan: string, localTime: string) => string | undefined;
  },
): Promise<{ readonly row: DayRow; readonly wasClosed: boolean }> {
  const { link, day, at } = compared;
  const known = await tx
    .selectFrom('switch_days')
    .selectAll()
    .where('link', '=', link)
    .where('day', '=', day)
    .executeTakeFirst();
  if (known?.state === 'closed') return { row: known, wasClosed: true };
  const row: DayRow = {
    link,
    day,
    state: compared.state,
    ours: JSON.stringify(compared.ours),
    theirs: compared.theirs ? JSON.stringify(compared.theirs) : null,
    result: compared.result,
    differences: items?.found.length ?? 0,
    at,
    figures: compared.settled ? figuresOf[compared.settled.why] : null,
    settled_by: compared.settled?.by ?? null,
    settled_why: compared.settled?.why ?? null,
  };
  await tx
    .insertInto('switch_days')
    .values(row)
    .onConflict((conflict) => conflict.columns(['link', 'day']).doUpdateSet(row))
    .execute();
  await tx.deleteFrom('switch_differences').where('link', '=', link).where('day', '=', day).execute();
  for (const { stan, localTime, kind, oursMinor, theirsMinor } of items?.found ?? []) {
    // One that only the far side has may still be known to us: without an outcome, or refused.
    const sale =
      items?.saleOf(stan, localTime) ??
      (
        await tx
          .selectFrom('switch_sales')
          .select('id')
          .where('link', '=', link)
          .where('out_stan', '=', stan)
          .where('local_time', '=', localTime)
          .executeTakeFirst()
      )?.id;
    await tx
      .insertInto('switch_differences')
      .values({
        link,
        day,
        stan,
        local_time: localTime,
        kind,
        ours_minor: oursMinor,
        theirs_minor: theirsMinor,
        sale_id: sale ?? null,
        at,
      })
      .execute();
  }
  return { row, wasClosed: false };
}

/** Why a person cannot settle a day. */
export type HandFault =
  | 'SWITCH_DAY_NOT_COMPARED'
  | 'SWITCH_DAY_CLOSED'
  | 'SWITCH_DAY_NOT_HELD'
  | 'SWITCH_DAY_THEIRS_UNKNOWN';

/** Closes a day that is held by the figures that a person says. */
export async function settleDay(
  tx: Transaction<Database>,
  hand: Pick<DayRow, 'link' | 'day' | 'at'> & { readonly figures: 'ours' | 'theirs'; readonly by: string },
): Promise<Result<DayRow, HandFault>> {
  const { link, day, figures, by, at } = hand;
  const known = await tx
    .selectFrom('switch_days')
    .selectAll()
    .where('link', '=', link)
    .where('day', '=', day)
    .executeTakeFirst();
  const facts = { link, day };
  if (!known) return fail('SWITCH_DAY_NOT_COMPARED', { facts });
  if (known.state === 'closed') return fail('SWITCH_DAY_CLOSED', { facts });
  if (known.result !== 'held') return fail('SWITCH_DAY_NOT_HELD', { facts: { ...facts, result: known.result } });
  if (figures === 'theirs' && known.theirs === null) return fail('SWITCH_DAY_THEIRS_UNKNOWN', { facts });
  // Something of the day may have been given back since it was compared.
  const ours = JSON.stringify(totalsOf(await itemsOf(tx, link, day)));
  const closed = {
    state: 'closed',
    result: 'unbalanced',
    ours,
    figures,
    settled_by: by,
    settled_why: 'by-hand',
    at,
  } as const;
  await tx.updateTable('switch_days').set(closed).where('link', '=', link).where('day', '=', day).execute();
  return ok({ ...known, ...closed });
}

/** The items of a day that differ. */
export const differencesOfDay = async (
  db: Store['db'],
  link: string,
  day: string,
): Promise<readonly ReconciliationDifference[]> =>
  (await differenceRows(db, link, day)).map((row) => ({
    stan: row.stan,
    localTime: row.local_time,
    kind: row.kind,
    oursMinor: row.ours_minor,
    theirsMinor: row.theirs_minor,
  }));

/** The same, as they are stored: at most ten thousand. */
export const differenceRows = (db: Store['db'], link: string, day: string): Promise<DifferenceRow[]> =>
  db
    .selectFrom('switch_differences')
    .selectAll()
    .where('link', '=', link)
    .where('day', '=', day)
    .orderBy('seq')
    .limit(10_000)
    .execute();
