import type { Readable } from 'node:stream';
import type { ErrorCode } from '@tsunagu/protocols/errors';
import type { Fault } from '@tsunagu/protocols/kit';
import type { BridgeEvent, StepResult } from '@tsunagu/protocols/workshop';
import type { World } from '@tsunagu/protocols/world';
import { runBridge } from '../bridge/index.ts';
import { type Console, type ExitCode, exit, layOut, printFault } from '../console/index.ts';
import { detailOf, linesOf } from './bridge-lines.ts';

/** How a command of the bridge shows what it is told. */
export interface BridgeView {
  readonly world: World;
  readonly console: Console;
  readonly json: boolean;
  /** What is typed is for the bridge. */
  readonly input?: Readable;
}

const codes: Readonly<Record<number, ExitCode>> = { 0: exit.ok, 1: exit.failed, 5: exit.otherOutcome };

/** Runs the bridge program and prints its events as lines; with `--json` as they come, one object a line. */
export async function passThrough(view: BridgeView, args: readonly string[]): Promise<ExitCode> {
  const { world, console, json, input } = view;
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stop.abort());
  const steps: StepResult[] = [];
  const ran = await runBridge(world, {
    args,
    signal: stop.signal,
    ...(input === undefined ? {} : { input }),
    onEvent: (event, line) => {
      if (json) console.out(line);
      else if (event.event === 'failed') printFault(console, faultOf(event), false);
      else if (event.event === 'step' && !console.isLive) steps.push(event.result);
      else {
        if (event.event === 'scriptEnded' && steps.length > 0) printTable(console, steps.splice(0));
        for (const text of linesOf(console, event)) console.out(text);
      }
    },
  });
  if (!ran.ok) {
    printFault(console, ran.fault, json);
    return exit.failed;
  }
  return codes[ran.value] ?? exit.failed;
}

/** A fault as the bridge told it; `printFault` shows codes that it does not know as they are. */
const faultOf = ({ code, field, facts }: Extract<BridgeEvent, { readonly event: 'failed' }>): Fault => ({
  code: code as ErrorCode,
  ...(field === undefined ? {} : { field }),
  ...(facts === undefined ? {} : { facts }),
});

/** The result of a script as a table, where nobody watches it grow. */
function printTable(console: Console, steps: readonly StepResult[]): void {
  const { columns, verdict } = console.texts.workshop;
  const rows = layOut(
    [
      { head: columns.verdict, cell: (step: StepResult) => verdict[step.verdict] },
      { head: columns.step, cell: (step) => step.title[console.language] },
      { head: columns.clause, cell: (step) => step.clause },
      { head: columns.detail, cell: (step) => [step.code, detailOf(step, console.language)].filter(Boolean).join(' ') },
    ],
    steps,
  );
  for (const row of rows) console.out(row);
}
