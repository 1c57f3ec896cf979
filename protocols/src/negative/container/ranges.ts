import { BitWriter } from '../coding/bits.ts';

/** A block of cards: those whose leading digits are in a range, until a moment. Clear digits: a range names no card. */
export interface CardRange {
  /** Number of leading digits, 1-12. */
  readonly digits: number;
  /** Lowest and highest value of those digits. */
  readonly low: number;
  readonly high: number;
  /** Seconds since 1970, after which it blocks no more. */
  readonly notAfter: number;
}

const rangeBytes = 18;
/** The most ranges beside a list. */
export const rangesMax = 4_096;

/** What stands beside the set of a list, in the clear. */
export interface Beside {
  readonly ranges: readonly CardRange[];
  /** Second tags (`secondTag`) of good cards that meet a listed one's tag by chance: each is let through. */
  readonly exceptions: readonly number[];
}
/** Neither ranges nor exceptions. */
export const nothingBeside: Beside = { ranges: [], exceptions: [] };
const exceptionBytes = 6;
/** The most exceptions beside a list. */
export const exceptionsMax = 65_535;

/** Orders ranges canonically. */
const compareRanges = (a: CardRange, b: CardRange): number =>
  a.digits - b.digits || a.low - b.low || a.high - b.high || a.notAfter - b.notAfter;

/**
 * Number of ranges (2 bytes), each as digits (1), low and high (6 each), notAfter (5), then the exceptions (6 each); big-endian
 * and ascending. Nothing is no byte at all.
 */
export function encodeBeside({ ranges, exceptions }: Beside): Uint8Array {
  const writer = new BitWriter();
  if (ranges.length + exceptions.length > 0) writer.write(ranges.length, 16);
  for (const { digits, low, high, notAfter } of [...ranges].sort(compareRanges)) {
    writer.write(digits, 8);
    writer.write(low, 48);
    writer.write(high, 48);
    writer.write(notAfter, 40);
  }
  for (const exception of [...exceptions].sort((a, b) => a - b)) writer.write(exception, 48);
  return writer.take();
}

/** Reads what stands beside a set; undefined when it is not canonical. */
export function decodeBeside(bytes: Uint8Array): Beside | undefined {
  if (bytes.length === 0) return nothingBeside;
  if (bytes.length < 2 || bytes.length > 2 + rangesMax * rangeBytes + exceptionsMax * exceptionBytes) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const long = (at: number): number => view.getUint16(at) * 2 ** 32 + view.getUint32(at + 2);
  const count = view.getUint16(0);
  const rangesEnd = 2 + count * rangeBytes;
  if (count > rangesMax || rangesEnd > bytes.length || (bytes.length - rangesEnd) % exceptionBytes !== 0)
    return undefined;
  const ranges: CardRange[] = [];
  for (let at = 2; at < rangesEnd; at += rangeBytes) {
    const range = {
      digits: view.getUint8(at),
      low: long(at + 1),
      high: long(at + 7),
      notAfter: view.getUint8(at + 13) * 2 ** 32 + view.getUint32(at + 14),
    };
    const before = ranges.at(-1);
    const isInOrder = !before || compareRanges(before, range) < 0;
    if (!isInOrder || !isRange(range)) return undefined;
    ranges.push(range);
  }
  const exceptions: number[] = [];
  for (let at = rangesEnd; at < bytes.length; at += exceptionBytes) {
    const exception = long(at);
    if (exception <= (exceptions.at(-1) ?? -1)) return undefined;
    exceptions.push(exception);
  }
  return ranges.length + exceptions.length > 0 ? { ranges, exceptions } : undefined;
}

/** Whether a range makes sense. */
export const isRange = ({ digits, low, high }: CardRange): boolean =>
  digits >= 1 && digits <= 12 && low >= 0 && low <= high && high < 10 ** digits;

/** Whether a PAN (ASCII digits) is in one of the ranges that hold at a moment, seconds since 1970. */
export const isInRange = (ranges: readonly CardRange[], pan: Uint8Array, now: number): boolean =>
  ranges.some(({ digits, low, high, notAfter }) => {
    if (pan.length < digits || now > notAfter) return false;
    let lead = 0;
    for (let at = 0; at < digits; at += 1) lead = lead * 10 + (pan[at] ?? 0x30) - 0x30;
    return lead >= low && lead <= high;
  });

/** Whether a second tag is among the exceptions: binary search. */
export function isExcepted({ exceptions }: Beside, second: number): boolean {
  let low = 0;
  let high = exceptions.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((exceptions[middle] ?? 0) < second) low = middle + 1;
    else high = middle;
  }
  return exceptions[low] === second;
}
