import {
  constants,
  createPrivateKey,
  createPublicKey,
  type KeyObject,
  privateEncrypt,
  publicDecrypt,
} from 'node:crypto';
import { asBuffer, fail, ok, type Result, toHex } from '../kit/index.ts';

/** An RSA public key as EMV writes it: modulus and a small exponent. */
export interface RsaPublicKey {
  readonly modulus: Uint8Array;
  /** 3 or 65537 (EMV 4.3 Book 2, B2.1). */
  readonly exponent: number;
}

/** Raises `input` to the public exponent; undefined when key or input cannot be such (wrong length, not below the modulus). */
export function recover(key: RsaPublicKey, input: Uint8Array): Uint8Array | undefined {
  if (input.length !== key.modulus.length || !isUsable(key)) return undefined;
  try {
    const imported = createPublicKey({
      format: 'jwk',
      key: { kty: 'RSA', n: base64(key.modulus), e: exponentText(key.exponent) },
    });
    return Uint8Array.from(publicDecrypt({ key: imported, padding: constants.RSA_NO_PADDING }, input));
  } catch {
    // OpenSSL refuses inputs that are not below the modulus, and moduli that are none; both mean a card that lies.
    return undefined;
  }
}

const isUsable = ({ modulus, exponent }: RsaPublicKey): boolean =>
  modulus.length >= 64 &&
  modulus.length <= 248 &&
  (modulus[0] ?? 0) >= 0x80 &&
  ((modulus.at(-1) ?? 0) & 1) === 1 &&
  (exponent === 3 || exponent === 65537);

/** The public exponent in its bytes (9F32, 9F47): 3 or 65537. */
export const exponentBytes = (exponent: number): Uint8Array =>
  exponent === 3 ? Uint8Array.of(3) : Uint8Array.of(1, 0, 1);

/** Reads a public exponent; anything but 3 and 65537 is EMV_KEY_INVALID. */
export function readExponent(bytes: Uint8Array): Result<number, 'EMV_KEY_INVALID'> {
  const value = Number(`0x0${toHex(bytes)}`);
  return bytes.length <= 3 && (value === 3 || value === 65537)
    ? ok(value)
    : fail('EMV_KEY_INVALID', { field: 'exponent' });
}

/** An RSA private key of a test CA, issuer or card. It signs; it never shows its numbers. */
export class RsaSigner {
  readonly publicKey: RsaPublicKey;
  readonly #key: KeyObject;

  /** @param p and q: two primes in hexadecimal, such that the exponent has an inverse. */
  constructor(p: string, q: string, exponent = 3) {
    const [a, b, e] = [BigInt(`0x${p}`), BigInt(`0x${q}`), BigInt(exponent)];
    const modulus = a * b;
    const d = inverse(e, (a - 1n) * (b - 1n));
    this.publicKey = { modulus: toBytes(modulus), exponent };
    this.#key = createPrivateKey({
      format: 'jwk',
      key: {
        kty: 'RSA',
        n: base64(this.publicKey.modulus),
        e: exponentText(exponent),
        d: base64(toBytes(d)),
        p: base64(toBytes(a)),
        q: base64(toBytes(b)),
        dp: base64(toBytes(d % (a - 1n))),
        dq: base64(toBytes(d % (b - 1n))),
        qi: base64(toBytes(inverse(b, a))),
      },
    });
  }

  /** Raises a block, as long as the modulus and below it, to the private exponent. */
  sign(block: Uint8Array): Uint8Array {
    return Uint8Array.from(privateEncrypt({ key: this.#key, padding: constants.RSA_NO_PADDING }, block));
  }

  toString(): string {
    return '[key]';
  }

  toJSON(): string {
    return '[key]';
  }
}

const base64 = (bytes: Uint8Array): string => asBuffer(bytes).toString('base64url');
const exponentText = (exponent: number): string => base64(exponentBytes(exponent));

function toBytes(value: bigint): Uint8Array {
  const text = value.toString(16);
  return Uint8Array.from(Buffer.from(text.length % 2 === 0 ? text : `0${text}`, 'hex'));
}

function inverse(value: bigint, modulus: bigint): bigint {
  let [r, nextR, t, nextT] = [modulus, value % modulus, 0n, 1n];
  while (nextR !== 0n) {
    const quotient = r / nextR;
    [r, nextR] = [nextR, r - quotient * nextR];
    [t, nextT] = [nextT, t - quotient * nextT];
  }
  if (r !== 1n) throw new Error('the number has no inverse');
  return t < 0n ? t + modulus : t;
}
