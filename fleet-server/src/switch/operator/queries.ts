import { parsePaymentMethod } from '@tsunagu/protocols/acquiring';
import {
  type OwnCurrency,
  type SaleMethod,
  type SwitchAdvice,
  type SwitchReconciliation,
  type SwitchSearch,
  type SwitchTransaction,
  type SwitchTransactionDetail,
  saleMethod,
} from '@tsunagu/protocols/fleet';
import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import {
  boundedLimit,
  isoTime,
  keyOfCursor,
  highestFirst,
  type Page,
  type PageRequest,
  pageOf,
  type Store,
  lowestFirst,
  pageOn,
  viewPage,
} from '../../store/index.ts';
import { ownCurrenciesOf } from '../dcc/views.ts';
import type { Facts } from '../journal/commit.ts';
import type { SaleRow } from '../journal/written.ts';
import { notApproved } from '../journal/tables.ts';
import type { DayRow } from '../reconciliation/days.ts';
import type { SaleState } from '../transaction/rules.ts';

const statesOf: Readonly<Record<NonNullable<SwitchSearch['state']>, readonly SaleState[]>> = {
  approved: ['approved', 'posting', 'posted'],
  declined: ['declined', 'refused'],
  reversed: ['reversed'],
  unknown: ['send-intended', 'reversing', 'voiding'],
};

/** Transactions of the journal that a search finds, newest first. */
export async function searchTransactions(
  db: Store['db'],
  search: SwitchSearch,
  page: PageRequest,
): Promise<Result<Page<SwitchTransaction>, 'INPUT_INVALID'>> {
  const found = await pageOn(fitting(db, search).selectAll(), highestFirst('seq'), page);
  if (!found.ok) return found;
  const own = await ownCurrenciesOf(db, found.value.items);
  const methods = await methodsOf(db, found.value.items);
  return viewPage(found, (row) => viewOf(row, own.get(row.id), methods.get(row.id)));
}

/** Whether the journal has a transaction that a search finds. */
export async function hasTransactions(db: Store['db'], search: SwitchSearch): Promise<boolean> {
  return (await fitting(db, search).select('seq').limit(1).executeTakeFirst()) !== undefined;
}

/** The transactions that a search asks for. */
function fitting(db: Store['db'], search: SwitchSearch) {
  let query = db.selectFrom('switch_sales');
  if (search.token !== undefined) query = query.where('pan_token', '=', search.token);
  if (search.lastFour !== undefined) query = query.where('last_four', '=', search.lastFour);
  // It ends with the trace number, which is what sales are found by.
  if (search.rrn !== undefined)
    query = query.where('rrn', '=', search.rrn).where('out_stan', '=', search.rrn.slice(-6));
  if (search.amount !== undefined) query = query.where('amount_minor', '=', search.amount);
  if (search.link !== undefined) query = query.where('link', '=', search.link);
  if (search.origin !== undefined) query = query.where('origin', '=', search.origin);
  if (search.state !== undefined) query = query.where('state', 'in', [...statesOf[search.state]]);
  if (search.state !== undefined && search.state !== 'approved') query = query.where(notApproved);
  const { terminal } = search;
  if (terminal !== undefined)
    query = query.where((where) => where.or([where('terminal_id', '=', terminal), where('serial', '=', terminal)]));
  return query;
}

/** A transaction with what the journal says of it. SWITCH_TRANSACTION_UNKNOWN. */
export async function transactionDetail(
  db: Store['db'],
  id: string,
): Promise<Result<SwitchTransactionDetail, 'SWITCH_TRANSACTION_UNKNOWN'>> {
  const row = await db.selectFrom('switch_sales').selectAll().where('id', '=', id).executeTakeFirst();
  if (!row) return fail('SWITCH_TRANSACTION_UNKNOWN', { facts: { id } });
  const entries = await db
    .selectFrom('switch_journal')
    .selectAll()
    .where('sale_id', '=', id)
    .orderBy('seq')
    .limit(500)
    .execute();
  const postings = await db
    .selectFrom('switch_postings')
    .selectAll()
    .where('sale_id', '=', id)
    .orderBy('seq')
    .execute();
  return ok({
    ...viewOf(row, (await ownCurrenciesOf(db, [row])).get(row.id), (await methodsOf(db, [row])).get(row.id)),
    entries: entries.flatMap(({ at, entry, facts }) =>
      entry.split(' ').map((name) => ({
        at: isoTime(at),
        entry: name,
        facts: JSON.parse(facts) as SwitchTransactionDetail['entries'][number]['facts'],
      })),
    ),
    postings: postings.map((posting) => ({
      side: posting.side,
      kind: posting.kind,
      class: posting.class,
      amountMinor: posting.amount_minor,
      link: posting.link,
      day: posting.day,
      saidDay: posting.said_day,
    })),
  });
}

/** How those of these sales are paid that are not paid at once, by id. */
async function methodsOf(
  db: Store['db'],
  sales: readonly { readonly id: string }[],
): Promise<ReadonlyMap<string, SaleMethod>> {
  if (sales.length === 0) return new Map();
  const rows = await db
    .selectFrom('switch_journal')
    .select(['sale_id', 'facts'])
    .where(
      'sale_id',
      'in',
      sales.map(({ id }) => id),
    )
    .where('facts', 'like', '%"paymentMethod":%')
    .execute();
  return new Map(
    rows.flatMap(({ sale_id: id, facts }) => {
      const { paymentMethod } = JSON.parse(facts) as Facts;
      const method = parsePaymentMethod(typeof paymentMethod === 'string' ? paymentMethod : undefined);
      return id !== null && method.ok ? [[id, saleMethod.parse(method.value)] as const] : [];
    }),
  );
}

const viewOf = (
  row: SaleRow,
  ownCurrency: OwnCurrency | undefined,
  method: SaleMethod | undefined,
): SwitchTransaction => ({
  id: row.id,
  at: isoTime(row.received_at),
  origin: row.origin,
  from: row.serial,
  terminal: row.terminal_id,
  merchant: row.merchant_id,
  kind: row.kind,
  state: row.state,
  amountMinor: row.amount_minor,
  currency: row.currency,
  ...(ownCurrency && { ownCurrency }),
  ...(method && { method }),
  scheme: row.scheme,
  entry: row.entry,
  lastFour: row.last_four,
  token: row.pan_token,
  stan: row.stan,
  outStan: row.out_stan,
  rrn: row.rrn,
  link: row.link,
  issuerDay: row.issuer_day,
  acquirerDay: row.acquirer_day,
  decidedBy: row.decided_by,
  actionCode: row.action_code,
  approvalCode: row.approval_code,
  reason: row.reason,
  routingVersion: row.routing_version,
});

/** How many advices wait for each link. */
export async function adviceCounts(db: Store['db']): Promise<ReadonlyMap<string, number>> {
  const rows = await db
    .selectFrom('switch_reversals')
    .select((all) => ['link', all.fn.countAll<number>().as('count')])
    .where('state', 'in', ['queued', 'dead'])
    .groupBy('link')
    .execute();
  return new Map(rows.flatMap(({ link, count }) => (link === null ? [] : [[link, Number(count)] as const])));
}

/** Advices by link and state: those that wait, and those that a person has to look at. */
export async function adviceStates(
  db: Store['db'],
): Promise<readonly { readonly link: string; readonly state: 'queued' | 'dead'; readonly count: number }[]> {
  const rows = await db
    .selectFrom('switch_reversals')
    .select((all) => ['link', 'state', all.fn.countAll<number>().as('count')])
    .where('state', 'in', ['queued', 'dead'])
    .where('link', 'is not', null)
    .groupBy(['link', 'state'])
    .execute();
  return rows.map(({ link, state, count }) => ({
    link: link ?? '',
    state: state === 'dead' ? 'dead' : 'queued',
    count: Number(count),
  }));
}

/** Advices that issuers have not taken yet, oldest first. */
export async function advicesWaiting(
  db: Store['db'],
  isDead: boolean,
  page: PageRequest,
): Promise<Result<Page<SwitchAdvice>, 'INPUT_INVALID'>> {
  const query = db
    .selectFrom('switch_reversals')
    .leftJoin('switch_sales', 'switch_sales.id', 'switch_reversals.sale_id')
    .selectAll('switch_reversals')
    .select(['switch_sales.amount_minor', 'switch_sales.last_four'])
    .where('switch_reversals.state', 'in', isDead ? ['dead'] : ['queued', 'dead'])
    .where('switch_reversals.link', 'is not', null);
  return viewPage(await pageOn(query, lowestFirst('switch_reversals.seq'), page), (row) => ({
    id: row.id,
    transaction: row.sale_id,
    kind: row.advice,
    link: row.link ?? '',
    state: row.state === 'dead' ? 'dead' : 'queued',
    reason: row.reason,
    attempts: row.attempts,
    lastActionCode: row.last_action_code,
    createdAt: isoTime(row.created_at),
    nextAt: isoTime(row.next_at),
    amountMinor: row.amount_minor,
    lastFour: row.last_four,
  }));
}

/** Business days that were compared, newest first, and by link within a day. */
export async function reconciliations(
  db: Store['db'],
  { limit: wanted, cursor }: PageRequest,
  viewOfDay: (row: DayRow) => SwitchReconciliation,
): Promise<Result<Page<SwitchReconciliation>, 'INPUT_INVALID'>> {
  const key = keyOfCursor(cursor);
  if (!key.ok) return key;
  const [day, link] = key.value?.split(' ') ?? [];
  const limit = boundedLimit(wanted);
  let query = db.selectFrom('switch_days').selectAll();
  if (day !== undefined && link !== undefined)
    query = query.where((where) =>
      where.or([where('day', '<', day), where.and([where('day', '=', day), where('link', '>', link)])]),
    );
  const rows = await query
    .orderBy('day', 'desc')
    .orderBy('link')
    .limit(limit + 1)
    .execute();
  return ok(pageOf(rows, limit, (row) => `${row.day} ${row.link}`, viewOfDay));
}
