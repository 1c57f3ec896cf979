import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { parseJson } from '@tsunagu/protocols/fleet';
import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import { z } from 'zod';

/** Where the management API is, and what opens it. */
export interface Access {
  readonly url: string;
  readonly token: string;
}

const accessFile = z.object({ url: z.url(), token: z.string().min(1) });

/** The data folder of the house that this folder belongs to: the nearest `.tsunagu` upwards, else the one to be made here. */
export function dataFolder(from: string): string {
  for (let folder = resolve(from); ; folder = dirname(folder)) {
    const candidate = join(folder, '.tsunagu');
    if (existsSync(candidate)) return candidate;
    if (folder === dirname(folder)) return join(resolve(from), '.tsunagu');
  }
}

/**
 * Finds the server: `TSUNAGU_TOKEN` with `--server` or `TSUNAGU_URL`, else the `access.json` that the server wrote into
 * its data folder. A token is taken from the environment or a file, never from the command line, where others would see it.
 */
export function findAccess(
  env: Readonly<Record<string, string | undefined>>,
  options: { readonly server?: string | undefined; readonly data?: string | undefined; readonly cwd: string },
): Result<Access, 'ACCESS_MISSING' | 'ACCESS_INVALID' | 'OPTION_INVALID'> {
  // What is set to nothing is not set: `TSUNAGU_TOKEN= tsunagu …` is how a shell takes a variable away.
  const url = options.server ?? (env['TSUNAGU_URL'] || undefined);
  const token = env['TSUNAGU_TOKEN'] || undefined;
  if (url !== undefined && !URL.canParse(url)) return fail('OPTION_INVALID', { field: 'server' });
  // A header holds it: a line break in it, as of a file that says more than the token, would look like a server that is away.
  if (token !== undefined && !/^[\x21-\x7e]+$/.test(token)) return fail('OPTION_INVALID', { field: 'TSUNAGU_TOKEN' });
  if (url && token) return ok({ url, token });
  const path = join(options.data ?? dataFolder(options.cwd), 'access.json');
  if (!existsSync(path)) return fail('ACCESS_MISSING', { facts: { path } });
  const read = parseJson(accessFile, readFileSync(path, 'utf8'));
  if (!read.ok) return fail('ACCESS_INVALID', { facts: { path }, cause: read.fault });
  // The file's token is for the file's server: it never goes to another address that somebody typed.
  if (token === undefined && url !== undefined && new URL(url).origin !== new URL(read.value.url).origin)
    return fail('ACCESS_MISSING', { facts: { url } });
  return ok({ url: url ?? read.value.url, token: token ?? read.value.token });
}
