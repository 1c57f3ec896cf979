import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { SettingValues } from '@tsunagu/protocols/fleet';
import { type Console, type ExitCode, exit, printFault } from '../console/index.ts';
import { settingOfText } from './config-target.ts';
import { emulatedTerminal } from './emulated-terminal.ts';

/** `tsunagu emulate service SERIAL NAME=VALUE…`: what a technician types into the service menu of an emulated terminal of this house. */
export async function serviceAt(
  console: Console,
  data: string,
  serial: string,
  assignments: readonly string[],
  by: string,
  json: boolean,
): Promise<ExitCode> {
  const folder = emulatedTerminal(data, serial);
  if (!folder.ok) {
    printFault(console, folder.fault, json);
    return exit.failed;
  }
  const values: SettingValues = {};
  for (const assignment of assignments) {
    const read = settingOfText(assignment);
    if (!read.ok) {
      printFault(console, read.fault, json);
      return exit.usage;
    }
    values[read.value[0]] = read.value[1];
  }
  // The terminal sees the whole of it or nothing.
  const typed = join(folder.value, 'service-menu.json');
  await writeFile(`${typed}.new`, JSON.stringify({ by, values }), { mode: 0o600 });
  await rename(`${typed}.new`, typed);
  if (json) console.out(JSON.stringify({ serial, by, values }));
  else console.out(console.texts.config.serviced(serial, by));
  return exit.ok;
}
