import { parseJson, settingValues } from '@tsunagu/protocols/fleet';
import type { World } from '@tsunagu/protocols/world';
import { z } from 'zod';
import type { Terminal } from '../agent/index.ts';
import { watchFile } from './watched-file.ts';

/** The service menu of an emulated terminal: a file of this name in its folder is what a technician typed. */
const menuFile = 'service-menu.json';
const typed = z.object({ by: z.string().min(1).max(40), values: settingValues });

/** Lets a technician change settings at the terminal, from now until `signal` is aborted. */
export function watchServiceMenu(
  world: Pick<World, 'log'>,
  folder: string,
  terminal: Pick<Terminal, 'serial' | 'service'>,
  signal: AbortSignal,
): void {
  watchFile(
    world,
    {
      folder,
      name: menuFile,
      serial: terminal.serial,
      failed: 'serviceMenuFailed',
      parse(text) {
        const entered = parseJson(typed, text);
        return entered.ok ? entered.value : undefined;
      },
      async obey({ by, values }) {
        const done = await terminal.service(by, values);
        if (!done.ok) world.log('warn', 'serviceMenuRefused', { serial: terminal.serial, fault: done.fault });
      },
    },
    signal,
  );
}
