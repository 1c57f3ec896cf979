import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { fail, fromHex, ok, type Result, Secret, toHex } from '@tsunagu/protocols/kit';
import { sealKeyBytes } from '@tsunagu/protocols/trace';
import type { World } from '@tsunagu/protocols/world';

const isMissing = (cause: unknown): boolean => cause instanceof Error && 'code' in cause && cause.code === 'ENOENT';

/** Reads a seal key (64 hexadecimal digits); makes one where there is none and `canMake`. */
export async function sealKeyOf(
  world: World,
  path: string,
  canMake: boolean,
): Promise<Result<Secret<'key'>, 'KEY_FILE_INVALID'>> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    if (!canMake || !isMissing(cause)) return fail('KEY_FILE_INVALID', { cause, facts: { path } });
    text = toHex(world.entropy(sealKeyBytes));
    const written = await write(path, `${text}\n`);
    if (!written.ok) return written;
  }
  const key = fromHex(text.trim());
  if (!key.ok || key.value.length !== sealKeyBytes) return fail('KEY_FILE_INVALID', { facts: { path } });
  return ok(Secret.take('key', key.value));
}

/** An Ed25519 key that signs, and its public half as SPKI. */
export interface SigningKey {
  readonly privateKey: KeyObject;
  readonly publicKey: Uint8Array;
}

/** Reads an Ed25519 key (PKCS #8 PEM); makes one where there is none. */
export async function signingKeyOf(path: string): Promise<Result<SigningKey, 'KEY_FILE_INVALID'>> {
  let pem: string;
  try {
    pem = await readFile(path, 'utf8');
  } catch (cause) {
    if (!isMissing(cause)) return fail('KEY_FILE_INVALID', { cause, facts: { path } });
    pem = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    const written = await write(path, pem);
    if (!written.ok) return written;
  }
  try {
    const privateKey = createPrivateKey(pem);
    if (privateKey.asymmetricKeyType !== 'ed25519') return fail('KEY_FILE_INVALID', { facts: { path } });
    const publicKey = createPublicKey(privateKey).export({ type: 'spki', format: 'der' });
    return ok({ privateKey, publicKey: Uint8Array.from(publicKey) });
  } catch (cause) {
    return fail('KEY_FILE_INVALID', { cause, facts: { path } });
  }
}

/** Writes a new file that its owner alone may read; an existing one is never written over. */
async function write(path: string, text: string): Promise<Result<void, 'KEY_FILE_INVALID'>> {
  try {
    await writeFile(path, text, { mode: 0o600, flag: 'wx' });
    return ok(undefined);
  } catch (cause) {
    return fail('KEY_FILE_INVALID', { cause, facts: { path } });
  }
}
