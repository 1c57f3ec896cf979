import type { ReconciliationItem } from '@tsunagu/protocols/acquiring';
import type { Insertable, Transaction } from 'kysely';
import { type Database, insertRows, type Store } from '../../store/index.ts';
import type { SwitchTables } from './tables.ts';

/** What counts, before the day is found on which it does. */
export type NewPosting = Omit<Insertable<SwitchTables['switch_postings']>, 'seq' | 'day'>;

/** Writes postings, each on its day. */
export async function writePostings(tx: Transaction<Database>, postings: readonly NewPosting[]): Promise<void> {
  if (postings.length === 0) return;
  const days = postings.map(({ said_day }) => said_day).sort();
  const closed = await tx
    .selectFrom('switch_days')
    .select(['link', 'day'])
    .where('day', '>=', days[0] ?? '')
    .where('state', '=', 'closed')
    .execute();
  const closedDays = new Set(closed.map(({ link, day }) => `${day}/${link}`));
  const rows = postings.map((posting) => {
    let day = posting.said_day;
    while (closedDays.has(`${day}/${posting.link}`)) day = nextDay(day);
    return { ...posting, day };
  });
  await insertRows(tx, 'switch_postings', postingColumns, rows, postingAgain);
}
/** Columns of a posting, and what is said of one that is there. */
export const postingColumns = {
  plain: ['sale_id', 'side', 'kind', 'class', 'amount_minor', 'link', 'day', 'said_day', 'stan', 'local_time', 'at'],
} as const;
export const postingAgain = 'ON CONFLICT DO NOTHING';

/** The day after a YYMMDD; the century is this one. */
export function nextDay(day: string): string {
  const [year, month, date] = [0, 2, 4].map((at) => Number(day.slice(at, at + 2)));
  const next = new Date(Date.UTC(2000 + (year ?? 0), (month ?? 1) - 1, (date ?? 1) + 1));
  return next.toISOString().slice(2, 10).replaceAll('-', '');
}

/** What counts on a business day of a link, in the order of the journal. */
export async function itemsOf(
  db: Store['db'],
  link: string,
  day: string,
): Promise<readonly (ReconciliationItem & { readonly saleId: string })[]> {
  const rows = await db
    .selectFrom('switch_postings')
    .selectAll()
    .where('link', '=', link)
    .where('day', '=', day)
    .orderBy('seq')
    .execute();
  return rows.map((row) => ({
    saleId: row.sale_id,
    stan: row.stan,
    localTime: row.local_time,
    kind: row.kind === 'taken' ? row.class : (`${row.class}-reversal` as const),
    amountMinor: row.amount_minor,
  }));
}
