/**
 * A 3-wise binary fuse filter (T. M. Graf, D. Lemire, "Binary Fuse Filters", 2022): the smallest well-known filter with look-ups of
 * three reads. It says "perhaps" with probability 2^-width for a stranger, and can only be built as a whole.
 */
export interface FuseFilter {
  readonly bytes: number;
  has(tag: number): boolean;
}

/** The finalizer of MurmurHash3. */
function scatter(value: number): number {
  let mixed = value ^ (value >>> 16);
  mixed = Math.imul(mixed, 0x85ebca6b);
  mixed ^= mixed >>> 13;
  mixed = Math.imul(mixed, 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

const mix = (tag: number, seed: number): readonly [number, number] => {
  const top = Math.floor(tag / 2 ** 32);
  const high = scatter((tag | 0) ^ scatter(top ^ Math.imul(seed, 0x9e3779b1)));
  return [high, scatter(high ^ scatter((tag | 0) + Math.imul(top + 1, 0x27d4eb2f)))];
};

export function fuseFilter(tags: Float64Array, width: 16 | 32): FuseFilter {
  const segmentLength = 2 ** Math.floor(Math.log(tags.length) / Math.log(3.33) + 2.25);
  const factor = Math.max(1.125, 0.875 + (0.25 * Math.log(1_000_000)) / Math.log(tags.length));
  const segments = Math.max(1, Math.ceil((tags.length * factor) / segmentLength) - 2);
  const places = (segments + 2) * segmentLength;
  const at = (high: number, low: number, which: number): number => {
    const first = Math.floor((high / 2 ** 32) * segments) * segmentLength;
    const inside = which === 0 ? low : which === 1 ? low >>> 16 : scatter(low + 1);
    return first + which * segmentLength + (inside & (segmentLength - 1));
  };
  const printOf = (high: number, low: number): number =>
    width === 16 ? scatter(high + Math.imul(low, 0x165667b1)) & 0xffff : scatter(high + Math.imul(low, 0x165667b1));
  for (let seed = 1; seed < 50; seed += 1) {
    const counts = new Uint8Array(places);
    const mixed = new Uint32Array(places);
    for (const [card, tag] of tags.entries()) {
      const [high, low] = mix(tag, seed);
      for (let which = 0; which < 3; which += 1) {
        const place = at(high, low, which);
        counts[place] = (counts[place] ?? 0) + 1;
        mixed[place] = (mixed[place] ?? 0) ^ (card + 1);
      }
    }
    // Peels: whatever stands alone somewhere is written last.
    const order: [number, number][] = [];
    const alone: number[] = [];
    for (let place = 0; place < places; place += 1) if (counts[place] === 1) alone.push(place);
    for (let place = alone.pop(); place !== undefined; place = alone.pop()) {
      if (counts[place] !== 1) continue;
      const card = (mixed[place] ?? 1) - 1;
      order.push([card, place]);
      const [high, low] = mix(tags[card] ?? 0, seed);
      for (let which = 0; which < 3; which += 1) {
        const other = at(high, low, which);
        counts[other] = (counts[other] ?? 1) - 1;
        mixed[other] = (mixed[other] ?? 0) ^ (card + 1);
        if (counts[other] === 1) alone.push(other);
      }
    }
    if (order.length !== tags.length) continue;
    const prints = width === 16 ? new Uint16Array(places) : new Uint32Array(places);
    for (const [card, place] of order.reverse()) {
      const [high, low] = mix(tags[card] ?? 0, seed);
      let print = printOf(high, low);
      for (let which = 0; which < 3; which += 1) print ^= prints[at(high, low, which)] ?? 0;
      prints[place] = print ^ (prints[place] ?? 0);
    }
    return {
      bytes: prints.byteLength,
      has(tag) {
        const [high, low] = mix(tag, seed);
        const found =
          (prints[at(high, low, 0)] ?? 0) ^ (prints[at(high, low, 1)] ?? 0) ^ (prints[at(high, low, 2)] ?? 0);
        return found >>> 0 === printOf(high, low) >>> 0;
      },
    };
  }
  throw new Error('no seed leads to a filter');
}
