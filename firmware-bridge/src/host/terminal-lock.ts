import { join } from 'node:path';
import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import { holdFile } from '../sealed-store/index.ts';

/** The file in a terminal's folder that names the process which runs it. */
const lockFile = 'terminal.lock';

/**
 * Takes a terminal's folder for this process alone. Two processes on one store would give out one transaction key and one trace number
 * twice, and undo each other's records.
 * @returns what gives the folder back
 */
export function lockTerminal(folder: string): Result<() => void, 'TERMINAL_IN_USE' | 'STORE_WRITE_FAILED'> {
  try {
    const release = holdFile(join(folder, lockFile));
    return release ? ok(release) : fail('TERMINAL_IN_USE', { facts: { folder } });
  } catch (cause) {
    return fail('STORE_WRITE_FAILED', { field: lockFile, cause });
  }
}
