import type { Link } from '@tsunagu/protocols/acquiring';
import type { DecodedMessage, Message } from '@tsunagu/protocols/iso8583';
import { PassingMap } from '@tsunagu/protocols/kit';
import type { Timer, World } from '@tsunagu/protocols/world';
import { matchKey, type Mismatch, whyUnmatched } from './matching.ts';

/** How a request over a link ended. Only `answered` and `notSent` say anything about the outcome. */
export type LinkAnswer =
  | { readonly type: 'answered'; readonly message: DecodedMessage }
  | { readonly type: 'timedOut' }
  /** The line broke while the request was out. */
  | { readonly type: 'lineLost' }
  /** It could not be made into a frame: no byte of it left. */
  | { readonly type: 'notSent'; readonly cause: unknown };

interface Waiting {
  /** The connection that the request went out on. */
  readonly line: object;
  readonly timer: Timer;
  settle(answer: LinkAnswer): void;
}

/**
 * Requests of one link that wait for their answers, over all its connections: an answer may come over another connection than its request went, and in
 * any order. Deadlines are of the monotonic clock.
 */
export class Exchange {
  readonly #world: Pick<World, 'timers'>;
  readonly #link: Link;
  readonly #waiting = new PassingMap<string, Waiting>();
  readonly #byLine = new Map<object, number>();

  constructor(world: Pick<World, 'timers'>, link: Link) {
    this.#world = world;
    this.#link = link;
  }

  get inFlight(): number {
    return this.#waiting.size;
  }

  inFlightOn(line: object): number {
    return this.#byLine.get(line) ?? 0;
  }

  /** Resolves with the answer to a message that is about to go out. Two requests with one key are a fault of ours, found before anything is sent. */
  expect(line: object, request: Message, timeoutMs: number): Promise<LinkAnswer> {
    const key = matchKey(this.#link, request);
    if (this.#waiting.has(key)) throw new Error('two requests with one key');
    return new Promise((settle) => this.#wait(key, line, timeoutMs, settle));
  }

  /** As `expect`, for what has to be known before the next message of the same chunk is read: `settle` is called right when the answer is. */
  expectAtOnce(line: object, request: Message, timeoutMs: number, settle: (answer: LinkAnswer) => void): void {
    const key = matchKey(this.#link, request);
    if (this.#waiting.has(key)) throw new Error('two requests with one key');
    this.#wait(key, line, timeoutMs, settle);
  }

  #wait(key: string, line: object, timeoutMs: number, settle: (answer: LinkAnswer) => void): void {
    const timer = this.#world.timers.after(timeoutMs, () => {
      this.#remove(key, line);
      settle({ type: 'timedOut' });
    });
    this.#waiting.set(key, { line, timer, settle });
    this.#byLine.set(line, this.inFlightOn(line) + 1);
  }

  /** Gives an answer to whoever waits for it; otherwise says why nobody does. */
  settle(message: DecodedMessage): Mismatch | undefined {
    const key = matchKey(this.#link, message);
    const waiting = this.#waiting.get(key);
    if (!waiting) return whyUnmatched(this.#link, message, this.#waiting.keys());
    this.#remove(key, waiting.line);
    waiting.timer.cancel();
    waiting.settle({ type: 'answered', message });
    return undefined;
  }

  #remove(key: string, line: object): void {
    this.#waiting.delete(key);
    const left = this.inFlightOn(line) - 1;
    if (left > 0) this.#byLine.set(line, left);
    else this.#byLine.delete(line);
  }

  /** A connection broke: what went out on it is lost. */
  lose(line: object): void {
    const keys = this.#waiting.keys().filter((key) => this.#waiting.get(key)?.line === line);
    const lost = keys.flatMap((key) => this.#waiting.get(key) ?? []);
    for (const key of keys) this.#remove(key, line);
    for (const waiting of lost) {
      waiting.timer.cancel();
      waiting.settle({ type: 'lineLost' });
    }
  }
}
