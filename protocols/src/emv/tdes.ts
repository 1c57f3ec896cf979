import { createCipheriv } from 'node:crypto';
import { concat, fail, ok, type Result, type Secret, xor } from '../kit/index.ts';

/** Two-key triple DES in ECB: OpenSSL 3 has it as EDE3 alone, so the first half is repeated. */
export function tdesEncrypt(key: Uint8Array, data: Uint8Array): Uint8Array {
  const cipher = createCipheriv('des-ede3-ecb', concat(key, key.subarray(0, 8)), null).setAutoPadding(false);
  return Uint8Array.from(cipher.update(data));
}

/** The double-length TDES key of a secret; other lengths are EMV_KEY_INVALID. */
export function checkKey(key: Secret<'key'>): Result<Secret<'key'>, 'EMV_KEY_INVALID'> {
  return key.length === 16 ? ok(key) : fail('EMV_KEY_INVALID', { facts: { length: key.length } });
}

/** How the last block of a MAC is filled: 1 zeros where needed, 2 a byte 80 and zeros always. ISO/IEC 9797-1, 6.3. */
export type MacPadding = 1 | 2;

/** MAC of ISO/IEC 9797-1 algorithm 3 (retail MAC) under a double-length key, 8 bytes. EMV 4.3 Book 2, A1.2.1. */
export function macAlgorithm3(key: Uint8Array, data: Uint8Array, padding: MacPadding): Uint8Array {
  const length = data.length + (padding === 2 ? 1 : 0);
  const padded = new Uint8Array(Math.max(8, Math.ceil(length / 8) * 8));
  padded.set(data);
  if (padding === 2) padded[data.length] = 0x80;
  const left = key.subarray(0, 8);
  // Single DES is TDES with three equal keys.
  const chain = createCipheriv('des-ede3-cbc', concat(left, left, left), new Uint8Array(8)).setAutoPadding(false);
  const last = padded.length - 8;
  const before = last === 0 ? new Uint8Array(8) : chain.update(padded.subarray(0, last)).subarray(-8);
  return tdesEncrypt(key, xor(Uint8Array.from(before), padded.subarray(last)));
}

/** Sets the lowest bit of each byte so that the byte has an odd number of ones, in place. */
export function adjustOddParity(key: Uint8Array): Uint8Array {
  for (let index = 0; index < key.length; index++) {
    let ones = 0;
    for (let bits = (key[index] ?? 0) >> 1; bits !== 0; bits >>= 1) ones += bits & 1;
    key[index] = ((key[index] ?? 0) & 0xfe) | (ones % 2 === 0 ? 1 : 0);
  }
  return key;
}
