import { createPrivateKey, createPublicKey, generateKeyPairSync, sign } from 'node:crypto';
import { z } from 'zod';
import { concat, fail, ok, type Result, Secret } from '../kit/index.ts';
import { openSealedKey, sealedKeyFields, sealKey } from './sealed-key.ts';

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
  ...sealedKeyFields,
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
  const sealed = sealKey(key, context(purpose, spki), passphrase, entropy);
  key.wipe();
  return ok({ format: 'tsunagu-key-v1', purpose, publicKey: spki.toString('base64'), ...sealed });
}

/** Opens a key for its purpose. SIGNING_KEY_INVALID whatever is wrong: file, purpose or passphrase. */
export function openKeyFile(
  file: KeyFile,
  purpose: string,
  passphrase: string,
): Result<OpenedKey, 'SIGNING_KEY_INVALID'> {
  const spki = Buffer.from(file.publicKey, 'base64');
  if (file.purpose !== purpose) return fail('SIGNING_KEY_INVALID', { field: 'purpose' });
  const key = openSealedKey(file, context(purpose, spki), passphrase);
  if (!key) return fail('SIGNING_KEY_INVALID');
  try {
    const privateKey = key.use((der) => createPrivateKey({ key: Buffer.from(der), format: 'der', type: 'pkcs8' }));
    if (!createPublicKey(privateKey).export({ format: 'der', type: 'spki' }).equals(spki))
      return fail('SIGNING_KEY_INVALID', { field: 'publicKey' });
    return ok({ publicKey: Uint8Array.from(spki), sign: (bytes) => Uint8Array.from(sign(null, bytes, privateKey)) });
  } catch {
    return fail('SIGNING_KEY_INVALID');
  } finally {
    key.wipe();
  }
}

const context = (purpose: string, spki: Uint8Array): Uint8Array =>
  concat(Buffer.from(`tsunagu-key-v1\n${purpose}\n`, 'latin1'), spki);
