import { type Cipher, createCipheriv, createDecipheriv, type Decipher } from 'node:crypto';
import { concat } from '../kit/index.ts';

/** The block ciphers of payment keys. `DES` is single DES, which survives inside ISO 9797-1 algorithm 3 alone. */
export type BlockCipher = 'AES' | 'TDES' | 'DES';

/** Block lengths in bytes. */
export const blockBytes: Readonly<Record<BlockCipher, 8 | 16>> = { AES: 16, TDES: 8, DES: 8 };

/** Key lengths in bytes. FIPS 197; SP 800-67 (two- and three-key); FIPS 46-3. */
export const keyBytes: Readonly<Record<BlockCipher, readonly number[]>> = {
  AES: [16, 24, 32],
  TDES: [16, 24],
  DES: [8],
};

/** Whether a key of this length exists for the cipher. */
export const isKeyLength = (cipher: BlockCipher, lengthBytes: number): boolean =>
  keyBytes[cipher].includes(lengthBytes);

/**
 * A key that is ready to encipher. Making one costs some microseconds in Node, a call of `encrypt` a fraction of
 * that: keep it for all blocks under one key and hand many blocks to one call.
 */
export interface BlockEncrypter {
  readonly blockBytes: 8 | 16;
  /** Electronic code book over whole blocks. */
  encrypt(blocks: Uint8Array): Uint8Array;
}

/** Readies a key for ECB encryption. Throws on a key length that the cipher does not have: callers check at their boundary. */
export function blockEncrypter(cipher: BlockCipher, key: Uint8Array): BlockEncrypter {
  const engine = createCipheriv(opensslName(cipher, key, 'ecb'), opensslKey(cipher, key), null);
  return { blockBytes: blockBytes[cipher], encrypt: (blocks) => whole(engine, blocks) };
}

/** One ECB encryption under one key. */
export const ecbEncrypt = (cipher: BlockCipher, key: Uint8Array, blocks: Uint8Array): Uint8Array =>
  whole(createCipheriv(opensslName(cipher, key, 'ecb'), opensslKey(cipher, key), null), blocks);

/** One ECB decryption under one key. */
export const ecbDecrypt = (cipher: BlockCipher, key: Uint8Array, blocks: Uint8Array): Uint8Array =>
  whole(createDecipheriv(opensslName(cipher, key, 'ecb'), opensslKey(cipher, key), null).setAutoPadding(false), blocks);

/** CBC encryption of whole blocks, without padding. */
export const cbcEncrypt = (cipher: BlockCipher, key: Uint8Array, iv: Uint8Array, data: Uint8Array): Uint8Array =>
  whole(createCipheriv(opensslName(cipher, key, 'cbc'), opensslKey(cipher, key), iv), data);

/** CBC decryption of whole blocks, without padding. */
export const cbcDecrypt = (cipher: BlockCipher, key: Uint8Array, iv: Uint8Array, data: Uint8Array): Uint8Array =>
  whole(createDecipheriv(opensslName(cipher, key, 'cbc'), opensslKey(cipher, key), iv).setAutoPadding(false), data);

// Without padding OpenSSL returns every whole block from `update`; `final` would add nothing but time.
function whole(engine: Cipher | Decipher, data: Uint8Array): Uint8Array {
  const output = engine.update(data);
  if (output.length !== data.length) throw new Error(`${data.length} bytes are not whole cipher blocks`);
  return output;
}

const aesNames = {
  ecb: { 16: 'aes-128-ecb', 24: 'aes-192-ecb', 32: 'aes-256-ecb' },
  cbc: { 16: 'aes-128-cbc', 24: 'aes-192-cbc', 32: 'aes-256-cbc' },
} as const;

function opensslName(cipher: BlockCipher, key: Uint8Array, mode: 'ecb' | 'cbc'): string {
  const { length } = key;
  if (cipher === 'AES') {
    if (length === 16 || length === 24 || length === 32) return aesNames[mode][length];
  } else if (isKeyLength(cipher, length)) {
    // OpenSSL 3 keeps single DES in its legacy provider; des-ede3 is TDES in ECB mode.
    return mode === 'ecb' ? 'des-ede3' : 'des-ede3-cbc';
  }
  throw new Error(`${cipher} has no keys of ${length} bytes`);
}

// TDES under K|K|K is DES under K, and K1|K2 means K1|K2|K1 (SP 800-67, 3.2).
function opensslKey(cipher: BlockCipher, key: Uint8Array): Uint8Array {
  if (cipher === 'AES' || key.length === 24) return key;
  if (key.length === 16) return concat(key, key.subarray(0, 8));
  return concat(key, key, key);
}
