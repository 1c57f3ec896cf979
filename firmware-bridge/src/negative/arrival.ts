import { asBuffer } from '@tsunagu/protocols/kit';
import {
  type Container,
  headLeaves,
  leafHash,
  openContainer,
  rootOf,
  sameBytes,
  stepLeaves,
  trailerBytes,
} from '@tsunagu/protocols/negative';

/** What came of a container, piece by piece, and how much of it is proven by its step nodes. No sockets, no clock. */
export class ContainerArrival {
  readonly #bytes: Uint8Array;
  readonly #steps: readonly Uint8Array[];
  #arrived = 0;
  #proven = 0;
  #provenSteps = 0;
  #container: Container | undefined;

  /**
   * @param size length of the container, as it is signed
   * @param steps nodes over its steps, already checked against the signed root
   */
  constructor(size: number, steps: readonly Uint8Array[]) {
    this.#steps = steps;
    this.#bytes = new Uint8Array(size);
    this.#end();
  }

  /** Bytes that came. */
  get arrived(): number {
    return this.#arrived;
  }

  /** Bytes that are proven. */
  get proven(): number {
    return this.#proven;
  }

  /** Steps that are proven. */
  get provenSteps(): number {
    return this.#provenSteps;
  }

  /** The container, once all of it came and is proven. */
  get whole(): Uint8Array | undefined {
    return this.#provenSteps === this.#steps.length && this.#arrived === this.#bytes.length ? this.#bytes : undefined;
  }

  /** Drops what is not proven; from where the next piece has to come. */
  resume(): number {
    this.#arrived = this.#proven;
    // A head that is not proven may be somebody's invention.
    if (this.#proven === 0) this.#container = undefined;
    return this.#proven;
  }

  /** Drops everything. */
  forget(): void {
    this.#proven = this.#provenSteps = 0;
    this.resume();
  }

  /** The length that ends a container is signed, and known before it is there: whatever comes in its place says nothing. */
  #end(): void {
    const { length } = this.#bytes;
    if (length >= trailerBytes) asBuffer(this.#bytes).writeUInt32BE(length, length - trailerBytes);
  }

  /** Takes the next piece; whether all that can be proven by now is genuine. */
  take(piece: Uint8Array): boolean {
    if (this.#arrived + piece.length > this.#bytes.length) return false;
    this.#bytes.set(piece, this.#arrived);
    this.#end();
    this.#arrived += piece.length;
    for (; this.#provenSteps < this.#steps.length; this.#provenSteps += 1) {
      const container = this.#opened();
      if (container === 'damaged') return false;
      if (!container) return true;
      const leaves = spansOfStep(container, this.#provenSteps);
      const end = leaves.at(-1)?.end ?? 0;
      if (this.#arrived < end) return true;
      const node = rootOf(leaves.map((span) => leafHash(this.#bytes.subarray(span.start, span.end))));
      if (!sameBytes(node, this.#steps[this.#provenSteps] ?? node.subarray(1))) return false;
      this.#proven = end;
    }
    return true;
  }

  /** The container as far as its head has come: where its segments lie is known with the index. */
  #opened(): Container | 'damaged' | undefined {
    if (this.#container) return this.#container;
    const view = asBuffer(this.#bytes);
    const rows = this.#arrived < 32 ? 0 : view.readUInt16BE(6);
    if (this.#arrived < 32 + rows * 13) return undefined;
    const opened = openContainer(this.#bytes);
    const headEnd = opened.ok ? (opened.value.parts.at(-1)?.end ?? 0) : undefined;
    // What stands beside the set may be refused only because it is not there yet: after twice 64 kB it should be.
    if (headEnd === undefined)
      return this.#arrived < Math.min(this.#bytes.length - trailerBytes, 131_072 * 4) ? undefined : 'damaged';
    if (this.#arrived < headEnd) return undefined;
    this.#container = opened.ok ? opened.value : undefined;
    return this.#container;
  }
}

/** Where the leaves of a step lie. */
export function spansOfStep(container: Container, step: number) {
  const from = step * stepLeaves;
  const to = Math.min(from + stepLeaves, headLeaves + container.segments);
  return Array.from(
    { length: to - from },
    (_, at) => container.parts[from + at] ?? container.span(from + at - headLeaves),
  );
}
