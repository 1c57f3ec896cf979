import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import type { Clock } from '@tsunagu/protocols/world';

/** How many may come, and how fast. */
export interface GateLimits {
  readonly connectionsMax: number;
  /** From one address. Many shops may stand behind one: a carrier's translator, a parent's relay. */
  readonly connectionsPerAddressMax: number;
  /** Connections that have not got their CONNACK. */
  readonly halfOpenMax: number;
  readonly halfOpenPerAddressMax: number;
  /** New connections a second, on average. */
  readonly connectsPerSecond: number;
  /** New connections at once, after a quiet time. */
  readonly connectsBurst: number;
}

export const gateLimits: GateLimits = {
  connectionsMax: 25_000,
  connectionsPerAddressMax: 8_192,
  halfOpenMax: 512,
  halfOpenPerAddressMax: 256,
  connectsPerSecond: 1_500,
  connectsBurst: 1_500,
};

/** A connection that was let through. */
export interface Entry {
  /** It has its CONNACK. */
  opened(): void;
  ended(): void;
}

interface AddressCount {
  connections: number;
  halfOpen: number;
}

/**
 * Decides at the accept, before a byte is read, whether a connection may try. A refusal costs an accept and a reset: in a storm
 * the processor is left to those who were let in. The bucket holds tokens as RFC 2697 has them; time never goes back.
 */
export class Gate {
  readonly #limits: GateLimits;
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  readonly #addresses = new Map<string, AddressCount>();
  #connections = 0;
  #halfOpen = 0;
  #tokens: number;
  #filledMs: number;

  constructor(limits: GateLimits, clock: Pick<Clock, 'monotonicMs'>) {
    this.#limits = limits;
    this.#clock = clock;
    this.#tokens = limits.connectsBurst;
    this.#filledMs = clock.monotonicMs();
  }

  get halfOpen(): number {
    return this.#halfOpen;
  }

  /** CONNECTION_LIMIT names the limit: `connections`, `address`, `halfOpen`, `addressHalfOpen` or `rate`. */
  enter(address: string): Result<Entry, 'CONNECTION_LIMIT'> {
    const limits = this.#limits;
    const count = this.#addresses.get(address) ?? { connections: 0, halfOpen: 0 };
    const limit =
      this.#connections >= limits.connectionsMax
        ? 'connections'
        : count.connections >= limits.connectionsPerAddressMax
          ? 'address'
          : this.#halfOpen >= limits.halfOpenMax
            ? 'halfOpen'
            : count.halfOpen >= limits.halfOpenPerAddressMax
              ? 'addressHalfOpen'
              : this.#takeToken()
                ? undefined
                : 'rate';
    if (limit !== undefined) return fail('CONNECTION_LIMIT', { facts: { limit } });
    this.#addresses.set(address, count);
    this.#connections += 1;
    this.#halfOpen += 1;
    count.connections += 1;
    count.halfOpen += 1;
    let state: 'halfOpen' | 'open' | 'ended' = 'halfOpen';
    const open = (): void => {
      if (state !== 'halfOpen') return;
      state = 'open';
      this.#halfOpen -= 1;
      count.halfOpen -= 1;
    };
    return ok({
      opened: open,
      ended: () => {
        if (state === 'ended') return;
        open();
        state = 'ended';
        this.#connections -= 1;
        count.connections -= 1;
        if (count.connections === 0) this.#addresses.delete(address);
      },
    });
  }

  #takeToken(): boolean {
    const { connectsPerSecond, connectsBurst } = this.#limits;
    const now = this.#clock.monotonicMs();
    this.#tokens = Math.min(connectsBurst, this.#tokens + ((now - this.#filledMs) * connectsPerSecond) / 1_000);
    this.#filledMs = now;
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }
}
