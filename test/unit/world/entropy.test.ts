import { systemWorld } from '@tsunagu/protocols/world';
import { expect, test } from 'vitest';

test('random bytes are of the length that was asked for, and none are handed out twice', () => {
  const { entropy } = systemWorld(() => undefined);
  const drawn = Array.from({ length: 2_000 }, (_, index) => entropy(8 + (index % 25)));
  expect(drawn.map(({ length }) => length)).toEqual(Array.from({ length: 2_000 }, (_, index) => 8 + (index % 25)));
  const seen = new Set(drawn.map((bytes) => Buffer.from(bytes).toString('hex', 0, 8)));
  expect(seen.size).toBe(2_000);
  // The pool is not what they are views of: whoever wipes its own wipes nobody else's.
  expect(new Set(drawn.map(({ buffer }) => buffer)).size).toBe(2_000);
  expect(entropy(10_000)).toHaveLength(10_000);
});
