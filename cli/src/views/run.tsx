import type { Context } from '../commands/context.ts';
import { type ExitCode, exit, refuse } from '../console/index.ts';
import { FleetModel } from './fleet-model.ts';
import { Keys, type KeySource } from './keys.ts';
import { Screen, type ScreenTarget } from './screen.ts';

/** The terminal that a screen runs on. */
export interface Seat {
  readonly stdin: KeySource;
  readonly stdout: ScreenTarget;
  readonly env: NodeJS.ProcessEnv;
}

/** `tsunagu`: the live screen, until the technician leaves it. The terminal is given back whatever happens. */
export async function runScreen({ world, client, console }: Context, { stdin, stdout, env }: Seat): Promise<ExitCode> {
  const reached = await client.overview();
  if (!reached.ok) return refuse(console, reached.fault, false);
  // chalk inside ink does not know NO_COLOR, and decides when it is loaded.
  if (env['NO_COLOR']) env['FORCE_COLOR'] = '0';
  env['NODE_ENV'] ??= 'production';
  const [{ render }, { createElement }, { App }] = await Promise.all([
    import('ink'),
    import('react'),
    import('./app.tsx'),
  ]);
  const model = new FleetModel(world, client);
  const screen = new Screen(stdout);
  const keys = new Keys(stdin, world.timers);
  try {
    const app = render(createElement(App, { world, model, language: console.language }), {
      stdout: screen as unknown as NodeJS.WriteStream,
      stdin: keys as unknown as NodeJS.ReadStream,
      debug: true,
      patchConsole: false,
      exitOnCtrlC: false,
    });
    model.start();
    await app.waitUntilExit();
  } finally {
    model.stop();
    keys.leave();
    screen.leave();
  }
  return exit.ok;
}
