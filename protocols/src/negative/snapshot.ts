import { fail, ok, type Result } from '../kit/index.ts';

/** Length of a tag in bytes: AES-CMAC of the PAN, truncated. With 64 bits no good card is met by chance. */
export const tagLength = 8;

/** A negative list as a terminal holds it: sorted, unique tags. */
export interface Snapshot {
  readonly list: string;
  readonly version: number;
  /** `tagLength` bytes each, one after the other, ascending. */
  readonly tags: Uint8Array;
}

const magic = Buffer.from('TNS0', 'latin1');
const headerLength = 4 + 1 + 32 + 4 + 4;

/**
 * Writes the plain snapshot, format 0: "TNS0", length of the list's name (1 byte), the name (32 bytes, zero padded),
 * version and number of tags (4 bytes big-endian each), tags. One set and version always gives the same bytes.
 */
export function encodeSnapshot(list: string, version: number, tags: readonly Uint8Array[]): Uint8Array {
  const name = Buffer.from(list, 'ascii');
  if (name.length > 32) throw new Error('a list name has at most 32 characters');
  const sorted = [...tags]
    .sort((a, b) => Buffer.compare(a, b))
    .filter((tag, index, all) => index === 0 || Buffer.compare(tag, all[index - 1] ?? tag) !== 0);
  const bytes = Buffer.alloc(headerLength + sorted.length * tagLength);
  magic.copy(bytes);
  bytes.writeUInt8(name.length, 4);
  name.copy(bytes, 5);
  bytes.writeUInt32BE(version, 37);
  bytes.writeUInt32BE(sorted.length, 41);
  for (const [index, tag] of sorted.entries()) bytes.set(tag, headerLength + index * tagLength);
  return Uint8Array.from(bytes);
}

/** Reads a snapshot; anything but the canonical form is NEGATIVE_FILE_INVALID. */
export function decodeSnapshot(bytes: Uint8Array): Result<Snapshot, 'NEGATIVE_FILE_INVALID'> {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.length < headerLength || !view.subarray(0, 4).equals(magic))
    return fail('NEGATIVE_FILE_INVALID', { offset: 0 });
  const nameLength = view.readUInt8(4);
  const count = view.readUInt32BE(41);
  if (nameLength > 32) return fail('NEGATIVE_FILE_INVALID', { offset: 4 });
  // Read as ASCII a byte above 7F loses its highest bit: two snapshots of one name would differ in their bytes.
  if (view.subarray(5, 5 + nameLength).some((byte) => byte < 0x20 || byte > 0x7e))
    return fail('NEGATIVE_FILE_INVALID', { offset: 5 });
  if (view.length !== headerLength + count * tagLength) return fail('NEGATIVE_FILE_INVALID', { offset: 41 });
  if (view.subarray(5 + nameLength, 37).some((byte) => byte !== 0))
    return fail('NEGATIVE_FILE_INVALID', { offset: 5 + nameLength });
  for (let index = 1; index < count; index++) {
    const at = headerLength + index * tagLength;
    if (view.compare(view, at - tagLength, at, at, at + tagLength) <= 0)
      return fail('NEGATIVE_FILE_INVALID', { offset: at });
  }
  return ok({
    list: view.toString('ascii', 5, 5 + nameLength),
    version: view.readUInt32BE(37),
    tags: bytes.subarray(headerLength),
  });
}

/** Whether a tag is in the snapshot: binary search, no copy. */
export function isListed(snapshot: Snapshot, tag: Uint8Array): boolean {
  const view = Buffer.from(snapshot.tags.buffer, snapshot.tags.byteOffset, snapshot.tags.byteLength);
  let low = 0;
  let high = view.length / tagLength;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const order = view.compare(tag, 0, tagLength, middle * tagLength, (middle + 1) * tagLength);
    if (order === 0) return true;
    if (order > 0) high = middle;
    else low = middle + 1;
  }
  return false;
}
