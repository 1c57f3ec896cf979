import {
  createCipheriv,
  createDecipheriv,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  scryptSync,
  sign,
} from 'node:crypto';
import { parseJson } from '@tsunagu/protocols/fleet';
import { asBuffer, fail, ok, type Result, type Secret } from '@tsunagu/protocols/kit';
import { tufKeyId, tufKeyOf, type TufSigner } from '@tsunagu/protocols/software';
import type { World } from '@tsunagu/protocols/world';
import { z } from 'zod';

/** The roles whose keys are with people. */
export const signingRoles = ['root', 'targets'] as const;
export type SigningRole = (typeof signingRoles)[number];

const base64 = z.string().regex(/^[A-Za-z0-9+/]+=*$/);
/** A private key (PKCS #8) sealed by AES-256-GCM (NIST SP 800-38D) under a passphrase through scrypt (RFC 7914). */
const keyFile = z.strictObject({
  v: z.literal(1),
  role: z.enum(signingRoles),
  keyId: z.string().regex(/^[0-9a-f]{64}$/),
  scrypt: z.strictObject({ n: z.literal(131_072), r: z.literal(8), p: z.literal(1), salt: base64 }),
  nonce: base64,
  sealed: base64,
  tag: base64,
});

const cost = { n: 131_072, r: 8, p: 1 } as const;

const sealingKey = (passphrase: Secret<'key'>, salt: Uint8Array): Buffer =>
  passphrase.use((bytes) =>
    scryptSync(bytes, salt, 32, { N: cost.n, r: cost.r, p: cost.p, maxmem: 256 * 1024 * 1024 }),
  );

/** Role and id of a key are bound to its file. */
const additional = (role: string, keyId: string): Buffer => Buffer.from(`tsunagu-signing-key-v1\n${role}\n${keyId}`);

/** A key that signs for a role. */
export interface RoleSigner extends TufSigner {
  readonly role: SigningRole;
  readonly keyId: string;
}

/** Makes a key and what its file holds. */
export function makeKeyFile(
  world: Pick<World, 'entropy'>,
  role: SigningRole,
  passphrase: Secret<'key'>,
): { readonly signer: RoleSigner; readonly text: string } {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const keyId = tufKeyId(tufKeyOf(publicKey));
  const [salt, nonce] = [world.entropy(16), world.entropy(12)];
  const cipher = createCipheriv('aes-256-gcm', sealingKey(passphrase, salt), nonce, { authTagLength: 16 });
  cipher.setAAD(additional(role, keyId));
  const sealed = Buffer.concat([cipher.update(privateKey.export({ type: 'pkcs8', format: 'der' })), cipher.final()]);
  const text = (bytes: Uint8Array): string => asBuffer(bytes).toString('base64');
  const file: z.input<typeof keyFile> = {
    v: 1,
    role,
    keyId,
    scrypt: { ...cost, salt: text(salt) },
    nonce: text(nonce),
    sealed: text(sealed),
    tag: text(cipher.getAuthTag()),
  };
  const signer = { role, keyId, key: tufKeyOf(publicKey), sign: (bytes: Uint8Array) => sign(null, bytes, privateKey) };
  return { signer, text: `${JSON.stringify(file, null, 2)}\n` };
}

/** Opens a key file. Every failure is one and the same fault. */
export function openKeyFile(text: string, passphrase: Secret<'key'>): Result<RoleSigner, 'SOFTWARE_KEY_FILE_INVALID'> {
  const read = parseJson(keyFile, text, 8_192);
  if (!read.ok) return fail('SOFTWARE_KEY_FILE_INVALID');
  const { role, keyId, scrypt, nonce, sealed, tag } = read.value;
  const bytes = (value: string): Buffer => Buffer.from(value, 'base64');
  try {
    const key = sealingKey(passphrase, bytes(scrypt.salt));
    const decipher = createDecipheriv('aes-256-gcm', key, bytes(nonce), { authTagLength: 16 });
    decipher.setAAD(additional(role, keyId));
    decipher.setAuthTag(bytes(tag));
    const der = Buffer.concat([decipher.update(bytes(sealed)), decipher.final()]);
    const privateKey = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
    der.fill(0);
    const publicKey = tufKeyOf(createPublicKey(privateKey));
    return ok({ role, keyId, key: publicKey, sign: (message) => sign(null, message, privateKey) });
  } catch (cause) {
    return fail('SOFTWARE_KEY_FILE_INVALID', { cause });
  }
}
