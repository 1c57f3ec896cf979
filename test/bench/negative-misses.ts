import { unwrap } from '@tsunagu/protocols/kit';
import { encodeContainer, openContainer, tagOf } from '@tsunagu/protocols/negative';
import { numbers, randomHashes } from '../negative/lists.ts';

/** How many look-ups of each kind, in a list of a million cards of how many bits. */
export interface MissesWanted {
  readonly seed: number;
  readonly bits: number;
  readonly count: number;
}
/** What came of them. */
export interface Misses {
  /** Listed cards that were not found, or with another reason. */
  readonly missed: number;
  /** Good cards that were found, and how many theory expects. */
  readonly met: number;
  readonly expected: number;
}

/** Listed cards are asked in the wide list, all reasons of it; good cards in a narrow one, 4 000 of 2^20, where chance meets enough of them to be counted. */
function count({ seed, bits, count: wanted }: MissesWanted): Misses {
  const set = randomHashes(seed, 1_000_000, bits, 4);
  const entries = set.partitions[0]?.entries ?? new Float64Array(0);
  const container = unwrap(openContainer(encodeContainer(set)));
  const below = numbers(seed + 1_000);
  let missed = 0;
  for (let probe = 0; probe < wanted; probe += 1) {
    // Every card in its turn.
    const entry = entries[probe % entries.length] ?? 0;
    const tag = tagOf(entry);
    if (container.find(0, tag) !== entry - tag * 16) missed += 1;
  }
  const narrow = randomHashes(seed + 2_000, 4_000, 20);
  const filter = unwrap(openContainer(encodeContainer(narrow)));
  let met = 0;
  for (let probe = 0; probe < wanted; probe += 1) if (filter.find(0, below(2 ** 20)) >= 0) met += 1;
  return { missed, met, expected: (wanted * filter.count) / 2 ** 20 };
}

process.send?.(count(JSON.parse(process.argv[2] ?? '') as MissesWanted));
process.disconnect?.();
