import { reversalReasons } from '@tsunagu/protocols/acquiring';
import type { DukptKsn } from '@tsunagu/protocols/dukpt';
import type { Message } from '@tsunagu/protocols/iso8583';
import type { World } from '@tsunagu/protocols/world';
import type { Transaction } from 'kysely';
import type { Database } from '../../store/index.ts';
import type { SaleStep } from '../transaction/rules.ts';
import {
  asksIssuer,
  type Followed,
  isFollowUp,
  judgeArrival,
  judgeCancellation,
  judgeFollowUp,
} from '../transaction/rules.ts';
import type { Commit, Facts } from './commit.ts';
import type { Decide, Decision, Journal } from './journal.ts';
import { post } from './counting.ts';
import { queueAdvice } from './queue-advice.ts';
import type { ReversalRow } from './tables.ts';
import type { SaleRow } from './written.ts';

/** What became of a sale that arrived. */
export type SaleArrival =
  | { readonly type: 'stored'; readonly row: SaleRow; readonly queued?: ReversalRow }
  | { readonly type: 'replay'; readonly row: SaleRow }
  | { readonly type: 'in-progress'; readonly row: SaleRow }
  | { readonly type: 'differs'; readonly row: SaleRow }
  /** A reversal of it came first, and wins: nothing is sent. */
  | { readonly type: 'reversed-before'; readonly row: SaleRow };

/** What became of a terminal's reversal that arrived. */
export type ReversalArrival =
  | {
      readonly type: 'stored';
      readonly answer: Uint8Array;
      readonly sale: SaleRow | undefined;
      readonly step: SaleStep | undefined;
      readonly queued: ReversalRow | undefined;
    }
  | { readonly type: 'replay'; readonly answer: Uint8Array }
  | { readonly type: 'differs' }
  /** The issuer has not said yet whether it takes it, or the one before it: the sale, and how it is now where this was written down just now. */
  | {
      readonly type: 'waiting';
      readonly saleId: string;
      readonly stepped?: { readonly row: SaleRow; readonly step: SaleStep; readonly queued: ReversalRow | undefined };
    }
  /** Its sale came meanwhile, over another link than was thought: come again. */
  | { readonly type: 'again' };

/** What arrives, against what is on file under its key: judged and stored in one commit. */
export class Arrivals {
  readonly #world: Pick<World, 'clock' | 'id'>;
  readonly #journal: Journal;

  constructor(world: Pick<World, 'clock' | 'id'>, journal: Journal) {
    this.#world = world;
    this.#journal = journal;
  }

  /**
   * Compares a request with what is on file under its key, and stores it when it is new; `sale.state` says whether it will be sent.
   * What follows another transaction is judged in the same commit, so that two refunds cannot both find the same money.
   * @param refuse makes the answer of a refusal
   * @param posting for an advice: what the issuer will hear; it is queued in the same commit
   * @param also judges what else has to be right, and writes what belongs to it
   * @param told what else the journal says of its arrival
   */
  sale(
    sale: SaleRow,
    ksn: DukptKsn | undefined,
    refuse: (actionCode: string, reason?: string) => Decision,
    posting?: Message,
    also?: (
      commit: Commit,
      sale: SaleRow,
    ) => Promise<{ readonly actionCode: string; readonly reason: string } | undefined>,
    told: Facts = {},
  ): Promise<SaleArrival> {
    const key = { serial: sale.serial, stan: sale.stan, local_time: sale.local_time };
    return this.#journal.commit(
      async (commit): Promise<SaleArrival> => {
        if (ksn) commit.counter(ksn, this.#world.clock.now());
        const known = await commit.saleByKey(key);
        const arrival = judgeArrival(
          sale.body_tag,
          known && { bodyTag: known.body_tag, isAnswered: known.answer !== null },
        );
        if (known && arrival !== 'new') {
          if (arrival === 'replay') this.#journal.entry(commit, 'replayed', known.id, sale.serial);
          if (arrival === 'differs') this.#journal.entry(commit, 'duplicate-differs', known.id, sale.serial);
          return { type: arrival, row: known };
        }
        const earlier = await commit.reversalBefore(key);
        const nothingSent = { link: null, image: null } as const;
        const refusal =
          earlier !== undefined || sale.state === 'refused'
            ? undefined
            : ((await this.#judgeFollowUp(commit, sale)) ?? (await also?.(commit, sale)));
        const row: SaleRow =
          earlier !== undefined
            ? { ...sale, ...this.#journal.decided(refuse('902')), state: 'reversed', ...nothingSent }
            : refusal === undefined
              ? sale
              : {
                  ...sale,
                  ...this.#journal.decided(refuse(refusal.actionCode, refusal.reason)),
                  state: 'refused',
                  ...nothingSent,
                };
        commit.insertSale(row);
        this.#journal.entry(commit, 'received', row.id, row.serial, {
          stan: row.stan,
          amountMinor: row.amount_minor,
          ...told,
        });
        if (earlier !== undefined) {
          this.#journal.entry(commit, 'original-after-reversal', row.id, row.serial);
          const tx = await commit.direct();
          await tx.updateTable('switch_reversals').set({ sale_id: row.id }).where('id', '=', earlier).execute();
          return { type: 'reversed-before', row };
        }
        if (row.state === 'refused')
          this.#journal.entry(commit, 'refused', row.id, row.serial, { reason: row.reason ?? '' });
        else
          this.#journal.entry(commit, 'send-intended', row.id, row.serial, {
            link: row.link ?? '',
            outStan: row.out_stan ?? '',
            routingVersion: row.routing_version,
          });
        if (row.state !== 'posting' || posting === undefined) return { type: 'stored', row };
        await post(commit, row, 'acquirer', 'taken', undefined, row.received_at);
        this.#journal.entry(commit, 'posting-queued', row.id, row.serial);
        return {
          type: 'stored',
          row,
          queued: await queueAdvice(this.#journal.queueing, commit, row, posting, 'posting', 'terminal', ''),
        };
      },
      { arriving: key },
    );
  }

  async #judgeFollowUp(
    commit: Commit,
    sale: SaleRow,
  ): Promise<{ readonly actionCode: string; readonly reason: string } | undefined> {
    if (!isFollowUp(sale.kind)) return undefined;
    const tx = await commit.direct();
    const wanted = { kind: sale.kind, amountMinor: sale.amount_minor, panToken: sale.pan_token };
    const original = sale.original_id ?? undefined;
    const known =
      original === undefined
        ? undefined
        : await tx.selectFrom('switch_sales').selectAll().where('id', '=', original).executeTakeFirst();
    const actionCode = judgeFollowUp(wanted, known && followed(known), known ? await followersOf(tx, known.id) : []);
    return actionCode === undefined ? undefined : { actionCode, reason: 'SWITCH_FOLLOW_UP_REFUSED' };
  }

  /** Stores a terminal's 1420, matched with its original; what it asks of the issuer is queued in the same commit. */
  reversal(
    arrived: {
      readonly serial: string;
      readonly stan: string;
      readonly localTime: string;
      readonly bodyTag: string;
      readonly original: { readonly stan: string; readonly localTime: string };
      readonly reason: string;
      /** The action code of a contract that forbids it, for a sale that is known. */
      readonly forbids: (sale: SaleRow, nowMs: number) => string | undefined;
      /** The answer, by its action code. */
      readonly answer: (actionCode: string) => Uint8Array;
    },
    ksn: DukptKsn | undefined,
    outStan: { readonly link: string | null; readonly stan: string },
    decide: Decide,
  ): Promise<ReversalArrival> {
    return this.#journal.commit(async (commit): Promise<ReversalArrival> => {
      const tx = await commit.direct();
      const now = this.#world.clock.now();
      const { serial, stan, localTime, original } = arrived;
      if (ksn) commit.counter(ksn, this.#world.clock.now());
      const known = await tx
        .selectFrom('switch_reversals')
        .selectAll()
        .where('serial', '=', serial)
        .where('stan', '=', stan)
        .where('local_time', '=', localTime)
        .executeTakeFirst();
      if (known) {
        const isSame = known.body_tag === arrived.bodyTag;
        if (isSame && known.answer === null && known.sale_id !== null) return await this.#voidAgain(tx, known, arrived);
        this.#journal.entry(commit, isSame ? 'replayed' : 'duplicate-differs', known.sale_id ?? undefined, serial);
        return isSame && known.answer ? { type: 'replay', answer: known.answer } : { type: 'differs' };
      }
      const sale = await commit.saleByKey({ serial, stan: original.stan, local_time: original.localTime });
      if (sale && sale.link !== outStan.link) return { type: 'again' };
      const refusal =
        judgeCancellation(arrived.reason, sale && followed(sale), sale ? await followersOf(tx, sale.id) : []) ??
        (sale && arrived.forbids(sale, now));
      // Two voids of one sale: what becomes of the first decides what the second is.
      const isVoid = arrived.reason === reversalReasons.customerCancelled;
      if (sale?.state === 'voiding' && isVoid && refusal === undefined) return { type: 'waiting', saleId: sale.id };
      const isAsked = sale !== undefined && refusal === undefined && asksIssuer(arrived.reason, sale);
      const stepped =
        sale &&
        refusal === undefined &&
        (await this.#journal.apply(
          commit,
          sale,
          { type: isAsked ? 'voidAsked' : 'terminalReversed', reason: arrived.reason },
          outStan.stan,
          'terminal',
          decide,
          {
            stan,
            reason: arrived.reason,
          },
        ));
      if (!sale)
        this.#journal.entry(commit, 'reversal-without-original', undefined, serial, {
          stan,
          originalStan: original.stan,
        });
      const answer = isAsked ? null : arrived.answer(refusal ?? '400');
      await commit.flush();
      await tx
        .insertInto('switch_reversals')
        .values({
          id: this.#world.id(),
          sale_id: sale?.id ?? null,
          advice: 'reversal',
          origin: 'terminal',
          serial,
          stan,
          local_time: localTime,
          body_tag: arrived.bodyTag,
          // A cancellation that was refused takes nothing back, and does not wait for its original either.
          original_stan: refusal === undefined ? original.stan : null,
          original_local_time: refusal === undefined ? original.localTime : null,
          reason: arrived.reason,
          link: null,
          image: null,
          // What the issuer has to hear is the row that the step queued; this one is the terminal's word.
          state: 'settled',
          attempts: 0,
          next_at: now,
          answer,
          created_at: now,
          delivered_at: null,
          out_stan: null,
          out_time: null,
          last_action_code: null,
          settled_by: null,
        })
        .execute();
      if (answer === null) {
        if (!stepped) throw new Error('a void of nothing');
        const { row, actions, queued } = stepped;
        return { type: 'waiting', saleId: row.id, stepped: { row, step: { state: row.state, actions }, queued } };
      }
      return {
        type: 'stored',
        answer,
        sale: stepped ? stepped.row : undefined,
        step: stepped ? { state: stepped.row.state, actions: stepped.actions } : undefined,
        queued: stepped ? stepped.queued : undefined,
      };
    });
  }

  /** A void that waits for its issuer is asked for again: it is answered once the issuer has said what it thinks of it. */
  async #voidAgain(tx: Transaction<Database>, known: ReversalRow, { answer }: Answering): Promise<ReversalArrival> {
    if (known.sale_id === null) return { type: 'differs' };
    if (known.last_action_code === null) return { type: 'waiting', saleId: known.sale_id };
    const bytes = answer(known.last_action_code);
    await tx.updateTable('switch_reversals').set({ answer: bytes }).where('id', '=', known.id).execute();
    return { type: 'replay', answer: bytes };
  }
}

/** What of a reversal that arrives its answer is made with. */
type Answering = { readonly answer: (actionCode: string) => Uint8Array };

const followed = ({ kind, state, amount_minor, pan_token }: SaleRow): Followed => ({
  kind,
  state,
  amountMinor: amount_minor,
  panToken: pan_token,
});

const followersOf = async (tx: Transaction<Database>, id: string): Promise<readonly Followed[]> =>
  (await tx.selectFrom('switch_sales').selectAll().where('original_id', '=', id).execute()).map(followed);
