import { encryptFf1 } from '@tsunagu/protocols/fpe';
import { Secret, secretPan, unwrap } from '@tsunagu/protocols/kit';
import {
  absent,
  type Beside,
  countOf,
  decodeContainer,
  decodeOverlay,
  encodeContainer,
  encodeOverlay,
  entryOf,
  hashBitsMax,
  hashSet,
  hashTag,
  hashTags,
  isInRange,
  lookUp,
  type NegativeSet,
  openContainer,
  panMac,
  permutePan,
  permutePans,
  sortEntries,
  tagOf,
} from '@tsunagu/protocols/negative';
import { expect, test } from 'vitest';
import { numbers, randomExact, randomHashes } from '../../negative/lists.ts';
import { referenceContainer, referenceOverlay } from '../../negative/reference.ts';

const key = Secret.copy('key', new Uint8Array(16).fill(7));
const pansOf = (length: number, count: number) =>
  Array.from({ length: count }, (_, card) => String(4_000_000 + card * 7_919).padEnd(length, '0123456789'));

/** Each reason twice as often as the one before: the rarest have words of more than eight bits. */
function longWords(): Float64Array {
  const below = numbers(31);
  const reasons = Array.from({ length: 12 }, (_, reason) => Array.from({ length: 2 ** (11 - reason) }, () => reason));
  return sortEntries(Float64Array.from(reasons.flat(), (reason) => entryOf(below(2 ** 36), reason)));
}

const lists: readonly (readonly [string, NegativeSet])[] = [
  ['no card', randomHashes(1, 0, 30)],
  ['one card', randomHashes(2, 1, 30)],
  ['one segment', randomHashes(3, 150, 32)],
  ['several segments', randomHashes(4, 5_000, 37)],
  ['several reasons', randomHashes(5, 3_000, 36, 5)],
  ['a reason so rare that its word is long', hashSet(36, longWords())],
  ['the widest hashes', randomHashes(6, 400, hashBitsMax, 3)],
  ['the narrowest hashes, nearly full', randomHashes(7, 60_000, 16)],
  [
    'neighbours only',
    hashSet(
      30,
      Float64Array.from({ length: 2_000 }, (_, tag) => entryOf(tag, tag % 2)),
    ),
  ],
  [
    'the last tags of all',
    hashSet(
      30,
      Float64Array.from({ length: 300 }, (_, tag) => entryOf(2 ** 30 - 300 + tag, 0)),
    ),
  ],
  ['one exact card', randomExact(8, 1, 1)],
  ['exact cards of 13 to 19 digits', randomExact(9, 4_000, 40)],
  ['exact cards with reasons', randomExact(10, 2_000, 12, 6)],
];

test.each(lists)('%s: two decoders that share no line read the same, and every card is found', (_, set) => {
  const bytes = encodeContainer(set);
  expect(unwrap(decodeContainer(bytes))).toEqual(set);
  const container = unwrap(openContainer(bytes));
  const cards = new Map<string, number>();
  for (const { id, entries } of set.partitions)
    for (const entry of entries) cards.set(`${id}:${tagOf(entry)}`, entry % 16);
  expect(referenceContainer(bytes).cards).toEqual(cards);
  for (const { id, size, entries } of set.partitions) {
    for (const entry of entries)
      if (container.find(id, tagOf(entry)) !== entry % 16) throw new Error(`missed ${entry}`);
    const below = numbers(99);
    for (let probe = 0; probe < 2_000 / set.partitions.length; probe += 1) {
      const tag = below(size);
      if (container.find(id, tag) !== (cards.get(`${id}:${tag}`) ?? absent)) throw new Error(`${tag} is another`);
    }
  }
});

test('what stands beside a set comes back as it was, and only in order', () => {
  const beside: Beside = {
    ranges: [
      { digits: 6, low: 400_000, high: 400_009, notAfter: 2_000_000_000 },
      { digits: 8, low: 12_345_678, high: 12_345_678, notAfter: 0xffffffffff },
    ],
    exceptions: [1, 2 ** 48 - 1],
  };
  const set = { ...randomHashes(1, 10, 30), beside };
  const bytes = encodeContainer(set);
  expect(unwrap(decodeContainer(bytes))).toEqual(set);
  expect(isInRange(beside.ranges, Buffer.from('4000051234567890'), 1_999_999_999)).toBe(true);
  expect(isInRange(beside.ranges, Buffer.from('4000051234567890'), 2_000_000_001)).toBe(false);
  expect(isInRange(beside.ranges, Buffer.from('4000101234567890'), 0)).toBe(false);
  expect(isInRange(beside.ranges, Buffer.from('12345678'), 0)).toBe(true);
});

test('a flipped bit, a cut or a lengthened file is never another list with the same root: decoding ends in bounded time', () => {
  // Of a few segments and partitions each: what a bit may hit is all there.
  for (const set of [randomHashes(4, 400, 37), randomHashes(5, 400, 36, 5), randomExact(9, 200, 10, 6)]) {
    const bytes = encodeContainer(set);
    for (let length = 0; length < bytes.length; length += 1 + (bytes.length >> 8))
      expect(decodeContainer(bytes.subarray(0, length)).ok).toBe(false);
    expect(decodeContainer(Uint8Array.from([...bytes, 0])).ok).toBe(false);
    const below = numbers(5);
    const flips = [
      ...Array.from({ length: 45 * 8 }, (_, bit) => bit),
      ...Array.from({ length: 300 }, () => below(bytes.length * 8)),
    ];
    for (const bit of flips) {
      const other = bytes.slice();
      other[bit >> 3] = (other[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      const read = decodeContainer(other);
      // Either it is refused, or it is another canonical list; a Merkle root tells them apart.
      if (read.ok && Buffer.from(encodeContainer(read.value)).equals(bytes)) throw new Error(`bit ${bit} says nothing`);
      const opened = openContainer(other);
      if (!opened.ok) continue;
      for (let probe = 0; probe < 20; probe += 1) opened.value.find(0, below(2 ** 30));
      // Read whole and asked card by card, it is the same list, canonical or not.
      const all = opened.value.readAll();
      for (const { id, entries } of all.ok ? all.value.partitions : [])
        for (let at = bit % 50; at < entries.length; at += 50) {
          const entry = entries[at] ?? 0;
          if (opened.value.find(id, tagOf(entry)) !== entry % 16) throw new Error(`bit ${bit}: missed ${entry}`);
        }
    }
  }
});

test('announced numbers that the file is too short for are refused before anything is made of them', () => {
  const bytes = encodeContainer(randomHashes(1, 500, 34));
  const lie = (at: number, ...values: number[]) => {
    const other = bytes.slice();
    other.set(values, at);
    return openContainer(other);
  };
  for (const other of [
    lie(0, 0x4e, 0x46, 0x53, 0x32),
    lie(4, 3),
    lie(5, 50),
    lie(5, 15),
    lie(6, 0xff, 0xff),
    lie(8, 0x00, 0xff, 0xff, 0xff),
    lie(8, 0xff, 0xff, 0xff, 0xff),
    lie(12, 0xff, 0xff, 0xff, 0xff),
    lie(16, 33),
    lie(17, 0xff),
    lie(21, 0x11, 0x10),
    lie(29, 0xff, 0xff, 0xff),
  ])
    expect(other).toMatchObject({ ok: false, fault: { code: 'NEGATIVE_FILE_INVALID' } });
  // A run of ones to the end of a segment of megabytes ends where the segment ends.
  const ones = new Uint8Array(1_000_000).fill(0xff);
  ones.set(bytes.subarray(0, 32));
  new DataView(ones.buffer).setUint32(12, ones.length - 32 - 4 - Math.ceil((3 * (bytes[16] ?? 0)) / 8));
  new DataView(ones.buffer).setUint32(ones.length - 4, ones.length);
  expect(decodeContainer(ones).ok).toBe(false);
});

test('hashes in bulk are those of AES-CMAC, for every length of PAN', () => {
  for (const length of [12, 13, 14, 15, 16, 17, 18, 19]) {
    const pans = pansOf(length, 20);
    const bulk = hashTags(key, Buffer.from(pans.join('')), length, 44);
    expect([...bulk]).toEqual(pans.map((pan) => hashTag(unwrap(panMac(key, secretPan(pan))), 44)));
  }
});

test('places in exact lists are those of FF1, for every length of PAN', () => {
  for (const length of [13, 14, 15, 16, 17, 18, 19]) {
    const pans = pansOf(length, 20);
    const { partitions, tags } = permutePans(key, Buffer.from(pans.join('')), length);
    for (const [card, pan] of pans.entries()) {
      const partition = (length - 13) * 1_000_000 + Number(pan.slice(0, 6));
      const tweak = Buffer.from(`NFS1\0\0\0`, 'latin1');
      tweak.writeUIntBE(partition, 4, 3);
      const expected = unwrap(encryptFf1({ key, tweak, alphabet: '0123456789' }, pan.slice(6, -1)));
      expect([partitions[card], tags[card]]).toEqual([partition, Number(expected)]);
      expect(permutePan(key, secretPan(pan))).toEqual({ partition, tag: Number(expected) });
    }
  }
  expect(permutePan(key, secretPan('400000000006'))).toBeUndefined();
});

test('an overlay of 250 cards with reasons is under 1 200 bytes, and two decoders read it', () => {
  const below = numbers(3);
  for (const count of [0, 1, 100, 250]) {
    const entries = sortEntries(Float64Array.from({ length: count }, () => entryOf(below(2 ** 40), below(4))));
    const bytes = encodeOverlay(entries);
    expect(bytes.length).toBeLessThan(1_200);
    expect(unwrap(decodeOverlay(bytes))).toEqual(entries);
    expect(referenceOverlay(bytes)).toEqual(new Map([...entries].map((entry) => [BigInt(tagOf(entry)), entry % 16])));
    for (let length = 0; length < bytes.length; length += 1)
      expect(decodeOverlay(bytes.subarray(0, length)).ok).toBe(false);
  }
});

test('every layer that can match is asked, the newest first', () => {
  const probeOf = (pan: string) => ({ mac: unwrap(panMac(key, secretPan(pan))), digits: Buffer.from(pan) });
  const listed = probeOf('4761739001010119');
  const other = probeOf('4761739001010010');
  const [second] = [listed.mac].map((mac) => Buffer.from(mac).readUIntBE(8, 6));
  const setOf = (beside: Beside) => hashSet(40, Float64Array.of(entryOf(hashTag(listed.mac, 40), 1)), beside);
  const ask = (beside: Beside, overlay: readonly number[], isFresh: boolean, probe = listed) =>
    lookUp(
      {
        overlay: Float64Array.from(overlay),
        container: unwrap(openContainer(encodeContainer(setOf(beside)))),
        isFresh,
        now: 5,
      },
      probe,
    );
  const range = { digits: 6, low: 476_173, high: 476_173, notAfter: 9 };
  const urgent = entryOf(hashTag(listed.mac, 40), 2);
  const nothing = { ranges: [], exceptions: [] };
  const excepted = { ranges: [range], exceptions: [second ?? 0] };
  expect(ask(nothing, [], true)).toEqual({ answer: 'listed', reason: 'stolen' });
  expect(ask(nothing, [], true, other)).toEqual({ answer: 'clear' });
  expect(ask(nothing, [], false, other)).toEqual({ answer: 'stale' });
  expect(ask({ ranges: [range], exceptions: [] }, [], true, other)).toEqual({ answer: 'range-listed' });
  expect(ask(excepted, [], true)).toEqual({ answer: 'clear' });
  expect(ask(excepted, [], false)).toEqual({ answer: 'stale' });
  expect(ask(excepted, [urgent], true)).toEqual({ answer: 'listed', reason: 'fraud' });
  const bare = { overlay: new Float64Array(0), isFresh: true, now: 0 };
  expect(lookUp({ ...bare, container: undefined }, other)).toEqual({ answer: 'stale' });
  // An exact list cannot hold a number of twelve digits: it says nothing of it, and what says nothing clears nobody.
  const short = '400000000006';
  const exact = unwrap(openContainer(encodeContainer(randomExact(8, 10, 1))));
  const unheld = { ...probeOf(short), permuted: permutePan(key, secretPan(short)) };
  expect(lookUp({ ...bare, container: exact }, unheld)).toEqual({ answer: 'stale' });
});

test('good cards meet a listed tag as often as theory says, within three sigma, and no listed card is missed', () => {
  const bits = 20;
  const set = randomHashes(12, 4_000, bits);
  const container = unwrap(openContainer(encodeContainer(set)));
  const share = countOf(set) / 2 ** bits;
  const below = numbers(13);
  const probes = 300_000;
  let met = 0;
  for (let probe = 0; probe < probes; probe += 1) if (container.find(0, below(2 ** bits)) !== absent) met += 1;
  const sigma = Math.sqrt(probes * share * (1 - share));
  expect(Math.abs(met - probes * share)).toBeLessThan(3 * sigma);
});
