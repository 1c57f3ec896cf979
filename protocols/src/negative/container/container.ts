import { BitReader } from '../coding/bits.ts';
import { readRemainder } from '../coding/golomb.ts';
import { type ReasonCode, readReason, reasonCodeOf, unpackLengths } from '../coding/reasons.ts';
import { hashBitsMax, hashBitsMin } from '../keying/keyed-hash.ts';
import { partitionSize, partitionsEnd } from '../keying/keyed-permutation.ts';
import { asBuffer, fail, ok, type Result } from '../../kit/index.ts';
import { encodeContainer, type NegativeSet } from './encode.ts';
import { entryOf, type Partition } from './entries.ts';
import {
  containerBytesMax,
  entriesMax,
  expectedOffset,
  headerBytes,
  type NegativeCodec,
  partitionBytes,
  type PartitionShape,
  shapeOf,
  trailerBytes,
} from './layout.ts';
import { type Beside, decodeBeside } from './ranges.ts';

/** What a look-up in a container finds: a reason's number, `absent`, or `damaged` where the bytes make no sense. */
export const absent = -1;
/** A look-up met bytes that make no sense. */
export const damaged = -2;

/** A place in a container, in bytes. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/**
 * A container as it lies in flash: asked where it lies. A look-up reads header, one index entry or two and one segment, and
 * keeps nothing; `segments` of it can be checked, fetched and proven one by one.
 */
export interface Container {
  readonly bytes: Uint8Array;
  readonly codec: NegativeCodec;
  readonly hashBits: number;
  /** Number of entries. */
  readonly count: number;
  readonly beside: Beside;
  /** Number of segments over all partitions. */
  readonly segments: number;
  /** A reason's number, `absent` or `damaged`. */
  find(partition: number, tag: number): number;
  /** Which segment a card would stand in; -1 when its partition is not here. */
  segmentOf(partition: number, tag: number): number;
  /** Where a segment lies; an empty span when the index makes no sense. */
  span(segment: number): Span;
  /** The parts before the segments: header with partitions, index, what stands beside the set. */
  readonly parts: readonly Span[];
  /** Every entry. */
  readAll(): Result<NegativeSet, 'NEGATIVE_FILE_INVALID'>;
}

interface PartitionPlace extends PartitionShape {
  readonly id: number;
  readonly start: number;
  readonly end: number;
  readonly firstSegment: number;
}

const invalid = (field: string) => fail('NEGATIVE_FILE_INVALID', { field });

/** Opens a container. Checks what a header can lie about, in constant time and memory: whether a list is the right one, its digest says. */
export function openContainer(bytes: Uint8Array): Result<Container, 'NEGATIVE_FILE_INVALID'> {
  if (bytes.length < headerBytes + trailerBytes || bytes.length > containerBytesMax) return invalid('length');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (asBuffer(bytes).toString('latin1', 0, 4) !== 'NFS1') return invalid('magic');
  const codecByte = view.getUint8(4);
  const codec: NegativeCodec = codecByte === 1 ? 'KH' : 'KP';
  const hashBits = view.getUint8(5);
  const partitionCount = view.getUint16(6);
  const count = view.getUint32(8);
  const bodyBytes = view.getUint32(12);
  const width = view.getUint8(16);
  const bias = view.getUint32(17);
  const reasons = reasonCodeOf(unpackLengths(bytes.subarray(21, 29)));
  const besideBytes = view.getUint16(29) * 256 + view.getUint8(31);
  const isHash = codecByte === 1 && hashBits >= hashBitsMin && hashBits <= hashBitsMax && partitionCount === 0;
  if (!isHash && (codecByte !== 2 || hashBits !== 0)) return invalid('codec');
  if (!reasons) return invalid('reasons');
  // Every entry has a bit at least, so a short file cannot announce a long list.
  if (count > entriesMax || count > bodyBytes * 8) return invalid('count');
  if (width > 32 || bias > 0x7fffffff) return invalid('index');

  const tableEnd = headerBytes + partitionCount * partitionBytes;
  if (tableEnd > bytes.length) return invalid('partitions');
  const place = (at: number): PartitionPlace => {
    if (isHash) return whole;
    const row = headerBytes + at * partitionBytes;
    const id = view.getUint16(row) * 256 + view.getUint8(row + 2);
    const entries = view.getUint16(row + 3) * 256 + view.getUint8(row + 5);
    const end = at + 1 < partitionCount ? view.getUint32(row + partitionBytes + 6) : bodyBytes;
    const firstSegment = view.getUint16(row + 10) * 256 + view.getUint8(row + 12);
    const { size, count: own, segments: parts, width: tags, gaps } = shapeOf(partitionSize(id), entries);
    return {
      size,
      count: own,
      segments: parts,
      width: tags,
      gaps,
      id,
      start: view.getUint32(row + 6),
      end,
      firstSegment,
    };
  };
  const whole: PartitionPlace = { ...shapeOf(2 ** hashBits, count), id: 0, start: 0, end: bodyBytes, firstSegment: 0 };
  const places = isHash ? 1 : partitionCount;
  let segments = 0;
  let sum = 0;
  for (let at = 0, before = -1, offset = 0; at < places; at += 1) {
    const { id, count: entries, start, end, firstSegment, segments: own, size } = place(at);
    const isInOrder = id > before && start === offset && end >= start && end <= bodyBytes && firstSegment === segments;
    if (!isInOrder || entries > size || (!isHash && (entries === 0 || id >= partitionsEnd)))
      return invalid('partitions');
    segments += own;
    sum += entries;
    before = id;
    offset = end;
  }
  if (sum !== count) return invalid('count');
  const indexEnd = tableEnd + Math.ceil((segments * width) / 8);
  const bodyStart = indexEnd + besideBytes;
  if (
    bodyStart + bodyBytes + trailerBytes !== bytes.length ||
    view.getUint32(bytes.length - trailerBytes) !== bytes.length
  )
    return invalid('length');
  const beside = decodeBeside(bytes.subarray(indexEnd, bodyStart));
  if (!beside) return invalid('beside');
  const parts = [
    { start: 0, end: tableEnd },
    { start: tableEnd, end: indexEnd },
    { start: indexEnd, end: bodyStart },
  ];

  const index = new BitReader(bytes);
  const offsetOf = (where: PartitionPlace, segment: number): number => {
    if (segment === where.segments) return where.end;
    index.seek(tableEnd, indexEnd);
    index.position += (where.firstSegment + segment) * width;
    return (
      where.start + expectedOffset(segment, where.segments, where.end - where.start) + index.readLong(width) - bias
    );
  };
  /** Where a segment of a partition lies; an empty span when the index lies. */
  const spanIn = (where: PartitionPlace, segment: number): Span => {
    const start = offsetOf(where, segment);
    const end = offsetOf(where, segment + 1);
    const isInside = start >= where.start && end >= start && end <= where.end;
    return isInside ? { start: bodyStart + start, end: bodyStart + end } : { start: 0, end: 0 };
  };
  /** The place of the last row whose three bytes at `column` are not above a number. */
  const lastAt = (column: 0 | 10, number: number): PartitionPlace | undefined => {
    if (isHash) return whole;
    let low = 0;
    let high = partitionCount;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const row = headerBytes + middle * partitionBytes + column;
      if (view.getUint16(row) * 256 + view.getUint8(row + 2) <= number) low = middle + 1;
      else high = middle;
    }
    return low > 0 ? place(low - 1) : undefined;
  };
  const ofPartition = (id: number): PartitionPlace | undefined => {
    const where = lastAt(0, id);
    return where?.id === id ? where : undefined;
  };
  const ofSegment = (segment: number): PartitionPlace | undefined => lastAt(10, segment);
  const reader = new BitReader(bytes);

  return ok({
    bytes,
    codec,
    hashBits,
    count,
    beside,
    segments,
    parts,
    find(partition, tag) {
      const where = ofPartition(partition);
      if (!where) return absent;
      if (tag >= where.size) return damaged;
      const segment = Math.floor(tag / where.width);
      const { start, end } = spanIn(where, segment);
      if (start === 0) return damaged;
      reader.seek(start, end);
      return search(view, reader, where, reasons, segment, tag);
    },
    segmentOf(partition, tag) {
      const where = ofPartition(partition);
      return where ? where.firstSegment + Math.floor(tag / where.width) : -1;
    },
    span(segment) {
      const where = ofSegment(segment);
      return where && segment < segments ? spanIn(where, segment - where.firstSegment) : { start: 0, end: 0 };
    },
    readAll() {
      const partitions: Partition[] = [];
      for (let at = 0; at < places; at += 1) {
        const where = place(at);
        const entries = new Float64Array(where.count);
        let used = 0;
        for (let segment = 0; segment < where.segments; segment += 1) {
          const { start, end } = spanIn(where, segment);
          if (start === 0) return invalid('index');
          reader.seek(start, end);
          used = readSegment(reader, where, reasons, segment, entries, used);
          if (used < 0) return fail('NEGATIVE_FILE_INVALID', { field: 'segment', offset: start });
        }
        if (used !== where.count) return invalid('count');
        partitions.push({ id: where.id, size: where.size, entries });
      }
      return ok({ codec, hashBits, partitions, beside });
    },
  });
}

/** Reads a container whole, and nothing but the one canonical form of its list. */
export function decodeContainer(bytes: Uint8Array): Result<NegativeSet, 'NEGATIVE_FILE_INVALID'> {
  const opened = openContainer(bytes);
  const set = opened.ok ? opened.value.readAll() : opened;
  if (!set.ok) return set;
  return asBuffer(encodeContainer(set.value)).equals(bytes) ? set : invalid('canonical');
}

/**
 * Looks for a tag in one segment, as `BitReader` would read it, but on plain local numbers: this loop is all that a look-up
 * costs. Positions are whole numbers of 32 bits by `| 0`: one double among them, and each turn converts. Bounded by the
 * segment's length: every turn reads a bit at least.
 */
function search(
  view: DataView,
  reader: BitReader,
  shape: PartitionShape,
  reasons: ReasonCode,
  segment: number,
  tag: number,
): number {
  const { width } = shape;
  const { divisor } = shape.gaps;
  const bits = shape.gaps.bits | 0;
  const shortCount = shape.gaps.shortCount | 0;
  if (bits < 2 || bits > 25 || reasons.isLong) return searchAny(reader, shape, reasons, segment, tag);
  const { byPrefix, only } = reasons;
  const wanted = tag - segment * width;
  const shortShift = 33 - bits;
  const longShift = 32 - bits;
  const last = reader.end | 0;
  let position = reader.position | 0;
  let word = view.getUint32(position >>> 3) << (position & 7);
  let found = -1;
  for (;;) {
    const begun = position;
    let ones = Math.clz32(~word);
    // A reason before it has left 17 bits of the word. More ones than that are rare: they go on in the next word.
    while (ones >= 17 && position + 17 < last) {
      found += 17 * divisor;
      position += 17;
      word = view.getUint32(position >>> 3) << (position & 7);
      ones = Math.clz32(~word);
    }
    if (position + ones >= last) return begun <= last && last - begun < 8 ? absent : damaged;
    position += ones + 1;
    word = view.getUint32(position >>> 3) << (position & 7);
    let remainder = word >>> shortShift;
    if (remainder < shortCount) position += bits - 1;
    else {
      remainder = (word >>> longShift) - shortCount;
      position += bits;
    }
    if (position > last) return damaged;
    found += 1 + ones * divisor + remainder;
    word = view.getUint32(position >>> 3) << (position & 7);
    if (found >= wanted) {
      if (found >= width) return damaged;
      if (found > wanted) return absent;
      const reason = byPrefix[word >>> 24] ?? 0;
      return position + (reason >>> 4) > last ? damaged : reason & 15;
    }
    // A list with one reason has no words: its way from card to card does not wait for the table.
    if (only >= 0) continue;
    const reasonBits = (byPrefix[word >>> 24] ?? 0) >>> 4;
    position += reasonBits;
    word <<= reasonBits;
  }
}

/** The same for any code: long words of reasons, very short or very long gaps. */
function searchAny(
  reader: BitReader,
  shape: PartitionShape,
  reasons: ReasonCode,
  segment: number,
  tag: number,
): number {
  const { gaps } = shape;
  let next = segment * shape.width;
  for (;;) {
    const quotient = reader.unary();
    if (quotient < 0) return reader.end - reader.position < 8 ? absent : damaged;
    const found = next + quotient * gaps.divisor + readRemainder(reader, gaps);
    if (found >= tag) {
      if (reader.overran || found >= (segment + 1) * shape.width) return damaged;
      if (found > tag) return absent;
      const reason = readReason(reader, reasons);
      return reason < 0 || reader.overran ? damaged : reason;
    }
    if (reasons.only < 0 && readReason(reader, reasons) < 0) return damaged;
    if (reader.overran) return damaged;
    next = found + 1;
  }
}

/** Reads one segment into `entries` from `used` on; how many are there then, or -1 when the bytes make no sense. */
export function readSegment(
  reader: BitReader,
  shape: PartitionShape,
  reasons: ReasonCode,
  segment: number,
  entries: Float64Array,
  used: number,
): number {
  const { gaps } = shape;
  const end = Math.min(shape.size, (segment + 1) * shape.width);
  let next = segment * shape.width;
  let at = used;
  for (;;) {
    const quotient = reader.unary();
    if (quotient < 0) return reader.end - reader.position < 8 ? at : -1;
    const tag = next + quotient * gaps.divisor + readRemainder(reader, gaps);
    const reason = readReason(reader, reasons);
    if (tag >= end || reason < 0 || reader.overran || at === entries.length) return -1;
    entries[at++] = entryOf(tag, reason);
    next = tag + 1;
  }
}
