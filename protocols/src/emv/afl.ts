import { fail, ok, type Result } from '../kit/index.ts';

/** One entry of the application file locator: which records of a file are to be read. */
export interface AflEntry {
  /** Short file identifier, 1 to 30. */
  readonly sfi: number;
  readonly first: number;
  readonly last: number;
  /** How many of them, from the first on, are under offline data authentication. */
  readonly authenticated: number;
}

/** Reads an application file locator (94). EMV 4.3 Book 3, 10.2. */
export function parseAfl(bytes: Uint8Array): Result<readonly AflEntry[], 'EMV_AFL_INVALID'> {
  if (bytes.length === 0 || bytes.length % 4 !== 0 || bytes.length > 252)
    return fail('EMV_AFL_INVALID', { field: '94', facts: { length: bytes.length } });
  const entries: AflEntry[] = [];
  for (let at = 0; at < bytes.length; at += 4) {
    const file = bytes[at] ?? 0;
    const [sfi, first, last, authenticated] = [file >> 3, bytes[at + 1] ?? 0, bytes[at + 2] ?? 0, bytes[at + 3] ?? 0];
    const isWrong = (file & 7) !== 0 || sfi === 0 || sfi > 30 || first === 0 || last < first;
    if (isWrong || authenticated > last - first + 1) return fail('EMV_AFL_INVALID', { field: '94', offset: at });
    entries.push({ sfi, first, last, authenticated });
  }
  return ok(entries);
}

/** Writes an application file locator. */
export const encodeAfl = (entries: readonly AflEntry[]): Uint8Array =>
  Uint8Array.from(entries.flatMap(({ sfi, first, last, authenticated }) => [sfi << 3, first, last, authenticated]));
