import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Fault, Result } from '@tsunagu/protocols/kit';
import type { LogSink, World } from '@tsunagu/protocols/world';
import { pino } from 'pino';

/** The log of an emulator: `logs/NAME.log` in its data folder. */
export async function openProgramLog(dataFolder: string, name: string): Promise<LogSink> {
  const folder = join(dataFolder, 'logs');
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const dest = join(folder, `${name}.log`);
  const logger = pino({ base: { process: name } }, pino.destination({ dest, mkdir: true, sync: false }));
  return (level, event, facts) => {
    if (logger.isLevelEnabled(level)) logger[level](readable(facts), event);
  };
}

/** Writes one JSON line to stdout. */
export const say = (line: object): void => {
  process.stdout.write(`${JSON.stringify(line)}\n`);
};

/** Starts an emulator, says that it is ready or why not, and closes it on a signal, or when whoever started it has gone. */
export async function runEmulator<T extends { close(): Promise<void> }>(
  world: World,
  start: () => Promise<Result<T>>,
  ready: (started: T) => object,
): Promise<T | undefined> {
  let leave: () => void = () => undefined;
  // Whoever read us has gone (`| head`): what is open is brought to its end, and nobody is told.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    leave();
  });
  const started = await start();
  if (!started.ok) {
    const { code, field, facts = {} } = started.fault;
    world.log('error', 'startFailed', { fault: started.fault });
    say({ event: 'failed', code, facts: { ...facts, ...(field !== undefined && { field: String(field) }) } });
    process.exitCode = 1;
    return undefined;
  }
  world.log('info', 'started', {});
  say({ event: 'ready', ...ready(started.value) });
  let isLeaving = false;
  const stop = (): void => {
    if (isLeaving) return;
    isLeaving = true;
    process.stdin.destroy();
    started.value
      .close()
      .then(() => world.log('info', 'stopped'))
      .catch((cause: unknown) => world.log('error', 'stopFailed', { fault: { code: 'INTERNAL', cause } }));
  };
  leave = stop;
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
  // Whoever started us holds the other end of our input: when it dies, so do we.
  if (process.env['TSUNAGU_LIFELINE']) process.stdin.once('end', stop).once('error', stop).resume();
  return started.value;
}

/** Faults keep their code and place; of what caused them only its own code. */
function readable(facts: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const { fault, ...others } = facts;
  return isFault(fault) ? { ...others, fault: { ...fault, cause: causeOf(fault.cause) } } : { ...others };
}

function isFault(value: unknown): value is Fault {
  return typeof value === 'object' && value !== null && 'code' in value;
}

function causeOf(cause: unknown): unknown {
  if (isFault(cause)) return { code: cause.code };
  return cause instanceof Error ? cause.name : undefined;
}
