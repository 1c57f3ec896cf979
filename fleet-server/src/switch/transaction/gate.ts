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

/** The last requests that were let in: between so many and twice as many. A repeat comes within seconds of what it repeats. */
const recentMost = 65_536;

/**
 * Keys by 32 bits of each, in a table of twice the room (FNV-1a, open addressing): as texts in a set they would be most of what a sale leaves in the heap. A key
 * that is taken for another by chance, one in thirty thousand, comes past the gate, and is judged by the journal as any other.
 */
class KeyMarks {
  readonly #marks = new Uint32Array(2 * recentMost);
  size = 0;

  has(mark: number): boolean {
    return this.#marks[this.#placeOf(mark)] === mark;
  }

  add(mark: number): void {
    const place = this.#placeOf(mark);
    if (this.#marks[place] === mark) return;
    this.#marks[place] = mark;
    this.size += 1;
  }

  clear(): void {
    this.#marks.fill(0);
    this.size = 0;
  }

  /** Where it stands, or the free place that it would take. */
  #placeOf(mark: number): number {
    let place = mark % this.#marks.length;
    for (let held = this.#marks[place]; held !== 0 && held !== mark; held = this.#marks[place])
      place = (place + 1) % this.#marks.length;
    return place;
  }
}

/** 32 bits of a key, never 0. Fowler-Noll-Vo, FNV-1a. */
function markOf(key: string): number {
  let mark = 0x811c9dc5;
  for (let at = 0; at < key.length; at += 1) mark = Math.imul(mark ^ key.charCodeAt(at), 0x01000193);
  // The lowest bits of FNV are its weakest, and make the place.
  mark = (mark ^ (mark >>> 15)) >>> 0;
  return mark === 0 ? 1 : mark;
}

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
  #recent = new KeyMarks();
  #before = new KeyMarks();

  constructor(clock: Pick<Clock, 'monotonicMs'>) {
    this.#clock = clock;
    this.#lookedMs = clock.monotonicMs();
  }

  /** Whether a request under this key was let in lately: it is in hand, or was answered. */
  letIn(key: string): boolean {
    const mark = markOf(key);
    return this.#recent.has(mark) || this.#before.has(mark);
  }

  /** Lets a new request in, or not; `durable` is to be called once it is in the journal, or failed to get there. */
  enter(key: string): { durable(): void } | undefined {
    if (this.#waiting >= this.#limit) {
      this.#hasRefused = true;
      return undefined;
    }
    if (this.#recent.size >= recentMost) {
      [this.#before, this.#recent] = [this.#recent, this.#before];
      this.#recent.clear();
    }
    this.#recent.add(markOf(key));
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
