/** The shortest that is told apart, and by how much one class is longer than the one before. */
const least = 0.01;
const step = Math.log(1.01);
/** Up to some ten minutes. */
const classes = 1_800;

/** Durations in classes of one per cent: they take the same memory however many they are, and a share of them is found without sorting. */
export class Latencies {
  readonly #counts = new Uint32Array(classes);
  #count = 0;
  #maxMs = 0;

  get maxMs(): number {
    return this.#maxMs;
  }

  add(ms: number): void {
    const found = Math.ceil(Math.log(Math.max(ms, least) / least) / step);
    const at = Math.min(classes - 1, found);
    this.#counts[at] = (this.#counts[at] ?? 0) + 1;
    this.#count += 1;
    this.#maxMs = Math.max(this.#maxMs, ms);
  }

  /** The duration that a share of them does not exceed, to one per cent; 0 where there are none. */
  atMs(share: number): number {
    let left = Math.floor(this.#count * share);
    for (const [at, count] of this.#counts.entries()) {
      if (left < count) return Math.min(this.#maxMs, least * Math.exp(at * step));
      left -= count;
    }
    return this.#maxMs;
  }
}
