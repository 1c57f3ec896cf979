import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { Fault } from '../kit/index.ts';
import { fail, ok, type Result } from '../kit/index.ts';

/** Version of the format that is written here. Another one is refused: a trace is recorded again rather than guessed at. */
export const traceVersion = 1;
/** Operations in one trace. */
export const traceStepsMax = 65_536;
/** Longest trace, characters. */
export const traceCharactersMax = 8 * 1024 * 1024;
/** Longest data of one operation, bytes. */
const dataBytesMax = 131_072;

const hexText = z
  .string()
  .max(2 * dataBytesMax)
  .regex(/^([0-9A-F]{2})*$/);
const sealedText = z
  .string()
  .max(2 * dataBytesMax)
  .regex(/^[A-Za-z0-9_-]*$/);
const endpoint = z.number().int().min(0).max(15);
const word = z.number().int().min(0).max(0xffff);

const setup = z.strictObject({
  type: z.enum(['standard', 'class', 'vendor']),
  recipient: z.enum(['device', 'interface', 'endpoint']),
  request: z.number().int().min(0).max(255),
  value: word,
  index: word,
});

/** How an operation ended: with a fault of the error table, or well. */
const fault = z
  .string()
  .regex(/^[A-Z][A-Z0-9_]{2,40}$/)
  .optional();
/** What went to the reader (`out`) or came from it (`in`), in the clear or sealed. */
const out = { out: hexText.optional(), sealedOut: sealedText.optional() };
const come = { in: hexText.optional(), sealedIn: sealedText.optional() };

/** One operation on the device, in the order in which they began. */
export const traceStep = z.discriminatedUnion('op', [
  z.strictObject({ op: z.literal('open'), fault }),
  z.strictObject({ op: z.literal('claim'), interface: z.number().int().min(0).max(255), fault }),
  z.strictObject({ op: z.literal('controlIn'), setup, ...come, fault }),
  z.strictObject({ op: z.literal('controlOut'), setup, ...out, fault }),
  z.strictObject({ op: z.literal('bulkOut'), endpoint, ...out, fault }),
  z.strictObject({ op: z.literal('bulkIn'), endpoint, ...come, fault }),
  z.strictObject({ op: z.literal('interruptIn'), endpoint, ...come, fault }),
  z.strictObject({ op: z.literal('clearHalt'), direction: z.enum(['in', 'out']), endpoint, fault }),
  z.strictObject({ op: z.literal('close') }),
]);
export type TraceStep = z.infer<typeof traceStep>;

/** The first line: what was recorded, and how its card data is kept. */
export const traceHeader = z.strictObject({
  trace: z.literal('tsunagu-usb'),
  version: z.literal(traceVersion),
  /** Which script drove the reader; it is run again on replay. */
  script: z.string().regex(/^[a-z][a-z-]{1,30}$/),
  /** Who put in and took out cards when asked: nobody, a person, or the emulator, which also breaks answers on request. */
  hand: z.enum(['none', 'person', 'emulated']),
  /** Faults that the emulator was asked for and knew. */
  faults: z.array(z.string().regex(/^[A-Za-z0-9]{1,30}$/)).max(32),
  device: z.strictObject({ vendorId: word, productId: word }),
  /** `fictional`: every card that was powered is one of the test cards, and all is in the clear. `sealed`: transfers are not. */
  card: z.enum(['fictional', 'sealed']),
  /** 16 bytes, of a sealed trace. */
  salt: hexText.length(32).optional(),
});
export type TraceHeader = z.infer<typeof traceHeader>;

const traceEnd = z.strictObject({
  end: z.literal(true),
  steps: z.number().int().min(0).max(traceStepsMax),
  /** Of every line before, line feeds included. */
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  /** When each step began, milliseconds from the first. Outside the hash: the same dialogue has the same hash. */
  atMs: z.array(z.number().min(0)).max(traceStepsMax),
});

/** A recorded session with one reader. */
export interface Trace {
  readonly header: TraceHeader;
  readonly steps: readonly TraceStep[];
  readonly atMs: readonly number[];
  /** SHA-256 of header and steps, hexadecimal. */
  readonly hash: string;
}

const hashOf = (text: string): string => createHash('sha256').update(text, 'utf8').digest('hex');

/** Writes a trace as lines of JSON. Its hash is computed here. */
export function encodeTrace(
  header: TraceHeader,
  steps: readonly TraceStep[],
  atMs: readonly number[],
): Result<{ readonly text: string; readonly hash: string }, 'TRACE_TOO_LONG'> {
  if (steps.length > traceStepsMax) return fail('TRACE_TOO_LONG', { facts: { steps: steps.length } });
  const body = [header, ...steps].map((line) => `${JSON.stringify(line)}\n`).join('');
  const hash = hashOf(body);
  const text = `${body}${JSON.stringify({ end: true, steps: steps.length, sha256: hash, atMs })}\n`;
  return text.length > traceCharactersMax
    ? fail('TRACE_TOO_LONG', { facts: { characters: text.length } })
    : ok({ text, hash });
}

/** Reads a trace. Whatever is missing, added, changed or unknown is TRACE_INVALID with its line. */
export function decodeTrace(text: string): Result<Trace, 'TRACE_INVALID' | 'TRACE_TOO_LONG'> {
  if (text.length > traceCharactersMax) return fail('TRACE_TOO_LONG', { facts: { characters: text.length } });
  const lines = text.split('\n');
  if (lines.pop() !== '' || lines.length < 2) return invalid(lines.length + 1);
  if (lines.length > traceStepsMax + 2) return fail('TRACE_TOO_LONG', { facts: { steps: lines.length - 2 } });
  const header = parse(traceHeader, lines[0]);
  if (header === undefined || (header.card === 'sealed') !== (header.salt !== undefined)) return invalid(1);
  const steps: TraceStep[] = [];
  for (const [index, line] of lines.slice(1, -1).entries()) {
    const step = parse(traceStep, line);
    if (step === undefined) return invalid(index + 2);
    // Nothing sealed in a clear trace, and no transfer in the clear in a sealed one.
    const isSealed = 'sealedOut' in step || 'sealedIn' in step;
    const isTransfer = step.op === 'bulkOut' || step.op === 'bulkIn' || step.op === 'interruptIn';
    const isClear = ('out' in step || 'in' in step) && isTransfer;
    if (header.card === 'fictional' ? isSealed : isClear) return invalid(index + 2);
    steps.push(step);
  }
  const end = parse(traceEnd, lines.at(-1));
  const hash = hashOf(`${lines.slice(0, -1).join('\n')}\n`);
  if (end === undefined || end.steps !== steps.length || end.atMs.length !== steps.length || end.sha256 !== hash)
    return invalid(lines.length);
  return ok({ header, steps, atMs: end.atMs, hash });
}

const invalid = (line: number): { readonly ok: false; readonly fault: Fault<'TRACE_INVALID'> } =>
  fail('TRACE_INVALID', { field: 'line', facts: { line } });

function parse<T>(schema: z.ZodType<T>, line: string | undefined): T | undefined {
  try {
    const read = schema.safeParse(JSON.parse(line ?? ''));
    return read.success ? read.data : undefined;
  } catch {
    return undefined;
  }
}
