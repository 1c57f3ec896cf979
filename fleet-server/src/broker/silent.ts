import type { Socket } from 'node:net';
import type { Clock } from '@tsunagu/protocols/world';
import type { Entry } from './gate.ts';

/** Who has not said a word for so long makes room for who comes, when there is none: a terminal speaks first, and at once. */
const silentMs = 1_000;

interface Held {
  readonly socket: Socket;
  readonly address: string;
  readonly entry: Entry;
  readonly sinceMs: number;
}

/** Connections that have not said a word, the oldest first. Renewed before their time is over, they would keep everybody out who has something to say. */
export class SilentConnections {
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  readonly #held = new Map<Socket, Held>();
  /** How many there are of an address. */
  readonly #of = new Map<string, number>();

  constructor(clock: Pick<Clock, 'monotonicMs'>) {
    this.#clock = clock;
  }

  add(socket: Socket, address: string, entry: Entry): void {
    this.#held.set(socket, { socket, address, entry, sinceMs: this.#clock.monotonicMs() });
    this.#of.set(address, (this.#of.get(address) ?? 0) + 1);
  }

  /** It has spoken, or is gone. */
  delete(socket: Socket): void {
    const held = this.#held.get(socket);
    if (held === undefined) return;
    this.#held.delete(socket);
    const left = (this.#of.get(held.address) ?? 0) - 1;
    if (left > 0) this.#of.set(held.address, left);
    else this.#of.delete(held.address);
  }

  /**
   * Takes out who makes room for one who comes from `address`: the oldest that has been silent for too long; before that, the oldest of another
   * address that has more than half of the places, so that one address alone keeps nobody out. Undefined where there is none.
   * @param places how many are on their way in
   */
  makeRoom(address: string, places: number): { readonly socket: Socket; readonly entry: Entry } | undefined {
    const [oldest] = this.#held.values();
    if (oldest === undefined) return undefined;
    const isOver = this.#clock.monotonicMs() - oldest.sinceMs >= silentMs;
    const leaves = isOver ? oldest : this.#oldestOf(this.#crowd(places), address);
    if (leaves !== undefined) this.delete(leaves.socket);
    return leaves;
  }

  #crowd(places: number): string | undefined {
    for (const [address, count] of this.#of) if (count > places / 2) return address;
    return undefined;
  }

  #oldestOf(crowd: string | undefined, comer: string): Held | undefined {
    if (crowd === undefined || crowd === comer) return undefined;
    for (const held of this.#held.values()) if (held.address === crowd) return held;
    return undefined;
  }
}
