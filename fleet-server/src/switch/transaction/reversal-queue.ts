import { backOffMs, issuerLink } from '@tsunagu/protocols/acquiring';
import { repeatMti } from '@tsunagu/protocols/iso8583';
import type { Timer, World } from '@tsunagu/protocols/world';
import type { IssuerLink } from '../issuer-link/link.ts';
import type { Journal, ReversalRow, SaleRow } from '../journal/journal.ts';
import { wipe } from '../terminal-link/request.ts';

/** How many reversals may be on their way at once. */
const windowSize = 8;
const plan = issuerLink.timers.reversal;

/** A reversal is accepted with 400; a posting is approved, acknowledged, or known already. */
const isTaken = (advice: ReversalRow['advice'], actionCode: string): boolean =>
  advice === 'posting' ? /^(0\d\d|90[01]|913)$/.test(actionCode) : actionCode === '400';

/** What the queue tells the room. */
export interface ReversalListener {
  /** Whether the issuer may refuse it: an approval that was given in its place. Anything else it has to take. */
  refusable(row: ReversalRow): Promise<boolean> | false;
  /** The issuer took it, or refused what it may refuse. */
  answered(row: ReversalRow, actionCode: string): Promise<void>;
  delivered(row: ReversalRow, sale: SaleRow | undefined): void;
  stuck(row: ReversalRow, actionCode: string | undefined): void;
}

/** Delivers advices, reversals and postings alike: at once, then with growing pauses, until the issuer takes each. None is ever dropped. */
export class ReversalQueue {
  readonly #world: Pick<World, 'clock' | 'timers' | 'log'>;
  readonly #journal: Journal;
  readonly #link: () => IssuerLink | undefined;
  readonly #listener: ReversalListener;
  readonly #queued = new Map<string, ReversalRow>();
  readonly #underWay = new Set<string>();
  #timer: Timer | undefined;
  #isStopped = false;

  constructor(
    world: Pick<World, 'clock' | 'timers' | 'log'>,
    journal: Journal,
    link: () => IssuerLink | undefined,
    listener: ReversalListener,
  ) {
    this.#world = world;
    this.#journal = journal;
    this.#link = link;
    this.#listener = listener;
  }

  get size(): number {
    return this.#queued.size;
  }

  /** Takes a reversal that is durable. */
  add(row: ReversalRow): void {
    this.#queued.set(row.id, row);
    this.#look();
  }

  /** The line is ready: everything is due at once. */
  linkReady(): void {
    for (const [id, row] of this.#queued) this.#queued.set(id, { ...row, next_at: 0 });
    this.#look();
  }

  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
  }

  #look(): void {
    this.#timer?.cancel();
    const link = this.#link();
    if (this.#isStopped || !link?.isReady) return;
    const now = this.#world.clock.now();
    let soonest = Number.POSITIVE_INFINITY;
    for (const row of this.#queued.values()) {
      if (this.#underWay.has(row.id)) continue;
      if (row.next_at > now) soonest = Math.min(soonest, row.next_at);
      else if (this.#underWay.size < windowSize) {
        this.#underWay.add(row.id);
        this.#deliver(row, link).catch((cause: unknown) => {
          // The journal could not be written: the row on disk is as it was, and is tried again later.
          this.#world.log('error', 'reversalFailed', { fault: { code: 'SWITCH_JOURNAL_FAILED', cause } });
          this.#queued.set(row.id, { ...row, next_at: this.#world.clock.now() + plan.firstMs });
          this.#underWay.delete(row.id);
          this.#look();
        });
      }
    }
    // A step of the clock must not put a reversal off for long.
    const pauseMs = Math.min(plan.mostMs, Math.max(10, soonest - now));
    if (Number.isFinite(soonest)) this.#timer = this.#world.timers.after(pauseMs, () => this.#look());
  }

  async #deliver(row: ReversalRow, link: IssuerLink): Promise<void> {
    const nextAt = this.#world.clock.now() + issuerLink.timers.requestMs + backOffMs(plan, row.attempts);
    const attempt = await this.#journal.attemptReversal(row, nextAt);
    const advice = this.#journal.adviceOf(row);
    const mti = attempt.attempts === 1 ? advice.mti : (repeatMti(advice.mti) ?? advice.mti);
    const answer = await link.request({ mti, fields: advice.fields }, issuerLink.timers.requestMs);
    wipe(advice);
    const actionCode = answer.type === 'answered' ? answer.message.text(39) : undefined;
    const isOver =
      actionCode !== undefined &&
      (isTaken(row.advice, actionCode) || (/^[12]\d\d$/.test(actionCode) && (await this.#listener.refusable(row))));
    if (isOver) {
      await this.#listener.answered(row, actionCode);
      await this.accepted(attempt);
    } else {
      const pauseMs = backOffMs(plan, row.attempts);
      this.#queued.set(row.id, { ...attempt, next_at: this.#world.clock.now() + pauseMs });
      if (attempt.attempts === plan.attemptsBeforeAlarm) {
        await this.#journal.stuckReversal(attempt, {
          attempts: attempt.attempts,
          actionCode: actionCode ?? '',
        });
        this.#listener.stuck(attempt, actionCode);
      }
    }
    this.#underWay.delete(row.id);
    this.#look();
  }

  /** The issuer took it, be it in time or late. */
  async accepted(row: ReversalRow): Promise<void> {
    const sale = await this.#journal.deliveredReversal(row);
    this.#queued.delete(row.id);
    this.#listener.delivered(row, sale);
  }
}
