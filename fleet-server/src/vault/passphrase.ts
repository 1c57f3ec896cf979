import { readFile, writeFile } from 'node:fs/promises';
import type { World } from '@tsunagu/protocols/world';

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
