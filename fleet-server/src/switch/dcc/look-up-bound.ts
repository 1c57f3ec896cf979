/** How many rate look-ups one terminal may make, and in which time: one every ten seconds is more than a till sells. */
export const lookUps = { max: 60, withinMs: 10 * 60_000 } as const;

/** Terminals that are remembered at once. */
const terminalsMax = 100_000;

/** Keeps a terminal from asking for rates without end: each look-up is kept for a day, and drawn from what all share. Of this node alone. */
export class LookUpBound {
  /** By terminal: when its window began, and how many came in it. */
  readonly #windows = new Map<string, { beganMs: number; count: number }>();

  /** Counts a look-up. `over` from the first one too many, `first` for that one. @param nowMs monotonic */
  count(key: string, nowMs: number): 'within' | 'first' | 'over' {
    const known = this.#windows.get(key);
    if (known === undefined || nowMs - known.beganMs >= lookUps.withinMs) {
      // The one whose window began first goes first: insertion is in that order.
      this.#windows.delete(key);
      for (const oldest of this.#windows.keys())
        if (this.#windows.size >= terminalsMax) this.#windows.delete(oldest);
        else break;
      this.#windows.set(key, { beganMs: nowMs, count: 1 });
      return 'within';
    }
    known.count += 1;
    return known.count <= lookUps.max ? 'within' : known.count === lookUps.max + 1 ? 'first' : 'over';
  }
}
