import { type Fault, fail } from '../kit/index.ts';
import { lenientBit } from './charset.ts';
import { type Layout, wireForm } from './layout.ts';
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
 * Reads one message. The loop only checks and notes places; values are made by `DecodedMessage` when asked for.
 * One instance serves one call at a time, and no call can be interrupted.
 */
export class Decoder {
  readonly #layout: Layout;
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
      this.#word(first, 1, places) ||
      this.#word(low, 33, places) ||
      this.#word(high2, 65, places) ||
      this.#word(low2, 97, places);
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
  #word(word: number, first: number, places: number[]): number {
    let left = word;
    while (left !== 0) {
      const bit = Math.clz32(left);
      left &= ~(0x80000000 >>> bit);
      if (!this.#element(first + bit, places)) return first + bit;
    }
    return 0;
  }

  #element(number: number, places: number[]): boolean {
    const layout = this.#layout;
    const indicator = layout.indicators[number] ?? 0;
    const max = layout.maxLengths[number] ?? 0;
    let count = max;
    if (indicator !== 0) {
      const start = this.#at;
      count = layout.indicatorsPacked ? this.#packedIndicator(indicator) : this.#textIndicator(indicator);
      if (count < 0) return false;
      if (count > max) return this.#fault('LENGTH_EXCEEDS_MAX', start);
    }
    const at = this.#at;
    const end = this.#value(layout.forms[number] ?? 0, count, layout.masks[number] ?? 0);
    if (end < 0) return false;
    this.#at = end;
    const index = this.#count;
    places[index] = number;
    places[index + 1] = at;
    places[index + 2] = count;
    this.#count = index + 3;
    return true;
  }

  #textIndicator(width: number): number {
    const { digits } = this.#layout.set;
    const bytes = this.#bytes;
    let count = 0;
    for (let index = 0; index < width; index++, this.#at++) {
      if (this.#at >= bytes.length) return this.#failed('TRUNCATED', this.#at);
      const digit = digits[bytes[this.#at] ?? 0] ?? 255;
      if (digit > 9) return this.#failed('BAD_LENGTH_INDICATOR', this.#at);
      count = count * 10 + digit;
    }
    return count;
  }

  #packedIndicator(width: number): number {
    const bytes = this.#bytes;
    let count = 0;
    for (let index = (width + 1) >> 1; index > 0; index--, this.#at++) {
      if (this.#at >= bytes.length) return this.#failed('TRUNCATED', this.#at);
      const byte = bytes[this.#at] ?? 0;
      if (nibbleFaults[byte] !== 0 || (width === 3 && index === 2 && byte > 9))
        return this.#failed('BAD_LENGTH_INDICATOR', this.#at);
      count = count * 100 + (byte >> 4) * 10 + (byte & 15);
    }
    return count;
  }

  #failed(code: DecodeCode, offset: number): number {
    this.#fault(code, offset);
    return -1;
  }

  /** Checks a value from here on; returns where it ends, or -1. */
  #value(form: number, count: number, mask: number): number {
    switch (form) {
      case wireForm.text:
        return this.#text(this.#at, count, mask);
      case wireForm.bcd:
        return this.#digits(this.#at, count);
      case wireForm.raw: {
        const end = this.#at + count;
        return end <= this.#bytes.length ? end : this.#failed('TRUNCATED', this.#bytes.length);
      }
      case wireForm.hex:
        return this.#hex(this.#at, count);
      default:
        return this.#signed(form, count, mask);
    }
  }

  #text(at: number, count: number, mask: number): number {
    const bytes = this.#bytes;
    const types = this.#layout.set.byteTypes;
    const end = at + count;
    const stop = end < bytes.length ? end : bytes.length;
    let seen = 0;
    for (let index = at; index < stop; index++) {
      const bits = types[bytes[index] ?? 0] ?? 0;
      if ((bits & mask) === 0) return this.#failed('BAD_CHARSET', index);
      seen |= bits;
    }
    if (stop !== end) return this.#failed('TRUNCATED', stop);
    if ((seen & lenientBit) !== 0) this.#use('ans-8bit');
    return end;
  }

  #digits(at: number, count: number): number {
    const bytes = this.#bytes;
    const end = at + ((count + 1) >> 1);
    const stop = end < bytes.length ? end : bytes.length;
    if ((count & 1) !== 0) return this.#oddDigits(at, end, stop);
    for (let index = at; index < stop; index++)
      if (nibbleFaults[bytes[index] ?? 0] !== 0) return this.#failed('BAD_BCD_NIBBLE', index);
    return stop === end ? end : this.#failed('TRUNCATED', stop);
  }

  /** An odd number of digits: the byte with the filler is the first or the last one. */
  #oddDigits(at: number, end: number, stop: number): number {
    const bytes = this.#bytes;
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

  #hex(at: number, count: number): number {
    const bytes = this.#bytes;
    const { hexDigits } = this.#layout.set;
    const end = at + count * 2;
    const stop = end < bytes.length ? end : bytes.length;
    for (let index = at; index < stop; index++)
      if ((hexDigits[bytes[index] ?? 0] ?? 255) > 15) return this.#failed('BAD_CHARSET', index);
    return stop === end ? end : this.#failed('TRUNCATED', stop);
  }

  #signed(form: number, count: number, mask: number): number {
    const at = this.#at;
    if (count === 0) return this.#failed('BAD_SIGN', at);
    if (at >= this.#bytes.length) return this.#failed('TRUNCATED', at);
    const byte = this.#bytes[at] ?? 0;
    const { set, dialect } = this.#layout;
    const isNibble = form === wireForm.signedBcd && dialect.sign === 'nibble';
    const isSign = isNibble ? byte === 0x0c || byte === 0x0d : set.toByte[0x43] === byte || set.toByte[0x44] === byte;
    if (!isSign) return this.#failed('BAD_SIGN', at);
    return form === wireForm.signedBcd ? this.#digits(at + 1, count - 1) : this.#text(at + 1, count - 1, mask);
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
