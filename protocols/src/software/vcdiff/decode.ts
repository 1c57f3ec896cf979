import { asBuffer, fail, ok, type Result } from '../../kit/index.ts';
import { AddressCache, codeTable, type Instruction, isByteMode, vcdiffMagic, windowBits } from './codes.ts';

class Refused extends Error {}

/** Reads integers (RFC 3284, 2), bytes and sections, and refuses what reaches past the end. */
class Cursor {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  byte(): number {
    const byte = this.#bytes[this.#at++];
    if (byte === undefined) throw new Refused('truncated');
    return byte;
  }

  integer(max: number): number {
    let value = 0;
    for (let digits = 0; digits < 6; digits++) {
      const byte = this.byte();
      value = value * 128 + (byte & 0x7f);
      if (value > max) throw new Refused('too large');
      if (byte < 0x80) return value;
    }
    throw new Refused('integer');
  }

  take(length: number): Uint8Array {
    if (length > this.#bytes.length - this.#at) throw new Refused('truncated');
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }
}

/**
 * Applies a delta to what it was made from (RFC 3284, default code table, no secondary compression; windows may carry xdelta3's
 * Adler-32). Nothing is believed: no more than `size` bytes are ever made, every copy lies inside, and work is bounded by the
 * lengths of delta and target.
 * @returns the target of exactly `size` bytes, or SOFTWARE_DELTA_INVALID
 */
export function applyVcdiff(
  delta: Uint8Array,
  source: Uint8Array,
  size: number,
): Result<Uint8Array, 'SOFTWARE_DELTA_INVALID'> {
  try {
    const cursor = new Cursor(delta);
    if (vcdiffMagic.some((byte) => cursor.byte() !== byte)) throw new Refused('magic');
    const indicator = cursor.byte();
    // 1 and 2 are secondary compression and a code table of its own; 4 is xdelta3's application header.
    if ((indicator & ~4) !== 0) throw new Refused('header');
    if ((indicator & 4) !== 0) cursor.take(cursor.integer(delta.length));
    const target = new Uint8Array(size);
    let done = 0;
    while (!cursor.isAtEnd) done = applyWindow(cursor, source, target, done);
    if (done !== size) throw new Refused('length');
    return ok(target);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    return fail('SOFTWARE_DELTA_INVALID', { facts: { why: error.message, length: delta.length } });
  }
}

/** @returns how much of the target is done after the window */
function applyWindow(cursor: Cursor, source: Uint8Array, target: Uint8Array, done: number): number {
  const indicator = cursor.byte();
  const isFromSource = (indicator & windowBits.source) !== 0;
  const isFromTarget = (indicator & windowBits.target) !== 0;
  if ((indicator & ~7) !== 0 || (isFromSource && isFromTarget)) throw new Refused('window');
  const from = isFromTarget ? target.subarray(0, done) : source;
  let segment: Uint8Array = new Uint8Array(0);
  if (isFromSource || isFromTarget) {
    const length = cursor.integer(from.length);
    const start = cursor.integer(from.length - length);
    segment = from.subarray(start, start + length);
  }
  const encodedLength = cursor.integer(Number.MAX_SAFE_INTEGER);
  const body = new Cursor(cursor.take(encodedLength));
  const length = body.integer(target.length - done);
  if (body.byte() !== 0) throw new Refused('compressed sections');
  const lengths = [body.integer(encodedLength), body.integer(encodedLength), body.integer(encodedLength)] as const;
  const sum = (indicator & windowBits.adler32) === 0 ? undefined : asBuffer(body.take(4)).readUInt32BE(0);
  const [data, instructions, addresses] = [
    new Cursor(body.take(lengths[0])),
    new Cursor(body.take(lengths[1])),
    new Cursor(body.take(lengths[2])),
  ];
  if (!body.isAtEnd) throw new Refused('window length');
  const window = target.subarray(done, done + length);
  const cache = new AddressCache();
  let at = 0;
  const perform = ({ kind, size: fixed, mode }: Instruction): void => {
    const size = fixed === 0 ? instructions.integer(length - at) : fixed;
    if (size > length - at) throw new Refused('too long');
    if (kind === 'add') window.set(data.take(size), at);
    else if (kind === 'run') window.fill(data.byte(), at, at + size);
    else {
      const here = segment.length + at;
      const written = isByteMode(mode) ? addresses.byte() : addresses.integer(Number.MAX_SAFE_INTEGER);
      const address = cache.read(mode, written, here);
      if (address < 0 || address >= here) throw new Refused('address');
      cache.remember(address);
      copyWithin(segment, window, address, at, size);
    }
    at += size;
  };
  while (!instructions.isAtEnd) for (const instruction of codeTable[instructions.byte()] ?? []) perform(instruction);
  if (at !== length || !data.isAtEnd || !addresses.isAtEnd) throw new Refused('sections');
  if (sum !== undefined && sum !== adler32(window)) throw new Refused('checksum');
  return done + length;
}

/** Copies from segment and window, which count as one; a copy may run into what it is making. RFC 3284, 3. */
function copyWithin(segment: Uint8Array, window: Uint8Array, address: number, at: number, size: number): void {
  const ofSegment = Math.min(size, Math.max(0, segment.length - address));
  if (ofSegment > 0) window.set(segment.subarray(address, address + ofSegment), at);
  const start = address + ofSegment - segment.length;
  const to = at + ofSegment;
  const rest = size - ofSegment;
  if (start + rest <= to) window.copyWithin(to, start, start + rest);
  else for (let index = 0; index < rest; index++) window[to + index] = window[start + index] ?? 0;
}

/** RFC 1950, 8.2. */
function adler32(bytes: Uint8Array): number {
  let low = 1;
  let high = 0;
  for (let at = 0; at < bytes.length; ) {
    for (const end = Math.min(at + 3_800, bytes.length); at < end; at++) {
      low += bytes[at] ?? 0;
      high += low;
    }
    low %= 65_521;
    high %= 65_521;
  }
  return ((high << 16) | low) >>> 0;
}
