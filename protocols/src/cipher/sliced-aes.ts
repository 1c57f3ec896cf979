import { type BlockEncrypter, blockEncrypter } from './block-cipher.ts';

/**
 * AES-128 of one block under a fresh key, in bitwise operations alone: no tables, no branches and no addresses that
 * depend on key or data, so that caches tell nothing (docs/adr/0009-aes-in-slices-for-key-derivation.md).
 *
 * A block is kept in slices: slice `i` holds bit 7-i of its sixteen bytes in the lower half and bit 3-i in the upper
 * half, byte `j` at position `j`. What one encryption gives can be the key of the next without ever becoming bytes.
 */
export type Slices = Int32Array;

/** A block of sixteen bytes as slices. */
export function toSlices(block: Uint8Array): Slices {
  const slices = new Int32Array(4);
  for (let byte = 0; byte < 16; byte += 1) {
    const value = block[byte] ?? 0;
    for (let slice = 0; slice < 4; slice += 1)
      slices[slice] =
        (slices[slice] ?? 0) | (((value >>> (7 - slice)) & 1) << byte) | (((value >>> (3 - slice)) & 1) << (16 + byte));
  }
  return slices;
}

/** The sixteen bytes of some slices. */
export function fromSlices(slices: Slices): Uint8Array {
  const [a = 0, b = 0, c = 0, d = 0] = slices;
  const block = new Uint8Array(16);
  for (let byte = 0; byte < 16; byte += 1) {
    const high = (((a >>> byte) & 1) << 3) | (((b >>> byte) & 1) << 2) | (((c >>> byte) & 1) << 1) | ((d >>> byte) & 1);
    const up = 16 + byte;
    const low = (((a >>> up) & 1) << 3) | (((b >>> up) & 1) << 2) | (((c >>> up) & 1) << 1) | ((d >>> up) & 1);
    block[byte] = (high << 4) | low;
  }
  return block;
}

/** Sets one bit of a block: `bit` counts from the lowest bit of its last byte. */
export function setSliceBit(slices: Slices, bit: number): void {
  const plane = 7 - (bit & 7);
  slices[plane & 3] = (slices[plane & 3] ?? 0) | (1 << (15 - (bit >>> 3) + (plane > 3 ? 16 : 0)));
}

/**
 * Enciphers `block` under `key` into `result`, which may be either of them. The round keys are made on the way: the
 * S-box works on the state in the lower half of each word and on the round key in the upper half at once.
 *
 * @see FIPS 197; the S-box as a circuit is that of Boyar and Peralta, "A depth-16 circuit for the AES S-box" (2011)
 */
export function encryptSlices(key: Slices, block: Slices, result: Slices): void {
  let k0 = key[0] ?? 0;
  let k1 = key[1] ?? 0;
  let k2 = key[2] ?? 0;
  let k3 = key[3] ?? 0;
  let p0 = (block[0] ?? 0) ^ k0;
  let p1 = (block[1] ?? 0) ^ k1;
  let p2 = (block[2] ?? 0) ^ k2;
  let p3 = (block[3] ?? 0) ^ k3;
  let roundConstant = 1;
  for (let round = 1; round <= 10; round += 1) {
    const x0 = (p0 & 0xffff) | (k0 << 16);
    const x1 = (p1 & 0xffff) | (k1 << 16);
    const x2 = (p2 & 0xffff) | (k2 << 16);
    const x3 = (p3 & 0xffff) | (k3 << 16);
    const x4 = (p0 >>> 16) | (k0 & 0xffff0000);
    const x5 = (p1 >>> 16) | (k1 & 0xffff0000);
    const x6 = (p2 >>> 16) | (k2 & 0xffff0000);
    const x7 = (p3 >>> 16) | (k3 & 0xffff0000);

    // SubBytes, with the circuit's own names. Linear layer in front.
    const y14 = x3 ^ x5;
    const y13 = x0 ^ x6;
    const y9 = x0 ^ x3;
    const y8 = x0 ^ x5;
    const t0 = x1 ^ x2;
    const y1 = t0 ^ x7;
    const y4 = y1 ^ x3;
    const y12 = y13 ^ y14;
    const y2 = y1 ^ x0;
    const y5 = y1 ^ x6;
    const y3 = y5 ^ y8;
    const t1 = x4 ^ y12;
    const y15 = t1 ^ x5;
    const y20 = t1 ^ x1;
    const y6 = y15 ^ x7;
    const y10 = y15 ^ t0;
    const y11 = y20 ^ y9;
    const y7 = x7 ^ y11;
    const y17 = y10 ^ y11;
    const y19 = y10 ^ y8;
    const y16 = t0 ^ y11;
    const y21 = y13 ^ y16;
    const y18 = x0 ^ y16;
    // Inversion in GF(2^8) by way of GF(2^4).
    const t2 = y12 & y15;
    const t4 = (y3 & y6) ^ t2;
    const t6 = (y4 & x7) ^ t2;
    const t7 = y13 & y16;
    const t9 = (y5 & y1) ^ t7;
    const t11 = (y2 & y7) ^ t7;
    const t12 = y9 & y11;
    const t14 = (y14 & y17) ^ t12;
    const t16 = (y8 & y10) ^ t12;
    const t21 = t4 ^ t14 ^ y20;
    const t22 = t6 ^ t16 ^ y19;
    const t23 = t9 ^ t14 ^ y21;
    const t24 = t11 ^ t16 ^ y18;
    const t25 = t21 ^ t22;
    const t26 = t21 & t23;
    const t27 = t24 ^ t26;
    const t29 = (t25 & t27) ^ t22;
    const t33 = ((t22 ^ t26) & (t23 ^ t24)) ^ t24;
    const t36 = t24 & (t27 ^ t33);
    const t37 = t36 ^ t23 ^ t33;
    const t40 = t25 ^ (t29 & (t27 ^ t36));
    const t41 = t40 ^ t37;
    const t42 = t29 ^ t33;
    const t43 = t29 ^ t40;
    const t44 = t33 ^ t37;
    const t45 = t42 ^ t41;
    const z2 = t33 & x7;
    const z3 = t43 & y16;
    const z4 = t40 & y1;
    const z5 = t29 & y7;
    const z7 = t45 & y17;
    const z10 = t37 & y3;
    const z12 = t43 & y13;
    const z16 = t45 & y14;
    // Linear layer behind, the affine map in it.
    const t46 = (t42 & y9) ^ z16;
    const t48 = z5 ^ (t40 & y5);
    const t53 = (t44 & y15) ^ z3;
    const t57 = z2 ^ z12 ^ t53;
    const t58 = z4 ^ t46;
    const t59 = z3 ^ (t42 & y11) ^ z7;
    const t62 = z7 ^ (t41 & y10) ^ t58;
    const t63 = (t44 & y12) ^ z10 ^ t58;
    const t64 = z4 ^ t59;
    const t65 = (t29 & y2) ^ t57 ^ t62;
    const t66 = (t37 & y6) ^ t63;
    const s0 = t59 ^ t63;
    const s3 = t53 ^ t66;
    const s1 = ~(t64 ^ s3);
    const s2 = ~(z16 ^ (t41 & y8) ^ t64 ^ t65);
    const s4 = z2 ^ z5 ^ t66;
    const s5 = z10 ^ (t33 & y4) ^ t65;
    const s6 = ~(z12 ^ t48 ^ t62);
    const s7 = ~(t48 ^ t46 ^ t57);

    k0 = nextKey(k0, s0, s4) ^ constantOf(roundConstant, 7, 3);
    k1 = nextKey(k1, s1, s5) ^ constantOf(roundConstant, 6, 2);
    k2 = nextKey(k2, s2, s6) ^ constantOf(roundConstant, 5, 1);
    k3 = nextKey(k3, s3, s7) ^ constantOf(roundConstant, 4, 0);
    roundConstant = (roundConstant << 1) ^ (0x11b & -(roundConstant >>> 7));

    p0 = shiftRows((s0 & 0xffff) | (s4 << 16));
    p1 = shiftRows((s1 & 0xffff) | (s5 << 16));
    p2 = shiftRows((s2 & 0xffff) | (s6 << 16));
    p3 = shiftRows((s3 & 0xffff) | (s7 << 16));
    if (round < 10) {
      // MixColumns: each byte becomes 2(b ^ next) ^ next ^ the two after that; what leaves bit 7 comes back as 1B.
      const r0 = nextRow(p0);
      const r1 = nextRow(p1);
      const r2 = nextRow(p2);
      const r3 = nextRow(p3);
      const a0 = p0 ^ r0;
      const a1 = p1 ^ r1;
      const a2 = p2 ^ r2;
      const a3 = p3 ^ r3;
      const carry = a0 << 16;
      p0 = r0 ^ rowAfterNext(a0) ^ a1 ^ carry;
      p1 = r1 ^ rowAfterNext(a1) ^ a2;
      p2 = r2 ^ rowAfterNext(a2) ^ a3 ^ carry;
      p3 = r3 ^ rowAfterNext(a3) ^ (a0 >>> 16) ^ (a0 & 0xffff) ^ carry;
    }
    p0 ^= k0;
    p1 ^= k1;
    p2 ^= k2;
    p3 ^= k3;
  }
  result[0] = p0;
  result[1] = p1;
  result[2] = p2;
  result[3] = p3;
}

// Words of the next round key but for the constant: the rotated, substituted last word goes into the first, and each
// word into the one after it. `high` and `low` carry the substituted key in their upper halves.
function nextKey(key: number, high: number, low: number): number {
  const last = (high >>> 28) | ((low >>> 28) << 16);
  const first = key ^ (((last >>> 1) & 0x00070007) | ((last << 3) & 0x00080008));
  const two = first ^ ((first << 4) & 0xfff0fff0);
  return two ^ ((two << 8) & 0xff00ff00);
}

// A round constant goes into the first byte, and so, by way of the words after it, into the first row.
const constantOf = (constant: number, high: number, low: number): number =>
  (-((constant >>> high) & 1) & 0x1111) | (-((constant >>> low) & 1) & 0x11110000);

// Row `r` moves `r` columns to the left; byte `j` stands in row `j & 3` of column `j >> 2`.
const shiftRows = (slice: number): number =>
  (slice & 0x11111111) |
  ((slice >>> 4) & 0x02220222) |
  ((slice << 12) & 0x20002000) |
  ((slice >>> 8) & 0x00440044) |
  ((slice << 8) & 0x44004400) |
  ((slice >>> 12) & 0x00080008) |
  ((slice << 4) & 0x88808880);

const nextRow = (slice: number): number => ((slice >>> 1) & 0x77777777) | ((slice << 3) & 0x88888888);

const rowAfterNext = (slice: number): number => ((slice >>> 2) & 0x33333333) | ((slice << 2) & 0xcccccccc);

/** An AES key that enciphers a block or two and is gone: in slices where it has 128 bits, by OpenSSL where it is longer. */
export function freshBlockEncrypter(key: Uint8Array): BlockEncrypter {
  if (key.length !== 16) return blockEncrypter('AES', key);
  const ready = toSlices(key);
  return {
    blockBytes: 16,
    encrypt(blocks) {
      if (blocks.length % 16 !== 0) throw new Error(`${blocks.length} bytes are not whole cipher blocks`);
      const result = new Uint8Array(blocks.length);
      for (let at = 0; at < blocks.length; at += 16) {
        const slices = toSlices(blocks.subarray(at, at + 16));
        encryptSlices(ready, slices, slices);
        result.set(fromSlices(slices), at);
      }
      return result;
    },
  };
}
