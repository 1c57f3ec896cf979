import { fork, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
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
import type { Misses, MissesWanted } from './negative-misses.ts';
import type { BenchReport } from './report.ts';

/** What a signed manifest adds to a snapshot or a delta, in bytes: measured from the document that the authority signs. */
const manifestBytes = 176;
/** `npm run bench -- negative --full` looks 10^8 listed cards up, and as many that are not; without it, 2 million of each. */
const isFull = process.argv.includes('--full');
const lookUps = isFull ? 100_000_000 : 2_000_000;
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
/** How old a base may be. */
const days = [1, 2, 7, 30, 90] as const;
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

/** Microseconds of processor time for a look-up of good cards, the best of five turns. */
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

/** What is promised. */
const limits: Readonly<Record<string, number>> = {
  'KH 10 k / bound': 1.02,
  'KH 100 k / bound': 1.01,
  'KH 1 M / bound': 1.005,
  'KP 1 M / bound': 1.01,
  ...Object.fromEntries(days.map((each) => [`delta KH, ${each} days / bound`, 1.01])),
  ...Object.fromEntries(days.map((each) => [`delta KP, ${each} days / bound`, 1.02])),
  'KH 1 M: build from PANs, keying included, ms of processor': 1_000,
  'apply a day to 1 M: ms of processor': 300,
  'KH 1 M: look-up, us of processor': 2,
  'KH 1 M with reasons: look-up, us of processor': 2,
  'KP 1 M: look-up, us of processor': 2,
  'a look-up keeps, bytes': 1_024,
  'false negatives': 0,
  'false positives: sigmas from theory, either way': 3,
};

/** Looks listed and good cards up, in as many processes as there are processors. */
async function countMisses(bits: number, count: number): Promise<{ missed: number; met: number; expected: number }> {
  const parts = Math.max(1, availableParallelism());
  const counted = await Promise.all(
    Array.from({ length: parts }, async (_, part) => {
      const from = Math.floor((count * part) / parts);
      const to = Math.floor((count * (part + 1)) / parts);
      const wanted: MissesWanted = { seed: part + 1, bits, count: to - from };
      const counting = fork(fileURLToPath(new URL('negative-misses.ts', import.meta.url)), [JSON.stringify(wanted)]);
      const [said] = (await once(counting, 'message')) as [Misses];
      return said;
    }),
  );
  const sum = (of: (each: Misses) => number): number => counted.reduce((total, each) => total + of(each), 0);
  return { missed: sum(({ missed }) => missed), met: sum(({ met }) => met), expected: sum(({ expected }) => expected) };
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

export default async function run(): Promise<BenchReport> {
  const figures: Record<string, number> = {};
  const ratios: Record<string, number> = {};
  for (const [name, count] of [
    ['10 k', 10_000],
    ['100 k', 100_000],
  ] as const) {
    const set = hashList(cards(count), hashBitsFor(count, 24));
    const bytes = encodeContainer(set).length + manifestBytes;
    figures[`KH ${name}: bytes`] = bytes;
    ratios[`KH ${name} / bound`] = (bytes * 8) / boundOf(set);
  }
  const million = 1_000_000;
  const bits = hashBitsFor(million, 24);
  const pans = cards(million);
  const built = timed(() => encodeContainer(hashList(pans, bits)));
  const set = hashList(pans, bits);
  const bytes = built.value;
  figures['KH 1 M: bytes'] = bytes.length + manifestBytes;
  figures['KH 1 M: build from PANs, keying included, ms of processor'] = built.cpu;
  figures['KH 1 M: build, ms of wall clock'] = built.wall;
  ratios['KH 1 M / bound'] = ((bytes.length + manifestBytes) * 8) / boundOf(set);

  // Reasons with an entropy of 1.82 bits: lost 45 %, stolen 25 %, fraud 20 %, other 10 %.
  const weights = [0.45, 0.25, 0.2, 0.1];
  const why = hashList(pans, bits, () => {
    const draw = random();
    return draw < 0.45 ? 0 : draw < 0.7 ? 1 : draw < 0.9 ? 2 : 3;
  });
  const entropy = -weights.reduce((sum, weight) => sum + weight * Math.log2(weight), 0);
  ratios['KH 1 M with reasons / bound with reasons'] =
    ((encodeContainer(why).length + manifestBytes) * 8) / (boundOf(why) + countOf(why) * entropy);

  const exact = timed(() => {
    const made = exactList(pans);
    return { made, bytes: encodeContainer(made) };
  });
  figures['KP 1 M: bytes'] = exact.value.bytes.length + manifestBytes;
  figures['KP 1 M: bits a card'] = (exact.value.bytes.length * 8) / million;
  figures['KP 1 M: build, FF1 included, ms of processor'] = exact.cpu;
  ratios['KP 1 M / bound'] = ((exact.value.bytes.length + manifestBytes) * 8) / boundOf(exact.value.made);

  const container = unwrap(openContainer(bytes));
  const exactContainer = unwrap(openContainer(exact.value.bytes));
  figures['KH 1 M: look-up, us of processor'] = probes(container, set.partitions).us;
  figures['KP 1 M: look-up, us of processor'] = probes(exactContainer, exact.value.made.partitions).us;
  const several = unwrap(openContainer(encodeContainer(why)));
  figures['KH 1 M with reasons: look-up, us of processor'] = probes(several, why.partitions).us;

  const roots = { KH: rootOf(bytes), KP: rootOf(exact.value.bytes) };
  let nextDay = set;
  for (const day of days) {
    const after = later(pans, day);
    for (const [codec, base, head] of [
      ['KH', set, hashList(after, bits)],
      ['KP', exact.value.made, exactList(after)],
    ] as const) {
      const delta = makeDelta(base, head, roots[codec]);
      figures[`delta ${codec}, ${day} days: bytes`] = delta.length + manifestBytes;
      const bound = deltaBound(base, head);
      const sent = (delta.length + manifestBytes) * 8;
      ratios[`delta ${codec}, ${day} days / bound`] = sent / bound.toldForNothing;
      if (codec === 'KP') ratios[`delta KP, ${day} days / bound with each BIN's share told`] = sent / bound.whole;
      if (day > 1 || codec !== 'KH') continue;
      nextDay = head;
      const apply = () =>
        encodeContainer(unwrap(applyDelta(unwrap(unwrap(openContainer(bytes)).readAll()), roots.KH, delta)));
      apply(); // the compiler's share
      const applied = [1, 2, 3].map(() => timed(apply)).reduce((a, b) => (a.cpu <= b.cpu ? a : b));
      const root = timed(() => rootOf(applied.value));
      if (!Buffer.from(applied.value).equals(encodeContainer(head))) throw new Error('a delta led elsewhere');
      figures['apply a day to 1 M: ms of processor'] = applied.cpu;
      figures['apply a day to 1 M: ms of wall clock'] = applied.wall;
      figures['Merkle root of 1 M, ms of processor'] = root.cpu;
    }
  }

  figures['a look-up reads of a file, bytes (header, index, segment)'] =
    32 + 8 + Math.round(bytes.length / container.segments);
  // The words of reasons by their next eight bits; everything else is numbers of one call.
  figures['a look-up keeps, bytes'] = 256;

  const members = set.partitions[0]?.entries ?? new Float64Array(0);
  const found = await countMisses(bits, lookUps);
  figures['listed cards looked up'] = lookUps;
  figures['false negatives'] = found.missed;
  figures['good cards looked up'] = lookUps;
  figures['false positives'] = found.met;
  figures['false positives: expected'] = found.expected;
  figures['false positives: sigmas from theory, either way'] =
    Math.abs(found.met - found.expected) / Math.sqrt(found.expected);
  figures['falsely listed of 3e8 good cards, f = 24: expected'] = (3e8 * countOf(set)) / 2 ** bits;

  const overlay = sortEntries(
    Float64Array.from({ length: 250 }, () => entryOf(Math.floor(random() * 2 ** 32) * 256, Math.floor(random() * 4))),
  );
  figures['overlay of 250 cards with reasons, bytes'] = encodeOverlay(overlay).length;

  const sizes = generic(plain(set), plain(nextDay));
  for (const [peer, size] of Object.entries(sizes)) {
    figures[`peer: ${peer}: bytes`] = size;
    ratios[`${peer} / ours`] = size / (peer.includes('day') ? (figures['delta KH, 1 days: bytes'] ?? 1) : bytes.length);
  }
  const tags = Float64Array.from(members, tagOf);
  for (const width of [16, 32] as const) {
    const filter = fuseFilter(tags, width);
    for (const tag of tags.subarray(0, 10_000)) if (!filter.has(tag)) throw new Error('the fuse filter misses');
    const probed = timed(() => {
      let hits = 0;
      for (let probe = 0; probe < 200_000; probe += 1) if (filter.has(Math.floor(random() * 2 ** bits))) hits += 1;
      return hits;
    });
    figures[`peer: binary fuse ${width}: bytes`] = filter.bytes;
    figures[`peer: binary fuse ${width}: look-up, us of processor`] = (probed.cpu * 1_000) / 200_000;
    const same = encodeContainer(hashList(pans, hashBitsFor(million, width === 32 ? 29 : 16))).length;
    ratios[`binary fuse ${width} / ours at f = ${width === 32 ? 29 : 16}`] = filter.bytes / same;
  }
  return {
    name: 'negative: 1 M cards, 600 BINs by Zipf, 0.5 % go and come a day; sizes with index, header and signed manifest',
    figures,
    ratios,
    limits,
    peers: {
      bound:
        'log2 of the number of such sets, by Stirling; deltas: of the added among all tags of their BIN plus the removed among the base; how the added share out over BINs is told for nothing, but for the ratio that says otherwise',
      zstd:
        sizes['zstd -19 of the sorted list'] === undefined ? 'not on this machine' : 'the command-line tool, level 19',
      'binary fuse': '3-wise (Graf, Lemire 2022), written for this bench; it cannot be updated, only rebuilt',
      'processor time': 'of this process; other processes share this machine, so wall-clock times are longer',
    },
  };
}
