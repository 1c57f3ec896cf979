import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fail, ok, type Result } from '@tsunagu/protocols/kit';

/** The folder of an emulated terminal of this house. TERMINAL_UNKNOWN: there is none of that serial. */
export function emulatedTerminal(data: string, serial: string): Result<string, 'TERMINAL_UNKNOWN'> {
  const folder = join(data, 'terminals', serial);
  return /^[A-Z0-9-]{1,32}$/.test(serial) && existsSync(join(folder, 'claim.json'))
    ? ok(folder)
    : fail('TERMINAL_UNKNOWN', { facts: { serial } });
}
