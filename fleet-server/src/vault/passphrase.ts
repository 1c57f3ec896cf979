import { readFile, writeFile } from 'node:fs/promises';
import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import type { World } from '@tsunagu/protocols/world';
import { parsePkcs11Uri } from './pkcs11/uri.ts';

/**
 * The vault's passphrase: out of the environment where an operator gave one, else out of a file (0600) that is made beside the vault.
 * With the file the vault is only as safe as its folder, which the log says.
 */
export async function findPassphrase(
  given: string | undefined,
  path: string,
  world: Pick<World, 'entropy' | 'log'>,
): Promise<string> {
  if (given !== undefined && given !== '') return given;
  world.log('warn', 'vaultPassphraseInFile', { path, next: 'set TSUNAGU_VAULT_PASSPHRASE to keep it elsewhere' });
  try {
    return (await readFile(path, 'utf8')).trim();
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
  }
  const made = Buffer.from(world.entropy(32)).toString('base64url');
  await writeFile(path, `${made}\n`, { mode: 0o600, flag: 'wx', flush: true });
  return made;
}

/**
 * The PIN of a token: out of the file that its URI names (`pin-source`), else as given. OPTION_INVALID: the URI cannot be read, or names no PIN
 * and none was given. VAULT_LOCKED: the file cannot be read.
 */
export async function findPin(
  uri: string,
  given: string | undefined,
): Promise<Result<string, 'OPTION_INVALID' | 'VAULT_LOCKED'>> {
  const place = parsePkcs11Uri(uri);
  if (!place) return fail('OPTION_INVALID', { field: 'vault' });
  if (place.pinFile === undefined) return given ? ok(given) : fail('OPTION_INVALID', { field: 'pin-source' });
  try {
    return ok((await readFile(place.pinFile, 'utf8')).trim());
  } catch (cause) {
    return fail('VAULT_LOCKED', { field: 'pin-source', cause });
  }
}
