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

/** Seals a private key under a passphrase: AES-256-GCM (NIST SP 800-38D), bound to a context. */
export function sealKey(
  key: Secret<'key'>,
  context: Uint8Array,
  passphrase: string,
  entropy: (lengthBytes: number) => Uint8Array,
): SealedKey {
  const salt = entropy(16);
  const iv = entropy(12);
  const sealing = sealingKey(passphrase, salt);
  const cipher = createCipheriv('aes-256-gcm', sealing, iv).setAAD(context);
  const box = key.use((bytes) => concat(iv, cipher.update(bytes), cipher.final(), cipher.getAuthTag()));
  sealing.fill(0);
  return {
    kdf: { name: 'scrypt', salt: Buffer.from(salt).toString('base64'), ...cost },
    box: Buffer.from(box).toString('base64'),
  };
}

/** Opens what `sealKey` made; undefined whatever is wrong: box, context or passphrase. The caller wipes the key. */
export function openSealedKey(
  { kdf, box: text }: SealedKey,
  context: Uint8Array,
  passphrase: string,
): Secret<'key'> | undefined {
  const box = Buffer.from(text, 'base64');
  if (box.length < 12 + 16 + 1) return undefined;
  const sealing = sealingKey(passphrase, Buffer.from(kdf.salt, 'base64'));
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

const sealingKey = (passphrase: string, salt: Uint8Array): Buffer =>
  scryptSync(passphrase.normalize('NFKC'), salt, 32, {
    N: cost.cost,
    r: cost.blockSize,
    p: cost.parallel,
    maxmem: 256 * cost.cost * cost.blockSize,
  });
