import { isRepeat } from '@tsunagu/protocols/iso8583';
import type { Clock } from '@tsunagu/protocols/world';

/**
 * So long a new request may wait until it is durable. It then goes to its issuer, and its outcome waits as long again; and before, it waited in the
 * socket, of which nobody knows how long. All that has to be over before whoever asked gives up, after two seconds or more.
 */
const targetMs = 300;
/** How often it is looked how long they wait. */
const lookMs = 100;
/** As many may always wait: a commit has a price whatever it holds, and fewer in each do not make it shorter. */
const limitLeast = 128;
const limitMost = 4_096;

/** The last requests that were let in, by their keys: between so many and twice as many. A repeat comes within seconds of what it repeats. */
const recentMost = 65_536;

/** What is more than a request: advices and reversals, whose money has moved already, and repeats of what was answered perhaps. It comes past the gate. */
export const isOwed = (mti: string): boolean => mti[1] === '4' || mti[2] === '2' || isRepeat(mti);

/**
 * Lets in as many new requests as the switch gets through in good time. One that waits for so long that whoever asked has given up is worse than one that was
 * refused: it is done all the same, and then taken back, which is more work than the request itself, and the next ones wait longer still. While even
 * the luckiest request waits too long, fewer are let in (by a quarter at each look); while requests are refused that would not have waited too long, more.
 * What the switch owes comes past it: reversals, advices, and repeats of what it may have answered, whether their MTI says so or not.
 */
export class Gate {
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  #limit = limitMost;
  #waiting = 0;
  /** Since the last look: the most that waited, the shortest time that one took, and whether any was refused. */
  #peak = 0;
  #shortestMs = Number.POSITIVE_INFINITY;
  #hasRefused = false;
  #lookedMs: number;
  #recent = new Set<string>();
  #before = new Set<string>();

  constructor(clock: Pick<Clock, 'monotonicMs'>) {
    this.#clock = clock;
    this.#lookedMs = clock.monotonicMs();
  }

  /** Whether a request under this key was let in lately: it is in hand, or was answered. */
  letIn(key: string): boolean {
    return this.#recent.has(key) || this.#before.has(key);
  }

  /** Lets a new request in, or not; `durable` is to be called once it is in the journal, or failed to get there. */
  enter(key: string): { durable(): void } | undefined {
    if (this.#waiting >= this.#limit) {
      this.#hasRefused = true;
      return undefined;
    }
    if (this.#recent.size >= recentMost) [this.#before, this.#recent] = [this.#recent, new Set()];
    this.#recent.add(key);
    this.#waiting += 1;
    this.#peak = Math.max(this.#peak, this.#waiting);
    const enteredMs = this.#clock.monotonicMs();
    let isOver = false;
    return {
      durable: () => {
        if (isOver) return;
        isOver = true;
        this.#waiting -= 1;
        const nowMs = this.#clock.monotonicMs();
        this.#shortestMs = Math.min(this.#shortestMs, nowMs - enteredMs);
        if (nowMs - this.#lookedMs >= lookMs) this.#look(nowMs);
      },
    };
  }

  #look(nowMs: number): void {
    if (this.#shortestMs > targetMs)
      this.#limit = Math.max(limitLeast, Math.floor(Math.min(this.#limit, this.#peak) * 0.75));
    else if (this.#hasRefused) this.#limit = Math.min(limitMost, Math.ceil(this.#limit * 1.1));
    this.#lookedMs = nowMs;
    this.#peak = this.#waiting;
    this.#shortestMs = Number.POSITIVE_INFINITY;
    this.#hasRefused = false;
  }
}
