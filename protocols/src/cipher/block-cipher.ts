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

/**
 * Enciphers under one fresh key after another, as DUKPT does all the way down its tree: the name of the cipher is looked
 * up once, and results stay the Buffers that OpenSSL filled. Not for results that leave the library.
 */
export function freshKeyEncrypter(
  cipher: 'AES' | 'DES',
  lengthBytes: number,
): (key: Uint8Array, blocks: Uint8Array) => Uint8Array {
  if (cipher === 'AES') {
    const name = opensslName(cipher, new Uint8Array(lengthBytes), 'ecb');
    return (key, blocks) => createCipheriv(name, key, null).update(blocks);
  }
  // OpenSSL expands the key while the object is made, so one buffer serves for all.
  const twice = new Uint8Array(16);
  return (key, blocks) => {
    twice.set(key, 0);
    twice.set(key, 8);
    return createCipheriv(desNames.ecb.two, twice, null).update(blocks);
  };
}

/** One ECB decryption under one key. */
export const ecbDecrypt = (cipher: BlockCipher, key: Uint8Array, blocks: Uint8Array): Uint8Array =>
  whole(createDecipheriv(opensslName(cipher, key, 'ecb'), opensslKey(cipher, key), null).setAutoPadding(false), blocks);

/** CBC encryption of whole blocks, without padding. */
export const cbcEncrypt = (cipher: BlockCipher, key: Uint8Array, iv: Uint8Array, data: Uint8Array): Uint8Array =>
  whole(createCipheriv(opensslName(cipher, key, 'cbc'), opensslKey(cipher, key), iv), data);

/** A chain that begins with an IV of zeros and goes on from call to call. */
export function cbcEncrypter(cipher: BlockCipher, key: Uint8Array): (blocks: Uint8Array) => Uint8Array {
  const zeros = new Uint8Array(blockBytes[cipher]);
  const engine = createCipheriv(opensslName(cipher, key, 'cbc'), opensslKey(cipher, key), zeros);
  return (blocks) => whole(engine, blocks);
}

/** CBC decryption of whole blocks, without padding. */
export const cbcDecrypt = (cipher: BlockCipher, key: Uint8Array, iv: Uint8Array, data: Uint8Array): Uint8Array =>
  whole(createDecipheriv(opensslName(cipher, key, 'cbc'), opensslKey(cipher, key), iv).setAutoPadding(false), data);

// Without padding OpenSSL returns every whole block from `update`; `final` would add nothing but time.
function whole(engine: Cipher | Decipher, data: Uint8Array): Uint8Array {
  const output = engine.update(data);
  if (output.length !== data.length) throw new Error(`${data.length} bytes are not whole cipher blocks`);
  // A plain array over the same memory: what a Buffer calls `slice` is a view, and callers should not have to know.
  return new Uint8Array(output.buffer, output.byteOffset, output.length);
}

const desNames = {
  ecb: { two: 'des-ede', three: 'des-ede3' },
  cbc: { two: 'des-ede-cbc', three: 'des-ede3-cbc' },
} as const;

const aesNames = {
  ecb: { 16: 'aes-128-ecb', 24: 'aes-192-ecb', 32: 'aes-256-ecb' },
  cbc: { 16: 'aes-128-cbc', 24: 'aes-192-cbc', 32: 'aes-256-cbc' },
} as const;

function opensslName(cipher: BlockCipher, key: Uint8Array, mode: 'ecb' | 'cbc'): string {
  const { length } = key;
  if (cipher === 'AES') {
    if (length === 16 || length === 24 || length === 32) return aesNames[mode][length];
  } else if (isKeyLength(cipher, length)) {
    // OpenSSL 3 keeps single DES in its legacy provider, but not TDES with equal keys; `des-ede` is its ECB mode.
    return desNames[mode][length === 24 ? 'three' : 'two'];
  }
  throw new Error(`${cipher} has no keys of ${length} bytes`);
}

// Two-key TDES under K|K enciphers, deciphers and enciphers under K: it is DES under K (SP 800-67, 3.2).
const opensslKey = (cipher: BlockCipher, key: Uint8Array): Uint8Array => (cipher === 'DES' ? concat(key, key) : key);
