import { type Operation, operations, transitDialogue } from '@tsunagu/protocols/acquiring';
import type { OwnCurrency, SaleLine, Serial } from '@tsunagu/protocols/fleet';
import { serialSchema } from '@tsunagu/protocols/fleet';
import type { Store } from '../../store/index.ts';
import { ownCurrenciesOf } from '../dcc/views.ts';
import type { SaleRow } from './written.ts';

const outcomes = {
  refused: 'declined',
  'send-intended': 'pending',
  approved: 'approved',
  declined: 'declined',
  posting: 'approved',
  posted: 'approved',
  reversing: 'pending',
  voiding: 'pending',
  reversed: 'reversed',
} as const satisfies Record<SaleRow['state'], SaleLine['outcome']>;

/** A sale of the journal as people see it; in the cardholder's currency as well, where that is known. */
export const saleLineOf = (row: SaleRow, ownCurrency?: OwnCurrency): SaleLine => ({
  id: row.id,
  at: new Date(row.received_at).toISOString(),
  serial: serialSchema.parse(row.serial),
  decidedBy: row.decided_by ?? 'issuer',
  outcome: outcomes[row.state],
  mti: operations[row.kind].mti,
  kind: row.kind,
  amountMinor: row.amount_minor,
  currency: row.currency,
  scheme: row.scheme,
  entry: row.entry,
  lastFour: row.last_four,
  token: row.pan_token,
  stan: row.stan,
  rrn: row.rrn,
  ...(ownCurrency && { ownCurrency }),
  actionCode: row.action_code,
  reason: row.reason,
  durationMs: row.answered_at === null ? null : Math.max(0, row.answered_at - row.received_at),
});

/** Where a list of sales goes on: below this moment, and below this id among the sales of that moment. */
export interface SalesBefore {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly id: string;
}

/** What the last minutes came to. */
export interface SaleTotals {
  readonly approved: number;
  readonly declined: number;
  readonly reversed: number;
  /** Of the approved ones. */
  readonly amountMinor: number;
}

/** Sales, newest first, ordered by (time, id), so that another list with the same order can be merged in. */
export async function salesBefore(
  store: Pick<Store, 'db'>,
  before: SalesBefore | undefined,
  limit: number,
  serial?: Serial,
): Promise<readonly SaleLine[]> {
  let query = store.db
    .selectFrom('switch_sales')
    .selectAll()
    .where('kind', 'not in', transitDialogue)
    .where('origin', '=', 'terminals');
  if (serial !== undefined) query = query.where('serial', '=', serial);
  if (before !== undefined)
    query = query.where((where) =>
      where.or([
        where('received_at', '<', before.at),
        where.and([where('received_at', '=', before.at), where('id', '<', before.id)]),
      ]),
    );
  const rows = await query.orderBy('received_at', 'desc').orderBy('id', 'desc').limit(limit).execute();
  const own = await ownCurrenciesOf(store.db, rows);
  return rows.map((row) => saleLineOf(row, own.get(row.id)));
}

/** Kinds that move money to the merchant. */
const moving: ReadonlySet<Operation> = new Set(['sale', 'completion', 'offlineSale']);

/** Totals of the sales since a moment. */
export async function saleTotals(store: Pick<Store, 'db'>, since: number): Promise<SaleTotals> {
  const rows = await store.db
    .selectFrom('switch_sales')
    .select((all) => [
      'state',
      'kind',
      all.fn.countAll<number>().as('count'),
      all.fn.sum<number>('amount_minor').as('amount'),
    ])
    .where('received_at', '>=', since)
    .where('kind', 'not in', transitDialogue)
    .groupBy(['state', 'kind'])
    .execute();
  const countOf = (outcome: SaleLine['outcome']): number =>
    rows.filter((row) => outcomes[row.state] === outcome).reduce((sum, row) => sum + Number(row.count), 0);
  const approved = rows.filter((row) => outcomes[row.state] === 'approved' && moving.has(row.kind));
  return {
    approved: countOf('approved'),
    declined: countOf('declined'),
    reversed: countOf('reversed'),
    amountMinor: approved.reduce((sum, row) => sum + Number(row.amount), 0),
  };
}
