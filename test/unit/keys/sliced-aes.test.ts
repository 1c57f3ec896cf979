import { createCipheriv } from 'node:crypto';
import {
  encryptSlices,
  freshBlockEncrypter,
  fromSlices,
  setSliceBit,
  toSlices,
} from '../../../protocols/src/cipher/index.ts';
import { hex, toHex } from '@tsunagu/protocols/kit';
import fc from 'fast-check';
import { expect, test } from 'vitest';

const block = fc.uint8Array({ minLength: 16, maxLength: 16 });
const openssl = (key: Uint8Array, data: Uint8Array): string =>
  toHex(createCipheriv(`aes-${key.length * 8}-ecb`, key, null).update(data));

test('AES-128 in slices gives the example vector of FIPS 197, appendix C.1', () => {
  const cipher = freshBlockEncrypter(hex('000102030405060708090A0B0C0D0E0F'));
  expect(toHex(cipher.encrypt(hex('00112233445566778899AABBCCDDEEFF')))).toBe('69C4E0D86A7B0430D8CDB78070B4C55A');
});

test('it enciphers as OpenSSL does, whatever key and blocks', () => {
  fc.assert(
    fc.property(block, block, block, (key, first, second) => {
      const both = Uint8Array.from([...first, ...second]);
      expect(toHex(freshBlockEncrypter(key).encrypt(both))).toBe(openssl(key, both));
    }),
    { numRuns: 1_000 },
  );
});

test('every single bit of key and block counts', () => {
  for (let bit = 0; bit < 128; bit += 1) {
    const one = new Uint8Array(16);
    one[15 - (bit >> 3)] = 1 << (bit & 7);
    const slices = toSlices(new Uint8Array(16));
    setSliceBit(slices, bit);
    expect(fromSlices(slices)).toEqual(one);
    const zero = new Uint8Array(16);
    expect(toHex(freshBlockEncrypter(one).encrypt(zero))).toBe(openssl(one, zero));
    expect(toHex(freshBlockEncrypter(zero).encrypt(one))).toBe(openssl(zero, one));
  }
});

test('what was enciphered is a key at once, in place', () => {
  fc.assert(
    fc.property(block, block, (start, data) => {
      const key = toSlices(start);
      let bytes: Uint8Array = start;
      for (let step = 0; step < 4; step += 1) {
        encryptSlices(key, toSlices(data), key);
        bytes = hex(openssl(bytes, data));
      }
      expect(fromSlices(key)).toEqual(bytes);
    }),
  );
});

test('longer keys are enciphered too, and half blocks by neither', () => {
  for (const length of [24, 32]) {
    const key = new Uint8Array(length).fill(length);
    expect(toHex(freshBlockEncrypter(key).encrypt(new Uint8Array(32)))).toBe(openssl(key, new Uint8Array(32)));
  }
  expect(() => freshBlockEncrypter(new Uint8Array(16)).encrypt(new Uint8Array(17))).toThrow('whole cipher blocks');
});
