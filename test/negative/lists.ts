import {
  entryOf,
  hashSet,
  type NegativeSet,
  nothingBeside,
  partitionOf,
  partitionSize,
  sortEntries,
} from '@tsunagu/protocols/negative';

/** Numbers out of a seed: xorshift32, good enough to spread tags. */
export function numbers(seed: number): (below: number) => number {
  let state = (seed * 2_654_435_761) >>> 0 || 1;
  const next = (): number => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state;
  };
  return (below) => Math.floor(((next() * 0x200000 + (next() >>> 11)) / 2 ** 53) * below);
}

/** A list of keyed hashes with random tags. */
export function randomHashes(seed: number, count: number, bits: number, reasons = 1): NegativeSet {
  const below = numbers(seed);
  const entries = Float64Array.from({ length: count }, () => entryOf(below(2 ** bits), below(reasons)));
  return hashSet(bits, sortEntries(entries));
}

/** An exact list over several partitions, the first ones fuller than the last. */
export function randomExact(seed: number, count: number, bins: number, reasons = 1): NegativeSet {
  const below = numbers(seed);
  const cards = new Map<number, number[]>();
  for (let card = 0; card < count; card += 1) {
    const id = partitionOf(13 + below(7), 400_000 + below(1 + below(bins)));
    cards.set(id, [...(cards.get(id) ?? []), entryOf(below(partitionSize(id)), below(reasons))]);
  }
  return {
    codec: 'KP',
    hashBits: 0,
    beside: nothingBeside,
    partitions: [...cards]
      .sort(([a], [b]) => a - b)
      .map(([id, entries]) => ({ id, size: partitionSize(id), entries: sortEntries(Float64Array.from(entries)) })),
  };
}

/** The same list after some cards went, some came and some changed their reason. */
export function changed(set: NegativeSet, seed: number, share: number): NegativeSet {
  const below = numbers(seed);
  const partitions = set.partitions.map(({ id, size, entries }) => {
    const kept = [...entries].filter(() => below(1_000) >= share * 1_000);
    const moved = kept.map((entry) => (below(50) === 0 ? entry - (entry % 16) + below(4) : entry));
    const come = Array.from({ length: Math.round(entries.length * share) }, () => entryOf(below(size), below(4)));
    return { id, size, entries: sortEntries(Float64Array.from([...moved, ...come])) };
  });
  return { ...set, partitions: partitions.filter(({ entries }) => entries.length > 0 || set.codec === 'KH') };
}

/** Digits and the one behind them that ISO/IEC 7812-1, annex B, asks for. */
export function withCheckDigit(digits: string): string {
  const sum = [...digits].reduceRight((total, digit, index) => {
    const isDoubled = (digits.length - index) % 2 === 1;
    const value = Number(digit) * (isDoubled ? 2 : 1);
    return total + (value > 9 ? value - 9 : value);
  }, 0);
  return `${digits}${(10 - (sum % 10)) % 10}`;
}
