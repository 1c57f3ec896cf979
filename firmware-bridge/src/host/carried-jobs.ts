import { rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { carriedCharactersMax, carriedJobs, type carriedReportsFile, parseJson } from '@tsunagu/protocols/fleet';
import type { World } from '@tsunagu/protocols/world';
import type { z } from 'zod';
import type { Terminal } from '../agent/index.ts';
import { watchFile } from './watched-file.ts';

/** The service port of an emulated terminal: what a technician carried there, and what the terminal hands back. */
const broughtFile = 'carried-jobs.json';
const handedFile = 'carried-reports.json';

/** Lets the terminal do what was carried to it, now (it may have restarted in the middle) and until `signal` is aborted. */
export function watchCarriedJobs(
  world: Pick<World, 'log'>,
  folder: string,
  terminal: Pick<Terminal, 'serial' | 'carry'>,
  signal: AbortSignal,
): void {
  const failed = (cause: unknown): void =>
    world.log('error', 'carriedJobsFailed', { serial: terminal.serial, fault: { code: 'INTERNAL', cause } });
  const look = watchFile(
    {
      folder,
      name: broughtFile,
      async read(text) {
        const brought = parseJson(carriedJobs, text, carriedCharactersMax);
        if (!brought.ok) return;
        const done = await terminal.carry(brought.value);
        if (!done.ok) {
          world.log('warn', 'carriedJobsRefused', { serial: terminal.serial, fault: done.fault });
          return;
        }
        const file: z.output<typeof carriedReportsFile> = {
          format: 'tsunagu-carried-reports-v1',
          reports: [...done.value],
        };
        const handed = join(folder, handedFile);
        await writeFile(`${handed}.new`, JSON.stringify(file), { mode: 0o600 });
        await rename(`${handed}.new`, handed);
        await rm(join(folder, broughtFile), { force: true });
      },
      failed,
    },
    signal,
  );
  look();
}
