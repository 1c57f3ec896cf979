import { readFile } from 'node:fs/promises';
import {
  type ExplainedLine,
  explainTrace,
  type KernelTrace,
  kernelTrace,
  type TraceOrder,
} from '@tsunagu/protocols/kernel-trace';
import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import { type Console, type ExitCode, exit, refuse } from '../console/index.ts';
import type { Context } from './context.ts';
import { sayFailed } from './sale.ts';
import { runJob } from './watch-job.ts';

/** A trace is small: a longer file is none. */
const fileBytesMax = 1024 * 1024;

/** `tsunagu trace SERIAL`: what the terminal's kernel did in its last payment, or in that of a STAN, line by line with its reasons. */
export async function showTrace(context: Context, serial: string, order: TraceOrder): Promise<ExitCode> {
  const { client, console, json, world } = context;
  const ended = await runJob(
    world,
    client,
    () => client.startTrace(serial, order),
    () => undefined,
  );
  if (!ended.ok) return refuse(console, ended.fault, json);
  // The live events leave the document out.
  const whole = await client.job(ended.value.id);
  if (!whole.ok) return refuse(console, whole.fault, json);
  const { document } = whole.value;
  if (!document) {
    if (json) console.out(JSON.stringify(whole.value));
    else sayFailed(console, whole.value);
    return exit.failed;
  }
  return print(console, readTrace(Buffer.from(document.base64, 'base64').toString()), json);
}

/** `tsunagu trace FILE`: the same of a trace that was written to a file (`--json`). */
export async function showTraceFile(console: Console, path: string, json: boolean): Promise<ExitCode> {
  const text = await readFile(path, 'utf8').catch(() => undefined);
  return print(console, text === undefined ? fail('TRACE_UNREADABLE') : readTrace(text), json);
}

function readTrace(text: string): Result<KernelTrace, 'TRACE_UNREADABLE'> {
  if (text.length > fileBytesMax) return fail('TRACE_UNREADABLE');
  try {
    const trace = kernelTrace.safeParse(JSON.parse(text));
    return trace.success ? ok(trace.data) : fail('TRACE_UNREADABLE');
  } catch {
    return fail('TRACE_UNREADABLE');
  }
}

function print(console: Console, read: Result<KernelTrace, 'TRACE_UNREADABLE'>, json: boolean): ExitCode {
  if (!read.ok) return refuse(console, read.fault, json);
  const trace = read.value;
  if (json) console.out(JSON.stringify(trace));
  else {
    const { card, entry, stan, amountMinor, outcome, reason, at, isCut } = trace;
    const head = [stan, `${amountMinor} JPY`, card, entry, outcome, reason].filter(Boolean).join('  ');
    console.out(`${console.paint('bold', head)}  ${console.paint('muted', new Date(at).toISOString())}`);
    for (const line of explainTrace(trace)) printLine(console, line);
    if (isCut) console.out(console.paint('muted', '…'));
  }
  return exit.ok;
}

function printLine(console: Console, { atMs, kind, text, details, isBad, clause }: ExplainedLine): void {
  const { language } = console;
  const time = console.paint('muted', atMs.toFixed(1).padStart(8));
  const mark = { command: '>', step: '=', finding: ' ', decision: '*' }[kind];
  const body = `${mark} ${text[language]}`;
  const tone = isBad ? console.paint('warn', body) : kind === 'decision' ? console.paint('bold', body) : body;
  console.out(`${time} ${tone}${clause === undefined ? '' : `  ${console.paint('muted', `[${clause}]`)}`}`);
  for (const detail of details) console.out(`${' '.repeat(13)}${console.paint('accent', detail[language])}`);
}
