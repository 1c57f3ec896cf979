import { contextTag, tags } from './reader.ts';

/** Writes one element: identifier, shortest length, content. ITU-T X.690, 8.1 and 10.1. */
export function der(tag: number, ...contents: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const content of contents) length += content.length;
  let octets = 0;
  if (length >= 0x80) for (let rest = length; rest > 0; rest >>>= 8) octets += 1;
  const element = new Uint8Array(2 + octets + length);
  element[0] = tag;
  element[1] = octets === 0 ? length : 0x80 | octets;
  for (let index = 0; index < octets; index += 1) element[2 + index] = length >>> (8 * (octets - 1 - index));
  let at = 2 + octets;
  for (const content of contents) {
    element.set(content, at);
    at += content.length;
  }
  return element;
}

/** A SEQUENCE of elements. */
export const sequence = (...parts: readonly Uint8Array[]): Uint8Array => der(tags.sequence, ...parts);
/** An OCTET STRING of bytes. */
export const octetString = (content: Uint8Array): Uint8Array => der(tags.octetString, content);
/** The element NULL, which has no content. */
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

/** A UTCTime of 13 characters, YYMMDDhhmmssZ. */
export const utcTime = (text: string): Uint8Array => der(tags.utcTime, Buffer.from(text, 'latin1'));
