import { reasonsMax } from '../coding/reasons.ts';

/**
 * A listed card inside a partition, as one number: tag times 16 plus reason. Tags have 49 bits at most, so that it is exact and
 * a plain sort orders a set by tag.
 */
export const entryOf = (tag: number, reason: number): number => tag * reasonsMax + reason;
/** The tag of an entry. */
export const tagOf = (entry: number): number => Math.floor(entry / reasonsMax);
/** The number of an entry's reason. The remainder of two doubles would be a slow call. */
export const reasonNumberOf = (entry: number): number => entry - tagOf(entry) * reasonsMax;

/** Part of a list's key space, and what is listed in it. Lists of keyed hashes have one. */
export interface Partition {
  /** 0 in lists of keyed hashes; see `partitionOf` for exact ones. */
  readonly id: number;
  /** Tags are below it. */
  readonly size: number;
  /** Ascending, one per tag. */
  readonly entries: Float64Array;
}

/** Sorts entries in place and keeps the first of each tag: with two reasons, the one with the lower number. */
export function sortEntries(entries: Float64Array): Float64Array {
  entries.sort();
  let kept = 0;
  let before = -1;
  for (const entry of entries) {
    const tag = tagOf(entry);
    if (tag !== before) entries[kept++] = entry;
    before = tag;
  }
  return entries.subarray(0, kept);
}
