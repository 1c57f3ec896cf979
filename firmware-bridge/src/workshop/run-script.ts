import { mkdir, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fail, ok, type Result, type Secret } from '@tsunagu/protocols/kit';
import type { ScriptName } from './certification.ts';
import { scripts } from './certification.ts';
import { noHand, personsHand } from './hands.ts';
import { sealKeyOf } from './key-files.ts';
import { countsOf, runScript } from './session.ts';
import { type Ending, failed, type Shell } from './shell.ts';
import { findReader, openSource } from './source.ts';

/** What `workshop certify` and `workshop self-test` were asked for. */
export interface ScriptOptions {
  readonly script: ScriptName;
  readonly emulated?: readonly string[];
  readonly pcsc?: boolean;
  readonly reader?: string;
  /** Whether somebody is there to move the card. */
  readonly hands: boolean;
  readonly record?: string;
  readonly sealKey?: string;
}

/** Runs a script against one reader, step by step, and records it where asked. Exit 5 when a step failed. */
export async function runScriptOnReader(shell: Shell, options: ScriptOptions): Promise<Ending> {
  const { script, record } = options;
  const free = await isFree(record);
  if (!free.ok) return failed(shell, free.fault);
  const opened = openSource(shell.world, options);
  if (!opened.ok) return failed(shell, opened.fault);
  const source = opened.value;
  const info = await findReader(source, options.reader);
  if (!info.ok) return failed(shell, info.fault);
  const key = await sealKey(shell, options.sealKey);
  if (!key.ok) return failed(shell, key.fault);
  const { id } = info.value;
  const place = source.emulated.find((one) => one.info.id === id);
  const hand = place?.hand ?? (options.hands ? personsHand(shell) : noHand(shell.world));
  shell.say({ event: 'scriptStarted', script, reader: id, steps: scripts[script].length });
  const run = await runScript({
    world: shell.world,
    source,
    info: info.value,
    script,
    hand,
    ...(key.value === undefined ? {} : { sealKey: key.value }),
    onStep: (result) => shell.say({ event: 'step', result }),
  });
  await source.bus.close();
  if (!run.ok) return failed(shell, run.fault);
  const { results, trace } = run.value;
  const counts = countsOf(results);
  const traceHash = trace.ok && !trace.value.isSealed ? { traceHash: trace.value.hash } : {};
  shell.say({ event: 'scriptEnded', script, reader: id, ...counts, ...traceHash });
  if (record !== undefined) {
    const written = trace.ok ? await writeNew(record, trace.value.text) : trace;
    if (!written.ok) return failed(shell, written.fault);
    if (trace.ok) {
      const { steps, isSealed, hash } = trace.value;
      shell.say({ event: 'recorded', file: record, steps, sealed: isSealed, hash });
    }
  }
  return counts.failed === 0 ? 0 : 5;
}

const sealKey = async (shell: Shell, path: string | undefined): Promise<Result<Secret<'key'> | undefined>> =>
  path === undefined ? ok(undefined) : sealKeyOf(shell.world, path, true);

/** Whether a new file can be written there; asked before the work whose result it will hold. */
export const isFree = async (path: string | undefined): Promise<Result<void, 'FILE_EXISTS'>> =>
  path !== undefined && (await isThere(path)) ? fail('FILE_EXISTS', { facts: { path } }) : ok(undefined);

const isThere = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

/**
 * Writes a file that its owner alone may read. A recording or an attestation is evidence: none takes the place of another.
 * @param isNamedByContent what is there already is the same
 */
export async function writeNew(path: string, text: string, isNamedByContent = false): Promise<Result<void>> {
  try {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, text, { mode: 0o600, flag: isNamedByContent ? 'w' : 'wx' });
    return ok(undefined);
  } catch (cause) {
    const isThere = cause instanceof Error && 'code' in cause && cause.code === 'EEXIST';
    return fail(isThere ? 'FILE_EXISTS' : 'FILE_UNWRITABLE', { cause, facts: { path } });
  }
}
