import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { modelOf } from '@tsunagu/protocols/catalogue';
import { claimBundle, parseJson } from '@tsunagu/protocols/fleet';
import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import type { World } from '@tsunagu/protocols/world';
import { runBridge } from '../bridge/index.ts';

/** A terminal that will run. */
export interface ToRun {
  readonly serial: string;
  /** Of the catalogue. */
  readonly model: string;
}

/** Terminals that will run: those that are planned, and those of an earlier fleet whose folders are there. */
export function terminalsToRun(data: string, planned: readonly ToRun[], isFresh: boolean): readonly ToRun[] {
  const folder = join(data, 'terminals');
  const claims = (!isFresh && existsSync(folder) ? readdirSync(folder) : [])
    .map((name) => join(folder, name, 'claim.json'))
    .filter((path) => existsSync(path))
    .map((path) => parseJson(claimBundle, readFileSync(path, 'utf8')));
  // A claim that cannot be read is told of by its terminal.
  const found = claims.flatMap((claim) => (claim.ok ? [claim.value] : []));
  return [...planned, ...found.filter(({ serial }) => !planned.some((one) => one.serial === serial))];
}

/**
 * Looks at `--readers` before anything is started. Order of faults, value by value: its form, its serial, a serial that comes twice, a model
 * that pcscd has no kind of reader for; then whether pcscd has the readers that are named. Readers on USB may come later.
 *
 * @param readers `SERIAL=usb`, `SERIAL=pcsc` or `SERIAL=pcsc:NAME`
 * @param terminals those that will run
 * @param listed names of the readers that pcscd has; asked only when one is named
 */
export async function checkReaders(
  readers: readonly string[],
  terminals: readonly ToRun[],
  listed: () => Promise<Result<readonly string[]>>,
): Promise<Result<void>> {
  const named: { readonly value: string; readonly name: string }[] = [];
  const taken = new Set<string>();
  for (const value of readers) {
    const [, serial = '', place, name] = /^([^=]+)=(usb|pcsc(?::(.{1,120}))?)$/u.exec(value) ?? [];
    if (serial === '') return fail('READERS_OPTION_INVALID', { field: '--readers', facts: { value } });
    const terminal = terminals.find((one) => one.serial === serial);
    if (terminal === undefined)
      return fail('READERS_TERMINAL_UNKNOWN', { field: '--readers', facts: { value, terminals: firstOf(terminals) } });
    if (taken.has(serial))
      return fail('READERS_OPTION_INVALID', { field: '--readers', facts: { value, twice: serial } });
    taken.add(serial);
    if (place !== 'usb' && !readsChips(terminal))
      return fail('READERS_PLACE_UNFIT', {
        field: '--readers',
        facts: { value, model: terminal.model, terminals: firstOf(terminals.filter(readsChips)) },
      });
    if (name !== undefined) named.push({ value, name });
  }
  if (named.length === 0) return ok(undefined);
  const there = await listed();
  if (!there.ok) return there;
  for (const { value, name } of named)
    if (!there.value.includes(name))
      return fail('READERS_NAME_UNKNOWN', {
        field: '--readers',
        facts: { value, readers: there.value.join(', ') || '–' },
      });
  return ok(undefined);
}

/** What pcscd drives: chip cards, at contacts or without. It has no stripes, and FeliCa cards are not asked for there. */
const readsChips = ({ model }: ToRun): boolean =>
  modelOf(model)?.readers.some((kind) => kind === 'contact' || kind === 'contactless') ?? true;

/** The first twelve, for a line on the screen. */
const firstOf = (terminals: readonly ToRun[]): string =>
  terminals
    .slice(0, 12)
    .map(({ serial }) => serial)
    .join(' ') || '–';

/** The names of the readers that pcscd has, as the bridge sees them. */
export async function pcscReaders(world: World, signal: AbortSignal): Promise<Result<readonly string[]>> {
  const names: string[] = [];
  let fault:
    | { readonly code: string; readonly facts?: Record<string, string | number | boolean> | undefined }
    | undefined;
  const ran = await runBridge(world, {
    args: ['workshop', 'watch', '--pcsc', '--once'],
    signal,
    onEvent: (event) => {
      if (event.event === 'readerFound') names.push(event.reader.id);
      if (event.event === 'failed') fault = event;
    },
  });
  if (!ran.ok) return ran;
  return fault === undefined ? ok(names) : fail('PCSC_UNAVAILABLE', { field: '--readers', facts: { ...fault.facts } });
}
