import { inspect } from 'node:util';
import { lastFour, Secret, secretPan } from '@tsunagu/protocols/kit';
import { expect, test } from 'vitest';

test('a secret prints its kind wherever it lands', () => {
  const pan = secretPan('3528000000000007');
  const landings = [`${pan}`, JSON.stringify({ pan }), inspect({ deep: [pan] }), String(new Error(`x ${pan}`))];
  for (const text of landings) {
    expect(text).toContain('[pan]');
    expect(text).not.toContain('3528');
  }
});

test('taking a secret zeroes the buffer of the caller', () => {
  const mine = Uint8Array.of(1, 2, 3);
  const key = Secret.take('key', mine);
  expect([...mine]).toEqual([0, 0, 0]);
  expect(key.use((bytes) => [...bytes])).toEqual([1, 2, 3]);
});

test('only the last four digits of a PAN are for people', () => {
  expect(lastFour(secretPan('3528000000000007'))).toBe('0007');
});
