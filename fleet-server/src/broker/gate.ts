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
  readonly address: string;
  connections: number;
  halfOpen: number;
}

/** Who is in, and how many may be on their way in. */
interface Within {
  readonly addresses: Map<string, AddressCount>;
  connections: number;
  halfOpen: number;
  atWork: number;
  window: number;
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
  readonly #within: Within;
  #tokens: number;
  #filledMs: number;

  constructor(limits: GateLimits, clock: Pick<Clock, 'monotonicMs'>) {
    this.#limits = limits;
    this.#clock = clock;
    this.#tokens = limits.connectsBurst;
    this.#within = { addresses: new Map(), connections: 0, halfOpen: 0, atWork: 0, window: limits.halfOpenMin };
    this.#filledMs = clock.monotonicMs();
  }

  get halfOpen(): number {
    return this.#within.halfOpen;
  }

  /** CONNECTION_LIMIT names the limit: `connections`, `address`, `halfOpen`, `atWork`, `addressHalfOpen` or `rate`; the front adds `silent`. */
  enter(address: string): Result<Entry, 'CONNECTION_LIMIT'> {
    const limits = this.#limits;
    const within = this.#within;
    const count = within.addresses.get(address) ?? { address, connections: 0, halfOpen: 0 };
    const limit =
      within.connections >= limits.connectionsMax
        ? 'connections'
        : count.connections >= limits.connectionsPerAddressMax
          ? 'address'
          : within.halfOpen + within.atWork >= within.window
            ? within.halfOpen >= within.window
              ? 'halfOpen'
              : 'atWork'
            : count.halfOpen >= limits.halfOpenPerAddressMax
              ? 'addressHalfOpen'
              : this.#takeToken()
                ? undefined
                : 'rate';
    if (limit !== undefined) return fail('CONNECTION_LIMIT', { facts: { limit } });
    within.addresses.set(address, count);
    within.connections += 1;
    within.halfOpen += 1;
    count.connections += 1;
    count.halfOpen += 1;
    return ok(new Place(within, limits, this.#clock, count));
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

/** A connection's place. Thousands of them are kept: methods cost nothing each. */
class Place implements Entry {
  readonly #within: Within;
  readonly #limits: GateLimits;
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  readonly #count: AddressCount;
  readonly #enteredMs: number;
  #state: 'halfOpen' | 'open' | 'ended' = 'halfOpen';
  /** Its messages that wait for their effect; they may outlive it. */
  #waiting = 0;

  constructor(within: Within, limits: GateLimits, clock: Pick<Clock, 'monotonicMs'>, count: AddressCount) {
    this.#within = within;
    this.#limits = limits;
    this.#clock = clock;
    this.#count = count;
    this.#enteredMs = clock.monotonicMs();
  }

  opened(): void {
    if (this.#state === 'halfOpen') this.#adapt(this.#clock.monotonicMs() - this.#enteredMs);
    this.#leave();
  }

  heard(): () => void {
    const heardMs = this.#clock.monotonicMs();
    this.#waiting += 1;
    if (this.#waiting === 1) this.#within.atWork += 1;
    return () => {
      this.#waiting -= 1;
      if (this.#waiting === 0) this.#within.atWork -= 1;
      const tookMs = this.#clock.monotonicMs() - heardMs;
      if (tookMs > soonMs) this.#adapt(tookMs);
    };
  }

  ended(): void {
    if (this.#state === 'ended') return;
    this.#leave();
    this.#state = 'ended';
    this.#within.connections -= 1;
    this.#count.connections -= 1;
    if (this.#count.connections === 0) this.#within.addresses.delete(this.#count.address);
  }

  #leave(): void {
    if (this.#state !== 'halfOpen') return;
    this.#state = 'open';
    this.#within.halfOpen -= 1;
    this.#count.halfOpen -= 1;
  }

  #adapt(tookMs: number): void {
    const { halfOpenMin, halfOpenMax } = this.#limits;
    const within = this.#within;
    if (tookMs <= soonMs) within.window = Math.min(halfOpenMax, within.window + 1);
    else within.window = Math.max(halfOpenMin, within.window * 0.95);
  }
}
