/**
 * A second reader of negative containers, deltas and overlays, written from the format's description in the README of
 * `protocols/src/negative` alone: strings of bits and BigInt, as slow and as plain as can be. It shares no line with the first.
 */

export interface ReferenceList {
  readonly codec: number;
  readonly hashBits: number;
  /** "partition:tag" to reason. */
  readonly cards: Map<string, number>;
  readonly beside: string;
}

const hexOf = (bytes: Uint8Array): string => [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
const bitsOf = (bytes: Uint8Array): string => [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('');
const numberAt = (bytes: Uint8Array, at: number, length: number): bigint =>
  BigInt(`0x${hexOf(bytes.subarray(at, at + length)) || '0'}`);
const ceilDivide = (a: bigint, b: bigint): bigint => (a + b - 1n) / b;
const must = (condition: boolean, what: string): void => {
  if (!condition) throw new Error(what);
};

class Tape {
  readonly #bits: string;
  at = 0;
  constructor(bits: string) {
    this.#bits = bits;
  }
  take(count: number): bigint {
    must(this.at + count <= this.#bits.length, 'the tape ends');
    const bits = this.#bits.slice(this.at, this.at + count);
    this.at += count;
    return bits === '' ? 0n : BigInt(`0b${bits}`);
  }
  get rest(): string {
    return this.#bits.slice(this.at);
  }
  ones(): bigint {
    let count = 0n;
    while (this.take(1) === 1n) count += 1n;
    return count;
  }
  atFilling(): boolean {
    return this.rest.length < 8 && !this.rest.includes('0');
  }
}

const divisorOfMean = (mean: bigint): bigint => {
  const divisor = (mean * 45_426n) / 65_536n;
  return divisor > 1n ? divisor : 1n;
};
const divisorOf = (size: bigint, count: bigint): bigint => (count === 0n ? size : divisorOfMean(size / count));

function remainder(tape: Tape, divisor: bigint): bigint {
  let bits = 0;
  while (1n << BigInt(bits) < divisor) bits += 1;
  const short = (1n << BigInt(bits)) - divisor;
  if (bits === 0) return 0n;
  const start = tape.take(bits - 1);
  return start < short ? start : start * 2n + tape.take(1) - short;
}

function reasonWords(packed: Uint8Array): { words: Map<string, number>; only: number | undefined } {
  const lengths = [...hexOf(packed)].map((digit) => Number.parseInt(digit, 16));
  const used = lengths.map((length, reason) => ({ length, reason })).filter(({ length }) => length > 0);
  used.sort((a, b) => a.length - b.length || a.reason - b.reason);
  const words = new Map<string, number>();
  let word = 0n;
  let before = used[0]?.length ?? 0;
  for (const { length, reason } of used) {
    word <<= BigInt(length - before);
    before = length;
    words.set(word.toString(2).padStart(length, '0'), reason);
    word += 1n;
  }
  return { words, only: used.length === 1 ? used[0]?.reason : undefined };
}

function reason(tape: Pick<Tape, 'take'>, code: ReturnType<typeof reasonWords>): number {
  if (code.only !== undefined) return code.only;
  let word = '';
  for (;;) {
    word += tape.take(1).toString();
    const found = code.words.get(word);
    if (found !== undefined) return found;
    must(word.length < 15, 'no such word');
  }
}

/** Reads a container; throws on what makes no sense. */
export function referenceContainer(bytes: Uint8Array): ReferenceList {
  must(String.fromCharCode(...bytes.subarray(0, 4)) === 'NFS1', 'magic');
  const codec = Number(numberAt(bytes, 4, 1));
  const hashBits = Number(numberAt(bytes, 5, 1));
  const rows = Number(numberAt(bytes, 6, 2));
  const count = numberAt(bytes, 8, 4);
  const bodyLength = numberAt(bytes, 12, 4);
  const width = Number(numberAt(bytes, 16, 1));
  const bias = numberAt(bytes, 17, 4);
  const code = reasonWords(bytes.subarray(21, 29));
  const besideLength = Number(numberAt(bytes, 29, 3));
  const table = Array.from({ length: rows }, (_, row) => {
    const at = 32 + row * 13;
    return {
      id: numberAt(bytes, at, 3),
      count: numberAt(bytes, at + 3, 3),
      offset: numberAt(bytes, at + 6, 4),
      first: numberAt(bytes, at + 10, 3),
    };
  });
  if (codec === 1) table.push({ id: 0n, count, offset: 0n, first: 0n });
  const segmentsOf = (entries: bigint): bigint => (entries === 0n ? 1n : ceilDivide(entries, 160n));
  const segments = table.reduce((sum, row) => sum + segmentsOf(row.count), 0n);
  const indexAt = 32 + rows * 13;
  const indexLength = Number(ceilDivide(segments * BigInt(width), 8n));
  const index = new Tape(bitsOf(bytes.subarray(indexAt, indexAt + indexLength)));
  const besideAt = indexAt + indexLength;
  const bodyAt = BigInt(besideAt + besideLength);
  must(BigInt(bytes.length) === bodyAt + bodyLength + 4n, 'length');
  must(numberAt(bytes, bytes.length - 4, 4) === BigInt(bytes.length), 'trailer');
  const cards = new Map<string, number>();
  let number = 0n;
  for (const [row, place] of table.entries()) {
    const size = codec === 1 ? 1n << BigInt(hashBits) : 10n ** (place.id / 1_000_000n + 6n);
    const own = segmentsOf(place.count);
    const end = table[row + 1]?.offset ?? bodyLength;
    must(place.first === number, 'first segment');
    number += own;
    const starts = Array.from(
      { length: Number(own) },
      (_, at) => place.offset + (BigInt(at) * (end - place.offset)) / own + index.take(width) - bias,
    );
    starts.push(end);
    const divisor = divisorOf(size, place.count);
    const tags = ceilDivide(size, own);
    let found = 0n;
    for (let segment = 0; segment < Number(own); segment += 1) {
      const from = Number(bodyAt + (starts[segment] ?? 0n));
      const to = Number(bodyAt + (starts[segment + 1] ?? 0n));
      const tape = new Tape(bitsOf(bytes.subarray(from, to)));
      let next = BigInt(segment) * tags;
      while (!tape.atFilling()) {
        const tag = next + tape.ones() * divisor + remainder(tape, divisor);
        must(tag < BigInt(segment + 1) * tags && tag < size, 'a tag beyond its segment');
        cards.set(`${place.id}:${tag}`, reason(tape, code));
        next = tag + 1n;
        found += 1n;
      }
    }
    must(found === place.count, 'number of entries in a partition');
  }
  must(BigInt(cards.size) === count, 'number of entries');
  return { codec, hashBits, cards, beside: hexOf(bytes.subarray(besideAt, besideAt + besideLength)) };
}

/** Where a range coder stands: how far into the range, and how wide that is. */
class Dial {
  readonly #bytes: Uint8Array;
  #at = 0;
  #inside: bigint;
  #range = 2n ** 32n - 1n;
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#inside = [0, 1, 2, 3].reduce((sum) => sum * 256n + this.#byte(), 0n);
  }
  #byte(): bigint {
    this.#at += 1;
    return BigInt(this.#bytes[this.#at - 1] ?? 0);
  }
  #narrow(start: bigint, end: bigint): void {
    this.#inside -= start;
    this.#range = end - start;
    while (this.#range < 2n ** 24n) {
      this.#range *= 256n;
      this.#inside = this.#inside * 256n + this.#byte();
    }
  }
  /** One of so many that are as likely. */
  turn(total: bigint): bigint {
    const unit = this.#range / total;
    const part = this.#inside / unit < total ? this.#inside / unit : total - 1n;
    this.#narrow(part * unit, part === total - 1n ? this.#range : (part + 1n) * unit);
    return part;
  }
  happens(chance: bigint): boolean {
    const edge = (this.#range / 65_536n) * chance;
    const does = this.#inside < edge;
    this.#narrow(does ? 0n : edge, does ? edge : this.#range);
    return does;
  }
  /** A number below an end: its top 16 bits first. */
  below(end: bigint): bigint {
    let unit = 1n;
    while ((end - 1n) / unit >= 65_536n) unit *= 2n;
    let value = this.turn((end - 1n) / unit + 1n) * unit;
    while (unit > 1n) {
      const parts = unit < 65_536n ? unit : 65_536n;
      unit /= parts;
      value += this.turn(parts) * unit;
    }
    return value;
  }
}

const meanOf = (size: bigint, count: bigint): bigint => {
  const mean = size / (count > 0n ? count : 1n);
  return mean > 0n ? mean : 1n;
};

/** Goes along in steps of an eighth of the mean until something is met; undefined at the end. */
function meet(dial: Dial, mean: bigint, from: bigint, end: bigint): bigint | undefined {
  const step = mean < 8n ? 1n : mean / 8n;
  for (let at = from; at < end; at += step) {
    const places = end - at < step ? end - at : step;
    const x = mean < 2n ** 32n ? (places * 65_536n) / mean : places / (mean / 65_536n);
    const sum = x - (x * x) / 131_072n + (x * x * x) / (6n * 2n ** 32n);
    const chance = sum < 1n ? 1n : sum > 65_535n ? 65_535n : sum;
    if (dial.happens(chance)) return at + dial.below(places);
  }
  return undefined;
}

/** Applies a delta to a list; throws on what makes no sense. */
export function referenceDelta(base: ReferenceList, bytes: Uint8Array): ReferenceList {
  must(String.fromCharCode(...bytes.subarray(0, 4)) === 'NFD2', 'magic');
  must(numberAt(bytes, 12, 4) === BigInt(bytes.length), 'length');
  const added = numberAt(bytes, 16, 3);
  const removed = numberAt(bytes, 19, 3);
  const fresh = Number(numberAt(bytes, 22, 2));
  const besideLength = Number(numberAt(bytes, 24, 3));
  const only = bytes[27] ?? 0;
  let at = 28;
  const code = only === 255 ? reasonWords(bytes.subarray(28, 36)) : { words: new Map<string, number>(), only };
  if (only === 255) at += 8;
  let { beside } = base;
  if (besideLength > 0) {
    beside = hexOf(bytes.subarray(at, at + besideLength - 1));
    at += besideLength - 1;
  }
  const own = new Map<bigint, bigint>();
  if (base.codec === 1) own.set(0n, 0n);
  const sorted = [...base.cards]
    .map(([name, why]) => {
      const [partition, tag] = name.split(':').map(BigInt);
      return { partition: partition ?? 0n, tag: tag ?? 0n, name, why };
    })
    .sort((a, b) => Number(a.partition - b.partition) || (a.tag < b.tag ? -1 : 1));
  for (const { partition } of sorted) own.set(partition, (own.get(partition) ?? 0n) + 1n);
  for (let each = 0; each < fresh; each += 1, at += 3) own.set(numberAt(bytes, at, 3), 1n);
  const dial = new Dial(bytes.subarray(at));
  const total = BigInt(sorted.length);
  const rankMean = meanOf(total, removed);
  const gone = new Set<number>();
  let rank = 0n;
  for (let each = 0n; each < removed; each += 1n) {
    const met = meet(dial, rankMean, rank, total);
    if (met === undefined) throw new Error('a rank beyond the list');
    gone.add(Number(met));
    rank = met + 1n;
  }
  const cards = new Map(sorted.filter((_, place) => !gone.has(place)).map(({ name, why }) => [name, why]));
  const line = [...own]
    .sort(([a], [b]) => Number(a - b))
    .map(([id, entries]) => {
      const size = base.codec === 1 ? 1n << BigInt(base.hashBits) : 10n ** (id / 1_000_000n + 6n);
      const share = entries > 0n ? entries : 1n;
      const [gap, all, coming] = [size / share, total > 0n ? total : 1n, added > 0n ? added : 1n];
      const wide = gap * all < 2n ** 53n ? (gap * all) / coming : (gap / coming) * all;
      const mean = wide < 16n * size ? wide : 16n * size;
      return { id, size, mean: mean > 0n ? mean : 1n };
    });
  let left = added;
  for (const place of line) {
    let next = 0n;
    while (left > 0n) {
      const tag = meet(dial, place.mean, next, place.size);
      if (tag === undefined) break;
      const name = `${place.id}:${tag}`;
      must(tag < place.size && !cards.has(name), 'an added card is there already, or beyond its partition');
      cards.set(name, reason({ take: () => dial.turn(2n) }, code));
      next = tag + 1n;
      left -= 1n;
    }
  }
  must(left === 0n, 'the line ends');
  return { ...base, cards, beside };
}

/** Reads an overlay: tag to reason. */
export function referenceOverlay(bytes: Uint8Array): Map<bigint, number> {
  const count = numberAt(bytes, 0, 2);
  const code = reasonWords(bytes.subarray(2, 10));
  const tape = new Tape(bitsOf(bytes.subarray(10)));
  const divisor = divisorOf(1n << 40n, count);
  const cards = new Map<bigint, number>();
  let next = 0n;
  while (BigInt(cards.size) < count) {
    const tag = next + tape.ones() * divisor + remainder(tape, divisor);
    cards.set(tag, reason(tape, code));
    next = tag + 1n;
  }
  must(tape.atFilling(), 'more than the last card');
  return cards;
}
