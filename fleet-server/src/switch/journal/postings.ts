import type { Operation, ReconciliationItem } from '@tsunagu/protocols/acquiring';
import { transitScheme } from '@tsunagu/protocols/felica';
import type { Transaction } from 'kysely';
import type { Database, Store } from '../../store/index.ts';
import type { SaleRow } from './journal.ts';

/** What moves money, and which way: from the cardholder (debit) or back (credit). Transit cards settle with their own centre. */
function classOf({ kind, scheme }: Pick<SaleRow, 'kind' | 'scheme'>): 'debit' | 'credit' | undefined {
  if (scheme === transitScheme.key) return undefined;
  return debits.has(kind) ? 'debit' : kind === 'refund' ? 'credit' : undefined;
}
const debits: ReadonlySet<Operation> = new Set(['sale', 'completion', 'offlineSale', 'charge']);

/** A side of a transaction. */
export type Side = 'acquirer' | 'issuer';

/**
 * Counts a transaction on one side, once: a second time changes nothing. It counts on the day that was said, or on the first one after it that is still open.
 * What was never taken there is not given back either.
 */
export async function post(
  tx: Transaction<Database>,
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
    const taken = await tx
      .selectFrom('switch_postings')
      .select('seq')
      .where('sale_id', '=', row.id)
      .where('side', '=', side)
      .where('kind', '=', 'taken')
      .executeTakeFirst();
    if (!taken) return;
  }
  await tx
    .insertInto('switch_postings')
    .values({
      sale_id: row.id,
      side,
      kind,
      class: ofMoney,
      amount_minor: row.amount_minor,
      link,
      day: await openDay(tx, link, day),
      said_day: day,
      stan,
      local_time: row.local_time,
      at,
    })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

/** The first day from `day` on that is not closed. */
async function openDay(tx: Transaction<Database>, link: string, day: string): Promise<string> {
  const closed = await tx
    .selectFrom('switch_days')
    .select('day')
    .where('link', '=', link)
    .where('day', '>=', day)
    .where('state', '=', 'closed')
    .execute();
  const days = new Set(closed.map((row) => row.day));
  let open = day;
  while (days.has(open)) open = nextDay(open);
  return open;
}

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
