import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { type ErrorCode, isErrorCode } from '@tsunagu/protocols/errors';
import { parseJson } from '@tsunagu/protocols/fleet';
import { type Fault, fail, ok, type Result } from '@tsunagu/protocols/kit';
import type { Timer, World } from '@tsunagu/protocols/world';
import { z } from 'zod';

const facts = z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]));
/** The one line with which a part of the house says that it listens, or why it does not. */
const firstLine = z.discriminatedUnion('event', [
  z.looseObject({
    event: z.literal('ready'),
    signInUrl: z.string().optional(),
    managementUrl: z.string().optional(),
    unwell: z.array(z.object({ serial: z.string(), code: z.string(), facts })).optional(),
  }),
  z.object({
    event: z.literal('failed'),
    code: z.string(),
    facts: facts.optional(),
  }),
]);
/** What a part says while it starts: how many of its terminals are there. */
const progressLine = z.object({
  event: z.literal('starting'),
  count: z.number().int().nonnegative(),
  of: z.number().int().nonnegative(),
});
export type Progress = z.infer<typeof progressLine>;
/** What a node of the switch says while another one works (`--switch-store`). */
const standbyLine = z.object({ event: z.literal('standby') });

export type Ready = Extract<z.infer<typeof firstLine>, { event: 'ready' }>;

/** What a program is started with, besides its arguments. */
export interface ProcessStart {
  readonly flags: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

/** A running part of the house. */
export interface Child {
  readonly name: string;
  readonly ready: Ready;
  /** Resolves when it has ended, wanted or not. */
  readonly ended: Promise<void>;
  /** Asks it to end, and ends it by force after `graceMs`. */
  stop(graceMs: number): Promise<void>;
}

/** How a part that starts is waited for. */
export interface Patience {
  /** Given up after so long without a word: a slow machine goes on, a part that hangs does not hold the house for ever. */
  readonly silentMs: number;
  readonly sayEveryMs: number;
  /** It is not there yet: after how long, and how far it is. */
  readonly stillWaiting: (waitedMs: number, progress: Progress | undefined) => void;
  /** Another node of the switch works: this one waits for as long as that does, which may be days. */
  readonly standingBy?: () => void;
}

/**
 * Starts a program of the house and waits for the line that says that it is ready, or why not. The child holds the other end of a pipe: when this process
 * dies without a word, the pipe closes and the child ends by itself (`--lifeline`). Ctrl-C reaches this process alone.
 *
 * @param how flags of the runtime, before the program, and its environment beside ours; what a person has set there stays
 */
export async function startChild(
  world: World,
  name: string,
  program: string,
  args: readonly string[],
  patience: Patience,
  signal: AbortSignal,
  how: Partial<ProcessStart> = {},
): Promise<Result<Child>> {
  const child = spawn(process.execPath, [...(how.flags ?? []), program, ...args], {
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true,
    env: { ...how.environment, ...process.env, TSUNAGU_LIFELINE: '1' },
  });
  const stderr: string[] = [];
  createInterface({ input: child.stderr }).on('line', (line) => {
    stderr.push(line);
    if (stderr.length > 20) stderr.shift();
  });
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', () => resolve());
  });
  const said = await new Promise<string | Fault>((resolve) => {
    const began = world.clock.monotonicMs();
    let progress: Progress | undefined;
    const silence = (): Timer =>
      world.timers.after(patience.silentMs, () => done({ code: 'START_TOO_SLOW', facts: { name } }));
    let deadline = silence();
    const saying = world.timers.every(patience.sayEveryMs, () =>
      patience.stillWaiting(world.clock.monotonicMs() - began, progress),
    );
    const lines = createInterface({ input: child.stdout });
    const done = (result: string | Fault): void => {
      deadline.cancel();
      saying.cancel();
      lines.close();
      resolve(result);
    };
    lines.on('line', (line) => {
      if (parseJson(standbyLine, line).ok) {
        deadline.cancel();
        saying.cancel();
        patience.standingBy?.();
        return;
      }
      const further = parseJson(progressLine, line);
      if (!further.ok) return done(line);
      if (further.value.count === progress?.count) return;
      progress = further.value;
      deadline.cancel();
      deadline = silence();
    });
    signal.addEventListener('abort', () => done({ code: 'PROCESS_DIED', facts: { name } }), { once: true });
    // An exit without a line: what it wrote to its error output is all there is to tell.
    void ended.then(() => done({ code: 'PROCESS_DIED', facts: { name, said: stderr.slice(-3).join(' / ') } }));
  });
  if (typeof said !== 'string') {
    await stop(world, child, ended, 2_000);
    return { ok: false, fault: said };
  }
  const line = parseJson(firstLine, said);
  if (!line.ok || line.value.event === 'failed') {
    await stop(world, child, ended, 2_000);
    if (!line.ok || !isErrorCode(line.value.event === 'failed' ? line.value.code : ''))
      return fail('PROCESS_DIED', { facts: { name, said } });
    const { code, facts } = line.value as Extract<z.infer<typeof firstLine>, { event: 'failed' }>;
    return { ok: false, fault: { code: code as ErrorCode, facts: { ...facts } } };
  }
  child.stdout.resume();
  return ok({ name, ready: line.value, ended, stop: (graceMs) => stop(world, child, ended, graceMs) });
}

async function stop(world: World, child: ChildProcess, ended: Promise<void>, graceMs: number): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGTERM');
  const force = world.timers.after(graceMs, () => child.kill('SIGKILL'));
  await ended;
  force.cancel();
}
