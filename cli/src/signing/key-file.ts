import { createPrivateKey, createPublicKey, generateKeyPairSync, sign } from 'node:crypto';
import { parseJson } from '@tsunagu/protocols/fleet';
import { openBox, sealBox, type Sealing } from '@tsunagu/protocols/key-file';
import { asBuffer, concat, fail, ok, type Result, Secret } from '@tsunagu/protocols/kit';
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

/** Works with a passphrase as it was given, and the salt of a file. */
const sealedBy = <T>(passphrase: Secret<'key'>, salt: Uint8Array, work: (by: Sealing) => T): T =>
  passphrase.use((bytes) =>
    work({ passphrase: bytes, salt, cost: { cost: cost.n, blockSize: cost.r, parallel: cost.p } }),
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
  const key = Secret.take('key', Uint8Array.from(privateKey.export({ type: 'pkcs8', format: 'der' })));
  const box = sealedBy(passphrase, salt, (by) => sealBox(key, additional(role, keyId), by, nonce));
  key.wipe();
  const text = (bytes: Uint8Array): string => asBuffer(bytes).toString('base64');
  const file: z.input<typeof keyFile> = {
    v: 1,
    role,
    keyId,
    scrypt: { ...cost, salt: text(salt) },
    nonce: text(nonce),
    sealed: text(box.subarray(12, box.length - 16)),
    tag: text(box.subarray(box.length - 16)),
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
  const box = concat(bytes(nonce), bytes(sealed), bytes(tag));
  const der = sealedBy(passphrase, bytes(scrypt.salt), (by) => openBox(box, additional(role, keyId), by));
  if (!der) return fail('SOFTWARE_KEY_FILE_INVALID');
  try {
    const privateKey = der.use((key) => createPrivateKey({ key: Buffer.from(key), format: 'der', type: 'pkcs8' }));
    const publicKey = tufKeyOf(createPublicKey(privateKey));
    return ok({ role, keyId, key: publicKey, sign: (message) => sign(null, message, privateKey) });
  } catch (cause) {
    return fail('SOFTWARE_KEY_FILE_INVALID', { cause });
  } finally {
    der.wipe();
  }
}
