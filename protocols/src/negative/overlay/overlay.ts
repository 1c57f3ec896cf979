import { BitReader, BitWriter, readAhead } from '../coding/bits.ts';
import { divisorFor, golombCode, readGap, writeGap } from '../coding/golomb.ts';
import {
  packLengths,
  readReason,
  reasonCodeFor,
  reasonCodeOf,
  reasonsMax,
  unpackLengths,
  writeReason,
} from '../coding/reasons.ts';
import { entryOf, reasonNumberOf, tagOf } from '../container/entries.ts';
import { concat, fail, ok, type Result } from '../../kit/index.ts';

/**
 * Width of the hashes in an overlay, whatever codec its list has: with 250 cards, a good card is met once in 4 * 10^9 look-ups.
 */
export const overlayBits = 40;
/** The most cards of an overlay: beyond them a new version is due. With their head they fit into one packet. */
export const overlayMax = 250;

/**
 * Emergency entries since a list's version: sorted hashes as in a container, in one stretch. Number of entries (2 bytes), the
 * lengths of the reasons' words (8), Golomb gaps with reasons; filled up with ones.
 * @param entries `entryOf` numbers, ascending, one per tag
 */
export function encodeOverlay(entries: Float64Array): Uint8Array {
  const counts = new Float64Array(reasonsMax);
  for (const entry of entries) counts[reasonNumberOf(entry)] = (counts[reasonNumberOf(entry)] ?? 0) + 1;
  const reasons = reasonCodeFor(counts);
  const gaps = golombCode(divisorFor(2 ** overlayBits, entries.length));
  const writer = new BitWriter();
  writer.write(entries.length, 16);
  for (const byte of packLengths(reasons)) writer.write(byte, 8);
  let next = 0;
  for (const entry of entries) {
    writeGap(writer, gaps, tagOf(entry) - next);
    writeReason(writer, reasons, reasonNumberOf(entry));
    next = tagOf(entry) + 1;
  }
  writer.align();
  return writer.take();
}

/** Reads an overlay. */
export function decodeOverlay(bytes: Uint8Array): Result<Float64Array, 'NEGATIVE_FILE_INVALID'> {
  const invalid = (offset: number) =>
    fail('NEGATIVE_FILE_INVALID', { field: 'overlay', offset: Math.min(offset, bytes.length) });
  if (bytes.length < 10) return invalid(0);
  const reader = new BitReader(concat(bytes, new Uint8Array(readAhead)));
  reader.seek(0, bytes.length);
  const count = reader.read(16);
  const reasons = reasonCodeOf(unpackLengths(bytes.subarray(2, 10)));
  if (!reasons || count > overlayMax) return invalid(2);
  reader.position = 80;
  const gaps = golombCode(divisorFor(2 ** overlayBits, count));
  const entries = new Float64Array(count);
  let next = 0;
  for (let at = 0; at < count; at += 1) {
    const gap = readGap(reader, gaps);
    const reason = readReason(reader, reasons);
    if (gap < 0 || reason < 0 || reader.overran || next + gap >= 2 ** overlayBits) return invalid(reader.position >> 3);
    entries[at] = entryOf(next + gap, reason);
    next += gap + 1;
  }
  const rest = reader.end - reader.position;
  return rest < 8 && reader.unary() < 0 ? ok(entries) : invalid(bytes.length);
}

/** The reason's number of a tag in an overlay; -1 when it is not there. */
export function findInOverlay(entries: Float64Array, tag: number): number {
  let low = 0;
  let high = entries.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (tagOf(entries[middle] ?? 0) < tag) low = middle + 1;
    else high = middle;
  }
  const found = entries[low];
  return found !== undefined && tagOf(found) === tag ? reasonNumberOf(found) : -1;
}
