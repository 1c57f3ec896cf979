import { concat } from '../kit/index.ts';
import { contextTag, tags } from './reader.ts';

/** Writes one element: identifier, shortest length, content. ITU-T X.690, 8.1 and 10.1. */
export function der(tag: number, ...contents: readonly Uint8Array[]): Uint8Array {
  const content = concat(...contents);
  const { length } = content;
  if (length < 0x80) return concat(Uint8Array.of(tag, length), content);
  const octets: number[] = [];
  for (let rest = length; rest > 0; rest >>>= 8) octets.unshift(rest & 0xff);
  return concat(Uint8Array.of(tag, 0x80 | octets.length, ...octets), content);
}

/** A SEQUENCE of elements. */
export const sequence = (...parts: readonly Uint8Array[]): Uint8Array => der(tags.sequence, ...parts);
/** An OCTET STRING. */
export const octetString = (content: Uint8Array): Uint8Array => der(tags.octetString, content);
/** NULL. */
export const nullElement = (): Uint8Array => der(tags.null);

/** A SET OF, whose members DER sorts by their encoding. ITU-T X.690, 11.6. */
export const setOf = (...members: readonly Uint8Array[]): Uint8Array =>
  der(tags.set, ...members.toSorted((a, b) => Buffer.compare(a, b)));

/** A context-specific element around others. */
export const tagged = (number: number, ...parts: readonly Uint8Array[]): Uint8Array =>
  der(contextTag(number, 'constructed'), ...parts);

/** A number from 0 to 127, such as a version. */
export const small = (value: number): Uint8Array => der(tags.integer, Uint8Array.of(value));

/** An object identifier from its dotted text. */
export function oid(text: string): Uint8Array {
  const [first = 0, second = 0, ...rest] = text.split('.').map(Number);
  const octets = [40 * first + second, ...rest].flatMap((arc) => {
    const groups = [arc & 0x7f];
    for (let left = Math.floor(arc / 128); left > 0; left = Math.floor(left / 128))
      groups.unshift((left & 0x7f) | 0x80);
    return groups;
  });
  return der(tags.oid, Uint8Array.from(octets));
}

/** A BOOLEAN; true is FF (ITU-T X.690, 11.1). */
export const boolean = (value: boolean): Uint8Array => der(tags.boolean, Uint8Array.of(value ? 0xff : 0));

/** A non-negative INTEGER from its big-endian bytes, in the shortest form. ITU-T X.690, 8.3. */
export function unsigned(bytes: Uint8Array): Uint8Array {
  const first = bytes.findIndex((byte) => byte !== 0);
  const shortest = first === -1 ? Uint8Array.of(0) : bytes.subarray(first);
  return der(tags.integer, (shortest[0] ?? 0) & 0x80 ? Uint8Array.of(0) : new Uint8Array(0), shortest);
}

/** A BIT STRING; `unused` is the number of unused bits in the last byte. ITU-T X.690, 8.6. */
export const bitString = (bytes: Uint8Array, unused = 0): Uint8Array =>
  der(tags.bitString, Uint8Array.of(unused), bytes);

/** A UTF8String. */
export const utf8String = (text: string): Uint8Array => der(tags.utf8String, Buffer.from(text, 'utf8'));

/** `[number] IMPLICIT` of a primitive type. */
export const taggedBytes = (number: number, content: Uint8Array): Uint8Array =>
  der(contextTag(number, 'primitive'), content);

/** A moment as RFC 5280, 4.1.2.5 wants it: UTCTime up to 2049, GeneralizedTime after. Milliseconds since 1970 in, whole seconds out. */
export function time(ms: number): Uint8Array {
  const text = new Date(ms).toISOString().replaceAll(/[-:T]|\.\d+/g, '');
  return text < '2050' ? utcTime(text.slice(2)) : der(tags.generalizedTime, Buffer.from(text, 'latin1'));
}

/** A UTCTime of 13 characters, YYMMDDhhmmssZ. */
export const utcTime = (text: string): Uint8Array => der(tags.utcTime, Buffer.from(text, 'latin1'));
