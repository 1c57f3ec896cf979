import { BitReader, BitWriter, readAhead } from '../coding/bits.ts';
import {
  divisorFor,
  divisorForMean,
  type GolombCode,
  golombCode,
  readGap,
  readRemainder,
  writeGap,
  writeRemainder,
} from '../coding/golomb.ts';
import {
  packLengths,
  type ReasonCode,
  readReason,
  reasonCodeFor,
  reasonCodeOf,
  reasonsMax,
  unpackLengths,
  writeReason,
} from '../coding/reasons.ts';
import { countOf, type NegativeSet } from '../container/encode.ts';
import { entryOf, type Partition, reasonNumberOf, tagOf } from '../container/entries.ts';
import { entriesMax } from '../container/layout.ts';
import { type Beside, decodeBeside, encodeBeside } from '../container/ranges.ts';
import { partitionSize, partitionsEnd } from '../keying/keyed-permutation.ts';
import { asBuffer, concat, fail, ok, type Result } from '../../kit/index.ts';

/** How many bytes of the base's root a delta names: enough to refuse a wrong base; the result is proven by its own root. */
const baseBytes = 8;
const headerBytes = 4 + baseBytes + 3 + 3 + 2 + 8 + 3;

/**
 * Writes what leads from one list to another of the same codec and width: the ranks of what goes (never the cards), then what
 * comes. A change of reason is both.
 * @param baseRoot Merkle root of the base's container
 */
export function makeDelta(base: NegativeSet, head: NegativeSet, baseRoot: Uint8Array): Uint8Array {
  const removed: number[] = [];
  const added: { readonly id: number; readonly size: number; readonly entries: number[] }[] = [];
  const reasonCounts = new Float64Array(reasonsMax);
  let rank = 0;
  for (const { id, size, before, after } of paired(base.partitions, head.partitions)) {
    const entries: number[] = [];
    let at = 0;
    for (const entry of before) {
      while (at < after.length && (after[at] ?? 0) < entry) entries.push(after[at++] ?? 0);
      if (after[at] === entry) at += 1;
      else removed.push(rank);
      rank += 1;
    }
    for (; at < after.length; at += 1) entries.push(after[at] ?? 0);
    for (const entry of entries) reasonCounts[reasonNumberOf(entry)] = (reasonCounts[reasonNumberOf(entry)] ?? 0) + 1;
    if (entries.length > 0) added.push({ id, size, entries });
  }
  const known = new Set(base.partitions.map(({ id }) => id));
  const fresh = added.filter(({ id }) => !known.has(id));
  const addedCount = added.reduce((sum, { entries }) => sum + entries.length, 0);
  const reasons = reasonCodeFor(reasonCounts);
  const before = encodeBeside(base.beside);
  const after = encodeBeside(head.beside);
  const isSame = asBuffer(before).equals(after);

  const writer = new BitWriter();
  for (const letter of Buffer.from('NFD1', 'latin1')) writer.write(letter, 8);
  for (const byte of baseRoot.subarray(0, baseBytes)) writer.write(byte, 8);
  writer.write(addedCount, 24);
  writer.write(removed.length, 24);
  writer.write(fresh.length, 16);
  for (const byte of packLengths(reasons)) writer.write(byte, 8);
  // 0: nothing changed beside the set. Else its new length plus one.
  writer.write(isSame ? 0 : after.length + 1, 24);
  if (!isSame) for (const byte of after) writer.write(byte, 8);
  for (const { id } of fresh) writer.write(id, 24);

  const ranks = golombCode(divisorFor(rank, removed.length));
  let next = 0;
  for (const gone of removed) {
    writeGap(writer, ranks, gone - next);
    next = gone + 1;
  }
  writeAdded(writer, lineOf(base, fresh, addedCount), added, reasons);
  writer.align();
  return writer.take();
}

/**
 * The list that a delta leads to. Bounded by the delta's own length and the base's; whether it is the right list, its root
 * says: the caller compares it with the signed manifest before use.
 */
export function applyDelta(
  base: NegativeSet,
  baseRoot: Uint8Array,
  bytes: Uint8Array,
): Result<NegativeSet, 'NEGATIVE_DELTA_INVALID' | 'NEGATIVE_BASE_OTHER'> {
  const invalid = (field: string) => fail('NEGATIVE_DELTA_INVALID', { field });
  if (bytes.length < headerBytes || asBuffer(bytes).toString('latin1', 0, 4) !== 'NFD1') return invalid('magic');
  if (!asBuffer(bytes.subarray(4, 4 + baseBytes)).equals(baseRoot.subarray(0, baseBytes)))
    return fail('NEGATIVE_BASE_OTHER');
  const padded = concat(bytes, new Uint8Array(readAhead));
  const reader = new BitReader(padded);
  reader.seek(4 + baseBytes, bytes.length);
  const addedCount = reader.read(24);
  const removedCount = reader.read(24);
  const freshCount = reader.read(16);
  const reasons = reasonCodeOf(unpackLengths(bytes.subarray(20, 28)));
  reader.position += 64;
  const besideLength = reader.read(24);
  const count = countOf(base);
  // Everything announced takes a bit at least: a short delta cannot announce much.
  const announced = addedCount + removedCount + freshCount * 24 + besideLength * 8;
  if (!reasons || announced > bytes.length * 8 || removedCount > count || addedCount > entriesMax)
    return invalid('count');
  let beside: Beside | undefined = base.beside;
  if (besideLength > 0) {
    const start = reader.position / 8;
    beside = decodeBeside(bytes.subarray(start, start + besideLength - 1));
    reader.position += (besideLength - 1) * 8;
  }
  const isTold = besideLength > 0;
  if (!beside || (isTold && asBuffer(encodeBeside(beside)).equals(encodeBeside(base.beside)))) return invalid('beside');
  const known = new Set(base.partitions.map(({ id }) => id));
  const fresh: Pick<Partition, 'id' | 'size'>[] = [];
  for (let left = freshCount; left > 0; left -= 1) {
    const id = reader.read(24);
    if (known.has(id) || id >= partitionsEnd || base.codec === 'KH' || id <= (fresh.at(-1)?.id ?? -1))
      return invalid('partitions');
    fresh.push({ id, size: partitionSize(id) });
  }
  const removed = readRemoved(reader, count, removedCount);
  if (!removed) return invalid('removed');
  const added = readAdded(reader, lineOf(base, fresh, addedCount), addedCount, reasons);
  if (!added || reader.overran || reader.end - reader.position >= 8 || reader.unary() >= 0) return invalid('added');
  const merged = merge(base, fresh, removed, added);
  return merged ? ok({ ...base, beside, partitions: merged }) : invalid('added');
}

/** A partition on the line along which added cards are coded, with the code for gaps in it. */
interface Stretch {
  readonly id: number;
  readonly size: number;
  readonly gaps: GolombCode;
}

/** All partitions in order. Cards are expected to come where cards are: a stretch's gaps follow from its share of the base. */
function lineOf(
  base: NegativeSet,
  fresh: readonly Pick<Partition, 'id' | 'size'>[],
  added: number,
): readonly Stretch[] {
  const count = countOf(base);
  const stretch = (id: number, size: number, own: number): Stretch => {
    const mean = Math.floor((Math.floor(size / Math.max(1, own)) * Math.max(1, count)) / Math.max(1, added));
    return { id, size, gaps: golombCode(Math.min(size, divisorForMean(Math.max(1, Math.min(mean, size * 2))))) };
  };
  return [
    ...base.partitions.map(({ id, size, entries }) => stretch(id, size, entries.length)),
    ...fresh.map(({ id, size }) => stretch(id, size, 1)),
  ].sort((a, b) => a.id - b.id);
}

// Added cards along the line: a one goes on by the divisor of the stretch (or to the next stretch, when this one ends), a
// zero says that the card is within the divisor from here.
function writeAdded(
  writer: BitWriter,
  line: readonly Stretch[],
  added: readonly { readonly id: number; readonly entries: readonly number[] }[],
  reasons: ReasonCode,
): void {
  const byId = new Map(added.map(({ id, entries }) => [id, entries]));
  let left = added.length;
  for (const { id, size, gaps } of line) {
    if (left === 0) return;
    let next = 0;
    const entries = byId.get(id);
    for (const entry of entries ?? []) {
      const tag = tagOf(entry);
      const steps = Math.floor((tag - next) / gaps.divisor);
      next += steps * gaps.divisor;
      writer.ones(steps);
      writer.write(0, 1);
      writeRemainder(writer, gaps, tag - next);
      writeReason(writer, reasons, reasonNumberOf(entry));
      next = tag + 1;
    }
    if (entries) left -= 1;
    if (left > 0) writer.ones(Math.max(1, Math.ceil((size - next) / gaps.divisor)));
  }
}

function readAdded(
  reader: BitReader,
  line: readonly Stretch[],
  count: number,
  reasons: ReasonCode,
): Map<number, number[]> | undefined {
  const added = new Map<number, number[]>();
  let at = 0;
  let next = 0;
  for (let left = count; left > 0; ) {
    let steps = reader.unary();
    if (steps < 0) return undefined;
    for (;;) {
      const stretch = line[at];
      if (!stretch) return undefined;
      const stepsHere = Math.max(1, Math.ceil((stretch.size - next) / stretch.gaps.divisor));
      if (steps < stepsHere) break;
      steps -= stepsHere;
      next = 0;
      at += 1;
    }
    const stretch = line[at];
    if (!stretch) return undefined;
    const tag = next + steps * stretch.gaps.divisor + readRemainder(reader, stretch.gaps);
    const reason = readReason(reader, reasons);
    if (tag >= stretch.size || reason < 0 || reader.overran) return undefined;
    const entries = added.get(stretch.id);
    if (entries) entries.push(entryOf(tag, reason));
    else added.set(stretch.id, [entryOf(tag, reason)]);
    next = tag + 1;
    left -= 1;
  }
  return added;
}

function readRemoved(reader: BitReader, baseCount: number, count: number): Float64Array | undefined {
  const ranks = new Float64Array(count);
  const code = golombCode(divisorFor(baseCount, count));
  let next = 0;
  for (let at = 0; at < count; at += 1) {
    const gap = readGap(reader, code);
    if (gap < 0 || reader.overran || next + gap >= baseCount) return undefined;
    ranks[at] = next + gap;
    next += gap + 1;
  }
  return ranks;
}

function merge(
  base: NegativeSet,
  fresh: readonly Pick<Partition, 'id' | 'size'>[],
  removed: Float64Array,
  added: ReadonlyMap<number, readonly number[]>,
): Partition[] | undefined {
  const partitions: Partition[] = [];
  let rank = 0;
  let gone = 0;
  for (const { id, size, entries } of base.partitions) {
    const more = added.get(id) ?? [];
    const merged = new Float64Array(entries.length + more.length);
    let used = 0;
    let at = 0;
    let before = -1;
    const put = (entry: number): boolean => {
      const tag = tagOf(entry);
      const isNew = tag > before;
      before = tag;
      merged[used++] = entry;
      return isNew;
    };
    for (const entry of entries) {
      const isRemoved = removed[gone] === rank;
      rank += 1;
      if (isRemoved) {
        gone += 1;
        continue;
      }
      while (at < more.length && (more[at] ?? 0) < entry) if (!put(more[at++] ?? 0)) return undefined;
      if (!put(entry)) return undefined;
    }
    while (at < more.length) if (!put(more[at++] ?? 0)) return undefined;
    if (used > 0 || base.codec === 'KH') partitions.push({ id, size, entries: merged.subarray(0, used) });
  }
  for (const { id, size } of fresh) {
    const entries = added.get(id);
    if (!entries) return undefined;
    partitions.push({ id, size, entries: Float64Array.from(entries) });
  }
  return partitions.sort((a, b) => a.id - b.id);
}

/** The partitions of two lists side by side. */
function paired(before: readonly Partition[], after: readonly Partition[]) {
  const pairs = new Map<number, { id: number; size: number; before: Float64Array; after: Float64Array }>();
  const none = new Float64Array(0);
  for (const { id, size, entries } of before) pairs.set(id, { id, size, before: entries, after: none });
  for (const { id, size, entries } of after)
    pairs.set(id, { id, size, before: pairs.get(id)?.before ?? none, after: entries });
  return [...pairs.values()].sort((a, b) => a.id - b.id);
}
