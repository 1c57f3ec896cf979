import { readFile } from 'node:fs/promises';
import { fail, ok, type Result } from '@tsunagu/protocols/kit';

/** The encodings of spreadsheets, the strictest first; a byte order mark names the second. `shift_jis` is Windows-31J (WHATWG Encoding, 4.2). */
const encodings = ['utf-8', 'utf-16le', 'shift_jis'] as const;

/** Reads a CSV file as spreadsheets write it: UTF-8 with or without a byte order mark, UTF-16 with one, or Shift_JIS. */
export async function readCsvText(file: string): Promise<Result<string, 'FILE_UNREADABLE'>> {
  const bytes = await readFile(file).catch(() => undefined);
  if (bytes === undefined) return fail('FILE_UNREADABLE', { facts: { path: file } });
  for (const encoding of encodings) {
    if (encoding === 'utf-16le' && !(bytes[0] === 0xff && bytes[1] === 0xfe)) continue;
    try {
      return ok(new TextDecoder(encoding, { fatal: true }).decode(bytes));
    } catch {
      // Not in this one.
    }
  }
  return fail('FILE_UNREADABLE', { facts: { path: file, wants: 'UTF-8, UTF-16, Shift_JIS' } });
}
