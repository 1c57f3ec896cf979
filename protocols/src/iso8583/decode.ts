import { type Fault, fail } from '../kit/index.ts';
import { lenientBit, typeBits } from './charset.ts';
import { type Layout, planForm, planIndicator, planMask, planMax, wireForm } from './layout.ts';
import type { Leniency } from './leniency.ts';
import { DecodedMessage } from './message.ts';
import { editionOf, mtiFault, mtiText } from './mti.ts';

/** Why bytes are not a message of the profile. */
export type DecodeCode =
  | 'TRUNCATED'
  | 'TRAILING_BYTES'
  | 'BAD_BITMAP'
  | 'MTI_VERSION'
  | 'MTI_INVALID'
  | 'BAD_CHARSET'
  | 'BAD_BCD_NIBBLE'
  | 'BAD_PAD_NIBBLE'
  | 'BAD_LENGTH_INDICATOR'
  | 'LENGTH_EXCEEDS_MAX'
  | 'BAD_SIGN';

/** A message, or the first fault in the order of the bytes with its field (0 MTI, 1 bitmap) and offset. */
export type Decoding = Decoded | Refused;

/** A message that was read to its end. */
export interface Decoded {
  readonly ok: true;
  readonly value: DecodedMessage;
}

/** A message that could not be read, and what could be read of it. */
export interface Refused {
  readonly ok: false;
  readonly fault: Fault<DecodeCode>;
  /** What stood before the fault, enough to answer with action code 904; absent when not even the MTI could be read. */
  readonly partial?: DecodedMessage;
}

const none: readonly never[] = [];
const nothing = new Uint8Array(0);

/** By byte: 0 both nibbles are digits, 1 the high one is not, 2 only the low one is not. */
const nibbleFaults = Uint8Array.from({ length: 256 }, (_, byte) => (byte >> 4 > 9 ? 1 : (byte & 15) > 9 ? 2 : 0));

/** How many bits of a 32-bit word are set. */
function ones(word: number): number {
  const pairs = word - ((word >>> 1) & 0x55555555);
  const nibbles = (pairs & 0x33333333) + ((pairs >>> 2) & 0x33333333);
  return Math.imul((nibbles + (nibbles >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}

/**
 * Whether bytes are all there and each from 20 to 7E. Four in one word: a top bit is set where a byte is above 7F, where
 * adding 1 to its other bits reaches 80 (it is 7F), or where adding 60 does not (it is below 20).
 */
function isPrintable(bytes: Uint8Array, from: number, to: number): boolean {
  if (to > bytes.length) return false;
  let wrong = 0;
  let at = from;
  for (; at + 3 < to; at += 4) {
    const word =
      (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16) | ((bytes[at + 3] ?? 0) << 24);
    const low = word & 0x7f7f7f7f;
    wrong |= word | (low + 0x01010101) | ~(low + 0x60606060);
  }
  for (; at < to; at++) {
    const byte = bytes[at] ?? 0;
    wrong |= byte | (byte + 1) | ~((byte & 0x7f) + 0x60);
  }
  return (wrong & 0x80808080) === 0;
}

/**
 * Reads one message. The loop only checks and notes places; values are made by `DecodedMessage` when asked for.
 * One instance serves one call at a time, and no call can be interrupted.
 */
export class Decoder {
  readonly #layout: Layout;
  readonly #isPlainAscii: boolean;
  #bytes: Uint8Array = nothing;
  #at = 0;
  /** Entries of the places that are filled. */
  #count = 0;
  /** Set by the readers below when they fail. */
  #code: DecodeCode | undefined;
  #offset = 0;
  #leniencies: Leniency[] | undefined;

  constructor(layout: Layout) {
    this.#layout = layout;
    this.#isPlainAscii = layout.set.isAscii && !layout.allow.has('ans-8bit');
  }

  decode(bytes: Uint8Array): Decoding {
    this.#bytes = bytes;
    const decoding = this.#decode(bytes);
    this.#bytes = nothing;
    return decoding;
  }

  #decode(bytes: Uint8Array): Decoding {
    this.#at = 0;
    this.#code = undefined;
    this.#leniencies = undefined;
    const mti = this.#layout.mtiPacked ? this.#packedMti() : this.#textMti();
    if (this.#code !== undefined) return this.#refuse(0, mti, none);
    const high = this.#bitmapWord();
    const low = this.#bitmapWord();
    const isLong = high < 0;
    const high2 = isLong ? this.#bitmapWord() : 0;
    const low2 = isLong ? this.#bitmapWord() : 0;
    if (this.#code !== undefined) return this.#refuse(1, mti, none);
    const bodyOffset = this.#at;
    const first = high & 0x7fffffff;
    // An array that is made at its full length is not moved as it fills; Array.from would fill it first.
    // oxlint-disable-next-line unicorn/no-new-array
    const places = new Array<number>(3 * (ones(first) + ones(low) + ones(high2) + ones(low2)));
    this.#count = 0;
    const failed =
      this.#word(bytes, first, 1, places) ||
      this.#word(bytes, low, 33, places) ||
      this.#word(bytes, high2, 65, places) ||
      this.#word(bytes, low2, 97, places);
    if (failed > 0) {
      places.length = this.#count;
      return this.#refuse(failed, mti, places, bodyOffset);
    }
    if (this.#at !== bytes.length && !this.#mayTrail()) {
      const fault = fail('TRAILING_BYTES', { offset: this.#at, facts: { bytes: bytes.length - this.#at } });
      return { ...fault, partial: this.#message(mti, bodyOffset, places, true) };
    }
    return { ok: true, value: this.#message(mti, bodyOffset, places, false) };
  }

  #message(mti: string, bodyOffset: number, places: readonly number[], isPartial: boolean): DecodedMessage {
    return new DecodedMessage(this.#layout, mti, this.#bytes, bodyOffset, places, this.#leniencies ?? none, isPartial);
  }

  #refuse(field: number, mti: string, places: readonly number[], bodyOffset = this.#at): Refused {
    const code = this.#code ?? 'TRUNCATED';
    const facts = code === 'MTI_VERSION' && { facts: { edition: editionOf(mti.charCodeAt(0) - 0x30) } };
    const refused = fail(code, { field, offset: this.#offset, ...facts });
    return mti === '' || (field === 0 && code !== 'MTI_VERSION')
      ? refused
      : { ...refused, partial: this.#message(mti, bodyOffset, places, true) };
  }

  #fault(code: DecodeCode, offset: number): false {
    this.#code = code;
    this.#offset = offset;
    return false;
  }

  #textMti(): string {
    const { digits } = this.#layout.set;
    const bytes = this.#bytes;
    for (let index = 0; index < 4; index++) {
      if (index >= bytes.length) return this.#mtiFault('TRUNCATED', index);
      const fault = mtiFault(index, digits[bytes[index] ?? 0] ?? 255);
      if (fault) return this.#mtiFault(fault, index);
    }
    this.#at = 4;
    return mtiText(digits[bytes[1] ?? 0] ?? 0, digits[bytes[2] ?? 0] ?? 0, digits[bytes[3] ?? 0] ?? 0);
  }

  #packedMti(): string {
    const bytes = this.#bytes;
    for (let index = 0; index < 4; index++) {
      const at = index >> 1;
      if (at >= bytes.length) return this.#mtiFault('TRUNCATED', at);
      const byte = bytes[at] ?? 0;
      const fault = mtiFault(index, (index & 1) === 0 ? byte >> 4 : byte & 15);
      if (fault) return this.#mtiFault(fault === 'BAD_CHARSET' ? 'BAD_BCD_NIBBLE' : fault, at);
    }
    this.#at = 2;
    return mtiText((bytes[0] ?? 0) & 15, (bytes[1] ?? 0) >> 4, (bytes[1] ?? 0) & 15);
  }

  /** The MTI of another edition is told, so that a caller can name it; any other fault leaves no MTI. */
  #mtiFault(code: DecodeCode, offset: number): string {
    this.#fault(code, offset);
    if (code !== 'MTI_VERSION') return '';
    const { mtiPacked, set } = this.#layout;
    const arrived = [...this.#bytes.subarray(0, mtiPacked ? 2 : 4)];
    const digits = arrived.flatMap((byte) => (mtiPacked ? [byte >> 4, byte & 15] : [set.digits[byte] ?? 255]));
    return digits
      .map((digit) => (digit <= 9 ? String(digit) : '?'))
      .join('')
      .padEnd(4, '?');
  }

  /** Four bytes of a bitmap as a signed 32-bit number. Does nothing once a fault was met. */
  #bitmapWord(): number {
    if (this.#code !== undefined) return 0;
    const bytes = this.#bytes;
    const at = this.#at;
    if (this.#layout.bitmapHex) return this.#hexWord();
    if (at + 4 > bytes.length) {
      this.#fault('TRUNCATED', bytes.length);
      return 0;
    }
    this.#at = at + 4;
    return ((bytes[at] ?? 0) << 24) | ((bytes[at + 1] ?? 0) << 16) | ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0);
  }

  #hexWord(): number {
    const { hexDigits } = this.#layout.set;
    let word = 0;
    for (let index = 0; index < 8; index++, this.#at++) {
      const digit = this.#at < this.#bytes.length ? (hexDigits[this.#bytes[this.#at] ?? 0] ?? 255) : 256;
      if (digit > 15) {
        this.#fault(digit === 256 ? 'TRUNCATED' : 'BAD_BITMAP', this.#at);
        return 0;
      }
      word = (word << 4) | digit;
    }
    return word;
  }

  /** Reads the elements of one bitmap word; returns the element that failed, or 0. */
  #word(bytes: Uint8Array, word: number, first: number, places: number[]): number {
    const { plans, indicatorsPacked } = this.#layout;
    let at = this.#at;
    let index = this.#count;
    let left = word;
    let failed = 0;
    while (left !== 0) {
      const bit = Math.clz32(left);
      left &= ~(0x80000000 >>> bit);
      const number = first + bit;
      const plan = plans[number] ?? 0;
      const width = planIndicator(plan);
      let count = planMax(plan);
      if (width !== 0) {
        const max = count;
        count = indicatorsPacked ? this.#packedIndicator(bytes, at, width) : this.#textIndicator(bytes, at, width);
        if (count > max) count = this.#failed('LENGTH_EXCEEDS_MAX', at);
        at += indicatorsPacked ? (width + 1) >> 1 : width;
      }
      const end = count < 0 ? -1 : this.#value(bytes, at, count, plan);
      if (end < 0) {
        failed = number;
        break;
      }
      places[index] = number;
      places[index + 1] = at;
      places[index + 2] = count;
      index += 3;
      at = end;
    }
    this.#at = at;
    this.#count = index;
    return failed;
  }

  #textIndicator(bytes: Uint8Array, at: number, width: number): number {
    const { digits } = this.#layout.set;
    let count = 0;
    for (let index = at; index < at + width; index++) {
      if (index >= bytes.length) return this.#failed('TRUNCATED', index);
      const digit = digits[bytes[index] ?? 0] ?? 255;
      if (digit > 9) return this.#failed('BAD_LENGTH_INDICATOR', index);
      count = count * 10 + digit;
    }
    return count;
  }

  #packedIndicator(bytes: Uint8Array, at: number, width: number): number {
    const end = at + ((width + 1) >> 1);
    let count = 0;
    for (let index = at; index < end; index++) {
      if (index >= bytes.length) return this.#failed('TRUNCATED', index);
      const byte = bytes[index] ?? 0;
      if (nibbleFaults[byte] !== 0 || (width === 3 && index === at && byte > 9))
        return this.#failed('BAD_LENGTH_INDICATOR', index);
      count = count * 100 + (byte >> 4) * 10 + (byte & 15);
    }
    return count;
  }

  #failed(code: DecodeCode, offset: number): number {
    this.#fault(code, offset);
    return -1;
  }

  /** Checks a value from `at` on; returns where it ends, or -1. */
  #value(bytes: Uint8Array, at: number, count: number, plan: number): number {
    switch (planForm(plan)) {
      case wireForm.text:
        return this.#text(bytes, at, count, planMask(plan));
      case wireForm.bcd:
        return this.#digits(bytes, at, count);
      case wireForm.raw: {
        const end = at + count;
        return end <= bytes.length ? end : this.#failed('TRUNCATED', bytes.length);
      }
      case wireForm.hex:
        return this.#hex(bytes, at, count);
      default:
        return this.#signed(bytes, at, count, plan);
    }
  }

  /** Four characters at a time: what all of them may be, and what any of them is. Where one is wrong comes after. */
  #text(bytes: Uint8Array, at: number, count: number, mask: number): number {
    if (count > 15 && mask === typeBits.ans && this.#isPlainAscii && isPrintable(bytes, at, at + count))
      return at + count;
    const types = this.#layout.set.byteTypes;
    const end = at + count;
    const stop = end < bytes.length ? end : bytes.length;
    let all = mask;
    let seen = 0;
    let index = at;
    for (; index + 3 < stop; index += 4) {
      const a = types[bytes[index] ?? 0] ?? 0;
      const b = types[bytes[index + 1] ?? 0] ?? 0;
      const c = types[bytes[index + 2] ?? 0] ?? 0;
      const d = types[bytes[index + 3] ?? 0] ?? 0;
      all &= a & b & c & d;
      seen |= a | b | c | d;
    }
    for (; index < stop; index++) {
      const bits = types[bytes[index] ?? 0] ?? 0;
      all &= bits;
      seen |= bits;
    }
    if (all !== mask) return this.#wrongCharacter(bytes, at, stop, mask);
    if (stop !== end) return this.#failed('TRUNCATED', stop);
    if ((seen & lenientBit) !== 0) this.#use('ans-8bit');
    return end;
  }

  #wrongCharacter(bytes: Uint8Array, at: number, stop: number, mask: number): number {
    const types = this.#layout.set.byteTypes;
    let index = at;
    while (index < stop && ((types[bytes[index] ?? 0] ?? 0) & mask) !== 0) index++;
    return this.#failed('BAD_CHARSET', index);
  }

  #digits(bytes: Uint8Array, at: number, count: number): number {
    const end = at + ((count + 1) >> 1);
    const stop = end < bytes.length ? end : bytes.length;
    if ((count & 1) !== 0) return this.#oddDigits(bytes, at, end, stop);
    for (let index = at; index < stop; index++)
      if (nibbleFaults[bytes[index] ?? 0] !== 0) return this.#failed('BAD_BCD_NIBBLE', index);
    return stop === end ? end : this.#failed('TRUNCATED', stop);
  }

  /** An odd number of digits: the byte with the filler is the first or the last one. */
  #oddDigits(bytes: Uint8Array, at: number, end: number, stop: number): number {
    const left = this.#layout.oddDigitsLeft;
    const padAt = left ? end - 1 : at;
    for (let index = at; index < stop; index++) {
      const byte = bytes[index] ?? 0;
      if (index !== padAt) {
        if (nibbleFaults[byte] !== 0) return this.#failed('BAD_BCD_NIBBLE', index);
        continue;
      }
      const pad = left ? byte & 15 : byte >> 4;
      const digit = left ? byte >> 4 : byte & 15;
      if (left && digit > 9) return this.#failed('BAD_BCD_NIBBLE', index);
      if (pad === 15 && this.#layout.allow.has('f-pad')) this.#use('f-pad');
      else if (pad !== 0) return this.#failed('BAD_PAD_NIBBLE', index);
      if (digit > 9) return this.#failed('BAD_BCD_NIBBLE', index);
    }
    return stop === end ? end : this.#failed('TRUNCATED', stop);
  }

  #hex(bytes: Uint8Array, at: number, count: number): number {
    const { hexDigits } = this.#layout.set;
    const end = at + count * 2;
    const stop = end < bytes.length ? end : bytes.length;
    for (let index = at; index < stop; index++)
      if ((hexDigits[bytes[index] ?? 0] ?? 255) > 15) return this.#failed('BAD_CHARSET', index);
    return stop === end ? end : this.#failed('TRUNCATED', stop);
  }

  #signed(bytes: Uint8Array, at: number, count: number, plan: number): number {
    if (count === 0) return this.#failed('BAD_SIGN', at);
    if (at >= bytes.length) return this.#failed('TRUNCATED', at);
    const byte = bytes[at] ?? 0;
    const { set, dialect } = this.#layout;
    const isBcd = planForm(plan) === wireForm.signedBcd;
    const isNibble = isBcd && dialect.sign === 'nibble';
    const isSign = isNibble ? byte === 0x0c || byte === 0x0d : set.toByte[0x43] === byte || set.toByte[0x44] === byte;
    if (!isSign) return this.#failed('BAD_SIGN', at);
    return isBcd ? this.#digits(bytes, at + 1, count - 1) : this.#text(bytes, at + 1, count - 1, planMask(plan));
  }

  #mayTrail(): boolean {
    if (!this.#layout.allow.has('trailing-lf')) return false;
    const rest = this.#bytes.subarray(this.#at);
    const isLine = rest.length === 1 ? rest[0] === 0x0a : rest.length === 2 && rest[0] === 0x0d && rest[1] === 0x0a;
    if (isLine) this.#use('trailing-lf');
    return isLine;
  }

  #use(leniency: Leniency): void {
    this.#leniencies ??= [];
    if (!this.#leniencies.includes(leniency)) this.#leniencies.push(leniency);
  }
}
