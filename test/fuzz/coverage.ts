/** How often something ran, in eight classes: once, twice, thrice, up to 7, 15, 31, 127, more. One bit each. */
const classOf = Uint8Array.from({ length: 129 }, (_, count) => {
  if (count <= 3) return count === 0 ? 0 : 1 << (count - 1);
  return count < 8 ? 8 : count < 16 ? 16 : count < 32 ? 32 : count < 128 ? 64 : 128;
});

/** What one execution showed. */
export interface Look {
  /** Whether a statement or branch ran that never did, or ran in a class of counts that it never did. */
  readonly isNew: boolean;
  /** Statements, branches and functions that were counted: the time it took, by a clock that never jumps. */
  readonly work: number;
}

/** What was ever reached, over the counters that the instrumented code adds to. */
export class Coverage {
  readonly #counters: Uint32Array;
  readonly #seen: Uint8Array;
  /** Counters that were ever above nothing. */
  reached = 0;

  constructor(counters: Uint32Array) {
    this.#counters = counters;
    this.#seen = new Uint8Array(counters.length);
  }

  /** Counters there are. */
  get total(): number {
    return this.#counters.length;
  }

  /** Reads the counters since the last look and clears them. */
  look(): Look {
    const counters = this.#counters;
    const seen = this.#seen;
    let work = 0;
    let isNew = false;
    for (let index = 0; index < counters.length; index += 1) {
      const count = counters[index] ?? 0;
      if (count === 0) continue;
      counters[index] = 0;
      work += count;
      const known = seen[index] ?? 0;
      const bit = classOf[count < 128 ? count : 128] ?? 0;
      if ((known & bit) !== 0) continue;
      isNew = true;
      if (known === 0) this.reached += 1;
      seen[index] = known | bit;
    }
    return { isNew, work };
  }
}
