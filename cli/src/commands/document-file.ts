import { readFile, writeFile } from 'node:fs/promises';
import { parseJson } from '@tsunagu/protocols/fleet';
import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import type { z } from 'zod';
import { notWritten } from '../console/index.ts';

/** A document out of a file. FILE_UNREADABLE: there is none to read; `invalid`: it is no such document. */
export async function documentAt<T, C extends 'INSPECTION_INVALID' | 'CUSTODY_INVALID'>(
  path: string,
  schema: z.ZodType<T>,
  invalid: C,
): Promise<Result<T, C | 'FILE_UNREADABLE'>> {
  const text = await readFile(path, 'utf8').catch(() => undefined);
  if (text === undefined) return fail('FILE_UNREADABLE', { facts: { path } });
  const read = parseJson(schema, text);
  return read.ok ? ok(read.value) : fail(invalid, { facts: { path } });
}

/** Writes a file that is not there yet: what was signed or recorded before replaces nothing, and is replaced by nothing. */
export async function writeNew(
  path: string,
  content: string | Uint8Array,
): Promise<Result<void, 'FILE_EXISTS' | 'FILE_UNWRITABLE'>> {
  try {
    await writeFile(path, content, { flag: 'wx' });
    return ok(undefined);
  } catch (cause) {
    return notWritten(path, cause);
  }
}
