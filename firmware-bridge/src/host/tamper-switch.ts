import type { World } from '@tsunagu/protocols/world';
import type { Terminal } from '../agent/index.ts';
import { tamperSensor } from '../tamper/index.ts';
import { watchFile } from './watched-file.ts';

/** The case of an emulated terminal: a file of this name in its folder, with the sensor's name in it, is a case that was opened. */
const switchFile = 'tamper-switch';

/** Lets the terminal feel what happens to its case, now and until `signal` is aborted. */
export function watchTamperSwitch(
  world: Pick<World, 'log'>,
  folder: string,
  terminal: Pick<Terminal, 'serial' | 'tamper'>,
  signal: AbortSignal,
): void {
  const look = watchFile(
    world,
    {
      folder,
      name: switchFile,
      serial: terminal.serial,
      failed: 'tamperSwitchUnreadable',
      parse: (text) => tamperSensor.safeParse(text.trim()).data,
      obey: (sensor) => terminal.tamper(sensor),
    },
    signal,
  );
  look();
}
