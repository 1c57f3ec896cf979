import { fail, ok, type Result, Secret } from '../kit/index.ts';
import { type Layout, wireForm } from './layout.ts';
import type { FieldValue, Message } from './message.ts';
import { checkMti } from './mti.ts';

/** Why a message cannot be written under a profile. */
export type EncodeCode =
  | 'MTI_VERSION'
  | 'MTI_INVALID'
  | 'BAD_CHARSET'
  | 'LENGTH_EXCEEDS_MAX'
  | 'FIELD_LENGTH'
  | 'BAD_SIGN'
  | 'FIELD_UNKNOWN'
  | 'FIELD_KIND';

const upperHex = Uint8Array.from(Buffer.from('0123456789ABCDEF', 'latin1'));

/** Writes messages into a buffer of its own and hands out copies of it; the buffer is wiped behind each. */
export class Encoder {
  readonly #layout: Layout;
  #buffer = new Uint8Array(0);
  #at = 0;
  /** Elements that were found in the message. */
  #count = 0;
  #code: EncodeCode | undefined;

  constructor(layout: Layout) {
    this.#layout = layout;
  }

  encode({ mti, fields }: Message): Result<Uint8Array, EncodeCode> {
    const checked = checkMti(mti);
    if (!checked.ok) return checked;
    if (this.#buffer.length === 0) this.#buffer = new Uint8Array(longestMessage(this.#layout));
    this.#at = 0;
    this.#count = 0;
    this.#code = undefined;
    this.#mti(mti);
    const failed = this.#body(fields);
    // Walking over the keys takes as long as writing ten elements, so that it waits until the numbers do not add up.
    const stray = Object.values(fields).length === this.#count ? undefined : strayElement(fields);
    if (failed > 0 || stray !== undefined) {
      // A field that failed may have been written in part, behind the place that is counted.
      this.#buffer.fill(0);
      return stray === undefined
        ? fail(this.#code ?? 'FIELD_KIND', { field: failed })
        : fail('FIELD_UNKNOWN', { field: stray });
    }
    const end = this.#at;
    const bytes = this.#buffer.slice(0, end);
    this.#buffer.fill(0, 0, end);
    return ok(bytes);
  }

  #mti(mti: string): void {
    const digit = (index: number): number => mti.charCodeAt(index) - 0x30;
    if (this.#layout.mtiPacked) {
      this.#buffer[0] = (digit(0) << 4) | digit(1);
      this.#buffer[1] = (digit(2) << 4) | digit(3);
      this.#at = 2;
      return;
    }
    for (let index = 0; index < 4; index++) this.#buffer[index] = this.#layout.set.toByte[mti.charCodeAt(index)] ?? 0;
    this.#at = 4;
  }

  /** Bitmaps and elements; returns the element that failed, or 0. */
  #body(fields: Message['fields']): number {
    const words = [0, 0, 0, 0];
    const bitmapAt = this.#at;
    let isLong = false;
    for (let number = 65; number <= 128 && !isLong; number++) isLong = fields[number] !== undefined;
    const bitmapLength = (isLong ? 16 : 8) * (this.#layout.bitmapHex ? 2 : 1);
    this.#at += bitmapLength;
    const last = isLong ? 128 : 64;
    for (let number = 2; number <= last; number++) {
      const value = fields[number];
      if (value === undefined) continue;
      this.#count++;
      if (!this.#element(number, value)) return number;
      const word = (number - 1) >> 5;
      words[word] = (words[word] ?? 0) | (0x80000000 >>> ((number - 1) & 31));
    }
    if (isLong) words[0] = (words[0] ?? 0) | 0x80000000;
    this.#bitmap(bitmapAt, bitmapLength, words);
    return 0;
  }

  #bitmap(at: number, length: number, words: readonly number[]): void {
    const isHex = this.#layout.bitmapHex;
    for (let index = 0; index < length; index++) {
      const bit = index * (isHex ? 4 : 8);
      const word = words[bit >> 5] ?? 0;
      const shift = (isHex ? 28 : 24) - (bit & 31);
      this.#buffer[at + index] = isHex ? this.#hexByte((word >>> shift) & 15) : word >>> shift;
    }
  }

  #hexByte(digit: number): number {
    return this.#layout.set.toByte[upperHex[digit] ?? 0] ?? 0;
  }

  #fault(code: EncodeCode): false {
    this.#code = code;
    return false;
  }

  #element(number: number, value: FieldValue): boolean {
    const layout = this.#layout;
    const form = layout.forms[number] ?? 0;
    if (layout.secrets[number] === 1) {
      if (!(value instanceof Secret)) return this.#fault('FIELD_KIND');
      return value.use((bytes) => this.#write(number, form, bytes, bytes.length));
    }
    if (form === wireForm.raw || form === wireForm.hex)
      return value instanceof Uint8Array ? this.#write(number, form, value, value.length) : this.#fault('FIELD_KIND');
    return typeof value === 'string' ? this.#write(number, form, value, value.length) : this.#fault('FIELD_KIND');
  }

  #write(number: number, form: number, value: string | Uint8Array, count: number): boolean {
    const { indicators, maxLengths, masks } = this.#layout;
    const indicator = indicators[number] ?? 0;
    const max = maxLengths[number] ?? 0;
    if (indicator === 0) {
      if (count !== max) return this.#fault('FIELD_LENGTH');
    } else {
      if (count > max) return this.#fault('LENGTH_EXCEEDS_MAX');
      this.#indicator(indicator, count);
    }
    if (typeof value === 'string') {
      if (form === wireForm.text) return this.#text(value, 0, masks[number] ?? 0);
      return form === wireForm.bcd ? this.#digits(value, 0) : this.#signed(form, value, masks[number] ?? 0);
    }
    if (form === wireForm.raw) {
      this.#buffer.set(value, this.#at);
      this.#at += count;
      return true;
    }
    if (form === wireForm.hex) return this.#hex(value);
    return form === wireForm.text ? this.#characters(value, masks[number] ?? 0) : this.#digitCharacters(form, value);
  }

  #indicator(width: number, count: number): void {
    const { indicatorsPacked, set } = this.#layout;
    const buffer = this.#buffer;
    if (indicatorsPacked) {
      if (width > 2) buffer[this.#at++] = packTwo(Math.trunc(count / 100));
      buffer[this.#at++] = packTwo(count % 100);
      return;
    }
    for (let unit = width === 2 ? 10 : width === 3 ? 100 : 1000; unit >= 1; unit /= 10)
      buffer[this.#at++] = set.toByte[0x30 + (Math.trunc(count / unit) % 10)] ?? 0;
  }

  #text(text: string, from: number, mask: number): boolean {
    const { characterTypes, toByte } = this.#layout.set;
    const buffer = this.#buffer;
    let at = this.#at;
    for (let index = from; index < text.length; index++) {
      const character = text.charCodeAt(index);
      if (character > 255 || ((characterTypes[character] ?? 0) & mask) === 0) return this.#fault('BAD_CHARSET');
      buffer[at++] = toByte[character] ?? 0;
    }
    this.#at = at;
    return true;
  }

  #digits(text: string, from: number): boolean {
    const buffer = this.#buffer;
    const count = text.length - from;
    let at = this.#at;
    let index = from;
    if ((count & 1) !== 0 && !this.#layout.oddDigitsLeft) {
      const digit = text.charCodeAt(index++) - 0x30;
      if (digit < 0 || digit > 9) return this.#fault('BAD_CHARSET');
      buffer[at++] = digit;
    }
    for (; index + 1 < text.length; index += 2) {
      const high = text.charCodeAt(index) - 0x30;
      const low = text.charCodeAt(index + 1) - 0x30;
      if (high < 0 || high > 9 || low < 0 || low > 9) return this.#fault('BAD_CHARSET');
      buffer[at++] = (high << 4) | low;
    }
    if (index < text.length) {
      const digit = text.charCodeAt(index) - 0x30;
      if (digit < 0 || digit > 9) return this.#fault('BAD_CHARSET');
      buffer[at++] = digit << 4;
    }
    this.#at = at;
    return true;
  }

  #signed(form: number, text: string, mask: number): boolean {
    const sign = text.charCodeAt(0);
    if (sign !== 0x43 && sign !== 0x44) return this.#fault('BAD_SIGN');
    const { dialect, set } = this.#layout;
    const isNibble = form === wireForm.signedBcd && dialect.sign === 'nibble';
    this.#buffer[this.#at++] = isNibble ? sign - 0x37 : (set.toByte[sign] ?? 0);
    return form === wireForm.signedBcd ? this.#digits(text, 1) : this.#text(text, 1, mask);
  }

  #hex(value: Uint8Array): boolean {
    for (const byte of value) {
      this.#buffer[this.#at++] = this.#hexByte(byte >> 4);
      this.#buffer[this.#at++] = this.#hexByte(byte & 15);
    }
    return true;
  }

  /** The characters of a secret as text. */
  #characters(value: Uint8Array, mask: number): boolean {
    const { characterTypes, toByte } = this.#layout.set;
    for (const character of value) {
      if (((characterTypes[character] ?? 0) & mask) === 0) return this.#fault('BAD_CHARSET');
      this.#buffer[this.#at++] = toByte[character] ?? 0;
    }
    return true;
  }

  /** The digits of a secret, packed. */
  #digitCharacters(form: number, value: Uint8Array): boolean {
    if (form !== wireForm.bcd) return this.#fault('FIELD_KIND');
    const isOdd = (value.length & 1) !== 0;
    let nibble = isOdd && !this.#layout.oddDigitsLeft ? 1 : 0;
    if (isOdd) this.#buffer[this.#at + (nibble === 1 ? 0 : value.length >> 1)] = 0;
    for (const character of value) {
      const digit = character - 0x30;
      if (digit < 0 || digit > 9) return this.#fault('BAD_CHARSET');
      const at = this.#at + (nibble >> 1);
      this.#buffer[at] = (nibble & 1) === 0 ? digit << 4 : (this.#buffer[at] ?? 0) | digit;
      nibble++;
    }
    this.#at += (value.length + 1) >> 1;
    return true;
  }
}

/** Two digits in one byte. */
const packTwo = (number: number): number => (Math.trunc(number / 10) << 4) | (number % 10);

/** An upper bound of the bytes of any message of a profile. */
function longestMessage({ elements, maxLengths }: Layout): number {
  let total = 4 + 32;
  for (let number = 2; number < elements.length; number++) total += 4 + 2 * (maxLengths[number] ?? 0);
  return total;
}

/** A key that is no element; -1 where it is not even a whole number. Keys such as 02 would never be looked at. */
function strayElement(fields: Message['fields']): number | undefined {
  for (const key in fields) {
    const number = Number(key);
    if (!Number.isInteger(number) || String(number) !== key) return -1;
    if (number < 2 || number > 128) return number;
  }
  return undefined;
}
