import {
  createCipheriv,
  createDecipheriv,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  scryptSync,
  sign,
} from 'node:crypto';
import { z } from 'zod';
import { concat, fail, ok, type Result, Secret } from '../kit/index.ts';

/** scrypt (RFC 7914) with N = 2^16, r = 8: 64 MiB and some tenths of a second. The file may be stolen; the passphrase is all that guards it. */
const cost = { cost: 65_536, blockSize: 8, parallel: 1 } as const;
const base64 = z.string().regex(/^[A-Za-z0-9+/]+=*$/);
/** The fewest characters of a passphrase. */
export const passphraseLengthMin = 12;

/** A signing key (Ed25519) that a person keeps: sealed under a passphrase, AES-256-GCM, bound to what it is for. */
export const keyFile = z.strictObject({
  format: z.literal('tsunagu-key-v1'),
  /** What it signs, such as `negative`. A key for one thing opens as nothing else. */
  purpose: z.string().regex(/^[a-z][a-z-]{1,31}$/),
  /** SPKI, DER. Not secret. */
  publicKey: base64.max(256),
  kdf: z.strictObject({
    name: z.literal('scrypt'),
    salt: base64.max(64),
    cost: z.literal(cost.cost),
    blockSize: z.literal(cost.blockSize),
    parallel: z.literal(cost.parallel),
  }),
  /** IV of 12 bytes, the private key (PKCS #8, DER), tag of 16 bytes. */
  box: base64.max(1_024),
});
export type KeyFile = z.infer<typeof keyFile>;

/** A key that is at hand. */
export interface OpenedKey {
  /** SPKI, DER. */
  readonly publicKey: Uint8Array;
  /** Ed25519, 64 bytes. RFC 8032. */
  sign(bytes: Uint8Array): Uint8Array;
}

/** Makes a key and seals it. KEY_PASSPHRASE_SHORT: under twelve characters. */
export function makeKeyFile(
  purpose: string,
  passphrase: string,
  entropy: (lengthBytes: number) => Uint8Array,
): Result<KeyFile, 'KEY_PASSPHRASE_SHORT'> {
  if (passphrase.length < passphraseLengthMin) return fail('KEY_PASSPHRASE_SHORT');
  const pair = generateKeyPairSync('ed25519');
  const spki = pair.publicKey.export({ format: 'der', type: 'spki' });
  const key = Secret.take('key', Uint8Array.from(pair.privateKey.export({ format: 'der', type: 'pkcs8' })));
  const salt = entropy(16);
  const iv = entropy(12);
  const sealing = sealingKey(passphrase, salt);
  const cipher = createCipheriv('aes-256-gcm', sealing, iv).setAAD(context(purpose, spki));
  const box = key.use((bytes) => concat(iv, cipher.update(bytes), cipher.final(), cipher.getAuthTag()));
  key.wipe();
  sealing.fill(0);
  return ok({
    format: 'tsunagu-key-v1',
    purpose,
    publicKey: spki.toString('base64'),
    kdf: { name: 'scrypt', salt: Buffer.from(salt).toString('base64'), ...cost },
    box: Buffer.from(box).toString('base64'),
  });
}

/** Opens a key for its purpose. SIGNING_KEY_INVALID whatever is wrong: file, purpose or passphrase. */
export function openKeyFile(
  file: KeyFile,
  purpose: string,
  passphrase: string,
): Result<OpenedKey, 'SIGNING_KEY_INVALID'> {
  const box = Buffer.from(file.box, 'base64');
  const spki = Buffer.from(file.publicKey, 'base64');
  if (file.purpose !== purpose || box.length < 12 + 16 + 1) return fail('SIGNING_KEY_INVALID', { field: 'purpose' });
  const sealing = sealingKey(passphrase, Buffer.from(file.kdf.salt, 'base64'));
  try {
    const decipher = createDecipheriv('aes-256-gcm', sealing, box.subarray(0, 12), { authTagLength: 16 })
      .setAAD(context(purpose, spki))
      .setAuthTag(box.subarray(box.length - 16));
    const der = concat(decipher.update(box.subarray(12, box.length - 16)), decipher.final());
    const privateKey: KeyObject = createPrivateKey({ key: Buffer.from(der), format: 'der', type: 'pkcs8' });
    der.fill(0);
    if (!createPublicKey(privateKey).export({ format: 'der', type: 'spki' }).equals(spki))
      return fail('SIGNING_KEY_INVALID', { field: 'publicKey' });
    return ok({ publicKey: Uint8Array.from(spki), sign: (bytes) => Uint8Array.from(sign(null, bytes, privateKey)) });
  } catch {
    return fail('SIGNING_KEY_INVALID');
  } finally {
    sealing.fill(0);
  }
}

const context = (purpose: string, spki: Uint8Array): Uint8Array =>
  concat(Buffer.from(`tsunagu-key-v1\n${purpose}\n`, 'latin1'), spki);

const sealingKey = (passphrase: string, salt: Uint8Array): Buffer =>
  scryptSync(passphrase.normalize('NFKC'), salt, 32, {
    N: cost.cost,
    r: cost.blockSize,
    p: cost.parallel,
    maxmem: 256 * cost.cost * cost.blockSize,
  });
