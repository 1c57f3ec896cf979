import { concat } from '../../kit/index.ts';
import { AddressCache, isByteMode, opcodes, vcdiffMagic, windowBits } from './codes.ts';

/** What is found again: blocks of so many bytes … */
const blockBytes = 16;
/** … of the source, one every so many bytes. */
const strideBytes = 8;
/** A copy where the last one would have gone on is worth it from so many bytes on. */
const alignedMin = 6;
/** … and is not doubted from so many bytes on. */
const trustedBytes = 64;
/** The target is told in windows, so that who applies them holds little. */
const windowBytes = 1 << 20;
/** How many positions are looked at between two pauses: a few milliseconds. */
const pauseEvery = 1 << 16;
const base = 0x2c1b3c6d;
/** How many blocks of one hash are known, and how many of the places behind it are looked at. */
const placesPerHash = 4;

/**
 * Makes a delta from `source` to `target` (RFC 3284, default code table, no secondary compression: compress the whole). A generator, so that
 * whoever drives it can do other things in between; it pauses every few milliseconds.
 */
export function* encodeVcdiff(source: Uint8Array, target: Uint8Array): Generator<undefined, Uint8Array> {
  const index = yield* indexOf(source);
  const parts: Uint8Array[] = [Uint8Array.of(...vcdiffMagic, 0)];
  for (let start = 0; start < target.length; start += windowBytes)
    parts.push(...(yield* encodeWindow(source, index, target.subarray(start, start + windowBytes), start)));
  return concat(...parts);
}

interface SourceIndex {
  /** Position + 1 of a block by its hash; 0 for none. */
  readonly table: Int32Array;
  readonly shift: number;
}

const slotOf = (hash: number, shift: number): number => Math.imul(hash, 0x9e3779b1) >>> shift;

function hashAt(bytes: Uint8Array, at: number): number {
  let hash = 0;
  for (let index = 0; index < blockBytes; index++) hash = (Math.imul(hash, base) + (bytes[at + index] ?? 0)) | 0;
  return hash;
}

function* indexOf(source: Uint8Array): Generator<undefined, SourceIndex> {
  const bits = Math.max(8, Math.ceil(Math.log2(source.length / strideBytes + 1)) + 1);
  const table = new Int32Array(1 << bits);
  for (let at = 0; at + blockBytes <= source.length; at += strideBytes) {
    const slot = slotOf(hashAt(source, at), 32 - bits);
    for (let place = 0; place < placesPerHash; place++) {
      const index = (slot + place) & (table.length - 1);
      if (table[index] !== 0) continue;
      table[index] = at + 1;
      break;
    }
    if (at % pauseEvery === 0) yield;
  }
  return { table, shift: 32 - bits };
}

function* encodeWindow(
  source: Uint8Array,
  { table, shift }: SourceIndex,
  window: Uint8Array,
  windowStart: number,
): Generator<undefined, readonly Uint8Array[]> {
  const out = new WindowWriter(source.length, window);
  const highest = powerOf(base, blockBytes);
  /** Where the source goes on beside the target, when nothing was inserted since. */
  let offset = windowStart;
  let literal = 0;
  let at = 0;
  let hash = 0;
  let hashedAt = -2;
  while (at < window.length) {
    if (at % pauseEvery === 0) yield;
    const aligned = at + offset;
    let from = -1;
    let length = matchLength(source, aligned, window, at);
    if (length >= alignedMin) from = aligned;
    // A short match beside may be chance (zeros are everywhere): a longer one elsewhere tells where the target really goes on.
    if (length < trustedBytes && at + blockBytes <= window.length) {
      if (hashedAt === at - 1)
        hash =
          (Math.imul(hash, base) + (window[at + blockBytes - 1] ?? 0) - Math.imul(highest, window[at - 1] ?? 0)) | 0;
      else hash = hashAt(window, at);
      hashedAt = at;
      const slot = slotOf(hash, shift);
      for (let place = 0; place < placesPerHash; place++) {
        const found = (table[(slot + place) & (table.length - 1)] ?? 0) - 1;
        const foundLength = matchLength(source, found, window, at);
        if (foundLength < blockBytes || foundLength <= length) continue;
        from = found;
        length = foundLength;
      }
    }
    if (from < 0) {
      at += 1;
      continue;
    }
    // What stands before the match may belong to it.
    while (at > literal && from > 0 && source[from - 1] === window[at - 1]) {
      at -= 1;
      from -= 1;
      length += 1;
    }
    if (at > literal) out.add(literal, at);
    out.copy(from, length, at);
    at += length;
    literal = at;
    offset = from + length - at;
  }
  if (window.length > literal) out.add(literal, window.length);
  return out.parts();
}

function matchLength(source: Uint8Array, from: number, window: Uint8Array, at: number): number {
  if (from < 0) return 0;
  const max = Math.min(source.length - from, window.length - at);
  let length = 0;
  while (length < max && source[from + length] === window[at + length]) length += 1;
  return Math.max(0, length);
}

/** `value` to the power of `times`, 32 bits. */
function powerOf(value: number, times: number): number {
  let power = 1;
  for (let count = 0; count < times; count++) power = Math.imul(power, value);
  return power;
}

/** Bytes that grow. */
class Growing {
  #bytes = new Uint8Array(1_024);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  put(bytes: ArrayLike<number>): void {
    if (this.#length + bytes.length > this.#bytes.length) {
      const grown = new Uint8Array(2 * (this.#length + bytes.length));
      grown.set(this.#bytes.subarray(0, this.#length));
      this.#bytes = grown;
    }
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }
}

/** RFC 3284, 2: seven bits a byte, highest first. */
function integer(value: number): number[] {
  const digits = [value % 128];
  for (let rest = Math.floor(value / 128); rest > 0; rest = Math.floor(rest / 128)) digits.unshift((rest % 128) | 0x80);
  return digits;
}

/** Collects the sections of a window. RFC 3284, 4.3. */
class WindowWriter {
  readonly #sourceLength: number;
  readonly #window: Uint8Array;
  readonly #data = new Growing();
  readonly #instructions = new Growing();
  readonly #addresses = new Growing();
  readonly #cache = new AddressCache();

  constructor(sourceLength: number, window: Uint8Array) {
    this.#sourceLength = sourceLength;
    this.#window = window;
  }

  add(start: number, end: number): void {
    const size = end - start;
    this.#instructions.put(size <= 17 ? [opcodes.add + size] : [opcodes.add, ...integer(size)]);
    this.#data.put(this.#window.subarray(start, end));
  }

  copy(address: number, size: number, at: number): void {
    const { mode, written } = this.#cache.shortest(address, this.#sourceLength + at);
    const opcode = opcodes.copy(mode);
    this.#instructions.put(size >= 4 && size <= 18 ? [opcode + size - 3] : [opcode, ...integer(size)]);
    this.#addresses.put(isByteMode(mode) ? [written] : integer(written));
    this.#cache.remember(address);
  }

  parts(): readonly Uint8Array[] {
    const sections = [this.#data, this.#instructions, this.#addresses];
    const head = [...integer(this.#window.length), 0, ...sections.flatMap(({ length }) => integer(length))];
    const encodedLength = head.length + sections.reduce((sum, { length }) => sum + length, 0);
    const start = this.#sourceLength === 0 ? [0] : [windowBits.source, ...integer(this.#sourceLength), ...integer(0)];
    return [Uint8Array.of(...start, ...integer(encodedLength), ...head), ...sections.map((section) => section.bytes())];
  }
}
