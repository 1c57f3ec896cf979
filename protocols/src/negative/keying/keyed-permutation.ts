import { blockEncrypter, type BlockEncrypter } from '../../cipher/index.ts';
import { asBuffer, concat, Secret, unwrap } from '../../kit/index.ts';
import { computeMac } from '../../mac/index.ts';

/** Where a card stands in an exact list: its partition, and a place in it that only the key can tell. */
export interface PermutedPan {
  readonly partition: number;
  readonly tag: number;
}

/** PAN lengths that exact lists hold: below 13 digits, what is left of the PAN is under FF1's one-million minimum. */
export const panLengthMin = 13;
/** The longest PAN. */
export const panLengthMax = 19;

/** A partition is a PAN length and the six leading digits. Up to 6 999 999. */
export const partitionOf = (panLength: number, prefix: number): number =>
  (panLength - panLengthMin) * 1_000_000 + prefix;
/** How many cards a partition can hold: neither the prefix nor the check digit counts. */
export const partitionSize = (partition: number): number =>
  10 ** (Math.floor(partition / 1_000_000) + panLengthMin - 7);
/** Partitions are below this. */
export const partitionsEnd = (panLengthMax - panLengthMin + 1) * 1_000_000;

/**
 * The key of the permutation, out of the key of the hashes: one key is never used for both. SP 800-108r1, 4.1 (counter mode, one block)
 * with AES-CMAC, label "tsunagu-negative-kp", no context. 16 bytes; wipe it after use.
 */
export function permutationKey(hashKey: Secret<'key'>): Secret<'key'> {
  const input = concat(Uint8Array.of(1), Buffer.from('tsunagu-negative-kp', 'latin1'), Uint8Array.of(0, 0, 128));
  return Secret.take('key', unwrap(computeMac({ kind: 'CMAC', cipher: 'AES' }, hashKey, input)));
}

/**
 * A card's place in an exact list: FF1 (NIST SP 800-38G Rev. 1, algorithm 7) under the list's key over the PAN's digits between
 * prefix and check digit; the tweak is "NFS1" and the partition (3 bytes). A PAN with a wrong check digit meets its right
 * sibling: it errs towards listed. Undefined for a PAN of a length that exact lists do not hold.
 */
export function permutePan(key: Secret<'key'>, pan: Secret<'pan'>): PermutedPan | undefined {
  if (pan.length < panLengthMin || pan.length > panLengthMax) return undefined;
  return pan.use((digits) => {
    const { partitions, tags } = permutePans(key, digits, digits.length);
    return { partition: partitions[0] ?? 0, tag: tags[0] ?? 0 };
  });
}

/**
 * Many cards at once: ten calls of the cipher for every few thousand cards.
 * @param pans ASCII digits one after the other, `length` (13-19) bytes each
 */
export function permutePans(
  key: Secret<'key'>,
  pans: Uint8Array,
  length: number,
): { readonly partitions: Uint32Array; readonly tags: Float64Array } {
  const count = pans.length / length;
  const partitions = new Uint32Array(count);
  const tags = new Float64Array(count);
  const number = (from: number, digits: number): number => {
    let value = 0;
    for (let at = from; at < from + digits; at += 1) value = value * 10 + (pans[at] ?? 0x30) - 0x30;
    return value;
  };
  const n = length - 7;
  const shape = { n, u: n >> 1, v: n - (n >> 1) };
  key.use((bytes) => {
    const cipher = blockEncrypter('AES', bytes);
    const batch = 4_096;
    for (let start = 0; start < count; start += batch) {
      const cards = Math.min(batch, count - start);
      const a = new Float64Array(cards);
      const b = new Float64Array(cards);
      for (let card = 0; card < cards; card += 1) {
        const from = (start + card) * length;
        partitions[start + card] = partitionOf(length, number(from, 6));
        a[card] = number(from + 6, shape.u);
        b[card] = number(from + 6 + shape.u, shape.v);
      }
      feistel(cipher, shape, partitions.subarray(start, start + cards), a, b);
      const scale = 10 ** shape.v;
      for (let card = 0; card < cards; card += 1) tags[start + card] = (a[card] ?? 0) * scale + (b[card] ?? 0);
    }
  });
  return { partitions, tags };
}

/** "NFS1". */
const tweakName = 0x4e465331;
const tweakBytes = 7;

// Algorithm 7 for radix 10 and 6 to 12 digits: P and Q are one block each, and S is the first block of R.
function feistel(
  cipher: BlockEncrypter,
  { n, u, v }: { n: number; u: number; v: number },
  partitions: Uint32Array,
  a: Float64Array,
  b: Float64Array,
): void {
  const numberBytes = Math.ceil(Math.ceil(v * Math.log2(10)) / 8);
  const drawnBytes = 4 * Math.ceil(numberBytes / 4) + 4;
  if (drawnBytes !== 8) throw new Error('twelve digits at most');
  const head = asBuffer(cipher.encrypt(Uint8Array.of(1, 2, 1, 0, 0, 10, 10, u, 0, 0, 0, n, 0, 0, 0, tweakBytes)));
  const cards = partitions.length;
  const blocks = new Uint8Array(cards * 16);
  const view = new DataView(blocks.buffer);
  // P's cipher block xor Q. Tweak and zeros are the same in all rounds; round and NUM(B) are in the last word.
  const [first, second, third, fourth] = [0, 4, 8, 12].map((at) => head.readUInt32BE(at));
  if (first === undefined || second === undefined || third === undefined || fourth === undefined) return;
  for (let card = 0; card < cards; card += 1) {
    view.setUint32(card * 16, first ^ tweakName);
    view.setUint32(card * 16 + 4, second ^ ((partitions[card] ?? 0) << 8));
    view.setUint32(card * 16 + 8, third);
  }
  const roundShift = numberBytes * 8;
  for (let round = 0; round < 10; round += 1) {
    for (let card = 0; card < cards; card += 1)
      view.setUint32(card * 16 + 12, fourth ^ (round << roundShift) ^ (b[card] ?? 0));
    const encrypted = cipher.encrypt(blocks);
    const drawn = new DataView(encrypted.buffer, encrypted.byteOffset, encrypted.byteLength);
    const modulus = 10 ** (round % 2 === 0 ? u : v);
    const carry = 0x1_0000_0000 % modulus;
    for (let card = 0; card < cards; card += 1) {
      const high = drawn.getUint32(card * 16);
      // The remainder of two doubles is a slow call; this one is exact too, below 2^53.
      const y = (high - Math.floor(high / modulus) * modulus) * carry + drawn.getUint32(card * 16 + 4) + (a[card] ?? 0);
      a[card] = b[card] ?? 0;
      b[card] = y - Math.floor(y / modulus) * modulus;
    }
  }
}
