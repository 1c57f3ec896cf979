import { unwrap } from '@tsunagu/protocols/kit';
import {
  applyDelta,
  containerRoot,
  encodeContainer,
  entryOf,
  hashSet,
  makeDelta,
  type NegativeSet,
  openContainer,
} from '@tsunagu/protocols/negative';
import { expect, test } from 'vitest';
import { changed, numbers, randomExact, randomHashes } from '../../negative/lists.ts';
import { referenceContainer, referenceDelta } from '../../negative/reference.ts';

const rootOf = (set: NegativeSet) => containerRoot(unwrap(openContainer(encodeContainer(set))));
const isSame = (a: Uint8Array, b: Uint8Array): boolean => Buffer.from(a).equals(b);
const histories: readonly (readonly [string, NegativeSet])[] = [
  ['keyed hashes', randomHashes(1, 3_000, 36, 3)],
  ['exact cards', randomExact(2, 3_000, 30, 3)],
  ['from nothing', randomHashes(3, 0, 30)],
];

test.each(histories)('%s: direct delta, chain of deltas and snapshot are the same bytes', (_, first) => {
  const days = [first];
  for (let day = 1; day <= 6; day += 1) days.push(changed(days.at(-1) ?? first, day, day === 5 ? 0.9 : 0.02));
  const last = days.at(-1) ?? first;
  let chained = first;
  for (const [day, set] of days.entries()) {
    const direct = makeDelta(first, set, rootOf(first));
    const applied = unwrap(applyDelta(first, rootOf(first), direct));
    expect(isSame(encodeContainer(applied), encodeContainer(set))).toBe(true);
    expect(referenceDelta(referenceContainer(encodeContainer(first)), direct).cards).toEqual(
      referenceContainer(encodeContainer(set)).cards,
    );
    const before = days[day - 1];
    if (before) chained = unwrap(applyDelta(chained, rootOf(chained), makeDelta(before, set, rootOf(before))));
  }
  expect(isSame(encodeContainer(chained), encodeContainer(last))).toBe(true);
});

test('a partition that comes, one that goes, a reason that changes and a new range are told', () => {
  const whole = randomExact(4, 500, 20, 2);
  const [, ...rest] = whole.partitions;
  const fewer = { ...whole, partitions: rest };
  for (const [from, to] of [
    [whole, fewer],
    [fewer, whole],
    [whole, { ...whole, beside: { ranges: [{ digits: 6, low: 1, high: 2, notAfter: 3 }], exceptions: [7] } }],
  ] as const) {
    const delta = makeDelta(from, to, rootOf(from));
    expect(encodeContainer(unwrap(applyDelta(from, rootOf(from), delta)))).toEqual(encodeContainer(to));
    expect(referenceDelta(referenceContainer(encodeContainer(from)), delta)).toEqual(
      referenceContainer(encodeContainer(to)),
    );
  }
  const before = hashSet(30, Float64Array.of(entryOf(5, 0), entryOf(9, 1)));
  const after = hashSet(30, Float64Array.of(entryOf(5, 3), entryOf(9, 0)));
  expect(unwrap(applyDelta(before, rootOf(before), makeDelta(before, after, rootOf(before))))).toEqual(after);
});

test('a delta for another base is refused, and so is a damaged one, in bounded time', () => {
  const base = randomHashes(5, 2_000, 36, 2);
  const other = randomHashes(6, 2_000, 36, 2);
  const delta = makeDelta(base, changed(base, 1, 0.05), rootOf(base));
  expect(applyDelta(other, rootOf(other), delta)).toMatchObject({ ok: false, fault: { code: 'NEGATIVE_BASE_OTHER' } });
  const root = rootOf(base);
  for (let length = 0; length < delta.length; length += 1)
    if (applyDelta(base, root, delta.subarray(0, length)).ok) throw new Error(`${length} bytes are taken for all`);
  const below = numbers(8);
  const right = rootOf(unwrap(applyDelta(base, root, delta)));
  for (let flip = 0; flip < 400; flip += 1) {
    const bit = flip < 23 * 8 ? 12 * 8 + flip : below(delta.length * 8);
    const bad = delta.slice();
    bad[bit >> 3] = (bad[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    const applied = applyDelta(base, root, bad);
    if (applied.ok && isSame(rootOf(applied.value), right)) throw new Error(`bit ${bit} of ${delta.length * 8}`);
  }
});
