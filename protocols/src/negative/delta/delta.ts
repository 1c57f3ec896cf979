import { RangeReader, RangeWriter } from '../coding/range-coder.ts';
import {
  packLengths,
  type ReasonCode,
  reasonCodeFor,
  reasonCodeOf,
  reasonsMax,
  unpackLengths,
} from '../coding/reasons.ts';
import { countOf, type NegativeSet } from '../container/encode.ts';
import { entryOf, type Partition, reasonNumberOf, tagOf } from '../container/entries.ts';
import { entriesMax } from '../container/layout.ts';
import { type Beside, decodeBeside, encodeBeside } from '../container/ranges.ts';
import { partitionSize, partitionsEnd } from '../keying/keyed-permutation.ts';
import { asBuffer, concat, fail, ok, type Result } from '../../kit/index.ts';
import { readMet, type Stride, strideFor, writeMet, writeNothing } from './gaps.ts';

/** How many bytes of the base's root a delta names: enough to refuse a wrong base; the result is proven by its own root. */
const baseBytes = 8;
const headerBytes = 4 + baseBytes + 4 + 3 + 3 + 2 + 3 + 1;
/** In the place of the only reason: there are several, and their code follows. */
const severalReasons = 255;

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

  const isSingle = reasons.only >= 0 || addedCount === 0;
  const header = Buffer.alloc(headerBytes);
  header.write('NFD2', 'latin1');
  header.set(baseRoot.subarray(0, baseBytes), 4);
  header.writeUIntBE(addedCount, 16, 3);
  header.writeUIntBE(removed.length, 19, 3);
  header.writeUIntBE(fresh.length, 22, 2);
  // 0: nothing changed beside the set. Else its new length plus one.
  header.writeUIntBE(isSame ? 0 : after.length + 1, 24, 3);
  header[27] = isSingle ? Math.max(0, reasons.only) : severalReasons;
  const ids = Buffer.alloc(fresh.length * 3);
  for (const [at, { id }] of fresh.entries()) ids.writeUIntBE(id, at * 3, 3);

  const writer = new RangeWriter();
  writeRemoved(writer, rank, removed);
  writeAdded(writer, lineOf(base, fresh, addedCount), added, reasons);
  const codes = isSingle ? new Uint8Array(0) : packLengths(reasons);
  const bytes = concat(header, codes, isSame ? new Uint8Array(0) : after, ids, writer.take());
  asBuffer(bytes).writeUInt32BE(bytes.length, 12);
  return bytes;
}

/** How many entries a delta adds and removes, by its header alone; undefined for what is none. */
export function deltaCounts(bytes: Uint8Array): { readonly added: number; readonly removed: number } | undefined {
  const view = asBuffer(bytes);
  if (bytes.length < headerBytes || view.toString('latin1', 0, 4) !== 'NFD2') return undefined;
  return { added: view.readUIntBE(16, 3), removed: view.readUIntBE(19, 3) };
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
  const view = asBuffer(bytes);
  if (bytes.length < headerBytes || view.toString('latin1', 0, 4) !== 'NFD2') return invalid('magic');
  if (!view.subarray(4, 4 + baseBytes).equals(baseRoot.subarray(0, baseBytes))) return fail('NEGATIVE_BASE_OTHER');
  if (view.readUInt32BE(12) !== bytes.length) return invalid('length');
  const addedCount = view.readUIntBE(16, 3);
  const removedCount = view.readUIntBE(19, 3);
  const freshCount = view.readUIntBE(22, 2);
  const besideLength = view.readUIntBE(24, 3);
  const isSingle = view[27] !== severalReasons;
  const only = view[27] ?? 0;
  const besideAt = headerBytes + (isSingle ? 0 : 8);
  const idsAt = besideAt + Math.max(0, besideLength - 1);
  const bodyAt = idsAt + freshCount * 3;
  if (bodyAt > bytes.length || (isSingle && only >= reasonsMax)) return invalid('length');
  const reasons = isSingle
    ? reasonCodeOf(new Uint8Array(reasonsMax).fill(1, only, only + 1))
    : reasonCodeOf(unpackLengths(bytes.subarray(headerBytes, headerBytes + 8)));
  const count = countOf(base);
  // Whatever is announced takes half a bit at least: a short delta cannot announce much.
  const isBounded = addedCount + removedCount <= (bytes.length - bodyAt + 1) * 16 && addedCount <= entriesMax;
  if (!reasons || isSingle !== reasons.only >= 0 || !isBounded || removedCount > count) return invalid('count');
  const isTold = besideLength > 0;
  const beside: Beside | undefined = isTold ? decodeBeside(bytes.subarray(besideAt, idsAt)) : base.beside;
  if (!beside || (isTold && asBuffer(encodeBeside(beside)).equals(encodeBeside(base.beside)))) return invalid('beside');
  const known = new Set(base.partitions.map(({ id }) => id));
  const fresh: Pick<Partition, 'id' | 'size'>[] = [];
  for (let at = idsAt; at < bodyAt; at += 3) {
    const id = view.readUIntBE(at, 3);
    if (known.has(id) || id >= partitionsEnd || base.codec === 'KH' || id <= (fresh.at(-1)?.id ?? -1))
      return invalid('partitions');
    fresh.push({ id, size: partitionSize(id) });
  }
  const reader = new RangeReader(bytes, bodyAt);
  const removed = readRemoved(reader, count, removedCount);
  if (!removed) return invalid('removed');
  const added = readAdded(reader, lineOf(base, fresh, addedCount), addedCount, reasons);
  if (!added || reader.overran) return invalid('added');
  const merged = merge(base, fresh, removed, added);
  return merged ? ok({ ...base, beside, partitions: merged }) : invalid('added');
}

/** A partition on the line along which added cards are coded, and how dense they are expected in it. */
interface Stretch {
  readonly id: number;
  readonly size: number;
  readonly stride: Stride;
}

/** All partitions in order. Cards are expected to come where cards are: a stretch's mean gap follows from its share of the base. */
function lineOf(
  base: NegativeSet,
  fresh: readonly Pick<Partition, 'id' | 'size'>[],
  added: number,
): readonly Stretch[] {
  const count = countOf(base);
  const stretch = (id: number, size: number, own: number): Stretch => {
    const gap = Math.floor(size / Math.max(1, own));
    const [all, coming] = [Math.max(1, count), Math.max(1, added)];
    const isExact = gap * all <= Number.MAX_SAFE_INTEGER;
    const mean = isExact ? Math.floor((gap * all) / coming) : Math.floor(gap / coming) * all;
    // Where next to nothing is expected, a step goes over the whole stretch.
    return { id, size, stride: strideFor(Math.max(1, Math.min(mean, 16 * size))) };
  };
  return [
    ...base.partitions.map(({ id, size, entries }) => stretch(id, size, entries.length)),
    ...fresh.map(({ id, size }) => stretch(id, size, 1)),
  ].sort((a, b) => a.id - b.id);
}

function writeAdded(
  writer: RangeWriter,
  line: readonly Stretch[],
  added: readonly { readonly id: number; readonly entries: readonly number[] }[],
  reasons: ReasonCode,
): void {
  const byId = new Map(added.map(({ id, entries }) => [id, entries]));
  let left = added.length;
  for (const { id, size, stride } of line) {
    if (left === 0) return;
    let next = 0;
    const entries = byId.get(id);
    for (const entry of entries ?? []) {
      const tag = tagOf(entry);
      writeMet(writer, stride, next, size, tag);
      if (reasons.only < 0) writeWord(writer, reasons, reasonNumberOf(entry));
      next = tag + 1;
    }
    if (entries) left -= 1;
    if (left > 0) writeNothing(writer, stride, next, size);
  }
}

function writeWord(writer: RangeWriter, { words, lengths }: ReasonCode, reason: number): void {
  for (let bit = (lengths[reason] ?? 0) - 1; bit >= 0; bit -= 1) writer.number(((words[reason] ?? 0) >> bit) & 1, 2);
}

function readWord(reader: RangeReader, { words, lengths, only }: ReasonCode): number {
  if (only >= 0) return only;
  let word = 0;
  for (let length = 1; length < reasonsMax; length += 1) {
    word = word * 2 + reader.number(2);
    for (let reason = 0; reason < reasonsMax; reason += 1)
      if (lengths[reason] === length && words[reason] === word) return reason;
  }
  return -1;
}

function readAdded(
  reader: RangeReader,
  line: readonly Stretch[],
  count: number,
  reasons: ReasonCode,
): Map<number, number[]> | undefined {
  const added = new Map<number, number[]>();
  let left = count;
  for (const { id, size, stride } of line) {
    const entries: number[] = [];
    for (let next = 0; left > 0; ) {
      const tag = readMet(reader, stride, next, size);
      if (reader.overran) return undefined;
      if (tag < 0) break;
      const reason = readWord(reader, reasons);
      if (tag >= size || reason < 0) return undefined;
      entries.push(entryOf(tag, reason));
      next = tag + 1;
      left -= 1;
    }
    if (entries.length > 0) added.set(id, entries);
  }
  return left > 0 ? undefined : added;
}

function writeRemoved(writer: RangeWriter, baseCount: number, removed: readonly number[]): void {
  const stride = strideFor(Math.max(1, Math.floor(baseCount / Math.max(1, removed.length))));
  let next = 0;
  for (const rank of removed) {
    writeMet(writer, stride, next, baseCount, rank);
    next = rank + 1;
  }
}

function readRemoved(reader: RangeReader, baseCount: number, count: number): Float64Array | undefined {
  const ranks = new Float64Array(count);
  const stride = strideFor(Math.max(1, Math.floor(baseCount / Math.max(1, count))));
  let next = 0;
  for (let at = 0; at < count; at += 1) {
    const rank = readMet(reader, stride, next, baseCount);
    if (rank < 0 || rank >= baseCount || reader.overran) return undefined;
    ranks[at] = rank;
    next = rank + 1;
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
