import { type BlockEncrypter, blockEncrypter, cmac } from '../../cipher/index.ts';
import { asBuffer, ok, type Result, type Secret } from '../../kit/index.ts';
import { computeMac } from '../../mac/index.ts';

/** Hash widths. Above 49 bits a hash set costs more than the exact set of all 16-digit PANs: wider would be pure waste. */
export const hashBitsMin = 16;
/** The widest hashes. */
export const hashBitsMax = 49;

/**
 * What a card is in lists of keyed hashes: the AES-CMAC (NIST SP 800-38B) of the PAN's ASCII digits under the list's key, 16 bytes.
 * Without the key it says nothing about the card (PCI DSS 4.0.1, 3.5.1.1). A list holds its leftmost bits: `hashTag`.
 */
export const panMac = (key: Secret<'key'>, pan: Secret<'pan'>): Result<Uint8Array, 'KEY_LENGTH_INVALID'> => {
  const mac = pan.use((digits) => computeMac({ kind: 'CMAC', cipher: 'AES' }, key, digits));
  return mac.ok ? ok(mac.value) : mac;
};

/** As `panMac`, by a key that somebody else keeps and enciphers with. */
export const panMacBy = (cipher: BlockEncrypter, pan: Secret<'pan'>): Uint8Array =>
  pan.use((digits) => cmac(cipher, digits));

/** The leftmost `bits` bits of a MAC, as a number. */
export function hashTag(mac: Uint8Array, bits: number): number {
  const high = ((mac[0] ?? 0) * 0x1000000 + ((mac[1] ?? 0) << 16) + ((mac[2] ?? 0) << 8) + (mac[3] ?? 0)) * 0x1000000;
  const top = high + ((mac[4] ?? 0) << 16) + ((mac[5] ?? 0) << 8) + (mac[6] ?? 0);
  return Math.floor(top / 2 ** (56 - bits));
}

/** Bytes 8 to 13 of a MAC: what tells two cards of one tag apart. */
export function secondTag(mac: Uint8Array): number {
  const high = ((mac[8] ?? 0) << 16) + ((mac[9] ?? 0) << 8) + (mac[10] ?? 0);
  return high * 0x1000000 + ((mac[11] ?? 0) << 16) + ((mac[12] ?? 0) << 8) + (mac[13] ?? 0);
}

/** The width for a list that may grow to `cardsMax` cards with one false positive in 2^`fingerprintBits` look-ups. */
export const hashBitsFor = (cardsMax: number, fingerprintBits: number): number =>
  Math.min(hashBitsMax, Math.max(hashBitsMin, Math.ceil(Math.log2(Math.max(1, cardsMax))) + fingerprintBits));

/**
 * The tags of many cards at once: `panMac` and `hashTag`, but in a few calls of the cipher.
 * @param pans ASCII digits one after the other, `length` (12-19) bytes each
 */
export function hashTags(key: Secret<'key'>, pans: Uint8Array, length: number, bits: number): Float64Array {
  const count = pans.length / length;
  return key.use((bytes) => {
    const cipher = blockEncrypter('AES', bytes);
    const whole = subkey(cipher.encrypt(new Uint8Array(16)));
    const mask = length === 16 ? whole : subkey(whole);
    const tags = new Float64Array(count);
    const batch = 4_096;
    for (let start = 0; start < count; start += batch) {
      const end = Math.min(count, start + batch);
      // A PAN of up to 16 digits is one block; a longer one is two, and its last block is chained to the first.
      let chained: Uint8Array | undefined;
      if (length > 16) {
        const first = new Uint8Array((end - start) * 16);
        for (let card = start; card < end; card += 1)
          first.set(pans.subarray(card * length, card * length + 16), (card - start) * 16);
        chained = cipher.encrypt(first);
      }
      const last = new Uint8Array((end - start) * 16);
      const skipped = length > 16 ? 16 : 0;
      for (let card = start; card < end; card += 1) {
        const to = (card - start) * 16;
        const from = card * length + skipped;
        const kept = length - skipped;
        for (let at = 0; at < 16; at += 1) {
          const digit = at < kept ? (pans[from + at] ?? 0) : at === kept ? 0x80 : 0;
          last[to + at] = digit ^ (mask[at] ?? 0) ^ (chained?.[to + at] ?? 0);
        }
      }
      const macs = cipher.encrypt(last);
      const view = asBuffer(macs);
      const scale = 2 ** (56 - bits);
      for (let card = start; card < end; card += 1) {
        const at = (card - start) * 16;
        tags[card] = Math.floor((view.readUInt32BE(at) * 0x1000000 + (view.readUInt32BE(at + 4) >>> 8)) / scale);
      }
    }
    return tags;
  });
}

/** K1 of L, K2 of K1: doubling in GF(2^128). SP 800-38B, 6.1. */
function subkey(block: Uint8Array): Uint8Array {
  const doubled = block.map((byte, at) => (byte << 1) | ((block[at + 1] ?? 0) >> 7));
  if ((block[0] ?? 0) >= 0x80) doubled[15] = (doubled[15] ?? 0) ^ 0x87;
  return doubled;
}
