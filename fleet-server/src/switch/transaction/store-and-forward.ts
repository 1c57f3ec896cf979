import { backOffMs } from '@tsunagu/protocols/acquiring';
import type { ErrorCode } from '@tsunagu/protocols/errors';
import { repeatMti } from '@tsunagu/protocols/iso8583';
import { fail, type Result } from '@tsunagu/protocols/kit';
import type { Timer, World } from '@tsunagu/protocols/world';
import type { IssuerLink } from '../issuer-link/issuer-link.ts';
import type { Advices } from '../journal/advices.ts';
import type { Journal } from '../journal/journal.ts';
import type { ReversalRow } from '../journal/tables.ts';
import type { SaleRow } from '../journal/written.ts';
import { wipe } from '../terminal-link/request.ts';

/** How many advices of a lane are held in memory; the rest wait in the journal. */
const heldMax = 1_000;
/** How often one that a person has to look at is tried all the same. */
const deadRetryMs = 86_400_000;

/** Whether an answer ends an advice: a reversal is accepted with 400; a posting is approved, acknowledged, or known already. */
export const isTaken = (advice: ReversalRow['advice'], actionCode: string): boolean =>
  advice === 'posting' ? /^(0\d\d|90[01]|913)$/.test(actionCode) : actionCode === '400';

/** What a lane tells the room. */
export interface AdviceListener {
  /** Whether the issuer may refuse it: an approval that was given in its place, or a person's void of what went onto a card. Anything else it has to take. */
  refusable(row: ReversalRow): Promise<boolean> | false;
  /** The issuer refused a void, which it may. */
  voidRefused(row: ReversalRow, actionCode: string): void;
  delivered(row: ReversalRow, sale: SaleRow | undefined): void;
  /** A person has to look. */
  stuck(row: ReversalRow, actionCode: string | undefined): void;
}

/**
 * The lane of one issuer: delivers its advices, reversals and postings alike, at once, then with growing pauses, until the issuer takes each. What
 * belongs to one transaction, and what follows it, goes in its order; a slow issuer holds nobody else's lane. None is ever dropped.
 */
export class Lane {
  readonly #world: Pick<World, 'clock' | 'timers' | 'log'>;
  readonly #journal: Journal;
  readonly #advices: Advices;
  readonly #id: string;
  readonly #link: () => IssuerLink | undefined;
  readonly #listener: AdviceListener;
  readonly #held = new Map<string, ReversalRow>();
  readonly #underWay = new Set<string>();
  /** Under way, and a person wants them tried once more. */
  readonly #wanted = new Set<string>();
  /** Over since the reading of the journal began that is going on. */
  #over: Set<string> | undefined;
  #timer: Timer | undefined;
  #isStopped = false;
  /** The journal has more than is held, beyond this place. */
  #moreAfter: number | undefined = 0;
  #isFilling = false;
  /** What was read of the journal may lack something. */
  #isStale = false;

  constructor(
    world: Pick<World, 'clock' | 'timers' | 'log'>,
    journal: Journal,
    advices: Advices,
    id: string,
    link: () => IssuerLink | undefined,
    listener: AdviceListener,
  ) {
    this.#world = world;
    this.#journal = journal;
    this.#advices = advices;
    this.#id = id;
    this.#link = link;
    this.#listener = listener;
  }

  get size(): number {
    return this.#held.size;
  }

  /** Takes an advice that is durable. One too many is left in the journal, and found there. */
  add(row: ReversalRow): void {
    if (this.#moreAfter === undefined && this.#held.size < heldMax) this.#held.set(row.id, row);
    else this.#moreAfter ??= row.seq - 1;
    this.#look();
  }

  /** The line is ready: everything is due at once. */
  linkReady(): void {
    for (const [id, row] of this.#held) this.#held.set(id, { ...row, next_at: 0 });
    this.#look();
  }

  /** An advice is due now: a person said so. */
  touched(row: ReversalRow): void {
    const held = this.#held.get(row.id);
    if (held !== undefined) this.#held.set(row.id, { ...row, follows: held.follows ?? null });
    if (this.#underWay.has(row.id)) this.#wanted.add(row.id);
    this.#look();
  }

  /** A person says that an advice is over, and nothing of it is sent from then on. SWITCH_ADVICE_UNDER_WAY: what its issuer makes of it is not known yet. */
  async settle<Code extends ErrorCode>(
    id: string,
    settle: () => Promise<Result<void, Code>>,
  ): Promise<Result<void, Code | 'SWITCH_ADVICE_UNDER_WAY'>> {
    if (this.#underWay.has(id)) return fail('SWITCH_ADVICE_UNDER_WAY', { facts: { id } });
    this.#underWay.add(id);
    try {
      const settled = await settle();
      if (settled.ok) this.#forget(id);
      return settled;
    } finally {
      this.#underWay.delete(id);
      this.#look();
    }
  }

  /** A commit failed and may have been kept: what the journal has is read anew. */
  refill(): void {
    this.#moreAfter = 0;
    this.#isStale = true;
    this.#look();
  }

  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
  }

  /** Reads what the journal has beyond what is held. */
  async fill(): Promise<void> {
    if (this.#moreAfter === undefined || this.#held.size > heldMax / 2) return;
    const after = this.#moreAfter;
    this.#isStale = false;
    const over = (this.#over = new Set<string>());
    const rows = await this.#advices.waiting(this.#id, after, heldMax);
    for (const row of rows) {
      const held = this.#held.get(row.id);
      // What is held is as new, unless a commit was kept of which it was not known; and what became due since stays so.
      if (over.has(row.id) || (held && (this.#underWay.has(row.id) || held.attempts >= row.attempts))) continue;
      this.#held.set(row.id, { ...row, next_at: Math.min(row.next_at, held?.next_at ?? row.next_at) });
    }
    this.#over = undefined;
    if (!this.#isStale) this.#moreAfter = rows.length < heldMax ? undefined : (rows.at(-1)?.seq ?? after);
    this.#look();
  }

  #look(): void {
    this.#timer?.cancel();
    const link = this.#link();
    if (this.#isStopped || !link?.isReady) return;
    if (this.#moreAfter !== undefined && this.#held.size <= heldMax / 2 && !this.#isFilling) {
      this.#isFilling = true;
      this.fill()
        .catch((cause: unknown) =>
          this.#world.log('error', 'laneNotRead', { fault: { code: 'SWITCH_JOURNAL_FAILED', cause } }),
        )
        .finally(() => {
          this.#isFilling = false;
        });
    }
    const { window, maxMs } = link.link.profile.timers.storeAndForward;
    const now = this.#world.clock.now();
    let soonest = Number.POSITIVE_INFINITY;
    const begun = new Set<string>();
    const ahead = new Set<string>();
    for (const row of this.#held.values()) {
      // In the order of the journal: a reversal waits for the posting that it takes back, a completion for the authorisation that it follows. One that a person has to
      // look at holds back what belongs to its own transaction, and not the money of another.
      const { sale_id: sale, follows = null } = row;
      const isFirst = !(sale !== null && begun.has(sale)) && !(follows !== null && ahead.has(follows));
      if (sale !== null) begun.add(sale);
      if (sale !== null && row.state !== 'dead') ahead.add(sale);
      if (this.#underWay.has(row.id) || !isFirst) continue;
      if (row.next_at > now) soonest = Math.min(soonest, row.next_at);
      else if (this.#underWay.size < window) {
        this.#underWay.add(row.id);
        this.#deliver(row, link).catch((cause: unknown) => {
          // The journal could not be written: the row on disk is as it was, and is tried again later.
          this.#world.log('error', 'reversalFailed', { fault: { code: 'SWITCH_JOURNAL_FAILED', cause } });
          const { firstMs } = link.link.profile.timers.storeAndForward;
          this.#held.set(row.id, { ...row, next_at: this.#world.clock.now() + firstMs });
          this.#underWay.delete(row.id);
          this.#look();
        });
      }
    }
    // A step of the clock must not put an advice off for long.
    const pauseMs = Math.min(maxMs, Math.max(10, soonest - now));
    if (Number.isFinite(soonest)) this.#timer = this.#world.timers.after(pauseMs, () => this.#look());
  }

  async #deliver(row: ReversalRow, link: IssuerLink): Promise<void> {
    const { requestMs, storeAndForward: plan } = link.link.profile.timers;
    const pauseMs = backOffMs({ firstMs: plan.firstMs, factor: plan.factor, mostMs: plan.maxMs }, row.attempts);
    const attempt = await this.#advices.attempted(row, this.#world.clock.now() + requestMs + pauseMs);
    if (attempt) await this.#send(attempt, link, pauseMs);
    // It is over already: whoever waits for that hears it.
    else await this.#ended(row, this.#advices.delivered(row));
    this.#underWay.delete(row.id);
    const held = this.#held.get(row.id);
    if (this.#wanted.delete(row.id) && held) this.#held.set(row.id, { ...held, next_at: 0 });
    this.#look();
  }

  async #send(attempt: ReversalRow, link: IssuerLink, pauseMs: number): Promise<void> {
    const { requestMs, storeAndForward } = link.link.profile.timers;
    const advice = this.#journal.images.advice(attempt);
    const mti = attempt.attempts === 1 ? advice.mti : (repeatMti(advice.mti) ?? advice.mti);
    const answer = await link.request({ mti, fields: advice.fields }, requestMs);
    wipe(advice);
    const actionCode = answer.type === 'answered' ? answer.message.text(39) : undefined;
    const isOver =
      actionCode !== undefined &&
      (isTaken(attempt.advice, actionCode) ||
        (/^[12]\d\d$/.test(actionCode) && (await this.#listener.refusable(attempt))));
    if (answer.type === 'answered' && isOver) {
      const taken = isTaken(attempt.advice, actionCode);
      if (!taken && attempt.advice === 'reversal') this.#listener.voidRefused(attempt, actionCode);
      await this.#ended(
        attempt,
        taken
          ? this.#advices.delivered(attempt, answer.message.text(28))
          : attempt.advice === 'reversal'
            ? this.#advices.voidRefused(attempt, actionCode)
            : this.#advices.refused(attempt, actionCode),
      );
    }
    // A late answer may have ended it meanwhile.
    else if (this.#held.has(attempt.id)) {
      const isDead = attempt.state === 'dead' || attempt.attempts >= storeAndForward.manualAfter;
      const nextAt = this.#world.clock.now() + (isDead ? deadRetryMs : pauseMs);
      const left = await this.#advices.failed(attempt, nextAt, actionCode, isDead);
      if (!left) this.#forget(attempt.id);
      else {
        this.#held.set(attempt.id, left);
        if (isDead && attempt.state !== 'dead') this.#listener.stuck(attempt, actionCode);
      }
    }
  }

  /** The issuer took it, be it in time or late. */
  accepted(row: ReversalRow, day?: string): Promise<void> {
    return this.#ended(row, this.#advices.delivered(row, day));
  }

  async #ended(row: ReversalRow, ended: Promise<SaleRow | undefined>): Promise<void> {
    const sale = await ended;
    this.#forget(row.id);
    this.#listener.delivered(row, sale);
  }

  #forget(id: string): void {
    this.#held.delete(id);
    this.#over?.add(id);
  }
}
