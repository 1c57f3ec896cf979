import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Console, type ExitCode, exit, printFault } from '../console/index.ts';
import { emulatedTerminal } from './emulated-terminal.ts';

/** `tsunagu emulate tamper SERIAL`: opens the case of an emulated terminal of this house. Its keys are gone for good. */
export async function tamperWith(
  console: Console,
  data: string,
  serial: string,
  sensor: string,
  json: boolean,
): Promise<ExitCode> {
  const folder = emulatedTerminal(data, serial);
  if (!folder.ok) {
    printFault(console, folder.fault, json);
    return exit.failed;
  }
  await writeFile(join(folder.value, 'tamper-switch'), sensor, { mode: 0o600 });
  if (json) console.out(JSON.stringify({ serial, sensor }));
  else console.out(console.texts.tampered(serial, sensor));
  return exit.ok;
}
