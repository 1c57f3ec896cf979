/**
 * A map of what comes and goes within moments, such as requests that wait for their answers.
 *
 * A `Map` of V8 takes a new table whenever its old one is full of what was deleted, and the old one points to the new. Once a table has come among the old
 * objects of the heap, all that follow it are taken for alive until the whole heap is marked, and with them every value that they ever held: what should
 * have died young is moved twice, and fills the heap for its marking. Here a table holds no value but by a box, which is empty once its entry is gone.
 */
export class PassingMap<Key, Value> {
  readonly #boxes = new Map<Key, { value: Value | undefined }>();

  get size(): number {
    return this.#boxes.size;
  }

  has(key: Key): boolean {
    return this.#boxes.has(key);
  }

  get(key: Key): Value | undefined {
    return this.#boxes.get(key)?.value;
  }

  set(key: Key, value: Value): void {
    const box = this.#boxes.get(key);
    if (box) box.value = value;
    else this.#boxes.set(key, { value });
  }

  delete(key: Key): void {
    const box = this.#boxes.get(key);
    if (!box) return;
    box.value = undefined;
    this.#boxes.delete(key);
  }

  clear(): void {
    for (const box of this.#boxes.values()) box.value = undefined;
    this.#boxes.clear();
  }

  /** Keys in the order in which they came. */
  keys(): IterableIterator<Key> {
    return this.#boxes.keys();
  }
}
