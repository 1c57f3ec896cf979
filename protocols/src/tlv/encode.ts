import { isConstructed, lengthBytesOf } from './decode.ts';

/** A data object to be written: a primitive one has bytes, a constructed one has objects or ready bytes. */
export interface TlvInput {
  readonly tag: number;
  readonly value: Uint8Array | readonly TlvInput[];
}

/** Writes data objects one after another, lengths in their shortest form. Two passes, one allocation. */
export function encodeTlv(objects: readonly TlvInput[]): Uint8Array {
  const bytes = new Uint8Array(sizeOfAll(objects));
  writeAll(bytes, 0, objects);
  return bytes;
}

/** One data object around the bytes of `parts`, which may themselves be data objects. */
export function tlv(tag: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const bytes = new Uint8Array(tagBytesOf(tag) + lengthBytesOf(length) + length);
  let at = writeLength(bytes, writeTag(bytes, 0, tag), length);
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** The bytes of a tag. */
export function encodeTag(tag: number): Uint8Array {
  const bytes = new Uint8Array(tagBytesOf(tag));
  writeTag(bytes, 0, tag);
  return bytes;
}

/** The bytes of a length in its shortest form. */
export function encodeLength(length: number): Uint8Array {
  const bytes = new Uint8Array(lengthBytesOf(length));
  writeLength(bytes, 0, length);
  return bytes;
}

/** Whether the number is a well-formed tag of one to four bytes (ISO/IEC 8825-1, 8.1.2). */
export function isTag(tag: number): boolean {
  if (!Number.isInteger(tag) || tag <= 0 || tag > 0xffffffff) return false;
  const count = tagBytesOf(tag);
  for (let index = 0; index < count; index++) {
    const byte = Math.floor(tag / 256 ** (count - 1 - index)) & 0xff;
    const isLast = index === count - 1;
    if (index === 0 ? ((byte & 0x1f) === 0x1f) === isLast : ((byte & 0x80) !== 0) === isLast) return false;
    if (index === 1 && byte === 0x80) return false;
  }
  return true;
}

const tagBytesOf = (tag: number): number => (tag < 0x100 ? 1 : tag < 0x10000 ? 2 : tag < 0x1000000 ? 3 : 4);

function sizeOf({ tag, value }: TlvInput): number {
  const length = value instanceof Uint8Array ? value.length : sizeOfAll(value);
  return tagBytesOf(tag) + lengthBytesOf(length) + length;
}

const sizeOfAll = (objects: readonly TlvInput[]): number => objects.reduce((sum, object) => sum + sizeOf(object), 0);

function writeAll(bytes: Uint8Array, from: number, objects: readonly TlvInput[]): number {
  let at = from;
  for (const { tag, value } of objects) {
    at = writeTag(bytes, at, tag);
    if (value instanceof Uint8Array) {
      at = writeLength(bytes, at, value.length);
      bytes.set(value, at);
      at += value.length;
    } else {
      if (!isConstructed(tag)) throw new Error('a primitive tag cannot hold data objects');
      at = writeAll(bytes, writeLength(bytes, at, sizeOfAll(value)), value);
    }
  }
  return at;
}

function writeTag(bytes: Uint8Array, from: number, tag: number): number {
  if (!isTag(tag)) throw new Error(`not a tag: ${tag}`);
  const count = tagBytesOf(tag);
  for (let index = 0; index < count; index++) bytes[from + index] = Math.floor(tag / 256 ** (count - 1 - index)) & 0xff;
  return from + count;
}

function writeLength(bytes: Uint8Array, from: number, length: number): number {
  const count = lengthBytesOf(length);
  if (count === 1) {
    bytes[from] = length;
    return from + 1;
  }
  bytes[from] = 0x80 | (count - 1);
  for (let index = 1; index < count; index++)
    bytes[from + index] = Math.floor(length / 256 ** (count - 1 - index)) & 0xff;
  return from + count;
}
