import type { Chance } from '../random.ts';
import type { Scheduler } from '../scheduler.ts';

/** What befalls what is on a line. */
export interface Weather {
  isCut: boolean;
  lostPercent: number;
  doubledPercent: number;
  latePercent: number;
}
export const goodWeather: Readonly<Weather> = { isCut: false, lostPercent: 0, doubledPercent: 0, latePercent: 0 };

/** A line in memory: what is put on it arrives later, in any order, twice, or never. */
export class BadLine {
  weather: Weather = { ...goodWeather };
  readonly #scheduler: Scheduler;
  readonly #chance: Chance;
  readonly #latestMs: number;

  /** @param latestMs how late the late ones are at most */
  constructor(scheduler: Scheduler, chance: Chance, latestMs: number) {
    this.#scheduler = scheduler;
    this.#chance = chance;
    this.#latestMs = latestMs;
  }

  carry(bytes: Uint8Array, arrive: (bytes: Uint8Array) => void): void {
    const { isCut, lostPercent, doubledPercent, latePercent } = this.weather;
    const chance = this.#chance;
    if (isCut || chance.percent(lostPercent)) return;
    const copies = chance.percent(doubledPercent) ? 2 : 1;
    for (let copy = 0; copy < copies; copy += 1) {
      const own = Uint8Array.from(bytes);
      const delayMs = chance.percent(latePercent) ? chance.int(1_000, this.#latestMs) : chance.int(5, 80);
      this.#scheduler.after(delayMs, () => arrive(own));
    }
  }
}
