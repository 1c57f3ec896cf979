import type { Clock } from '@tsunagu/protocols/world';

/** The parts of the terminal that a sale passes through, and everything outside of it. */
export const saleRooms = ['reader', 'card', 'kernel', 'payment', 'storage', 'acquirer'] as const;
export type SaleRoom = (typeof saleRooms)[number];

/**
 * Milliseconds that one sale spent in each room, each counted once: `reader` is the CCID driver, its frames and the transport
 * without the card; `acquirer` is encryption, line and everything behind it.
 */
export type SaleTimings = Readonly<Record<SaleRoom | 'total', number>>;

/** Tells how long one sale was in each room. A room that calls another one stands still meanwhile: nothing is counted twice. */
export class Stopwatch {
  readonly #clock: Clock;
  readonly #startedAt: number;
  readonly #spent: Record<SaleRoom, number> = { reader: 0, card: 0, kernel: 0, payment: 0, storage: 0, acquirer: 0 };
  #room: SaleRoom = 'payment';
  #since: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#startedAt = clock.monotonicMs();
    this.#since = this.#startedAt;
  }

  /** Milliseconds since the sale began. */
  get elapsedMs(): number {
    return this.#clock.monotonicMs() - this.#startedAt;
  }

  /** Does work in a room, then is back in the one before. */
  in<T>(room: SaleRoom, work: () => T): T {
    const before = this.#turnTo(room);
    try {
      return work();
    } finally {
      this.#turnTo(before);
    }
  }

  /** The same for work that takes its time. */
  async during<T>(room: SaleRoom, work: () => Promise<T>): Promise<T> {
    const before = this.#turnTo(room);
    try {
      return await work();
    } finally {
      this.#turnTo(before);
    }
  }

  read(): SaleTimings {
    this.#turnTo(this.#room);
    const total = saleRooms.reduce((sum, room) => sum + this.#spent[room], 0);
    return { ...this.#spent, total };
  }

  #turnTo(room: SaleRoom): SaleRoom {
    const now = this.#clock.monotonicMs();
    this.#spent[this.#room] += now - this.#since;
    this.#since = now;
    const before = this.#room;
    this.#room = room;
    return before;
  }
}
