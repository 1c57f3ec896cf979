import { ecbEncrypt } from '../cipher/index.ts';
import { concat, hex, xor } from '../kit/index.ts';

/** XORed into a key to make its second half differ. ANSI X9.24-3:2017, C.4.2. */
const halfMask = hex('C0C0C0C000000000C0C0C0C000000000');

/**
 * The initial key: the left 8 bytes of the KSN with its counter bits cleared, enciphered under the BDK, and again under
 * the masked BDK.
 *
 * @see ANSI X9.24-3:2017, C.6 (X9.24-1:2009, A.6)
 */
export function deriveInitialKey(bdk: Uint8Array, initialKsn: Uint8Array): Uint8Array {
  const left = initialKsn.subarray(0, 8);
  return concat(ecbEncrypt('TDES', bdk, left), ecbEncrypt('TDES', xor(bdk, halfMask), left));
}

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

const whitened = (blocks: Uint8Array, half: Uint8Array): Uint8Array =>
  Uint8Array.from(blocks, (byte, index) => byte ^ (half[index % 8] ?? 0));

/** Walks the counter's one-bits from the top, from the initial key to the counter's transaction key. */
export function walkToCounter(initialKey: Uint8Array, ksnRight: Uint8Array, counter: number): Uint8Array {
  let key = initialKey;
  let reached = 0;
  for (let mask = 0x100000; mask !== 0; mask >>>= 1) {
    if ((counter & mask) === 0) continue;
    reached |= mask;
    key = deriveChildren(key, ksnRight, [reached])[0] ?? key;
  }
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
