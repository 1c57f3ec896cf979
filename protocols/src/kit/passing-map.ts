/** A map is copied into a fresh one after so many entries have left it, or half as many as are in it. */
const leftLeast = 16;

/**
 * A map of what comes and goes within moments, such as requests that wait for their answers.
 *
 * A `Map` of V8 takes a new table whenever its old one is full of what was deleted, and the old one points to the new. Once a table has come among the old
 * objects of the heap, all that follow it are taken for alive until the whole heap is marked, and with them every value that was in one when the next one
 * came: what should have died young is moved twice, and fills the heap for its marking. Here a fresh map takes over before that, and nothing points to it
 * but this.
 */
export class PassingMap<Key, Value> {
  #map = new Map<Key, Value>();
  /** Entries that have left the map since it was fresh. */
  #left = 0;

  get size(): number {
    return this.#map.size;
  }

  has(key: Key): boolean {
    return this.#map.has(key);
  }

  get(key: Key): Value | undefined {
    return this.#map.get(key);
  }

  set(key: Key, value: Value): void {
    this.#map.set(key, value);
  }

  delete(key: Key): void {
    if (!this.#map.delete(key)) return;
    this.#left += 1;
    if (this.#left < leftLeast || this.#left * 2 < this.#map.size) return;
    this.#left = 0;
    this.#map = new Map(this.#map);
  }

  clear(): void {
    this.#left = 0;
    this.#map = new Map();
  }

  /** The keys that are there now, in the order in which they came. */
  keys(): readonly Key[] {
    return [...this.#map.keys()];
  }
}
