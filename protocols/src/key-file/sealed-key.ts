import { createCipheriv, createDecipheriv, scryptSync } from 'node:crypto';
import { z } from 'zod';
import { concat, Secret } from '../kit/index.ts';

/** scrypt (RFC 7914) with N = 2^16, r = 8: 64 MiB and some tenths of a second. The file may be stolen; the passphrase is all that guards it. */
const cost = { cost: 65_536, blockSize: 8, parallel: 1 } as const;
const base64 = z.string().regex(/^[A-Za-z0-9+/]+=*$/);

/** How the key of a box comes out of a passphrase, and the box: what files that hold a sealed private key have in common. */
export const sealedKeyFields = {
  kdf: z.strictObject({
    name: z.literal('scrypt'),
    salt: base64.max(64),
    cost: z.literal(cost.cost),
    blockSize: z.literal(cost.blockSize),
    parallel: z.literal(cost.parallel),
  }),
  /** IV of 12 bytes, the private key (PKCS #8, DER), tag of 16 bytes. Base64. */
  box: base64.max(1_024),
};
/** The fields of a sealed private key. */
export type SealedKey = z.infer<z.ZodObject<typeof sealedKeyFields>>;

/** What scrypt makes a sealing key of. RFC 7914, 2: N, r and p. */
export interface Sealing {
  readonly passphrase: Uint8Array;
  readonly salt: Uint8Array;
  readonly cost: { readonly cost: number; readonly blockSize: number; readonly parallel: number };
}

/**
 * Seals a private key under a passphrase: AES-256-GCM (NIST SP 800-38D), bound to a context. The one place where that is done; the files
 * differ in how they write it down.
 *
 * @returns IV of 12 bytes, the sealed key, tag of 16 bytes
 */
export function sealBox(key: Secret<'key'>, context: Uint8Array, by: Sealing, iv: Uint8Array): Uint8Array {
  const sealing = sealingKey(by);
  const cipher = createCipheriv('aes-256-gcm', sealing, iv, { authTagLength: 16 }).setAAD(context);
  const box = key.use((bytes) => concat(iv, cipher.update(bytes), cipher.final(), cipher.getAuthTag()));
  sealing.fill(0);
  return box;
}

/** Opens what `sealBox` made; undefined whatever is wrong: box, context or passphrase. The caller wipes the key. */
export function openBox(box: Uint8Array, context: Uint8Array, by: Sealing): Secret<'key'> | undefined {
  if (box.length < 12 + 16 + 1) return undefined;
  const sealing = sealingKey(by);
  try {
    const decipher = createDecipheriv('aes-256-gcm', sealing, box.subarray(0, 12), { authTagLength: 16 })
      .setAAD(context)
      .setAuthTag(box.subarray(box.length - 16));
    return Secret.take('key', concat(decipher.update(box.subarray(12, box.length - 16)), decipher.final()));
  } catch {
    return undefined;
  } finally {
    sealing.fill(0);
  }
}

const sealingKey = ({ passphrase, salt, cost: { cost: N, blockSize: r, parallel: p } }: Sealing): Buffer =>
  scryptSync(passphrase, salt, 32, { N, r, p, maxmem: 256 * N * r });

/** However it was typed, it is the same. */
const bytesOf = (passphrase: string): Uint8Array => Buffer.from(passphrase.normalize('NFKC'), 'utf8');

/** Seals a private key into the fields of a file. */
export function sealKey(
  key: Secret<'key'>,
  context: Uint8Array,
  passphrase: string,
  entropy: (lengthBytes: number) => Uint8Array,
): SealedKey {
  const salt = entropy(16);
  const box = sealBox(key, context, { passphrase: bytesOf(passphrase), salt, cost }, entropy(12));
  return {
    kdf: { name: 'scrypt', salt: Buffer.from(salt).toString('base64'), ...cost },
    box: Buffer.from(box).toString('base64'),
  };
}

/** Opens what `sealKey` made; undefined whatever is wrong: box, context or passphrase. The caller wipes the key. */
export const openSealedKey = (
  { kdf, box }: SealedKey,
  context: Uint8Array,
  passphrase: string,
): Secret<'key'> | undefined =>
  openBox(Buffer.from(box, 'base64'), context, {
    passphrase: bytesOf(passphrase),
    salt: Buffer.from(kdf.salt, 'base64'),
    cost,
  });
