import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Timers } from '@tsunagu/protocols/world';

const run = promisify(execFile);

/** Has the kernel import a device of an emulator on this machine. It takes a moment to let the one before go; until then its virtual port is in use. */
export async function attach(timers: Timers, busId: string, port = 3240): Promise<void> {
  for (let tries = 0; ; tries++)
    try {
      await run('usbip', ['--tcp-port', String(port), 'attach', '-r', '127.0.0.1', '-b', busId]);
      return;
    } catch (error) {
      if (tries === 20) throw error;
      await timers.sleep(500);
    }
}
