import type { DukptKsn } from '@tsunagu/protocols/dukpt';
import { isApproval } from '@tsunagu/protocols/iso8583';
import type { World } from '@tsunagu/protocols/world';
import type { Transaction } from 'kysely';
import type { Database, Store } from '../../store/index.ts';
import type { SwitchVault } from '../ports.ts';
import { type JournalEntry, onSale, type SaleAction, type SaleEvent, type SaleState } from '../transaction/rules.ts';
import type { Commit, Facts, Wants } from './commit.ts';
import type { Fence } from './epoch.ts';
import { GroupCommit } from './group-commit.ts';
import { Images } from './images.ts';
import { type Calendar, post } from './counting.ts';
import { queueReversal, type QueueRooms } from './queue-advice.ts';
import { notApproved, type ReversalRow } from './tables.ts';
import type { SaleRow } from './written.ts';

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

/** The journal of the switch: written before anything is sent, and the only memory that counts. */
export class Journal {
  readonly #world: Pick<World, 'clock' | 'timers' | 'id'>;
  readonly #store: Store;
  readonly #group: GroupCommit;
  readonly #calendar: Calendar;
  /** Messages for issuers that lie in it. */
  readonly images: Images;
  /** What its advices are made with. */
  readonly queueing: QueueRooms;

  constructor(
    world: Pick<World, 'clock' | 'timers' | 'id'>,
    store: Store,
    vault: SwitchVault,
    fence: Fence | undefined,
    calendar: Calendar,
  ) {
    this.#world = world;
    this.#store = store;
    this.#group = new GroupCommit(world, store, fence);
    this.#calendar = calendar;
    this.images = new Images(vault);
    this.queueing = { world, images: this.images, calendar };
  }

  /** Calls `listener` whenever a commit failed: it may have been kept all the same, and then holds what nobody works on. */
  onFailed(listener: () => void): void {
    this.#group.failed = listener;
  }

  /** Work in the next group of commits; `wants` is read for all of a group at once. */
  commit<T>(work: (commit: Commit) => Promise<T>, wants?: Wants): Promise<T> {
    return this.#group.write(work, wants);
  }

  /** Work of a neighbour in the same group of commits, in the transaction itself. */
  write<T>(work: (tx: Transaction<Database>, commit: Commit) => Promise<T>): Promise<T> {
    return this.#group.write(async (commit) => await work(await commit.direct(), commit));
  }

  /** Writes down that something arrived that is no transaction, and burns its key. */
  async note(entry: JournalEntry, serial: string | undefined, ksn: DukptKsn | undefined, facts: Facts): Promise<void> {
    await this.#group.write((commit) => {
      if (ksn) commit.counter(ksn, this.#world.clock.now());
      this.entry(commit, entry, undefined, serial, facts);
      return Promise.resolve();
    }, {});
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
        queued = await queueReversal(this.queueing, commit, row, action.reason, outStan, origin);
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
    // A void that waits for its issuer counts once it is taken.
    if (stood && (after.state === 'reversing' || after.state === 'reversed'))
      await post(commit, after, 'acquirer', 'given-back', this.#calendar.acquirer(after.origin, now), now);
    // The issuer's word counts there however late it comes: its own books have it.
    const isTaken = (event.type === 'issuerAnswered' && isApproval(event.actionCode)) || event.type === 'postingTaken';
    if (isTaken) await post(commit, after, 'issuer', 'taken', event.day, now);
    // Its word came after it had taken the reversal: in its books both are there by then.
    if (isTaken && before.state === 'reversed')
      await post(commit, after, 'issuer', 'given-back', await this.reversedDay(after, await commit.direct()), now);
    if (event.type === 'reversalAccepted') await post(commit, after, 'issuer', 'given-back', event.day, now);
    if (event.type !== 'issuerCounted') return;
    await post(commit, after, 'issuer', event.kind, event.day, now);
    // It said that it took the reversal: from then on its books have to have that too, whether its items do or not.
    if (event.reversedDay !== undefined) await post(commit, after, 'issuer', 'given-back', event.reversedDay, now);
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

  /** The business day that the reversal of a sale told its issuer, which took it; undefined while it has not, and on a link that tells none. */
  async reversedDay(
    { id }: Pick<SaleRow, 'id'>,
    db: Pick<Store['db'], 'selectFrom'> = this.#store.db,
  ): Promise<string | undefined> {
    const taken = await db
      .selectFrom('switch_reversals')
      .select(['id', 'image'])
      .where('sale_id', '=', id)
      .where('advice', '=', 'reversal')
      .where('image', 'is not', null)
      .where('delivered_at', 'is not', null)
      .executeTakeFirst();
    return taken && this.images.dayOf(taken);
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

const approvedStates: ReadonlySet<SaleState> = new Set(['approved', 'posting', 'posted', 'voiding']);
