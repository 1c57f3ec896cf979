import type { World } from '@tsunagu/protocols/world';
import { runBridge } from '../bridge/index.ts';
import { type Console, type ExitCode, exit, printFault } from '../console/index.ts';
import type { ErrorCode } from '@tsunagu/protocols/errors';
import { BenchModel } from './bench-model.ts';
import { Keys } from './keys.ts';
import type { Seat } from './run.tsx';
import { Screen } from './screen.ts';

/** `tsunagu bridge` on a terminal: the workbench until the technician leaves it, or the bridge ends. */
export async function runBench(
  world: World,
  console: Console,
  args: readonly string[],
  { stdin, stdout, env }: Seat,
): Promise<ExitCode> {
  if (env['NO_COLOR']) env['FORCE_COLOR'] = '0';
  env['NODE_ENV'] ??= 'production';
  const [{ render }, { createElement }, { Bench }] = await Promise.all([
    import('ink'),
    import('react'),
    import('./bench.tsx'),
  ]);
  const model = new BenchModel();
  const stop = new AbortController();
  for (const signal of ['SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stop.abort());
  const screen = new Screen(stdout);
  const keys = new Keys(stdin, world.timers);
  try {
    const app = render(createElement(Bench, { model, console, language: console.language }), {
      stdout: screen as unknown as NodeJS.WriteStream,
      stdin: keys as unknown as NodeJS.ReadStream,
      debug: true,
      patchConsole: false,
      exitOnCtrlC: false,
    });
    const bridge = runBridge(world, { args, signal: stop.signal, onEvent: (event) => model.take(event) });
    void bridge.finally(() => app.unmount());
    await app.waitUntilExit();
    stop.abort();
    await bridge;
  } finally {
    keys.leave();
    screen.leave();
  }
  const { fault } = model.state();
  if (fault === undefined) return exit.ok;
  printFault(
    console,
    { code: fault.code as ErrorCode, ...(fault.facts === undefined ? {} : { facts: fault.facts }) },
    false,
  );
  return exit.failed;
}
