import {
  type BlockEncrypter,
  blockEncrypter,
  cbcDecrypt,
  cbcEncrypt,
  cmac,
  cmacOfShortMessages,
} from '../cipher/index.ts';
import { concat, equalInConstantTime, fail, ok, type Result, type Secret } from '../kit/index.ts';
import { type VersionId, versions } from './tables.ts';

/** The two keys of a KBPK for one version: one enciphers the payload, the other authenticates. */
export interface BlockKeys {
  readonly encryption: Uint8Array;
  readonly authentication: Uint8Array;
}

/** The derivation data's algorithm codes by cipher and key length. ANSI X9.143:2022, 7.3.2 and 7.4.2. */
const derivationAlgorithms = {
  TDES: { 16: 0, 24: 1, 32: -1 },
  AES: { 16: 2, 24: 3, 32: 4 },
} as const;

/**
 * Derives the encryption and the authentication key of a KBPK.
 * A and C: variants (45 and 4D in each byte). B and D: CMACs over counter, usage, algorithm and length.
 *
 * @returns KEY_LENGTH_INVALID for a KBPK that the version does not know.
 * @see ANSI X9.143:2022, 7.2 to 7.4
 */
export function deriveBlockKeys(versionId: VersionId, kbpk: Uint8Array): Result<BlockKeys, 'KEY_LENGTH_INVALID'> {
  const { cipher, kbpkBytes } = versions[versionId];
  const { length } = kbpk;
  const isKnown = kbpkBytes.some((known) => known === length);
  if (!isKnown || (length !== 16 && length !== 24 && length !== 32))
    return fail('KEY_LENGTH_INVALID', { field: 'kbpk', facts: { lengthBytes: length } });
  if (versionId === 'A' || versionId === 'C')
    return ok({ encryption: kbpk.map((byte) => byte ^ 0x45), authentication: kbpk.map((byte) => byte ^ 0x4d) });
  return ok(deriveBy(cipher, blockEncrypter(cipher, kbpk), length));
}

function deriveBy(cipher: 'AES' | 'TDES', ready: BlockEncrypter, length: 16 | 24 | 32): BlockKeys {
  const blocksEach = Math.ceil(length / ready.blockBytes);
  const messages = [0, 1].flatMap((usage) =>
    Array.from({ length: blocksEach }, (_, index) =>
      Uint8Array.of(
        index + 1,
        0,
        usage,
        0,
        0,
        derivationAlgorithms[cipher][length],
        (length * 8) >> 8,
        (length * 8) & 0xff,
      ),
    ),
  );
  const derived = cmacOfShortMessages(ready, messages);
  const half = blocksEach * ready.blockBytes;
  return { encryption: derived.subarray(0, length), authentication: derived.subarray(half, half + length) };
}

/** A KBPK, ready for the blocks of one version. Holding one spares the derivation of its two keys for each block. */
export interface Protection {
  readonly versionId: VersionId;
  readonly kbpkBytes: number;
  /** Enciphers and authenticates: the encrypted part and the authenticator. */
  protect(header: Uint8Array, payload: Uint8Array): { readonly encrypted: Uint8Array; readonly mac: Uint8Array };
  /** Authenticates and deciphers. Nothing but TR31_NOT_AUTHENTIC comes out of a block that was tampered with. */
  reveal(header: Uint8Array, encrypted: Uint8Array, mac: Uint8Array): Result<Uint8Array, 'TR31_NOT_AUTHENTIC'>;
}

/** Readies a KBPK for the blocks of one version. */
export function protectionOf(versionId: VersionId, kbpk: Secret<'key'>): Result<Protection, 'KEY_LENGTH_INVALID'> {
  const keys = kbpk.use((bytes) => deriveBlockKeys(versionId, bytes));
  if (!keys.ok) return keys;
  return ok(protectionWith(versionId, keys.value, kbpk.length));
}

/**
 * Readies a KBPK that somebody else keeps and enciphers with (a token, for one) for blocks of version D. The two keys of its blocks are derived
 * by it and are here while the protection is.
 *
 * @param kbpkBytes 16, 24 or 32.
 */
export const protectionBy = (kbpk: BlockEncrypter, kbpkBytes: 16 | 24 | 32): Protection =>
  protectionWith('D', deriveBy('AES', kbpk, kbpkBytes), kbpkBytes);

function protectionWith(
  versionId: VersionId,
  { encryption, authentication }: BlockKeys,
  kbpkBytes: number,
): Protection {
  const { cipher } = versions[versionId];
  if (versionId === 'A' || versionId === 'C') {
    // The MAC covers the cipher text; the first 8 characters of the header are the initialisation vector (7.2).
    const macOf = (header: Uint8Array, encrypted: Uint8Array): Uint8Array =>
      cbcEncrypt('TDES', authentication, new Uint8Array(8), concat(header, encrypted)).slice(-8, -4);
    return {
      versionId,
      kbpkBytes,
      protect: (header, payload) => {
        const encrypted = cbcEncrypt('TDES', encryption, header.subarray(0, 8), payload);
        return { encrypted, mac: macOf(header, encrypted) };
      },
      reveal: (header, encrypted, mac) =>
        equalInConstantTime(macOf(header, encrypted), mac)
          ? ok(cbcDecrypt('TDES', encryption, header.subarray(0, 8), encrypted))
          : fail('TR31_NOT_AUTHENTIC'),
    };
  }
  // The MAC covers the clear text and is the initialisation vector (7.3, 7.4): nothing is said of the clear text before it holds.
  const authenticator: BlockEncrypter = blockEncrypter(cipher, authentication);
  return {
    versionId,
    kbpkBytes,
    protect: (header, payload) => {
      const mac = cmac(authenticator, concat(header, payload));
      return { encrypted: cbcEncrypt(cipher, encryption, mac, payload), mac };
    },
    reveal: (header, encrypted, mac) => {
      const payload = cbcDecrypt(cipher, encryption, mac, encrypted);
      if (equalInConstantTime(cmac(authenticator, concat(header, payload)), mac)) return ok(payload);
      payload.fill(0);
      return fail('TR31_NOT_AUTHENTIC');
    },
  };
}
