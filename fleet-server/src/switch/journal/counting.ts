import { directionOf } from '@tsunagu/protocols/acquiring';
import { transitScheme } from '@tsunagu/protocols/felica';
import type { Commit } from './commit.ts';
import type { SaleRow } from './written.ts';

/** Business days, as the links have them. */
export interface Calendar {
  /** That of an issuer link now, where its messages say it (DE28). */
  issuer(link: string | null): string | undefined;
  /** That of where a transaction came from, at a moment. */
  acquirer(origin: string, nowMs: number): string;
}

/** What moves money, and which way: from the cardholder (debit) or back (credit). Transit cards settle with their own centre. */
const classOf = ({ kind, scheme }: Pick<SaleRow, 'kind' | 'scheme'>): 'debit' | 'credit' | undefined =>
  scheme === transitScheme.key ? undefined : directionOf(kind);

/** A side of a transaction. */
export type Side = 'acquirer' | 'issuer';

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
