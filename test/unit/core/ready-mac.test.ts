import { Secret, unwrap } from '@tsunagu/protocols/kit';
import { computeMac, type MacAlgorithm, readyMac } from '@tsunagu/protocols/mac';
import { expect, test } from 'vitest';

const algorithms: readonly MacAlgorithm[] = [
  { kind: 'CMAC', cipher: 'AES' },
  { kind: 'CMAC', cipher: 'TDES' },
  { kind: 'ISO9797-1-ALG3', padding: 2 },
  { kind: 'HMAC-SHA-256' },
];
const keyOf = () =>
  Secret.take(
    'key',
    Uint8Array.from({ length: 16 }, (_, at) => at * 7 + 1),
  );

test.each(algorithms)('a ready key gives each of many messages the MAC that it has by itself: %o', (algorithm) => {
  const ready = unwrap(readyMac(algorithm, keyOf()));
  // Nothing, a part of a block, whole blocks, more: one after the other in the same chain, each twice.
  for (const lengthBytes of [0, 1, 15, 16, 17, 0, 32, 33, 300, 300, 16, 8, 0]) {
    const message = Uint8Array.from({ length: lengthBytes }, (_, at) => (at * 31 + lengthBytes) & 0xff);
    const before = Uint8Array.from(message);
    expect(ready(message)).toEqual(unwrap(computeMac(algorithm, keyOf(), message)));
    expect(message).toEqual(before);
  }
});

test('a key of another length is refused before any message', () => {
  expect(readyMac({ kind: 'CMAC', cipher: 'AES' }, Secret.take('key', new Uint8Array(7)))).toMatchObject({
    ok: false,
    fault: { code: 'KEY_LENGTH_INVALID' },
  });
});
