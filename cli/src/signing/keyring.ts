import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fail, ok, type Result, Secret } from '@tsunagu/protocols/kit';
import type { World } from '@tsunagu/protocols/world';
import { makeKeyFile, openKeyFile, type RoleSigner, type SigningRole } from './key-file.ts';

/** The signing keys of a folder on a person's machine. No server ever sees them. */
export interface Keyring {
  readonly folder: string;
  readonly signers: readonly RoleSigner[];
  of(role: SigningRole): readonly RoleSigner[];
  /** Makes a key in the folder. */
  make(role: SigningRole): Promise<RoleSigner>;
}

/**
 * Opens a folder of keys; it is made when it is missing. Their passphrase is TSUNAGU_SIGNING_PASSPHRASE, else that of the file `passphrase`
 * beside them, which is made with the first key: whoever has the folder then has the keys.
 */
export async function openKeyring(
  world: Pick<World, 'entropy'>,
  folder: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<Result<Keyring, 'SOFTWARE_KEY_FILE_INVALID'>> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const names = (await readdir(folder)).filter((name) => name.endsWith('.key.json')).sort();
  const passphrase = await passphraseOf(world, folder, env['TSUNAGU_SIGNING_PASSPHRASE'], names.length > 0);
  if (!passphrase) return fail('SOFTWARE_KEY_FILE_INVALID', { facts: { path: folder } });
  const signers: RoleSigner[] = [];
  for (const name of names) {
    const opened = openKeyFile(await readFile(join(folder, name), 'utf8'), passphrase);
    if (!opened.ok) return fail('SOFTWARE_KEY_FILE_INVALID', { facts: { path: join(folder, name) } });
    signers.push(opened.value);
  }
  return ok({
    folder,
    signers,
    of: (role) => signers.filter((signer) => signer.role === role),
    async make(role) {
      const { signer, text } = makeKeyFile(world, role, passphrase);
      await writeFile(join(folder, `${role}-${signer.keyId.slice(0, 8)}.key.json`), text, { mode: 0o600, flag: 'wx' });
      signers.push(signer);
      return signer;
    },
  });
}

async function passphraseOf(
  world: Pick<World, 'entropy'>,
  folder: string,
  given: string | undefined,
  hasKeys: boolean,
): Promise<Secret<'key'> | undefined> {
  if (given !== undefined && given !== '') return Secret.take('key', new TextEncoder().encode(given));
  const path = join(folder, 'passphrase');
  const kept = await readFile(path, 'utf8').catch(() => undefined);
  if (kept !== undefined) return Secret.take('key', new TextEncoder().encode(kept.trim()));
  if (hasKeys) return undefined;
  const made = Buffer.from(world.entropy(24)).toString('base64url');
  await writeFile(path, `${made}\n`, { mode: 0o600, flag: 'wx' });
  return Secret.take('key', new TextEncoder().encode(made));
}
