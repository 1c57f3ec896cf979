import { type BlockEncrypter, blockEncrypter, ecbEncrypt, freshKeyEncrypter } from '../cipher/index.ts';
import { concat, hex, xor } from '../kit/index.ts';

/** XORed into a key to make its second half differ. ANSI X9.24-3:2017, C.4.2. */
const halfMask = hex('C0C0C0C000000000C0C0C0C000000000');

/**
 * Readies a BDK to derive initial keys: the left 8 bytes of the KSN with its counter bits cleared, enciphered under the
 * BDK, and again under the masked BDK.
 *
 * @see ANSI X9.24-3:2017, C.6 (X9.24-1:2009, A.6)
 */
export const initialKeyDeriver = (bdk: Uint8Array): ((initialKsn: Uint8Array) => Uint8Array) =>
  initialKeyDeriverBy(blockEncrypter('TDES', bdk), blockEncrypter('TDES', masked(bdk)));

/** As `initialKeyDeriver`, by the ciphers of a BDK and of its variant (`masked`) that somebody else keeps. */
export const initialKeyDeriverBy =
  (left: BlockEncrypter, right: BlockEncrypter): ((initialKsn: Uint8Array) => Uint8Array) =>
  (initialKsn) => {
    const block = initialKsn.subarray(0, 8);
    return concat(left.encrypt(block), right.encrypt(block));
  };

/** The variant of a BDK that right halves of initial keys are made under. */
export const masked = (bdk: Uint8Array): Uint8Array => xor(bdk, halfMask);

/**
 * The children of one key for several counters, two cipher objects however many they are.
 * Derived keys keep whatever parity comes out: adjusting it would break the chain.
 *
 * @param ksnRight the right 8 bytes of the KSN with the counter cleared
 * @see ANSI X9.24-3:2017, C.4.2 (non-reversible key generation)
 */
export function deriveChildren(parent: Uint8Array, ksnRight: Uint8Array, counters: readonly number[]): Uint8Array[] {
  const blocks = new Uint8Array(8 * counters.length);
  counters.forEach((counter, index) => {
    blocks.set(ksnRight, index * 8);
    const low = index * 8 + 5;
    blocks[low] = (blocks[low] ?? 0) | (counter >>> 16);
    blocks[low + 1] = (counter >>> 8) & 0xff;
    blocks[low + 2] = counter & 0xff;
  });
  const right = halves(parent, blocks);
  const left = halves(xor(parent, halfMask), blocks);
  return counters.map((_, index) =>
    concat(left.subarray(index * 8, index * 8 + 8), right.subarray(index * 8, index * 8 + 8)),
  );
}

// Each block: add the right half of the key, encipher with DES under the left half, add the right half again.
function halves(key: Uint8Array, blocks: Uint8Array): Uint8Array {
  const right = key.subarray(8, 16);
  return whitened(ecbEncrypt('DES', key.subarray(0, 8), whitened(blocks, right)), right);
}

function whitened(blocks: Uint8Array, half: Uint8Array): Uint8Array {
  const result = new Uint8Array(blocks.length);
  for (let index = 0; index < blocks.length; index += 1) result[index] = (blocks[index] ?? 0) ^ (half[index & 7] ?? 0);
  return result;
}

/** Walks the counter's one-bits from the top, from the initial key to the counter's transaction key. */
export const walkToCounter = (initialKey: Uint8Array, ksnRight: Uint8Array, counter: number): Uint8Array =>
  walk(initialKey, ksnRight, 0, counter);

/**
 * Walks on from the key of `from`, a counter that consists of the upper one-bits of `to`.
 * `onStep` sees each key on the way: what a cache of the tree's upper nodes keeps.
 */
export function walk(
  start: Uint8Array,
  ksnRight: Uint8Array,
  from: number,
  to: number,
  onStep?: (counter: number, key: Uint8Array) => void,
): Uint8Array {
  const encrypt = freshKeyEncrypter('DES', 8);
  const input = new Uint8Array(8);
  const variant = new Uint8Array(16);
  let key = Uint8Array.from(start);
  let reached = from;
  // One half of a child: the register, whitened, enciphered and whitened again. In place, for this is the hot loop.
  const half = (parent: Uint8Array, child: Uint8Array, offset: 0 | 8): void => {
    for (let index = 0; index < 8; index += 1) input[index] = (ksnRight[index] ?? 0) ^ (parent[8 + index] ?? 0);
    input[5] = (input[5] ?? 0) ^ (reached >>> 16);
    input[6] = (input[6] ?? 0) ^ ((reached >>> 8) & 0xff);
    input[7] = (input[7] ?? 0) ^ (reached & 0xff);
    const output = encrypt(parent.subarray(0, 8), input);
    for (let index = 0; index < 8; index += 1) child[offset + index] = (output[index] ?? 0) ^ (parent[8 + index] ?? 0);
  };
  for (let left = to ^ from; left !== 0; ) {
    const bit = 0x80000000 >>> Math.clz32(left);
    left ^= bit;
    reached |= bit;
    const child = new Uint8Array(16);
    half(key, child, 8);
    for (let index = 0; index < 16; index += 1) variant[index] = (key[index] ?? 0) ^ (halfMask[index] ?? 0);
    half(variant, child, 0);
    if (onStep === undefined) key.fill(0);
    key = child;
    onStep?.(reached, key);
  }
  variant.fill(0);
  return key;
}

/** What a TDES working key is for, and the variant that makes it. ANSI X9.24-3:2017, C.4.3, table C.1. */
export const tdesVariants = {
  pinEncryption: hex('00000000000000FF00000000000000FF'),
  macRequest: hex('000000000000FF00000000000000FF00'),
  macResponse: hex('00000000FF00000000000000FF000000'),
  dataRequest: hex('0000000000FF00000000000000FF0000'),
  dataResponse: hex('000000FF00000000000000FF00000000'),
} as const;

/** What a TDES working key is for. A request is what the terminal sends. */
export type TdesKeyUsage = keyof typeof tdesVariants;

/** The working key of a usage: a variant; data keys are then enciphered, half by half, under the whole variant. */
export function deriveWorkingKey(transactionKey: Uint8Array, usage: TdesKeyUsage): Uint8Array {
  const variant = xor(transactionKey, tdesVariants[usage]);
  return usage === 'dataRequest' || usage === 'dataResponse' ? ecbEncrypt('TDES', variant, variant) : variant;
}
