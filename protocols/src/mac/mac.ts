import { createHmac } from 'node:crypto';
import { blockEncrypter, cbcEncrypt, cmacUnder, isKeyLength } from '../cipher/index.ts';
import { asBuffer, equalInConstantTime, fail, ok, type Result, type Secret, xor } from '../kit/index.ts';
import { type PaddingMethod, pad } from './padding.ts';

/** What computes a MAC: the algorithm with all its choices, and nothing of the key. */
export type MacAlgorithm =
  | { readonly kind: 'CMAC'; readonly cipher: 'AES' | 'TDES' }
  /** CBC-MAC over single DES (8-byte key) or TDES (16, 24). */
  | { readonly kind: 'ISO9797-1-ALG1'; readonly cipher: 'DES' | 'TDES'; readonly padding: PaddingMethod }
  /** The retail MAC, X9.19: single DES along the message, TDES on its last block. Key of 16 bytes. */
  | { readonly kind: 'ISO9797-1-ALG3'; readonly padding: PaddingMethod }
  | { readonly kind: 'HMAC-SHA-256' };

/**
 * Computes a whole MAC: 16 bytes for AES-CMAC, 8 for the DES family, 32 for HMAC. Cut it as the message format says.
 *
 * @returns KEY_LENGTH_INVALID when the algorithm has no keys of that length (an HMAC key has at least one byte).
 * @see NIST SP 800-38B; ISO/IEC 9797-1:2011, algorithms 1, 3 and 5; RFC 2104
 */
export function computeMac(
  algorithm: MacAlgorithm,
  key: Secret<'key'>,
  data: Uint8Array,
): Result<Uint8Array, 'KEY_LENGTH_INVALID'> {
  if (!isMacKeyLength(algorithm, key.length))
    return fail('KEY_LENGTH_INVALID', { field: 'key', facts: { lengthBytes: key.length } });
  return ok(key.use((bytes) => macOf(algorithm, bytes, data)));
}

/**
 * A key that is ready to compute many MACs; the results are those of `computeMac`. It holds the key beyond a `wipe` of `key`: let go of both.
 *
 * @returns KEY_LENGTH_INVALID as of `computeMac`
 */
export function readyMac(
  algorithm: MacAlgorithm,
  key: Secret<'key'>,
): Result<(data: Uint8Array) => Uint8Array, 'KEY_LENGTH_INVALID'> {
  if (!isMacKeyLength(algorithm, key.length))
    return fail('KEY_LENGTH_INVALID', { field: 'key', facts: { lengthBytes: key.length } });
  if (algorithm.kind === 'CMAC') return ok(key.use((bytes) => cmacUnder(algorithm.cipher, bytes)));
  return ok((data) => key.use((bytes) => macOf(algorithm, bytes, data)));
}

/**
 * Verifies a MAC in constant time. A message format that carries a truncated MAC says so by `lengthBytes`; the whole
 * one is the default, and nothing shorter passes by accident.
 */
export function verifyMac(
  algorithm: MacAlgorithm,
  key: Secret<'key'>,
  data: Uint8Array,
  mac: Uint8Array,
  lengthBytes?: number,
): Result<true, 'KEY_LENGTH_INVALID' | 'MAC_MISMATCH'> {
  const computed = computeMac(algorithm, key, data);
  if (!computed.ok) return computed;
  const expected = computed.value.subarray(0, Math.max(4, lengthBytes ?? computed.value.length));
  return equalInConstantTime(expected, mac) ? ok(true) : fail('MAC_MISMATCH');
}

function isMacKeyLength(algorithm: MacAlgorithm, lengthBytes: number): boolean {
  switch (algorithm.kind) {
    case 'CMAC':
    case 'ISO9797-1-ALG1':
      return isKeyLength(algorithm.cipher, lengthBytes);
    case 'ISO9797-1-ALG3':
      return lengthBytes === 16;
    case 'HMAC-SHA-256':
      return lengthBytes > 0;
  }
}

function macOf(algorithm: MacAlgorithm, key: Uint8Array, data: Uint8Array): Uint8Array {
  switch (algorithm.kind) {
    case 'CMAC':
      return cmacUnder(algorithm.cipher, key)(data);
    case 'ISO9797-1-ALG1':
      return cbcEncrypt(algorithm.cipher, key, new Uint8Array(8), pad(algorithm.padding, 8, data)).slice(-8);
    case 'ISO9797-1-ALG3':
      return retailMac(key, pad(algorithm.padding, 8, data));
    case 'HMAC-SHA-256':
      return Uint8Array.from(createHmac('sha256', asBuffer(key)).update(data).digest());
  }
}

// Algorithm 3 deciphers under K' and enciphers under K after the last block: with that block's own step this is TDES
// under K|K'|K, so the last block takes one call.
function retailMac(key: Uint8Array, padded: Uint8Array): Uint8Array {
  const head = padded.subarray(0, -8);
  const last = padded.subarray(-8);
  const chained =
    head.length === 0 ? last : xor(last, cbcEncrypt('DES', key.subarray(0, 8), new Uint8Array(8), head).subarray(-8));
  return blockEncrypter('TDES', key).encrypt(chained);
}
