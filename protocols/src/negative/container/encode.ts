import { BitWriter } from '../coding/bits.ts';
import { writeGap } from '../coding/golomb.ts';
import { packLengths, type ReasonCode, reasonCodeFor, reasonsMax, writeReason } from '../coding/reasons.ts';
import { concat } from '../../kit/index.ts';
import { type Partition, reasonNumberOf, tagOf } from './entries.ts';
import {
  entriesMax,
  expectedOffset,
  type NegativeCodec,
  type PartitionShape,
  shapeOf,
  trailerBytes,
} from './layout.ts';
import { type Beside, encodeBeside, nothingBeside } from './ranges.ts';

/** A whole list: what a container says. */
export interface NegativeSet {
  readonly codec: NegativeCodec;
  /** Width of the hashes in bits; 0 in exact lists. */
  readonly hashBits: number;
  /** Ascending ids; in exact lists none is empty. */
  readonly partitions: readonly Partition[];
  readonly beside: Beside;
}

/** A list of keyed hashes out of sorted entries. */
export const hashSet = (hashBits: number, entries: Float64Array, beside: Beside = nothingBeside): NegativeSet => ({
  codec: 'KH',
  hashBits,
  partitions: [{ id: 0, size: 2 ** hashBits, entries }],
  beside,
});

/** How many entries a list has. */
export const countOf = ({ partitions }: Pick<NegativeSet, 'partitions'>): number =>
  partitions.reduce((sum, { entries }) => sum + entries.length, 0);

/** Writes the container of a list. One list gives one sequence of bytes, so that one digest proves what somebody holds. */
export function encodeContainer(set: NegativeSet): Uint8Array {
  const { partitions } = set;
  const count = countOf(set);
  if (count > entriesMax) throw new Error(`a container holds at most ${entriesMax} entries`);
  const reasons = reasonCodeFor(countReasons(partitions));
  const body = new BitWriter();
  const table = new BitWriter();
  const offs: number[] = [];
  for (const { id, size, entries } of partitions) {
    const shape = shapeOf(size, entries.length);
    const start = body.length;
    if (set.codec === 'KP') {
      table.write(id, 24);
      table.write(entries.length, 24);
      table.write(start, 32);
      table.write(offs.length, 24);
    }
    const starts = writeSegments(body, shape, reasons, entries);
    const length = body.length - start;
    for (const [segment, at] of starts.entries())
      offs.push(at - start - expectedOffset(segment, shape.segments, length));
  }
  const index = packIndex(offs);
  const beside = encodeBeside(set.beside);
  const head = new BitWriter();
  for (const letter of Buffer.from('NFS1', 'latin1')) head.write(letter, 8);
  head.write(set.codec === 'KH' ? 1 : 2, 8);
  head.write(set.hashBits, 8);
  head.write(set.codec === 'KH' ? 0 : partitions.length, 16);
  head.write(count, 32);
  head.write(body.length, 32);
  head.write(index.width, 8);
  head.write(-index.least, 32);
  for (const byte of packLengths(reasons)) head.write(byte, 8);
  head.write(beside.length, 24);
  const parts = [head.take(), table.take(), index.bytes, beside, body.take()];
  const trailer = new Uint8Array(trailerBytes);
  const total = parts.reduce((sum, part) => sum + part.length, trailerBytes);
  new DataView(trailer.buffer).setUint32(0, total);
  return concat(...parts, trailer);
}

function countReasons(partitions: readonly Partition[]): Float64Array {
  const counts = new Float64Array(reasonsMax);
  for (const { entries } of partitions)
    for (const entry of entries) {
      const reason = reasonNumberOf(entry);
      counts[reason] = (counts[reason] ?? 0) + 1;
    }
  return counts;
}

/** Writes a partition's segments, each aligned to a byte, and tells where they start. */
function writeSegments(body: BitWriter, shape: PartitionShape, reasons: ReasonCode, entries: Float64Array): number[] {
  const starts: number[] = [];
  let at = 0;
  for (let segment = 0; segment < shape.segments; segment += 1) {
    starts.push(body.length);
    let next = segment * shape.width;
    const end = next + shape.width;
    for (; at < entries.length; at += 1) {
      const entry = entries[at] ?? 0;
      const tag = tagOf(entry);
      if (tag >= end) break;
      writeGap(body, shape.gaps, tag - next);
      writeReason(body, reasons, reasonNumberOf(entry));
      next = tag + 1;
    }
    body.align();
  }
  return starts;
}

/** All offsets in one width, counted from the least. */
function packIndex(offs: readonly number[]): {
  readonly width: number;
  readonly least: number;
  readonly bytes: Uint8Array;
} {
  const least = offs.reduce((min, off) => Math.min(min, off), 0);
  const most = offs.reduce((max, off) => Math.max(max, off), 0);
  const width = most === least ? 0 : Math.floor(Math.log2(most - least)) + 1;
  const writer = new BitWriter();
  for (const off of offs) writer.write(off - least, width);
  writer.align();
  return { width, least, bytes: writer.take() };
}
