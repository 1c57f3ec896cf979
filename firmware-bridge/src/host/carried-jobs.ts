import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { carriedCharactersMax, carriedJobs, type carriedReportsFile, parseJson } from '@tsunagu/protocols/fleet';
import type { World } from '@tsunagu/protocols/world';
import type { z } from 'zod';
import type { Terminal } from '../agent/index.ts';
import { answerInto, watchFile } from './watched-file.ts';

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
  const look = watchFile(
    world,
    {
      folder,
      name: broughtFile,
      serial: terminal.serial,
      failed: 'carriedJobsFailed',
      parse(text) {
        const brought = parseJson(carriedJobs, text, carriedCharactersMax);
        return brought.ok ? brought.value : undefined;
      },
      async obey(brought) {
        const done = await terminal.carry(brought);
        if (!done.ok) {
          world.log('warn', 'carriedJobsRefused', { serial: terminal.serial, fault: done.fault });
          return;
        }
        const file: z.output<typeof carriedReportsFile> = {
          format: 'tsunagu-carried-reports-v1',
          reports: [...done.value],
        };
        await answerInto(folder, handedFile, file);
        await rm(join(folder, broughtFile), { force: true });
      },
    },
    signal,
  );
  look();
}
