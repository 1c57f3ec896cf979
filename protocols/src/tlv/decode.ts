import { fail, ok, type Result } from '../kit/index.ts';

/** Whatever a caller asks for: deeper than this the reader's own stack would be at stake. */
const depthLimit = 64;

/** What can be wrong with BER-TLV bytes. */
export type TlvCode =
  | 'TLV_TRUNCATED'
  | 'TLV_TAG_INVALID'
  | 'TLV_LENGTH_INVALID'
  | 'TLV_TOO_DEEP'
  | 'TLV_TOO_MANY'
  | 'TLV_TOO_LONG'
  | 'TLV_DUPLICATE';

/** Limits and choices of the decoder. */
export interface TlvOptions {
  /** Templates inside templates; 1 means no template inside the outermost. Default 8. */
  readonly depthMax?: number;
  /** Data objects in the whole message. Default 512. */
  readonly objectsMax?: number;
  /** Length of the whole message in bytes. Default 65536. */
  readonly lengthBytesMax?: number;
  /** Offset at which reading starts. Default 0. */
  readonly from?: number;
  /** Whether 00 bytes before, between and after objects are skipped (EMV Book 3, B1) or refused. Default `skip`. */
  readonly zeros?: 'skip' | 'refuse';
  /** `any` BER length, or the `shortest` form alone. Default `any`. */
  readonly lengths?: 'any' | 'shortest';
  /** Whether one template may hold a tag twice. Tags of `repeatable` always may. Default `keep`. */
  readonly duplicates?: 'keep' | 'refuse';
  /** Tags that may repeat even when duplicates are refused. Default 61, 71, 72 (directory entries and issuer scripts). */
  readonly repeatable?: ReadonlySet<number>;
}

const none: readonly Tlv[] = Object.freeze([]);
const repeatableByDefault: ReadonlySet<number> = new Set([0x61, 0x71, 0x72]);

/**
 * One data object inside a message. It keeps offsets, and makes views of the message on demand:
 * nothing is copied, and an object whose value nobody looks at costs no view.
 */
export class Tlv {
  /** The tag as a number of its bytes, such as 0x9F26. */
  readonly tag: number;
  /** Offset of the tag's first byte in the message. */
  readonly offset: number;
  /** Offset of the value's first byte in the message. */
  readonly valueOffset: number;
  /** Offset behind the value's last byte. */
  readonly end: number;
  /** The objects inside a constructed one; empty for a primitive one. */
  readonly children: readonly Tlv[];
  readonly #message: Uint8Array;

  constructor(
    message: Uint8Array,
    tag: number,
    offset: number,
    valueOffset: number,
    end: number,
    children: readonly Tlv[],
  ) {
    this.#message = message;
    this.tag = tag;
    this.offset = offset;
    this.valueOffset = valueOffset;
    this.end = end;
    this.children = children;
  }

  /** Length of the value in bytes. */
  get length(): number {
    return this.end - this.valueOffset;
  }

  /** The value, a view into the message. */
  get value(): Uint8Array {
    return this.#message.subarray(this.valueOffset, this.end);
  }

  /** Tag, length and value, a view into the message. */
  get whole(): Uint8Array {
    return this.#message.subarray(this.offset, this.end);
  }

  /** Whether the value is made of data objects (ISO/IEC 8825-1, 8.1.2.5). */
  get isConstructed(): boolean {
    return isConstructed(this.tag);
  }
}

/** Whether a tag announces a constructed value: bit 6 of its first byte. */
export function isConstructed(tag: number): boolean {
  let first = tag;
  while (first > 0xff) first = Math.floor(first / 256);
  return (first & 0x20) !== 0;
}

interface Reading {
  readonly message: Uint8Array;
  readonly depthMax: number;
  readonly skipZeros: boolean;
  readonly shortestOnly: boolean;
  readonly refuseDuplicates: boolean;
  readonly repeatable: ReadonlySet<number>;
  objectsLeft: number;
  fault: TlvCode;
  faultOffset: number;
  faultTag: number;
}

/**
 * Reads a sequence of BER-TLV data objects with definite lengths.
 *
 * @returns the outermost objects in order; an empty message has none. A fault carries the offset, and the tag when it is known.
 * @see EMV 4.3 Book 3, annex B; ISO/IEC 8825-1, 8.1
 */
export function decodeTlv(message: Uint8Array, options: TlvOptions = {}): Result<readonly Tlv[], TlvCode> {
  if (message.length > (options.lengthBytesMax ?? 65536))
    return fail('TLV_TOO_LONG', { offset: 0, facts: { length: message.length } });
  const reading: Reading = {
    message,
    depthMax: Math.min(options.depthMax ?? 8, depthLimit),
    skipZeros: options.zeros !== 'refuse',
    shortestOnly: options.lengths === 'shortest',
    refuseDuplicates: options.duplicates === 'refuse',
    repeatable: options.repeatable ?? repeatableByDefault,
    objectsLeft: options.objectsMax ?? 512,
    fault: 'TLV_TRUNCATED',
    faultOffset: 0,
    faultTag: 0,
  };
  const objects = readObjects(reading, options.from ?? 0, message.length, 1);
  if (objects !== undefined) return ok(objects);
  const { fault, faultOffset, faultTag } = reading;
  return fail(fault, faultTag === 0 ? { offset: faultOffset } : { offset: faultOffset, field: tagName(faultTag) });
}

/** The fault is written into `reading` and `undefined` returned: a result object per object read would halve the speed. */
function readObjects(reading: Reading, from: number, end: number, depth: number): readonly Tlv[] | undefined {
  const { message } = reading;
  let objects: Tlv[] | undefined;
  let tags: Set<number> | undefined;
  let at = from;
  while (at < end) {
    const start = at;
    let tag = message[at++] ?? 0;
    if (tag === 0) {
      if (reading.skipZeros) continue;
      return refuse(reading, 'TLV_TAG_INVALID', start, 0);
    }
    const first = tag;
    if ((first & 0x1f) === 0x1f) {
      let next = 0x80;
      let tagBytes = 1;
      while ((next & 0x80) !== 0) {
        if (at >= end) return refuse(reading, 'TLV_TRUNCATED', start, 0);
        next = message[at++] ?? 0;
        if (++tagBytes > 4 || (tagBytes === 2 && next === 0x80)) return refuse(reading, 'TLV_TAG_INVALID', start, 0);
        tag = tag * 256 + next;
      }
    }
    if (at >= end) return refuse(reading, 'TLV_TRUNCATED', at, tag);
    const lengthOffset = at;
    let length = message[at++] ?? 0;
    if (length > 0x7f) {
      const lengthBytes = length & 0x7f;
      if (lengthBytes === 0 || lengthBytes > 4) return refuse(reading, 'TLV_LENGTH_INVALID', lengthOffset, tag);
      if (at + lengthBytes > end) return refuse(reading, 'TLV_TRUNCATED', lengthOffset, tag);
      length = 0;
      for (let index = 0; index < lengthBytes; index++) length = length * 256 + (message[at++] ?? 0);
      if (reading.shortestOnly && lengthBytes !== lengthBytesOf(length) - 1)
        return refuse(reading, 'TLV_LENGTH_INVALID', lengthOffset, tag);
    }
    if (length > end - at) return refuse(reading, 'TLV_TRUNCATED', lengthOffset, tag);
    if (reading.objectsLeft-- <= 0) return refuse(reading, 'TLV_TOO_MANY', start, tag);
    const valueEnd = at + length;
    let children = none;
    if ((first & 0x20) !== 0) {
      if (depth >= reading.depthMax) return refuse(reading, 'TLV_TOO_DEEP', start, tag);
      const inner = readObjects(reading, at, valueEnd, depth + 1);
      if (inner === undefined) return undefined;
      children = inner;
    }
    objects ??= [];
    if (reading.refuseDuplicates) {
      tags ??= new Set();
      if (tags.has(tag) && !reading.repeatable.has(tag)) return refuse(reading, 'TLV_DUPLICATE', start, tag);
      tags.add(tag);
    }
    objects.push(new Tlv(message, tag, start, at, valueEnd, children));
    at = valueEnd;
  }
  return objects ?? none;
}

function refuse(reading: Reading, fault: TlvCode, offset: number, tag: number): undefined {
  reading.fault = fault;
  reading.faultOffset = offset;
  reading.faultTag = tag;
  return undefined;
}

/** Bytes that the shortest length field takes for a value of `length` bytes. */
export const lengthBytesOf = (length: number): number =>
  length < 0x80 ? 1 : length < 0x100 ? 2 : length < 0x10000 ? 3 : length < 0x1000000 ? 4 : 5;

/** A tag as it is written: upper-case hexadecimal, whole bytes. */
export function tagName(tag: number): string {
  const text = tag.toString(16).toUpperCase();
  return text.length % 2 === 0 ? text : `0${text}`;
}

/** The first object with this tag, among these alone. */
export function findTlv(objects: readonly Tlv[], tag: number): Tlv | undefined {
  for (const object of objects) if (object.tag === tag) return object;
  return undefined;
}

/** The first object with this tag in reading order, templates included. */
export function findTlvDeep(objects: readonly Tlv[], tag: number): Tlv | undefined {
  for (const object of objects) {
    if (object.tag === tag) return object;
    const inner = findTlvDeep(object.children, tag);
    if (inner !== undefined) return inner;
  }
  return undefined;
}

/** The object at the end of a path of tags, each inside the one before. */
export function findTlvPath(objects: readonly Tlv[], ...path: readonly number[]): Tlv | undefined {
  let among = objects;
  let found: Tlv | undefined;
  for (const tag of path) {
    found = findTlv(among, tag);
    if (found === undefined) return undefined;
    among = found.children;
  }
  return found;
}

/** Every primitive object in reading order, whatever template it stands in. */
export function* primitivesOf(objects: readonly Tlv[]): Generator<Tlv> {
  for (const object of objects) {
    if (object.isConstructed) yield* primitivesOf(object.children);
    else yield object;
  }
}
