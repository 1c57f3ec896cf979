import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import type { Fault, Result } from '@tsunagu/protocols/kit';
import type { BridgeEvent } from '@tsunagu/protocols/workshop';
import type { World } from '@tsunagu/protocols/world';

/** What a command of the workshop runs with. */
export interface Shell {
  readonly world: World;
  /** One event, one line of JSON. */
  say(event: BridgeEvent): void;
  /** What a person or script types, line by line; ends when nobody can type any more. */
  readonly lines: AsyncIterable<string>;
  /** Told to end. */
  readonly signal: AbortSignal;
}

/** How a command ended, as an exit code: done; failed; done, with another outcome than hoped for. */
export type Ending = 0 | 1 | 5;

/** Ends a command that could not be carried out. */
export function failed(shell: Shell, { code, field, facts }: Fault): 1 {
  shell.say({
    event: 'failed',
    code,
    ...(field === undefined ? {} : { field }),
    ...(facts === undefined ? {} : { facts }),
  });
  return 1;
}

/** As `failed` for a result that is no success; undefined for one that is. */
export const failedOf = (shell: Shell, result: Result<unknown>): 1 | undefined =>
  result.ok ? undefined : failed(shell, result.fault);

/** Runs until `signal`. */
export const untilTold = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });

/** Longest line that is read from a person; the rest of it is dropped. */
const lineCharactersMax = 400;

/** The lines of a stream, cut where they are too long. */
export async function* linesOf(stream: Readable): AsyncIterable<string> {
  for await (const line of createInterface({ input: stream })) yield line.slice(0, lineCharactersMax).trim();
}
