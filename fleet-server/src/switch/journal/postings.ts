import { directionOf, type ReconciliationItem } from '@tsunagu/protocols/acquiring';
import { transitScheme } from '@tsunagu/protocols/felica';
import type { Insertable, Transaction } from 'kysely';
import { type Database, insertRows, type Store } from '../../store/index.ts';
import type { Commit } from './commit.ts';
import type { SwitchTables } from './tables.ts';
import type { SaleRow } from './written.ts';

/** What moves money, and which way: from the cardholder (debit) or back (credit). Transit cards settle with their own centre. */
const classOf = ({ kind, scheme }: Pick<SaleRow, 'kind' | 'scheme'>): 'debit' | 'credit' | undefined =>
  scheme === transitScheme.key ? undefined : directionOf(kind);

/** A side of a transaction. */
export type Side = 'acquirer' | 'issuer';

/** What counts, before the day is found on which it does. */
export type NewPosting = Omit<Insertable<SwitchTables['switch_postings']>, 'seq' | 'day'>;

/**
 * Counts a transaction on one side, once: a second time changes nothing. It counts on the day that was said, or on the first one after it that is still open.
 * What was never taken there is not given back either.
 */
export async function post(
  commit: Commit,
  row: SaleRow,
  side: Side,
  kind: 'taken' | 'given-back',
  saidDay: string | undefined,
  at: number,
): Promise<void> {
  const ofMoney = classOf(row);
  const link = side === 'issuer' ? row.link : row.origin;
  const stan = side === 'issuer' ? row.out_stan : row.stan;
  const day = saidDay ?? (side === 'issuer' ? row.issuer_day : row.acquirer_day);
  if (ofMoney === undefined || link === null || stan === null || day === null) return;
  if (kind === 'given-back') {
    const tx = await commit.direct();
    const taken = await tx
      .selectFrom('switch_postings')
      .select('seq')
      .where('sale_id', '=', row.id)
      .where('side', '=', side)
      .where('kind', '=', 'taken')
      .executeTakeFirst();
    if (!taken) return;
  }
  commit.posting({
    sale_id: row.id,
    side,
    kind,
    class: ofMoney,
    amount_minor: row.amount_minor,
    link,
    said_day: day,
    stan,
    local_time: row.local_time,
    at,
  });
}

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
