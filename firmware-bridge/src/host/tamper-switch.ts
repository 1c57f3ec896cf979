import { watch } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { World } from '@tsunagu/protocols/world';
import type { Terminal } from '../agent/index.ts';
import { tamperSensor } from '../tamper/index.ts';

/** The case of an emulated terminal: a file of this name in its folder, with the sensor's name in it, is a case that was opened. */
const switchFile = 'tamper-switch';

/** Lets the terminal feel what happens to its case, now and until `signal` is aborted. */
export function watchTamperSwitch(
  world: Pick<World, 'log'>,
  folder: string,
  terminal: Pick<Terminal, 'serial' | 'tamper'>,
  signal: AbortSignal,
): void {
  const look = async (): Promise<void> => {
    const text = await readFile(join(folder, switchFile), 'utf8').catch(() => undefined);
    const sensor = tamperSensor.safeParse(text?.trim());
    if (sensor.success) await terminal.tamper(sensor.data);
  };
  const looked = (): void =>
    void look().catch((cause: unknown) =>
      world.log('error', 'tamperSwitchUnreadable', { serial: terminal.serial, fault: { code: 'INTERNAL', cause } }),
    );
  const watcher = watch(folder, { persistent: false, signal }, (_event, name) => {
    if (name === switchFile) looked();
  });
  watcher.on('error', () => undefined);
  looked();
}
