import { setOf } from '@tsunagu/fleet-server/negative/publishing';
import { countOf, encodeContainer, hashTag, nothingBeside, openContainer } from '@tsunagu/protocols/negative';
import { expect, test } from 'vitest';
import { unwrap } from '@tsunagu/protocols/kit';

const bits = 16;
/** Two cards whose MACs differ after their first 16 bits: one tag. */
const [one, other] = [1, 2].map((last) => ({
  tag: Uint8Array.from({ length: 16 }, (_, at) => (at < 2 ? 7 : last)),
  place: null,
  reason: 'lost',
}));
const container = (...cards: readonly NonNullable<typeof one>[]) =>
  unwrap(openContainer(encodeContainer(setOf('KH', bits, cards, nothingBeside))));

test('two cards that share a tag are one entry, which stays until the last of them is off the list', () => {
  if (!one || !other) throw new Error('two cards');
  const tag = hashTag(one.tag, bits);
  expect(hashTag(other.tag, bits)).toBe(tag);
  expect(countOf(setOf('KH', bits, [one, other], nothingBeside))).toBe(1);
  expect(container(one, other).find(0, tag)).toBeGreaterThanOrEqual(0);
  expect(container(other).find(0, tag)).toBeGreaterThanOrEqual(0);
  expect(container().find(0, tag)).toBe(-1);
});
