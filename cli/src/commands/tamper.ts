import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fail } from '@tsunagu/protocols/kit';
import { type Console, type ExitCode, exit, printFault } from '../console/index.ts';

/** `tsunagu emulate tamper SERIAL`: opens the case of an emulated terminal of this house. Its keys are gone for good. */
export async function tamperWith(
  console: Console,
  data: string,
  serial: string,
  sensor: string,
  json: boolean,
): Promise<ExitCode> {
  const folder = join(data, 'terminals', serial);
  if (!/^[A-Z0-9-]{1,32}$/.test(serial) || !existsSync(join(folder, 'claim.json'))) {
    printFault(console, fail('TERMINAL_UNKNOWN', { facts: { serial } }).fault, json);
    return exit.failed;
  }
  await writeFile(join(folder, 'tamper-switch'), sensor, { mode: 0o600 });
  if (json) console.out(JSON.stringify({ serial, sensor }));
  else console.out(console.texts.tampered(serial, sensor));
  return exit.ok;
}
