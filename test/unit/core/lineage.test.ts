import { isSameDevice } from '@tsunagu/fleet-server/broker/lineage';
import { expect, test } from 'vitest';

const before = { boot: 4, seq: 7 };

test.each([
  ['a later message of the same boot', { boot: 4, seq: 8 }, true],
  ['the next boot', { boot: 5, seq: 1 }, true],
  // A disk that was copied, and booted once in each of two devices.
  ['the same message of the same boot', { boot: 4, seq: 7 }, false],
  ['an earlier message', { boot: 4, seq: 6 }, false],
  ['an earlier boot', { boot: 3, seq: 900 }, false],
  ['no will of ours', undefined, false],
])('a connection with %s goes on from the one before it, or does not', (_, now, isSame) => {
  expect(isSameDevice(before, now)).toBe(isSame);
});

test('a connection before which nothing is known is not believed to be another’s', () => {
  expect(isSameDevice(undefined, before)).toBe(false);
});
