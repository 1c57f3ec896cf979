import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { parseJson } from '@tsunagu/protocols/fleet';
import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import { type BridgeEvent, bridgeEvent } from '@tsunagu/protocols/workshop';
import type { World } from '@tsunagu/protocols/world';

const path = fileURLToPath(new URL('../../../firmware-bridge/dist/main.js', import.meta.url));
/** How long the bridge may take to put readers down before it is ended by force. */
const stopGraceMs = 5_000;
/** Longest line of events that is taken, characters. */
const lineCharactersMax = 65_536;

/** How the bridge program is run. */
export interface BridgeTask {
  readonly args: readonly string[];
  /** Called for each event, with the line that it came in. */
  readonly onEvent: (event: BridgeEvent, line: string) => void;
  /** What is typed reaches the bridge. */
  readonly input?: Readable;
  /** Asks it to end. */
  readonly signal: AbortSignal;
}

/**
 * Runs the bridge program of this house and hands out what it says, until it ends. It is a process of its own, met on its
 * standard streams; an IPC channel tells it when we are gone.
 * @returns its exit code
 */
export async function runBridge(world: World, { args, onEvent, input, signal }: BridgeTask): Promise<Result<number>> {
  if (!existsSync(path)) return fail('BRIDGE_NOT_BUILT', { facts: { path } });
  const child = spawn(process.execPath, [path, ...args], {
    stdio: ['pipe', 'pipe', 'inherit', 'ipc'],
    // Ctrl-C reaches us alone, and we ask the bridge to end.
    detached: true,
  });
  const stop = (): void => {
    if (child.connected) child.disconnect();
    const force = world.timers.after(stopGraceMs, () => child.kill('SIGKILL'));
    child.once('exit', () => force.cancel());
  };
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  // A bridge that has ended takes no more input, and that is no fault.
  child.stdin?.on('error', () => undefined);
  if (input !== undefined && child.stdin !== null) input.pipe(child.stdin);
  if (child.stdout === null) throw new Error('the bridge has an output');
  const lines = createInterface({ input: child.stdout });
  const ended = new Promise<number>((resolve) => {
    child.once('error', () => resolve(1));
    child.once('exit', (code) => resolve(code ?? 1));
  });
  for await (const line of lines) {
    // Events of a newer bridge are skipped: what they mean is not known here.
    const event = parseJson(bridgeEvent, line, lineCharactersMax);
    if (event.ok) onEvent(event.value, line);
  }
  const code = await ended;
  signal.removeEventListener('abort', stop);
  input?.unpipe();
  input?.pause();
  return ok(code);
}
