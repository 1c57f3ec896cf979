import { readFile } from 'node:fs/promises';
import { fail, ok, type Result, type Secret } from '@tsunagu/protocols/kit';
import { decodeTrace, type Trace, traceCharactersMax } from '@tsunagu/protocols/trace';
import type { StepResult } from '@tsunagu/protocols/workshop';
import type { World } from '@tsunagu/protocols/world';
import { isScriptName, scripts } from './certification.ts';
import { replayedHand } from './hands.ts';
import { sealKeyOf } from './key-files.ts';
import { usbSource } from './source.ts';
import { countsOf, runScript } from './session.ts';
import { type Ending, failed, type Shell } from './shell.ts';
import { ReplayTransport } from './trace/replay.ts';

/**
 * Runs the script of a trace against its recorded reader. TRACE_DIVERGED when the bridge did anything else than when it was
 * recorded; the results otherwise, which must be those of then.
 */
export async function replay(
  world: World,
  trace: Trace,
  key: Secret<'key'> | undefined,
  onStep: (result: StepResult) => void,
): Promise<Result<readonly StepResult[]>> {
  const { script } = trace.header;
  if (!isScriptName(script)) return fail('TRACE_INVALID', { field: 'script' });
  const opened = ReplayTransport.open(trace, key);
  if (!opened.ok) return opened;
  const transport = opened.value;
  const info = { id: 'replayed', ...trace.header.device };
  const run = await runScript({
    world,
    source: usbSource(world, transport),
    info,
    script,
    hand: replayedHand(trace.header),
    onStep,
  });
  // A difference explains whatever came of it.
  const { verdict } = transport;
  if (!verdict.ok) return verdict;
  return run.ok ? ok(run.value.results) : run;
}

/** `workshop replay FILE`. */
export async function replayTrace(
  shell: Shell,
  { file, sealKey }: { readonly file: string; readonly sealKey?: string },
): Promise<Ending> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (cause) {
    return failed(shell, { code: 'FILE_UNREADABLE', field: file, cause });
  }
  if (text.length > traceCharactersMax) return failed(shell, { code: 'TRACE_TOO_LONG' });
  const trace = decodeTrace(text);
  if (!trace.ok) return failed(shell, trace.fault);
  const key = sealKey === undefined ? ok(undefined) : await sealKeyOf(shell.world, sealKey, false);
  if (!key.ok) return failed(shell, key.fault);
  const { script } = trace.value.header;
  if (isScriptName(script))
    shell.say({ event: 'scriptStarted', script, reader: 'replayed', steps: scripts[script].length });
  const results = await replay(shell.world, trace.value, key.value, (result) => shell.say({ event: 'step', result }));
  if (!results.ok) return failed(shell, results.fault);
  const { steps, hash } = trace.value;
  shell.say({ event: 'scriptEnded', script, reader: 'replayed', ...countsOf(results.value), traceHash: hash });
  shell.say({ event: 'replayed', file, steps: steps.length, hash });
  return 0;
}
