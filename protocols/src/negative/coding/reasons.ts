import type { BitReader, BitWriter } from './bits.ts';

/** Why a card is listed. The number is its place in this table; 16 is all there will ever be (four bits). */
export const negativeReasons = ['lost', 'stolen', 'fraud', 'other', 'expired', 'closed'] as const;
/** Why a card is listed. */
export type NegativeReason = (typeof negativeReasons)[number];
/** The most reasons there can be: four bits. */
export const reasonsMax = 16;

/** The name of a reason's number; a number of a later edition reads as `other`. */
export const reasonOf = (number: number): NegativeReason => negativeReasons[number] ?? 'other';
/** The number of a reason. */
export const numberOfReason = (reason: NegativeReason): number => negativeReasons.indexOf(reason);

const lengthMax = 15;

/**
 * A canonical prefix code for reasons (D. A. Huffman, 1952; the words of one length in the order of their numbers, as in RFC
 * 1951, 3.2.2). `lengths[reason]` is 0 for a reason that does not occur; a list with one reason spends no bit on it.
 */
export interface ReasonCode {
  readonly lengths: Uint8Array;
  readonly words: Uint16Array;
  /**
   * By the next eight bits: length of the word that stands there times 16, plus its reason; 0 where it is longer than that. A code
   * with one reason has no words, so that it says that reason everywhere.
   */
  readonly byPrefix: Uint8Array;
  /** Some word is longer than eight bits. */
  readonly isLong: boolean;
  /** The only reason there is; -1 when there are several (or none). */
  readonly only: number;
}

/** The code for reasons that occur so often. */
export const reasonCodeFor = (counts: ArrayLike<number>): ReasonCode => codeOf(lengthsFor(counts));

/** The code with these lengths; undefined when no canonical code has them. */
export function reasonCodeOf(lengths: Uint8Array): ReasonCode | undefined {
  const used = lengths.filter((length) => length > 0);
  const isWhole = used.reduce((sum, length) => sum + 2 ** (lengthMax - length), 0) === 2 ** lengthMax;
  const isSingle = used.length === 1 && used[0] === 1;
  return used.length === 0 || isSingle || isWhole ? codeOf(lengths) : undefined;
}

function codeOf(lengths: Uint8Array): ReasonCode {
  const words = new Uint16Array(reasonsMax);
  let word = 0;
  for (let length = 1; length <= lengthMax; length += 1) {
    for (let reason = 0; reason < reasonsMax; reason += 1) if (lengths[reason] === length) words[reason] = word++;
    word *= 2;
  }
  const used = [...lengths.keys()].filter((reason) => lengths[reason] !== 0);
  const only = used.length === 1 ? (used[0] ?? -1) : -1;
  return {
    lengths,
    words,
    byPrefix: prefixesOf(lengths, words, only),
    isLong: lengths.some((length) => length > 8),
    only,
  };
}

function prefixesOf(lengths: Uint8Array, words: Uint16Array, only: number): Uint8Array {
  const byPrefix = new Uint8Array(256);
  if (only >= 0) return byPrefix.fill(only);
  for (const [reason, length] of lengths.entries()) {
    if (length === 0 || length > 8) continue;
    const first = (words[reason] ?? 0) << (8 - length);
    byPrefix.fill(length * reasonsMax + reason, first, first + (1 << (8 - length)));
  }
  return byPrefix;
}

/** Merges the two rarest groups until one is left; ties go to the group with the lowest reason, so that everybody merges alike. */
function lengthsFor(counts: ArrayLike<number>): Uint8Array {
  const lengths = new Uint8Array(reasonsMax);
  let groups = Array.from({ length: reasonsMax }, (_, reason) => ({ weight: counts[reason] ?? 0, members: [reason] }));
  groups = groups.filter(({ weight }) => weight > 0);
  const [single] = groups;
  if (groups.length === 1 && single) lengths[single.members[0] ?? 0] = 1;
  while (groups.length > 1) {
    groups.sort((a, b) => a.weight - b.weight || Math.min(...a.members) - Math.min(...b.members));
    const [first, second, ...rest] = groups;
    if (!first || !second) break;
    const members = [...first.members, ...second.members];
    for (const reason of members) lengths[reason] = (lengths[reason] ?? 0) + 1;
    groups = [...rest, { weight: first.weight + second.weight, members }];
  }
  return lengths;
}

/** Writes a reason of the code. */
export function writeReason(writer: BitWriter, code: ReasonCode, reason: number): void {
  if (code.only < 0) writer.write(code.words[reason] ?? 0, code.lengths[reason] ?? 0);
}

/** Reads a reason; -1 when the bits are none. */
export function readReason(reader: BitReader, code: ReasonCode): number {
  if (code.only >= 0) return code.only;
  const known = code.byPrefix[reader.peek(8)] ?? 0;
  if (known > 0) {
    reader.position += known >>> 4;
    return known & 15;
  }
  let word = 0;
  for (let length = 1; length <= lengthMax; length += 1) {
    word = word * 2 + reader.read(1);
    for (let reason = 0; reason < reasonsMax; reason += 1)
      if (code.lengths[reason] === length && code.words[reason] === word) return reason;
  }
  return -1;
}

/** Packs 16 lengths into 8 bytes, two to a byte. */
export const packLengths = (code: ReasonCode): Uint8Array =>
  Uint8Array.from({ length: 8 }, (_, at) => ((code.lengths[2 * at] ?? 0) << 4) | (code.lengths[2 * at + 1] ?? 0));

/** The way back. */
export const unpackLengths = (packed: Uint8Array): Uint8Array =>
  Uint8Array.from({ length: reasonsMax }, (_, at) => ((packed[at >> 1] ?? 0) >> (at % 2 === 0 ? 4 : 0)) & 0x0f);
