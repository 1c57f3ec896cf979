import { createPublicKey } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { parseJson } from '@tsunagu/protocols/fleet';
import { type KeyFile, keyFile, openKeyFile, type OpenedKey, passphraseLengthMin } from '@tsunagu/protocols/key-file';
import { fail, ok, type Result } from '@tsunagu/protocols/kit';

/** Where a passphrase comes from: a file, or the environment. Never the command line, which every process of the machine can read. */
export interface PassphraseOptions {
  readonly passphraseFile?: string | undefined;
}

/** Variables of the environment that a passphrase may be in: of a key that a person keeps, and of a root. */
type PassphraseVariable = 'TSUNAGU_KEY_PASSPHRASE' | 'TSUNAGU_ROOT_PASSPHRASE';

/** The passphrase of `--passphrase-file`, else of a variable. At least twelve characters. */
export async function passphraseOf(
  { passphraseFile }: PassphraseOptions,
  variable: PassphraseVariable = 'TSUNAGU_KEY_PASSPHRASE',
  env: NodeJS.ProcessEnv = process.env,
): Promise<Result<string, 'KEY_PASSPHRASE_SHORT' | 'FILE_UNREADABLE'>> {
  let text = env[variable] ?? '';
  if (passphraseFile !== undefined)
    try {
      text = await readFile(passphraseFile, 'utf8');
    } catch (cause) {
      return fail('FILE_UNREADABLE', { facts: { path: passphraseFile }, cause });
    }
  const passphrase = text.replace(/\r?\n$/, '');
  return passphrase.length < passphraseLengthMin
    ? fail('KEY_PASSPHRASE_SHORT', { facts: { lengthMin: passphraseLengthMin } })
    : ok(passphrase);
}

/** Reads a key file without opening it: its public part. */
export async function readKeyFile(path: string): Promise<Result<KeyFile, 'SIGNING_KEY_INVALID'>> {
  const text = await readFile(path, 'utf8').catch(() => undefined);
  const read = text === undefined ? undefined : parseJson(keyFile, text);
  return read?.ok ? read : fail('SIGNING_KEY_INVALID', { facts: { file: path } });
}

/** The public part (SPKI, DER, base64) of a key file, or of a bare PEM as a bench has it. */
export async function publicKeyAt(path: string): Promise<Result<string, 'SIGNING_KEY_INVALID'>> {
  const file = await readKeyFile(path);
  if (file.ok) return ok(file.value.publicKey);
  try {
    const spki = createPublicKey(await readFile(path, 'utf8')).export({ format: 'der', type: 'spki' });
    return ok(spki.toString('base64'));
  } catch {
    return file;
  }
}

/** Opens a key that a person keeps, for its purpose. */
export async function openKeyAt(
  path: string,
  purpose: string,
  options: PassphraseOptions,
): Promise<Result<OpenedKey, 'SIGNING_KEY_INVALID' | 'KEY_PASSPHRASE_SHORT' | 'FILE_UNREADABLE'>> {
  const passphrase = await passphraseOf(options);
  if (!passphrase.ok) return passphrase;
  const file = await readKeyFile(path);
  return file.ok ? openKeyFile(file.value, purpose, passphrase.value) : file;
}

/** Writes a key file that only its owner reads; one that is there already is not written over. */
export const writeKeyFile = (path: string, file: KeyFile): Promise<void> =>
  writeFile(path, `${JSON.stringify(file, undefined, 2)}\n`, { mode: 0o600, flag: 'wx' });
