import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import type { Clock } from '@tsunagu/protocols/world';

/** How many may come, and how fast. */
export interface GateLimits {
  readonly connectionsMax: number;
  /** From one address. Many shops may stand behind one: a carrier's translator, a parent's relay. */
  readonly connectionsPerAddressMax: number;
  /** Connections that have not got their CONNACK, or have a message that waits for its effect: so many at first and at least, and so many when both are soon. */
  readonly halfOpenMin: number;
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
  halfOpenMin: 64,
  halfOpenMax: 512,
  halfOpenPerAddressMax: 256,
  connectsPerSecond: 1_500,
  connectsBurst: 1_500,
};

/** A connection that was let through. */
export interface Entry {
  /** It has its CONNACK. */
  opened(): void;
  /** A message of it came, and waits for its effect until the returned function is called, once. */
  heard(): () => void;
  ended(): void;
}

/** Who gets in later than this found too many before it. Well below the deadline of a handshake: past that all work would be for nothing. */
const soonMs = 1_000;

interface AddressCount {
  connections: number;
  halfOpen: number;
}

/**
 * Decides at the accept, before a byte is read, whether a connection may try. A refusal costs an accept and a reset: in a storm
 * the processor is left to those who were let in. How many may be on their way in follows how soon those get in who do (as a congestion
 * window follows its delays): silent ones do not move it. Whoever is in says hello, which costs more than to connect: with a
 * message that waits it has a place like one who knocks. Otherwise all connect, each waits for its hello behind all others until it gives up, and comes once more. The bucket holds tokens as RFC 2697 has them; time never goes back.
 */
export class Gate {
  readonly #limits: GateLimits;
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  readonly #addresses = new Map<string, AddressCount>();
  #connections = 0;
  #halfOpen = 0;
  #atWork = 0;
  #window: number;
  #tokens: number;
  #filledMs: number;

  constructor(limits: GateLimits, clock: Pick<Clock, 'monotonicMs'>) {
    this.#limits = limits;
    this.#clock = clock;
    this.#tokens = limits.connectsBurst;
    this.#window = limits.halfOpenMin;
    this.#filledMs = clock.monotonicMs();
  }

  get halfOpen(): number {
    return this.#halfOpen;
  }

  /** CONNECTION_LIMIT names the limit: `connections`, `address`, `halfOpen`, `atWork`, `addressHalfOpen` or `rate`. */
  enter(address: string): Result<Entry, 'CONNECTION_LIMIT'> {
    const limits = this.#limits;
    const count = this.#addresses.get(address) ?? { connections: 0, halfOpen: 0 };
    const limit =
      this.#connections >= limits.connectionsMax
        ? 'connections'
        : count.connections >= limits.connectionsPerAddressMax
          ? 'address'
          : this.#halfOpen + this.#atWork >= this.#window
            ? this.#halfOpen >= this.#window
              ? 'halfOpen'
              : 'atWork'
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
    const enteredMs = this.#clock.monotonicMs();
    let state: 'halfOpen' | 'open' | 'ended' = 'halfOpen';
    /** Its messages that wait for their effect; they may outlive it. */
    let waiting = 0;
    const leave = (): void => {
      if (state !== 'halfOpen') return;
      state = 'open';
      this.#halfOpen -= 1;
      count.halfOpen -= 1;
    };
    return ok({
      opened: () => {
        if (state === 'halfOpen') this.#adapt(this.#clock.monotonicMs() - enteredMs);
        leave();
      },
      heard: () => {
        const heardMs = this.#clock.monotonicMs();
        waiting += 1;
        if (waiting === 1) this.#atWork += 1;
        return () => {
          waiting -= 1;
          if (waiting === 0) this.#atWork -= 1;
          const tookMs = this.#clock.monotonicMs() - heardMs;
          if (tookMs > soonMs) this.#adapt(tookMs);
        };
      },
      ended: () => {
        if (state === 'ended') return;
        leave();
        state = 'ended';
        this.#connections -= 1;
        count.connections -= 1;
        if (count.connections === 0) this.#addresses.delete(address);
      },
    });
  }

  #adapt(tookMs: number): void {
    const { halfOpenMin, halfOpenMax } = this.#limits;
    if (tookMs <= soonMs) this.#window = Math.min(halfOpenMax, this.#window + 1);
    else this.#window = Math.max(halfOpenMin, this.#window * 0.95);
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
