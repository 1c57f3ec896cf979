import type { BitReader, BitWriter } from './bits.ts';

/**
 * A Golomb code (S. W. Golomb, 1966) for gaps between the members of a random set: the quotient by `divisor` in unary (ones,
 * then a zero), the remainder in truncated binary: the first `shortCount` remainders have `bits - 1` bits, the others `bits`.
 */
export interface GolombCode {
  readonly divisor: number;
  readonly bits: number;
  readonly shortCount: number;
}

/** The code with this divisor, 1 to 2^52. */
export function golombCode(divisor: number): GolombCode {
  // Not by Math.log2: it may be off by one next to a power of two.
  const bits = divisor <= 0x80000000 ? 32 - Math.clz32(divisor - 1) : 32 + bitsOf(Math.floor((divisor - 1) / 2 ** 32));
  return { divisor, bits, shortCount: 2 ** bits - divisor };
}

const bitsOf = (value: number): number => 32 - Math.clz32(value);

/** 65536 ln 2: half of all geometric gaps are shorter than ln 2 times their mean. */
const halfLife = 45_426;

/** The best divisor for `count` members among `size` places, in whole numbers only, so that everybody gets the same one. */
export const divisorFor = (size: number, count: number): number =>
  count === 0 ? size : divisorForMean(Math.floor(size / count));

/** The best divisor for gaps of this mean, a whole number. */
export function divisorForMean(mean: number): number {
  const high = Math.floor(mean / 65_536);
  return Math.max(1, high * halfLife + Math.floor(((mean - high * 65_536) * halfLife) / 65_536));
}

/** Writes one gap, 0 or more. */
export function writeGap(writer: BitWriter, code: GolombCode, gap: number): void {
  const quotient = Math.floor(gap / code.divisor);
  writer.unary(quotient);
  writeRemainder(writer, code, gap - quotient * code.divisor);
}

/** Writes a number below the divisor in truncated binary. */
export function writeRemainder(writer: BitWriter, code: GolombCode, remainder: number): void {
  if (remainder < code.shortCount) writer.write(remainder, code.bits - 1);
  else writer.write(remainder + code.shortCount, code.bits);
}

/** Reads one gap; -1 when only ones are left. A gap that makes no sense is the caller's to notice: it knows the range. */
export function readGap(reader: BitReader, code: GolombCode): number {
  const quotient = reader.unary();
  return quotient < 0 ? -1 : quotient * code.divisor + readRemainder(reader, code);
}

/** Reads a number below the divisor in truncated binary. */
export function readRemainder(reader: BitReader, code: GolombCode): number {
  const { bits } = code;
  if (bits <= 25) {
    if (bits === 0) return 0;
    const short = reader.read(bits - 1);
    return short < code.shortCount ? short : short * 2 + reader.read(1) - code.shortCount;
  }
  const short = reader.readLong(bits - 1);
  return short < code.shortCount ? short : short * 2 + reader.read(1) - code.shortCount;
}
