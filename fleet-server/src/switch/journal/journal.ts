import type { JournalEntry, SaleAction, SaleEvent, SaleState, SaleStep } from '../transaction/rules.ts';
import {
  type Followed,
  isFollowUp,
  judgeArrival,
  judgeCancellation,
  judgeFollowUp,
  onSale,
} from '../transaction/rules.ts';
import { issuerCodec, reversalOf } from '@tsunagu/protocols/acquiring';
import type { DukptKsn } from '@tsunagu/protocols/dukpt';
import { type FieldValue, isApproval, type Message } from '@tsunagu/protocols/iso8583';
import { unwrap } from '@tsunagu/protocols/kit';
import type { World } from '@tsunagu/protocols/world';
import type { Selectable, Transaction } from 'kysely';
import type { Database, Store } from '../../store/index.ts';
import type { SwitchVault } from '../ports.ts';
import type { Commit, Facts } from './commit.ts';
import { GroupCommit } from './group-commit.ts';
import type { Fence } from './epoch.ts';
import { post } from './postings.ts';
import { notApproved, type SwitchTables } from './tables.ts';
import type { SaleRow } from './written.ts';

export type { SaleRow } from './written.ts';
/** A reversal as it stands in the journal. */
export type ReversalRow = Selectable<SwitchTables['switch_reversals']> & {
  /** The transaction that its own one follows, such as the authorisation of a completion; where a lane has it. */
  readonly follows?: string | null;
};

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
  /** Its sale came meanwhile, over another link than was thought: come again. */
  | { readonly type: 'again' };

/** A sale after one step of its rules. */
export interface Stepped {
  readonly row: SaleRow;
  readonly actions: readonly SaleAction[];
  /** The reversal that the step queued. */
  readonly queued: ReversalRow | undefined;
}

/** What an answer adds to a sale's row. */
export interface Decision {
  readonly by: 'issuer' | 'switch';
  readonly actionCode: string;
  readonly approvalCode?: string | undefined;
  readonly reason?: string | undefined;
  /** ISO 8583 bytes for the terminal. */
  readonly answer: Uint8Array;
}

/** Makes the answer that a step asks for, at the moment of its commit: the business day that it tells is the one on which the step counts. */
export type Decide = (
  action: Extract<SaleAction, { type: 'answer' | 'answerFromIssuer' }>,
  row: SaleRow,
  nowMs: number,
) => Decision;

/** Business days, as the links have them. */
export interface Calendar {
  /** That of an issuer link now, where its messages say it (DE28). */
  issuer(link: string | null): string | undefined;
  /** That of where a transaction came from, at a moment. */
  acquirer(origin: string, nowMs: number): string;
}

/** The journal of the switch: written before anything is sent, and the only memory that counts. */
export class Journal {
  readonly #world: Pick<World, 'clock' | 'timers' | 'id'>;
  readonly #store: Store;
  readonly #vault: SwitchVault;
  readonly #group: GroupCommit;
  readonly #calendar: Calendar;

  constructor(
    world: Pick<World, 'clock' | 'timers' | 'id'>,
    store: Store,
    vault: SwitchVault,
    fence: Fence | undefined,
    calendar: Calendar,
  ) {
    this.#world = world;
    this.#store = store;
    this.#vault = vault;
    this.#group = new GroupCommit(world, store, fence);
    this.#calendar = calendar;
  }

  /** Calls `listener` whenever a commit failed: it may have been kept all the same, and then holds what nobody works on. */
  onFailed(listener: () => void): void {
    this.#group.failed = listener;
  }

  /** Work of a neighbour in the same group of commits. */
  write<T>(work: (tx: Transaction<Database>, commit: Commit) => Promise<T>): Promise<T> {
    return this.#group.write(async (commit) => await work(await commit.direct(), commit));
  }

  /** Writes down that something arrived that is no transaction, and burns its key. */
  async note(entry: JournalEntry, serial: string | undefined, ksn: DukptKsn | undefined, facts: Facts): Promise<void> {
    await this.#group.write((commit) => {
      this.#keep(commit, ksn);
      this.entry(commit, entry, undefined, serial, facts);
      return Promise.resolve();
    }, {});
  }

  /**
   * Compares a request with what is on file under its key, and stores it when it is new; `sale.state` says whether it will be sent.
   * What follows another transaction is judged in the same commit, so that two refunds cannot both find the same money.
   * @param refuse makes the answer of a refusal
   * @param posting for an advice: what the issuer will hear; it is queued in the same commit
   * @param also judges what else has to be right, and writes what belongs to it
   */
  arriveSale(
    sale: SaleRow,
    ksn: DukptKsn | undefined,
    refuse: (actionCode: string, reason?: string) => Decision,
    posting?: Message,
    also?: (
      commit: Commit,
      sale: SaleRow,
    ) => Promise<{ readonly actionCode: string; readonly reason: string } | undefined>,
  ): Promise<SaleArrival> {
    const key = { serial: sale.serial, stan: sale.stan, local_time: sale.local_time };
    return this.#group.write(
      async (commit): Promise<SaleArrival> => {
        this.#keep(commit, ksn);
        const known = await commit.saleByKey(key);
        const arrival = judgeArrival(
          sale.body_tag,
          known && { bodyTag: known.body_tag, isAnswered: known.answer !== null },
        );
        if (known && arrival !== 'new') {
          if (arrival === 'replay') this.entry(commit, 'replayed', known.id, sale.serial);
          if (arrival === 'differs') this.entry(commit, 'duplicate-differs', known.id, sale.serial);
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
            ? { ...sale, ...this.decided(refuse('902')), state: 'reversed', ...nothingSent }
            : refusal === undefined
              ? sale
              : {
                  ...sale,
                  ...this.decided(refuse(refusal.actionCode, refusal.reason)),
                  state: 'refused',
                  ...nothingSent,
                };
        commit.insertSale(row);
        this.entry(commit, 'received', row.id, row.serial, { stan: row.stan, amountMinor: row.amount_minor });
        if (earlier !== undefined) {
          this.entry(commit, 'original-after-reversal', row.id, row.serial);
          const tx = await commit.direct();
          await tx.updateTable('switch_reversals').set({ sale_id: row.id }).where('id', '=', earlier).execute();
          return { type: 'reversed-before', row };
        }
        if (row.state === 'refused') this.entry(commit, 'refused', row.id, row.serial, { reason: row.reason ?? '' });
        else
          this.entry(commit, 'send-intended', row.id, row.serial, {
            link: row.link ?? '',
            outStan: row.out_stan ?? '',
            routingVersion: row.routing_version,
          });
        if (row.state !== 'posting' || posting === undefined) return { type: 'stored', row };
        await post(commit, row, 'acquirer', 'taken', undefined, row.received_at);
        this.entry(commit, 'posting-queued', row.id, row.serial);
        return {
          type: 'stored',
          row,
          queued: await this.#queueAdvice(commit, row, posting, 'posting', 'terminal', ''),
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

  /** The columns of a decision, for a sale that is stored together with it. */
  decided({ by, actionCode, approvalCode, reason, answer }: Decision) {
    return {
      decided_by: by,
      action_code: actionCode,
      approval_code: approvalCode ?? null,
      reason: reason ?? null,
      answer,
      answered_at: this.#world.clock.now(),
    };
  }

  /**
   * Takes a sale one step, in one commit with all that the step asks to be durable.
   * @param decide makes the answer, once the step says that there is one to give and none was given before
   * @param outStan STAN for a reversal, should the step queue one
   */
  step(
    find: { readonly id: string },
    event: SaleEvent,
    outStan: string,
    decide: Decide,
    facts: Facts = {},
  ): Promise<Stepped> {
    return this.#group.write(
      async (commit) => await this.apply(commit, await commit.sale(find.id), event, outStan, 'switch', decide, facts),
      { sale: find.id },
    );
  }

  /** As `step`, inside a commit that has more to write. */
  async apply(
    commit: Commit,
    row: SaleRow,
    event: SaleEvent,
    outStan: string,
    origin: 'switch' | 'terminal',
    decide: Decide,
    facts: Facts,
  ): Promise<Stepped> {
    const now = this.#world.clock.now();
    const { state, actions } = onSale(row.state, event);
    let decided = {};
    let queued: ReversalRow | undefined;
    for (const action of actions) {
      if (action.type === 'journal') this.entry(commit, action.entry, row.id, row.serial, facts);
      else if (action.type === 'queueReversal')
        queued = await this.#queueReversal(commit, row, action.reason, outStan, origin);
      else if (row.answer === null) decided = this.decided(decide(action, row, now));
    }
    const after = { ...row, ...decided, state };
    await this.#count(commit, row, after, event, now);
    if (state !== row.state || row.answer !== after.answer) commit.updateSale(after);
    return { row: after, actions, queued };
  }

  /** What a step means in the books: each side counts what it was told, once, and gives back once. */
  async #count(commit: Commit, before: SaleRow, after: SaleRow, event: SaleEvent, now: number): Promise<void> {
    const stood = approvedStates.has(before.state);
    if (!stood && after.state === 'approved')
      await post(commit, after, 'acquirer', 'taken', this.#calendar.acquirer(after.origin, now), now);
    if (stood && after.state === 'reversing')
      await post(commit, after, 'acquirer', 'given-back', this.#calendar.acquirer(after.origin, now), now);
    // The issuer's word counts there however late it comes: its own books have it.
    const isTaken = (event.type === 'issuerAnswered' && isApproval(event.actionCode)) || event.type === 'postingTaken';
    if (isTaken) await post(commit, after, 'issuer', 'taken', event.day, now);
    // Its word came after it had taken the reversal: in its books both are there by then.
    if (isTaken && before.state === 'reversed')
      await post(commit, after, 'issuer', 'given-back', this.#calendar.issuer(after.link), now);
    if (event.type === 'reversalAccepted')
      await post(commit, after, 'issuer', 'given-back', event.day ?? this.#calendar.issuer(after.link), now);
    if (event.type !== 'issuerCounted') return;
    await post(commit, after, 'issuer', event.kind, event.day, now);
    // It said that it took the reversal: from then on its books have to have that too, whether its items do or not.
    if (event.reversedDay !== undefined) await post(commit, after, 'issuer', 'given-back', event.reversedDay, now);
  }

  #keep(commit: Commit, ksn: DukptKsn | undefined): void {
    if (ksn) commit.counter(ksn, this.#world.clock.now());
  }

  async #queueReversal(
    commit: Commit,
    row: SaleRow,
    reason: string,
    outStan: string,
    origin: 'switch' | 'terminal',
  ): Promise<ReversalRow> {
    const now = this.#world.clock.now();
    const { mti, fields } = reversalOf(this.#openImage(`sale/${row.id}`, row.image), {
      stan: outStan,
      nowMs: now,
      reason,
    });
    const day = this.#calendar.issuer(row.link);
    const advice: Message = { mti, fields: { ...fields, ...(day !== undefined && { 28: day }) } };
    return await this.#queueAdvice(commit, row, advice, 'reversal', origin, reason);
  }

  async #queueAdvice(
    commit: Commit,
    row: SaleRow,
    advice: Message,
    kind: 'reversal' | 'posting',
    origin: 'switch' | 'terminal',
    reason: string,
  ): Promise<ReversalRow> {
    const now = this.#world.clock.now();
    const id = this.#world.id();
    const tx = await commit.direct();
    const queued = await tx
      .insertInto('switch_reversals')
      .values({
        id,
        sale_id: row.id,
        advice: kind,
        origin,
        serial: null,
        stan: null,
        local_time: null,
        body_tag: null,
        original_stan: null,
        original_local_time: null,
        reason,
        link: row.link,
        image: this.sealImage(`reversal/${id}`, advice),
        state: 'queued',
        attempts: 0,
        next_at: now,
        answer: null,
        created_at: now,
        delivered_at: null,
        out_stan: textOf(advice, 11),
        out_time: textOf(advice, 12),
        last_action_code: null,
        settled_by: null,
      })
      .returningAll()
      .executeTakeFirstOrThrow();
    return { ...queued, follows: row.original_id };
  }

  /** Stores a terminal's 1420, matched with its original; what it asks of the issuer is queued in the same commit. */
  arriveReversal(
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
    return this.#group.write(async (commit): Promise<ReversalArrival> => {
      const tx = await commit.direct();
      const now = this.#world.clock.now();
      const { serial, stan, localTime, original } = arrived;
      this.#keep(commit, ksn);
      const known = await tx
        .selectFrom('switch_reversals')
        .selectAll()
        .where('serial', '=', serial)
        .where('stan', '=', stan)
        .where('local_time', '=', localTime)
        .executeTakeFirst();
      if (known) {
        const isSame = known.body_tag === arrived.bodyTag && known.answer !== null;
        this.entry(commit, isSame ? 'replayed' : 'duplicate-differs', known.sale_id ?? undefined, serial);
        return isSame && known.answer ? { type: 'replay', answer: known.answer } : { type: 'differs' };
      }
      const sale = await commit.saleByKey({ serial, stan: original.stan, local_time: original.localTime });
      if (sale && sale.link !== outStan.link) return { type: 'again' };
      const refusal =
        judgeCancellation(arrived.reason, sale && followed(sale), sale ? await followersOf(tx, sale.id) : []) ??
        (sale && arrived.forbids(sale, now));
      const stepped =
        sale &&
        refusal === undefined &&
        (await this.apply(
          commit,
          sale,
          { type: 'terminalReversed', reason: arrived.reason },
          outStan.stan,
          'terminal',
          decide,
          {
            stan,
            reason: arrived.reason,
          },
        ));
      if (!sale)
        this.entry(commit, 'reversal-without-original', undefined, serial, { stan, originalStan: original.stan });
      const answer = arrived.answer(refusal ?? '400');
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
      return {
        type: 'stored',
        answer,
        sale: stepped ? stepped.row : undefined,
        step: stepped ? { state: stepped.row.state, actions: stepped.actions } : undefined,
        queued: stepped ? stepped.queued : undefined,
      };
    });
  }

  /** The transaction of a terminal under its own keys. One of a moment ago is in memory, and nothing has to be brought into the tables for it. */
  async saleByKey(serial: string, stan: string, localTime: string): Promise<SaleRow | undefined> {
    const known = this.#group.saleByKey({ serial, stan, local_time: localTime });
    if (known) return known;
    return await this.#store.db
      .selectFrom('switch_sales')
      .selectAll()
      .where('serial', '=', serial)
      .where('stan', '=', stan)
      .where('local_time', '=', localTime)
      .executeTakeFirst();
  }

  /** The sale that went out under a trace number of a link. */
  saleByOutStan(link: string, outStan: string, localTime: string): Promise<SaleRow | undefined> {
    return this.#store.db
      .selectFrom('switch_sales')
      .selectAll()
      .where('link', '=', link)
      .where('out_stan', '=', outStan)
      .where('local_time', '=', localTime)
      .executeTakeFirst();
  }

  /** Sales whose outcome nobody knows after a restart. */
  openSales(): Promise<SaleRow[]> {
    return this.#store.db
      .selectFrom('switch_sales')
      .selectAll()
      .where('state', '=', 'send-intended' satisfies SaleState)
      .where(notApproved)
      .orderBy('seq')
      .execute();
  }

  /** The advice of a queued reversal. */
  adviceOf(row: ReversalRow): Message {
    return this.#openImage(`reversal/${row.id}`, row.image);
  }

  /** What was kept of a sale for its reversal. */
  imageOf(row: SaleRow): Message {
    return this.#openImage(`sale/${row.id}`, row.image);
  }

  /** Seals a message for the issuer. */
  sealImage(context: string, message: Message): Uint8Array {
    const bytes = unwrap(issuerCodec.encode(message));
    const sealed = this.#vault.seal(`switch/${context}`, bytes);
    bytes.fill(0);
    return sealed;
  }

  #openImage(context: string, sealed: Uint8Array | null): Message {
    if (sealed === null) throw new Error(`${context} has no image`);
    const bytes = unwrap(this.#vault.open(`switch/${context}`, sealed));
    const decoded = issuerCodec.decode(bytes);
    if (!decoded.ok) throw new Error(`the image of ${context} is not a message`);
    const { mti } = decoded.value;
    const fields: { [element: number]: FieldValue } = {};
    // Binary values are views of the bytes, which are wiped.
    for (const number of decoded.value.elements) {
      const value = decoded.value.value(number);
      if (value !== undefined) fields[number] = value instanceof Uint8Array ? Uint8Array.from(value) : value;
    }
    bytes.fill(0);
    return { mti, fields };
  }

  /** Resolves when nothing is being written. */
  idle(): Promise<void> {
    return this.#group.idle();
  }

  /** Adds to the journal what happened. */
  entry(
    commit: Commit,
    entry: JournalEntry,
    saleId: string | undefined,
    serial: string | undefined,
    facts: Facts = {},
  ): void {
    commit.entry({
      at: this.#world.clock.now(),
      sale_id: saleId ?? null,
      serial: serial ?? null,
      entry,
      facts,
    });
  }
}

const approvedStates: ReadonlySet<SaleState> = new Set(['approved', 'posting', 'posted']);

const textOf = ({ fields }: Message, number: number): string | null => {
  const value = fields[number];
  return typeof value === 'string' ? value : null;
};

const followed = ({ kind, state, amount_minor, pan_token }: SaleRow): Followed => ({
  kind,
  state,
  amountMinor: amount_minor,
  panToken: pan_token,
});

const followersOf = async (tx: Transaction<Database>, id: string): Promise<readonly Followed[]> =>
  (await tx.selectFrom('switch_sales').selectAll().where('original_id', '=', id).execute()).map(followed);
