import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { errorTable } from '@tsunagu/protocols/errors';
import { iso8583Workbench } from '@tsunagu/protocols/iso8583';
import { type Fault, fail } from '@tsunagu/protocols/kit';
import type { World } from '@tsunagu/protocols/world';
import { type Family, keyWorkbench } from '@tsunagu/protocols/internal/workbench-keys';
import { z } from 'zod';
import { type ExitCode, exit } from '../console/index.ts';

const requestLine = z.looseObject({ id: z.union([z.string(), z.number()]), family: z.string(), op: z.string() });
const lineLengthMax = 4 * 1024 * 1024;

/** Every family that the workbench knows. */
export const families = (world: Pick<World, 'entropy'>): ReadonlyMap<string, Family> =>
  new Map([...keyWorkbench((length) => world.entropy(length)), ['iso8583', new Map(Object.entries(iso8583Workbench))]]);

/** Answers one line; undefined when it does not even have an id to answer to. */
export function answerLine(known: ReadonlyMap<string, Family>, line: string): object | undefined {
  const request = parseLine(line);
  if (!request) return undefined;
  const { id, family, op } = request;
  const operation = known.get(family)?.get(op);
  const result = operation ? operation(request) : fail('UNKNOWN_OP');
  return result.ok ? { id, ok: true, ...result.value } : { id, ok: false, ...refusal(result.fault) };
}

function parseLine(line: string): z.infer<typeof requestLine> | undefined {
  if (line.length > lineLengthMax) return undefined;
  try {
    return requestLine.safeParse(JSON.parse(line)).data;
  } catch {
    return undefined;
  }
}

const refusal = ({ code, field, offset }: Fault): object => ({
  code,
  message: errorTable[code].en.says,
  ...(field === undefined ? {} : { field }),
  ...(offset === undefined ? {} : { offset }),
});

/**
 * `tsunagu wire --jsonl`: a workbench for integrators. One JSON request a line on standard input, one answer a line on
 * standard output with the same id, until the input ends. A line that is no request is refused on the error output.
 */
export async function runWorkbench(
  world: World,
  input: Readable,
  write: (line: string) => void,
  complain: (line: string) => void,
): Promise<ExitCode> {
  const known = families(world);
  for await (const line of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
    if (!line.trim()) continue;
    const answer = answerLine(known, line);
    if (answer) write(JSON.stringify(answer));
    else complain(`REQUEST_INVALID: ${errorTable.REQUEST_INVALID.en.says}`);
  }
  return exit.ok;
}
