import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { isErrorCode } from '@tsunagu/protocols/errors';
import { parseJson } from '@tsunagu/protocols/fleet';
import { z } from 'zod';
import { type Console, type ExitCode, exit, refuse } from '../console/index.ts';

const programs = {
  issuer: 'fleet-server/dist/card-company.js',
  acquirer: 'fleet-server/dist/merchant-centre.js',
  oracle: 'fleet-server/dist/ledger-oracle.js',
} as const;

/** Lines of an emulator. */
const line = z.looseObject({ event: z.string() });
const failed = z.object({
  event: z.literal('failed'),
  code: z.string(),
  facts: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).default({}),
});

/**
 * Runs an emulator until it ends, or until we are told to end, which it is told as well. With `json` its own lines are passed on; otherwise each becomes
 * one line of `key value` pairs.
 */
export async function runEmulator(
  console: Console,
  json: boolean,
  name: keyof typeof programs,
  args: readonly string[],
): Promise<ExitCode> {
  const program = fileURLToPath(new URL(`../../../${programs[name]}`, import.meta.url));
  const child = spawn(process.execPath, [program, ...args], {
    stdio: ['pipe', 'pipe', 'inherit'],
    detached: true,
    env: { ...process.env, TSUNAGU_LIFELINE: '1' },
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => child.kill('SIGTERM'));
  let code: ExitCode = exit.ok;
  createInterface({ input: child.stdout }).on('line', (text) => {
    const fault = parseJson(failed, text);
    if (fault.ok && isErrorCode(fault.value.code)) {
      code = exit.failed;
      refuse(console, { code: fault.value.code, facts: fault.value.facts }, json);
      return;
    }
    const said = parseJson(line, text);
    if (json || !said.ok) console.out(text);
    else console.out(readable(console, said.value));
  });
  const ended = await new Promise<number | null>((resolve) => child.once('exit', resolve));
  return ended === 0 || ended === null ? code : exit.failed;
}

function readable(console: Console, { event, ...facts }: z.infer<typeof line>): string {
  const { events } = console.texts.emulate;
  const name = Object.entries(events).find(([known]) => known === event)?.[1] ?? event;
  return `${name}  ${pairs(facts)}`;
}

const pairs = (facts: object): string =>
  Object.entries(facts)
    .map(([key, value]) =>
      typeof value === 'object' && value !== null ? `${key}(${pairs(value)})` : `${key} ${short(value)}`,
    )
    .join('  ');

const short = (value: unknown): string =>
  typeof value === 'number' && !Number.isInteger(value) ? value.toFixed(1) : String(value);
