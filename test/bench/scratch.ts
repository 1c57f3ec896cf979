import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brotliCompressSync, constants } from 'node:zlib';
import { Secret, unwrap } from '@tsunagu/protocols/kit';
import {
  applyDelta,
  type Container,
  containerRoot,
  countOf,
  encodeContainer,
  encodeOverlay,
  entryOf,
  hashBitsFor,
  hashSet,
  hashTags,
  makeDelta,
  type NegativeSet,
  nothingBeside,
  openContainer,
  partitionSize,
  permutePans,
  sortEntries,
  tagOf,
} from '@tsunagu/protocols/negative';
import { fuseFilter } from './negative-fuse.ts';
import type { BenchReport } from './report.ts';

/**
 * What a signed manifest adds to a snapshot or a delta, in bytes: measured from the document that the authority signs.
 * `TSUNAGU_BENCH_LOOKUPS=100000000` asks the long run for false negatives; 2 million look-ups are the default.
 */
const manifestBytes = 176;
const lookUps = Number(process.env.TSUNAGU_BENCH_LOOKUPS ?? 2_000_000);
const key = Secret.copy('key', new Uint8Array(16).fill(7));
const digits = 16;

/** Processor time of this process, milliseconds: on a shared machine the wall clock times the neighbours. */
const cpuMs = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
};
function timed<T>(work: () => T): { readonly value: T; readonly cpu: number; readonly wall: number } {
  const wall = process.hrtime.bigint();
  const cpu = cpuMs();
  const value = work();
  return { value, cpu: cpuMs() - cpu, wall: Number(process.hrtime.bigint() - wall) / 1e6 };
}

/** log2 of the number of sets of n out of U: the bound of any exact code (Stirling's series for the factorials). */
function setBits(universe: number, n: number): number {
  if (n === 0 || n === universe) return 0;
  const tail = (x: number): number => 1 / (12 * x);
  // ln C(U, n) = n ln(U/n) + (U-n) ln(U/(U-n)) + ..., with log1p where U is far above n.
  const nats =
    n * Math.log(universe / n) -
    (universe - n) * Math.log1p(-n / universe) -
    0.5 * Math.log(2 * Math.PI * n * (1 - n / universe)) +
    tail(universe) -
    tail(n) -
    tail(universe - n);
  return nats / Math.LN2;
}

let state = 20_261_125;
function random(): number {
  state ^= state << 13;
  state ^= state >>> 17;
  state ^= state << 5;
  return (state >>> 0) / 2 ** 32;
}
const bins = 600;
const shares: number[] = [];
for (let bin = 1, sum = 0; bin <= bins; bin += 1) shares.push((sum += 1 / bin));

/** Cards of 600 BINs, Zipf; accounts anywhere in their BIN (the design's "random" model). ASCII digits. */
function cards(count: number): Uint8Array {
  const pans = new Uint8Array(count * digits);
  for (let card = 0; card < count; card += 1) {
    const wanted = random() * (shares.at(-1) ?? 1);
    let bin = 0;
    for (let high = bins - 1; bin < high; ) {
      const middle = (bin + high) >> 1;
      if ((shares[middle] ?? 0) < wanted) bin = middle + 1;
      else high = middle;
    }
    const prefix = String(400_000 + bin * 7);
    for (let at = 0; at < digits; at += 1)
      pans[card * digits + at] = at < 6 ? prefix.charCodeAt(at) : 0x30 + Math.floor(random() * 10);
  }
  return pans;
}

function hashList(pans: Uint8Array, bits: number, reasonOf: (card: number) => number = () => 0): NegativeSet {
  const entries = hashTags(key, pans, digits, bits);
  for (let card = 0; card < entries.length; card += 1) entries[card] = entryOf(entries[card] ?? 0, reasonOf(card));
  return hashSet(bits, sortEntries(entries));
}

function exactList(pans: Uint8Array): NegativeSet {
  const { partitions, tags } = permutePans(key, pans, digits);
  const counts = new Map<number, number>();
  for (const partition of partitions) counts.set(partition, (counts.get(partition) ?? 0) + 1);
  const made = new Map([...counts].map(([id, count]) => [id, { entries: new Float64Array(count), used: 0 }]));
  for (let card = 0; card < tags.length; card += 1) {
    const into = made.get(partitions[card] ?? 0);
    if (into) into.entries[into.used++] = entryOf(tags[card] ?? 0, 0);
  }
  return {
    codec: 'KP',
    hashBits: 0,
    beside: nothingBeside,
    partitions: [...made]
      .sort(([a], [b]) => a - b)
      .map(([id, { entries }]) => ({ id, size: partitionSize(id), entries: sortEntries(entries) })),
  };
}

/** The list `days` later: half a percent of it goes each day and as many new cards come. */
function later(pans: Uint8Array, days: number): Uint8Array {
  const gone = Math.round((pans.length / digits) * (1 - 0.995 ** days));
  const after = pans.slice();
  after.set(cards(gone));
  return after;
}

const boundOf = (set: NegativeSet): number =>
  set.partitions.reduce((sum, { size, entries }) => sum + setBits(size, entries.length), 0);

/** ln n!, by Stirling's series. */
const lnFactorial = (n: number): number =>
  n < 2 ? 0 : n * Math.log(n) - n + 0.5 * Math.log(2 * Math.PI * n) + 1 / (12 * n) - 1 / (360 * n ** 3);

/**
 * How many of the added came to each partition, where they are expected as the base's cards are (a multinomial draw): a reader of the delta does
 * not know it either. 0 for lists with one partition.
 */
function sharingBits(base: NegativeSet, counts: ReadonlyMap<number, number>): number {
  const own = new Map(base.partitions.map(({ id, entries }) => [id, entries.length]));
  const all = [...counts].reduce((sum, [id]) => sum + (own.has(id) ? 0 : 1), countOf(base));
  const added = [...counts.values()].reduce((sum, count) => sum + count, 0);
  let nats = -lnFactorial(added);
  for (const [id, count] of counts) nats += lnFactorial(count) - count * Math.log((own.get(id) ?? 1) / all);
  return nats / Math.LN2;
}

/** Bits of a change: with the number of added cards of each partition told for nothing, and with it. */
function deltaBound(base: NegativeSet, head: NegativeSet): { readonly toldForNothing: number; readonly whole: number } {
  const counts = new Map<number, number>();
  const before = new Map(base.partitions.map(({ id, entries }) => [id, new Set(entries)]));
  let bits = 0;
  let kept = 0;
  for (const { id, size, entries } of head.partitions) {
    const known = before.get(id);
    let added = 0;
    for (const entry of entries)
      if (known?.has(entry)) kept += 1;
      else added += 1;
    bits += setBits(size, added);
    if (added > 0) counts.set(id, added);
  }
  const toldForNothing = bits + setBits(countOf(base), countOf(base) - kept);
  return { toldForNothing, whole: toldForNothing + sharingBits(base, counts) };
}

const rootOf = (bytes: Uint8Array): Uint8Array => containerRoot(unwrap(openContainer(bytes)));

/** Microseconds of processor time for a look-up of good cards, in turns, and how many were met by chance. */
function probes(container: Container, partitions: readonly { readonly id: number; readonly size: number }[]) {
  const count = 200_000;
  const ids = new Uint32Array(count);
  const tags = new Float64Array(count);
  for (let probe = 0; probe < count; probe += 1) {
    const partition = partitions[Math.floor(random() * partitions.length)];
    ids[probe] = partition?.id ?? 0;
    tags[probe] = Math.floor(((random() * 2 ** 21 + random()) / 2 ** 21) * (partition?.size ?? 0));
  }
  const rounds: number[] = [];
  let met = 0;
  for (let round = 0; round < 5; round += 1) {
    met = 0;
    const { cpu } = timed(() => {
      for (let probe = 0; probe < count; probe += 1)
        if (container.find(ids[probe] ?? 0, tags[probe] ?? 0) >= 0) met += 1;
    });
    rounds.push((cpu * 1_000) / count);
  }
  return { us: Math.min(...rounds), met, count };
}

/** What general compressors make of the sorted list, and of its change in a day. The zstd is the command-line tool's, when there. */
function generic(base: Uint8Array, head: Uint8Array): Record<string, number> {
  const sizes: Record<string, number> = {
    'brotli -q 9 of the sorted list': brotliCompressSync(base, { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } })
      .length,
  };
  const folder = mkdtempSync(join(tmpdir(), 'tsunagu-bench-'));
  try {
    const from = join(folder, 'from');
    const to = join(folder, 'to');
    const out = join(folder, 'out');
    writeFileSync(from, base);
    writeFileSync(to, head);
    const zstd = (...flags: string[]): number | undefined =>
      spawnSync('zstd', ['-q', '-f', '-o', out, ...flags]).status === 0 ? readFileSync(out).length : undefined;
    const whole = zstd('-19', from);
    const patch = zstd('-19', '--long=27', `--patch-from=${from}`, to);
    if (whole !== undefined) sizes['zstd -19 of the sorted list'] = whole;
    if (patch !== undefined) sizes['zstd -19 --patch-from, one day'] = patch;
  } finally {
    rmSync(folder, { recursive: true });
  }
  return sizes;
}

/** A sorted list of 8-byte tags, as a plain file would hold it. */
function plain(set: NegativeSet): Uint8Array {
  const entries = set.partitions[0]?.entries ?? new Float64Array(0);
  const bytes = Buffer.alloc(entries.length * 8);
  for (const [at, entry] of entries.entries()) bytes.writeBigUInt64BE(BigInt(tagOf(entry)), at * 8);
  return bytes;
}


const million = 1_000_000;
const pans = cards(million);
const base = exactList(pans);
const head = exactList(later(pans, 1));
const bytesB = encodeContainer(base);
const delta = makeDelta(base, head, rootOf(bytesB));
const b = deltaBound(base, head);
let added=0; let ab=0; const before = new Map(base.partitions.map(({ id, entries }) => [id, new Set(entries)]));
let kept=0; const counts=new Map<number,number>();
for (const {id,size,entries} of head.partitions){let a=0; for(const e of entries) if(before.get(id)?.has(e)) kept++; else a++; added+=a; ab+=setBits(size,a); if(a>0) counts.set(id,a);}
console.log({manifestBytes, delta: delta.length, whole: b.whole/8, told: b.toldForNothing/8, added, removed: million-kept, addedBound: ab/8, sharing: sharingBits(base,counts)/8, removedBound: setBits(million, million-kept)/8, ratio:(delta.length+manifestBytes)*8/b.whole, known: base.partitions.length, bins: head.partitions.length});
