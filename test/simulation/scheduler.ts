import type { Timer } from '@tsunagu/protocols/world';

interface Due {
  readonly atMs: number;
  readonly seq: number;
  readonly work: () => void;
}

/**
 * Virtual time. It stands still until everything that was set off has settled: promises, the database's answers, bytes in
 * in-process streams. Then the next thing that is due happens. So one seed is one run, however busy the machine is.
 */
export class Scheduler {
  /** Milliseconds since the beginning. */
  nowMs = 0;
  /** How many things were due so far. */
  events = 0;
  /** Binary heap, the earliest first. */
  readonly #heap: Due[] = [];
  #seq = 0;
  /** Work of the real machine that is under way. */
  #outside = 0;
  #settled: (() => void) | undefined;

  after(delayMs: number, work: () => void): Timer {
    this.#seq += 1;
    let isLive = true;
    const due = { atMs: this.nowMs + Math.max(0, delayMs), seq: this.#seq, work: () => isLive && work() };
    this.#push(due);
    return {
      cancel() {
        isLive = false;
      },
    };
  }

  /** Time waits for this work of the real machine. */
  async outside<T>(work: () => Promise<T>): Promise<T> {
    this.#outside += 1;
    try {
      return await work();
    } finally {
      this.#outside -= 1;
      if (this.#outside === 0) this.#settled?.();
    }
  }

  /** Runs until so late, or until `isDone` says so; it is asked after each event. */
  async run(untilMs: number, isDone: () => boolean = () => false): Promise<void> {
    await this.settle();
    for (let next = this.#heap[0]; next && next.atMs <= untilMs && !isDone(); next = this.#heap[0]) {
      this.#pop();
      this.nowMs = next.atMs;
      this.events += 1;
      next.work();
      await this.settle();
    }
    if (!isDone()) this.nowMs = Math.max(this.nowMs, untilMs);
  }

  /** Everything that was set off is over; nothing is left but to wait. */
  async settle(): Promise<void> {
    do {
      if (this.#outside > 0)
        await new Promise<void>((resolve) => {
          this.#settled = resolve;
        });
      // Streams pass bytes on over several turns of the event loop.
      const settledTurns = this.streams > 0 ? 6 : 1;
      for (let turns = 0; turns < settledTurns && this.#outside === 0; turns++)
        await new Promise<void>((resolve) => setImmediate(resolve));
    } while (this.#outside > 0);
  }

  /** Streams that are open now. */
  streams = 0;

  #push(due: Due): void {
    const heap = this.#heap;
    heap.push(due);
    let index = heap.length - 1;
    while (index > 0) {
      const above = (index - 1) >> 1;
      if (isBefore(heap[above], heap[index])) break;
      swap(heap, above, index);
      index = above;
    }
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    heap[0] = last;
    for (let index = 0; ; ) {
      const left = index * 2 + 1;
      const right = left + 1;
      let least = index;
      if (left < heap.length && isBefore(heap[left], heap[least])) least = left;
      if (right < heap.length && isBefore(heap[right], heap[least])) least = right;
      if (least === index) return;
      swap(heap, least, index);
      index = least;
    }
  }
}

const isBefore = (one: Due | undefined, other: Due | undefined): boolean =>
  one !== undefined &&
  other !== undefined &&
  (one.atMs < other.atMs || (one.atMs === other.atMs && one.seq < other.seq));

function swap(heap: Due[], one: number, other: number): void {
  const [a, b] = [heap[one], heap[other]];
  if (a && b) [heap[one], heap[other]] = [b, a];
}
