import { inspect } from 'node:util';
import { asBuffer, Secret, type SecretKind, toHex } from '../kit/index.ts';
import { dataElement } from './data-elements.ts';
import { indicatorLength, isOpenText, type Layout, planForm, wireForm, wireLength } from './layout.ts';
import type { Leniency } from './leniency.ts';
import { latinText, mappedText, packedText } from './text.ts';

/**
 * The value of an element: text as a string, binary as bytes, and card numbers, tracks and PIN blocks as a `Secret`
 * (of the ASCII characters where the element is text, of the bytes where it is binary).
 */
export type FieldValue = string | Uint8Array | Secret;

/** Elements by number, 2 to 128. */
export type Fields = { readonly [element: number]: FieldValue };

/** A message as our own code handles it: what `encode` takes, and what every decoded message is too. */
export interface Message {
  /** Four digits, such as 1100. */
  readonly mti: string;
  readonly fields: Fields;
}

/** Where an element stands on the wire, in bytes from the MTI. */
export interface Span {
  /** The first byte of the length indicator, or of the value of a fixed element. */
  readonly offset: number;
  /** Bytes of indicator and value together. */
  readonly length: number;
  /** The first byte of the value. */
  readonly valueOffset: number;
}

const identity = Uint8Array.from({ length: 256 }, (_, code) => code);

/**
 * A decoded message. Everything was checked when it was decoded; values are made when they are asked for, and binary
 * values are views into the bytes that were given to `decode`, which must therefore stay as they are.
 * Printing or logging the message shows no secrets: see `toJSON`.
 */
export class DecodedMessage implements Message {
  readonly mti: string;
  /** The leniencies of the profile that this message made use of. */
  readonly leniencies: readonly Leniency[];
  readonly #layout: Layout;
  readonly #bytes: Uint8Array;
  readonly #bodyOffset: number;
  /** Element, offset of the value and number of units, for each element in turn. */
  readonly #places: readonly number[];
  readonly #isPartial: boolean;
  #fields: Fields | undefined;

  /** For the decoder alone. */
  constructor(
    layout: Layout,
    mti: string,
    bytes: Uint8Array,
    bodyOffset: number,
    places: readonly number[],
    leniencies: readonly Leniency[],
    isPartial: boolean,
  ) {
    this.mti = mti;
    this.leniencies = leniencies;
    this.#layout = layout;
    this.#bytes = bytes;
    this.#bodyOffset = bodyOffset;
    this.#places = places;
    this.#isPartial = isPartial;
  }

  /** The numbers of the elements that are present, ascending; bitmaps are not elements here. */
  get elements(): readonly number[] {
    const elements: number[] = [];
    for (let index = 0; index < this.#places.length; index += 3) elements.push(this.#places[index] ?? 0);
    return elements;
  }

  /**
   * The values of all elements, in the order of `elements`: the quickest way to have every one. Made anew at each look.
   *
   * Text between two secrets becomes one string of which each value is a part. Strings are never made of the bytes
   * of a secret or of a binary element, which may hold one.
   */
  get values(): readonly FieldValue[] {
    const places = this.#places;
    const { plans, set } = this.#layout;
    // An array that is made at its full length is not moved as it fills.
    // oxlint-disable-next-line unicorn/no-new-array
    const values = new Array<FieldValue>(places.length / 3);
    for (let index = 0, count = 0; index < places.length; ) {
      if (set.isAscii && isOpenText(plans[places[index] ?? 0] ?? 0)) {
        const past = this.#stretch(places, index, values, count);
        count += (past - index) / 3;
        index = past;
      } else {
        values[count++] = this.#valueAt(index);
        index += 3;
      }
    }
    return values;
  }

  /** All elements as values. Made once, at the first look. */
  get fields(): Fields {
    if (this.#fields) return this.#fields;
    const fields: { [element: number]: FieldValue } = {};
    const { values } = this;
    // From the highest down, so that the object is given its room once.
    for (let index = values.length - 1; index >= 0; index--) fields[this.#places[index * 3] ?? 0] = values[index] ?? '';
    this.#fields = fields;
    return fields;
  }

  /** Byte spans of the MTI (0), the bitmaps together (1, where they were read) and each element, from the first byte of the MTI. */
  get spans(): Readonly<Record<number, Span>> {
    const mtiLength = Math.min(this.#layout.mtiPacked ? 2 : 4, this.#bytes.length);
    const spans: Record<number, Span> = { 0: { offset: 0, length: mtiLength, valueOffset: 0 } };
    // Of a message of another edition nothing is read behind its MTI.
    if (this.#bodyOffset >= mtiLength)
      spans[1] = { offset: mtiLength, length: this.#bodyOffset - mtiLength, valueOffset: mtiLength };
    for (const number of this.elements) {
      const span = this.span(number);
      if (span) spans[number] = span;
    }
    return spans;
  }

  has(number: number): boolean {
    return this.#find(number) >= 0;
  }

  /** The text of an element; undefined where it is absent, binary or secret. */
  text(number: number): string | undefined {
    const value = this.value(number);
    return typeof value === 'string' ? value : undefined;
  }

  /** The bytes of a binary element, a view; undefined where it is absent, text or secret. */
  binary(number: number): Uint8Array | undefined {
    const value = this.value(number);
    return value instanceof Uint8Array ? value : undefined;
  }

  /** A secret element; undefined where it is absent or not secret. */
  secret(number: number): Secret | undefined {
    const value = this.value(number);
    return value instanceof Secret ? value : undefined;
  }

  /** The value of one element, without making the others. */
  value(number: number): FieldValue | undefined {
    if (this.#fields) return this.#fields[number];
    const index = this.#find(number);
    return index < 0 ? undefined : this.#valueAt(index);
  }

  /** Where one element stands. */
  span(number: number): Span | undefined {
    const index = this.#find(number);
    if (index < 0) return undefined;
    const valueOffset = this.#places[index + 1] ?? 0;
    const count = this.#places[index + 2] ?? 0;
    const indicator = indicatorLength(this.#layout, number);
    const length = indicator + wireLength(this.#layout.forms[number] ?? 0, count);
    return { offset: valueOffset - indicator, length, valueOffset };
  }

  /** The bytes from the MTI up to an element: what a MAC in that element covers. A view. */
  bytesBefore(number: number): Uint8Array | undefined {
    const span = this.span(number);
    return span && this.#bytes.subarray(0, span.offset);
  }

  /**
   * What may be written down: the values of the elements that the table calls open, and of all others their kind or
   * length. What is not known to be harmless is not shown, and so no text at all of a message that was refused: where
   * a bitmap is spoilt, the digits of a card number may stand in an element that is otherwise harmless.
   */
  toJSON(): { mti: string; fields: Record<string, string> } {
    const fields: Record<string, string> = {};
    for (const number of this.elements)
      fields[number] = shown(this.value(number), !this.#isPartial && dataElement(number)?.open === true);
    return { mti: this.mti, fields };
  }

  [inspect.custom](): unknown {
    return this.toJSON();
  }

  #find(number: number): number {
    const places = this.#places;
    for (let index = 0; index < places.length; index += 3) if (places[index] === number) return index;
    return -1;
  }

  /** Makes the values from `first` on up to the next secret or binary element; returns the index of that. */
  #stretch(places: readonly number[], first: number, values: FieldValue[], firstCount: number): number {
    const { plans, oddDigitsLeft } = this.#layout;
    let past = first + 3;
    while (past < places.length && isOpenText(plans[places[past] ?? 0] ?? 0)) past += 3;
    const start = places[first + 1] ?? 0;
    const lastForm = planForm(plans[places[past - 3] ?? 0] ?? 0);
    const end = (places[past - 2] ?? 0) + wireLength(lastForm, places[past - 1] ?? 0);
    const bytes = asBuffer(this.#bytes);
    let latin: string | undefined;
    let digits: string | undefined;
    for (let index = first, next = firstCount; index < past; index += 3, next++) {
      const form = planForm(plans[places[index] ?? 0] ?? 0);
      const at = (places[index + 1] ?? 0) - start;
      const count = places[index + 2] ?? 0;
      if (form === wireForm.text) {
        latin ??= bytes.toString('latin1', start, end);
        values[next] = latin.substring(at, at + count);
      } else {
        digits ??= bytes.toString('hex', start, end);
        const from = at * 2 + (oddDigitsLeft ? 0 : count & 1);
        values[next] = digits.substring(from, from + count);
      }
    }
    return past;
  }

  #valueAt(index: number): FieldValue {
    const number = this.#places[index] ?? 0;
    const at = this.#places[index + 1] ?? 0;
    const count = this.#places[index + 2] ?? 0;
    const { forms, secrets } = this.#layout;
    const form = forms[number] ?? 0;
    if (secrets[number] === 1) return this.#secretAt(number, form, at, count);
    if (form === wireForm.raw) return this.#bytes.subarray(at, at + count);
    return form === wireForm.hex ? this.#hexBytes(at, count) : this.#textAt(form, at, count);
  }

  #textAt(form: number, at: number, count: number): string {
    const { set, oddDigitsLeft, dialect } = this.#layout;
    if (form === wireForm.bcd) return packedText(this.#bytes, at, count, oddDigitsLeft);
    if (form !== wireForm.signedBcd)
      return set.isAscii ? latinText(this.#bytes, at, count) : mappedText(this.#bytes, at, count, set.toCharacter);
    const byte = this.#bytes[at] ?? 0;
    const sign =
      dialect.sign === 'nibble' ? (byte === 0x0c ? 'C' : 'D') : String.fromCharCode(set.toCharacter[byte] ?? 0);
    return sign + packedText(this.#bytes, at + 1, count - 1, oddDigitsLeft);
  }

  #hexBytes(at: number, count: number): Uint8Array {
    const { hexDigits } = this.#layout.set;
    const bytes = new Uint8Array(count);
    for (let index = 0; index < count; index++)
      bytes[index] =
        ((hexDigits[this.#bytes[at + index * 2] ?? 0] ?? 0) << 4) |
        (hexDigits[this.#bytes[at + index * 2 + 1] ?? 0] ?? 0);
    return bytes;
  }

  #secretAt(number: number, form: number, at: number, count: number): Secret {
    const kind: SecretKind = this.#layout.elements[number]?.secret ?? 'pan';
    if (form === wireForm.raw || (form === wireForm.text && this.#layout.set.isAscii))
      return Secret.copy(kind, this.#bytes, at, at + count);
    if (form === wireForm.hex) return Secret.take(kind, this.#hexBytes(at, count));
    return Secret.take(kind, this.#characters(form, at, count));
  }

  /** The ASCII characters of a text element as bytes: no string of a secret ever exists. */
  #characters(form: number, at: number, count: number): Uint8Array {
    const characters = new Uint8Array(count);
    const { set, oddDigitsLeft } = this.#layout;
    const map = form === wireForm.bcd ? identity : set.toCharacter;
    const skip = oddDigitsLeft ? 0 : count & 1;
    for (let index = 0; index < count; index++) {
      if (form !== wireForm.bcd) {
        characters[index] = map[this.#bytes[at + index] ?? 0] ?? 0;
        continue;
      }
      const byte = this.#bytes[at + ((index + skip) >> 1)] ?? 0;
      characters[index] = 0x30 + (((index + skip) & 1) === 0 ? byte >> 4 : byte & 15);
    }
    return characters;
  }
}

function shown(value: FieldValue | undefined, isOpen: boolean): string {
  if (value instanceof Secret) return value.toString();
  if (value instanceof Uint8Array) return `[${value.length} bytes]`;
  if (value === undefined) return '';
  return isOpen ? value : `[${value.length} characters]`;
}

/** What of any message may be written down, as `DecodedMessage.toJSON` does it. */
export function describeFields(message: Message): Record<string, string> {
  return Object.fromEntries(
    Object.entries(message.fields).map(([number, value]) => [
      number,
      shown(value, dataElement(Number(number))?.open === true),
    ]),
  );
}

/** The text of an element; undefined where it is absent, binary or secret. */
export function textOf({ fields }: Pick<Message, 'fields'>, number: number): string | undefined {
  const value = fields[number];
  return typeof value === 'string' ? value : undefined;
}

/** The text of a value that is text, secret or not. Use it where the secret must be known, as in comparing it. */
export function revealText(value: FieldValue | undefined): string | undefined {
  if (value instanceof Secret) return value.use((bytes) => Buffer.from(bytes).toString('latin1'));
  return typeof value === 'string' ? value : undefined;
}

/**
 * All elements as plain text, secrets included, binary as `hex:` and upper-case hexadecimal digits.
 * For the workbench and for tests, on messages that a person has put there on purpose; nowhere else.
 */
export function revealFields(message: Message, isBinary: (element: number) => boolean): Record<string, string> {
  return Object.fromEntries(
    Object.entries(message.fields).map(([number, value]) => [number, plainText(value, isBinary(Number(number)))]),
  );
}

function plainText(value: FieldValue, isBinary: boolean): string {
  if (typeof value === 'string') return value;
  if (value instanceof Uint8Array) return `hex:${toHex(value)}`;
  return value.use((bytes) => (isBinary ? `hex:${toHex(bytes)}` : Buffer.from(bytes).toString('latin1')));
}
