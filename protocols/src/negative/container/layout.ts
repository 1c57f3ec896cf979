import { divisorFor, type GolombCode, golombCode } from '../coding/golomb.ts';

/** How a list stands for cards: keyed hashes (KH), or a keyed permutation inside each partition (KP, exact). */
export type NegativeCodec = 'KH' | 'KP';

/** Entries that a segment has on average: what a look-up reads. */
export const segmentEntries = 160;
/** Length of a container's header. */
export const headerBytes = 32;
/** Length of a row of the table of partitions. */
export const partitionBytes = 13;
/** The most entries a container may have, and the most bytes. */
export const entriesMax = 0xffffff;
/** The longest container. */
export const containerBytesMax = 64 * 1024 * 1024;
/** The container's own length ends it: four bytes that let a reader load whole words to the end. */
export const trailerBytes = 4;

/** How many segments a partition with so many entries has. */
export const segmentsFor = (count: number): number => Math.max(1, Math.ceil(count / segmentEntries));

/** What follows from a partition's size and number of entries. */
export interface PartitionShape {
  readonly size: number;
  readonly count: number;
  readonly segments: number;
  /** Tags per segment; the last may have fewer. */
  readonly width: number;
  readonly gaps: GolombCode;
}

/** What follows from a partition's size and number of entries. */
export function shapeOf(size: number, count: number): PartitionShape {
  const segments = segmentsFor(count);
  return { size, count, segments, width: Math.ceil(size / segments), gaps: golombCode(divisorFor(size, count)) };
}

/** Where a segment would start if all were of one length; the index holds how far off that is. */
export const expectedOffset = (segment: number, segments: number, bytes: number): number =>
  Math.floor((segment * bytes) / segments);
