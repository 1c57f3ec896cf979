import { reversalReasons } from '@tsunagu/protocols/acquiring';
import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import type { World } from '@tsunagu/protocols/world';
import type { Transaction } from 'kysely';
import type { Database, Store } from '../../store/index.ts';
import type { SaleEvent } from '../transaction/rules.ts';
import type { Decision, Journal } from './journal.ts';
import type { ReversalRow } from './tables.ts';
import type { SaleRow } from './written.ts';

/** The lives of advices in the journal: tried, taken, put aside for a person, settled by hand. None is ever dropped. */
export class Advices {
  readonly #world: Pick<World, 'clock'>;
  readonly #store: Pick<Store, 'db'>;
  readonly #journal: Journal;

  constructor(world: Pick<World, 'clock'>, store: Pick<Store, 'db'>, journal: Journal) {
    this.#world = world;
    this.#store = store;
    this.#journal = journal;
  }

  /** Advices of a link that the issuer has not taken yet, oldest first, those after `seq`. */
  waiting(link: string, after: number, limit: number): Promise<ReversalRow[]> {
    return this.#store.db
      .selectFrom('switch_reversals')
      .leftJoin('switch_sales', 'switch_sales.id', 'switch_reversals.sale_id')
      .selectAll('switch_reversals')
      .select('switch_sales.original_id as follows')
      .where('switch_reversals.state', 'in', ['queued', 'dead'])
      .where('switch_reversals.link', '=', link)
      .where('switch_reversals.seq', '>', after)
      .orderBy('switch_reversals.seq')
      .limit(limit)
      .execute();
  }

  /** How many wait for their issuer. */
  async count(): Promise<number> {
    const row = await this.#store.db
      .selectFrom('switch_reversals')
      .select((all) => all.fn.countAll<number>().as('count'))
      .where('state', 'in', ['queued', 'dead'])
      .where('link', 'is not', null)
      .executeTakeFirst();
    return Number(row?.count ?? 0);
  }

  /** The advice that went out under a trace number of a link, and is not taken yet. */
  byOut(link: string, outStan: string, outTime: string): Promise<ReversalRow | undefined> {
    return this.#store.db
      .selectFrom('switch_reversals')
      .selectAll()
      .where('link', '=', link)
      .where('out_stan', '=', outStan)
      .where('out_time', '=', outTime)
      .where('state', 'in', ['queued', 'dead'])
      .executeTakeFirst();
  }

  /** Counts an attempt, before it is made. The first goes out as it is, all others as a repeat. Undefined: it is over, and is not to be sent. */
  attempted(row: ReversalRow, nextAt: number): Promise<ReversalRow | undefined> {
    const after = { ...row, attempts: row.attempts + 1, next_at: nextAt };
    return this.#journal.write(async (tx, commit) => {
      const counted = await tx
        .updateTable('switch_reversals')
        .set({ attempts: after.attempts, next_at: nextAt })
        .where('id', '=', row.id)
        .where('state', 'in', ['queued', 'dead'])
        .executeTakeFirst();
      if (counted.numUpdatedRows === 0n) return undefined;
      const entry = row.advice === 'posting' ? 'posting-sent' : 'reversal-sent';
      this.#journal.entry(commit, entry, row.sale_id ?? undefined, undefined, { attempt: after.attempts });
      return after;
    });
  }

  /** An attempt did not end it. `isDead`: from now on a person has to look; it is still tried, rarely. Undefined: something else ended it meanwhile. */
  failed(
    row: ReversalRow,
    nextAt: number,
    actionCode: string | undefined,
    isDead: boolean,
  ): Promise<ReversalRow | undefined> {
    const state = isDead ? 'dead' : row.state;
    const after = { ...row, next_at: nextAt, last_action_code: actionCode ?? null, state };
    return this.#journal.write(async (tx, commit) => {
      const put = await tx
        .updateTable('switch_reversals')
        .set({ next_at: nextAt, last_action_code: after.last_action_code, state })
        .where('id', '=', row.id)
        .where('state', 'in', ['queued', 'dead'])
        .executeTakeFirst();
      if (put.numUpdatedRows === 0n) return undefined;
      if (isDead && row.state !== 'dead')
        this.#journal.entry(commit, 'reversal-stuck', row.sale_id ?? undefined, undefined, {
          attempts: row.attempts,
          actionCode: actionCode ?? '',
        });
      return after;
    });
  }

  /** The issuer took it: it is over, and so is its sale. A second time changes nothing. */
  async delivered(row: ReversalRow, day?: string): Promise<SaleRow | undefined> {
    return (await this.#end(row, 'delivered', undefined, this.#takenOf(row, day))).sale;
  }

  /** The issuer does not take what was approved in its place, and has said so for good: its books do not have it. */
  async refused(row: ReversalRow, actionCode: string): Promise<SaleRow | undefined> {
    return (await this.#end(row, 'delivered', undefined, { type: 'postingRefused' }, actionCode)).sale;
  }

  /** Whether the issuer may refuse a reversal: a person's void that waits for its word, or one that is followed by a reversal that it has to take. */
  async isVoid(row: ReversalRow): Promise<boolean> {
    const { sale_id: sale, advice, reason } = row;
    if (sale === null || advice !== 'reversal' || reason !== reversalReasons.customerCancelled) return false;
    const { state, later } = await this.#store.db
      .selectFrom('switch_sales')
      .leftJoin('switch_reversals', (join) =>
        join
          .onRef('switch_reversals.sale_id', '=', 'switch_sales.id')
          .on('switch_reversals.image', 'is not', null)
          .on('switch_reversals.seq', '>', row.seq),
      )
      .select(['switch_sales.state', 'switch_reversals.seq as later'])
      .where('switch_sales.id', '=', sale)
      .limit(1)
      .executeTakeFirstOrThrow();
    return state === 'voiding' || (state === 'reversing' && later !== null);
  }

  /** The issuer does not take a void: what went onto the card stays there. */
  async voidRefused(row: ReversalRow, actionCode: string): Promise<SaleRow | undefined> {
    const refused = { type: 'voidRefused', stood: 'approved' } as const;
    return (await this.#end(row, 'delivered', undefined, refused, actionCode)).sale;
  }

  /** The link of an advice that waits for a person. SWITCH_ADVICE_UNKNOWN: it does not. */
  async deadOn(id: string): Promise<Result<string, 'SWITCH_ADVICE_UNKNOWN'>> {
    const row = await this.#find(id);
    return row?.state === 'dead' && row.link !== null ? ok(row.link) : fail('SWITCH_ADVICE_UNKNOWN', { facts: { id } });
  }

  /** A person knows that the issuer has it, or need not have it. SWITCH_ADVICE_UNKNOWN: it waits for nobody, or its issuer took it meanwhile. */
  async settle(id: string, by: string, reason: string): Promise<Result<void, 'SWITCH_ADVICE_UNKNOWN'>> {
    const row = await this.#find(id);
    const isEnded =
      row?.state === 'dead' && (await this.#end(row, 'settled', { by, reason }, this.#takenOf(row, undefined))).isEnded;
    return isEnded ? ok(undefined) : fail('SWITCH_ADVICE_UNKNOWN', { facts: { id } });
  }

  /** A person wants it tried now. SWITCH_ADVICE_UNKNOWN: it waits for nobody, or came to its end meanwhile. */
  retry(id: string, by: string): Promise<Result<ReversalRow, 'SWITCH_ADVICE_UNKNOWN'>> {
    return this.#journal.write(async (tx, commit) => {
      const row = await tx
        .updateTable('switch_reversals')
        .set({ next_at: this.#world.clock.now() })
        .where('id', '=', id)
        .where('state', 'in', ['queued', 'dead'])
        .returningAll()
        .executeTakeFirst();
      if (!row) return fail('SWITCH_ADVICE_UNKNOWN', { facts: { id } });
      this.#journal.entry(commit, 'advice-retried', row.sale_id ?? undefined, undefined, { by });
      return ok(row);
    });
  }

  /** It counts there on the day that the issuer says in its answer, or that the advice told. */
  #takenOf(row: ReversalRow, day: string | undefined): SaleEvent {
    const type = row.advice === 'posting' ? 'postingTaken' : 'reversalAccepted';
    return { type, day: day ?? this.#journal.images.dayOf(row) };
  }

  #find(id: string): Promise<ReversalRow | undefined> {
    return this.#store.db.selectFrom('switch_reversals').selectAll().where('id', '=', id).executeTakeFirst();
  }

  #end(
    row: ReversalRow,
    state: 'delivered' | 'settled',
    hand: { readonly by: string; readonly reason: string } | undefined,
    event: SaleEvent,
    actionCode?: string,
  ): Promise<{ readonly sale: SaleRow | undefined; readonly isEnded: boolean }> {
    return this.#journal.write(async (tx, commit) => {
      const ended = await tx
        .updateTable('switch_reversals')
        .set({ state, delivered_at: this.#world.clock.now(), settled_by: hand?.by ?? null })
        .where('id', '=', row.id)
        .where('state', 'in', ['queued', 'dead'])
        .executeTakeFirst();
      const isEnded = ended.numUpdatedRows > 0n;
      if (row.sale_id === null) return { sale: undefined, isEnded };
      const sale = await commit.sale(row.sale_id);
      if (!isEnded) return { sale, isEnded };
      if (hand) this.#journal.entry(commit, 'advice-settled', sale.id, sale.serial, { ...hand });
      if (row.advice === 'posting') await standInEnded(tx, sale.id, event, actionCode);
      const none = (): Decision => {
        throw new Error('an advice that was taken answers nobody');
      };
      // What was approved in the issuer's place and posted since is that again.
      const stood = sale.decided_by === 'issuer' ? 'approved' : 'posted';
      const said = event.type === 'voidRefused' ? ({ ...event, stood } as const) : event;
      const { row: after } = await this.#journal.apply(commit, sale, said, '', 'switch', none, {
        attempts: row.attempts,
        ...(actionCode !== undefined && { actionCode }),
      });
      if (row.advice === 'reversal')
        await tx
          .updateTable('switch_reversals')
          .set({ last_action_code: after.state === stood && actionCode !== undefined ? actionCode : '400' })
          .where('sale_id', '=', sale.id)
          .where('serial', 'is not', null)
          .where('answer', 'is', null)
          .where('last_action_code', 'is', null)
          .execute();
      return { sale: after, isEnded };
    });
  }
}

/** What became of an approval in the issuer's place, however its advice came to an end; nothing for any other. */
async function standInEnded(
  tx: Transaction<Database>,
  sale: string,
  { type }: SaleEvent,
  actionCode: string | undefined,
): Promise<void> {
  await tx
    .updateTable('switch_stand_in')
    .set(type === 'postingRefused' ? { state: 'refused', action_code: actionCode ?? null } : { state: 'taken' })
    .where('sale_id', '=', sale)
    .where('state', '=', 'advising')
    .execute();
}
