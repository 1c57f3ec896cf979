import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import type { World } from '@tsunagu/protocols/world';
import { runBridge } from '../bridge/index.ts';

/** Terminals that will run: those that are planned, and those of an earlier fleet whose folders are there. */
export function serialsOf(
  data: string,
  planned: readonly { readonly serial: string }[],
  isFresh: boolean,
): readonly string[] {
  const folder = join(data, 'terminals');
  const found =
    !isFresh && existsSync(folder)
      ? readdirSync(folder).filter((name) => existsSync(join(folder, name, 'claim.json')))
      : [];
  return [...new Set([...planned.map(({ serial }) => serial), ...found])];
}

/**
 * Looks at `--readers` before anything is started. Order of faults, value by value: its form, its serial, a serial that comes twice; then
 * whether pcscd has the readers that are named. Readers on USB may come later.
 *
 * @param readers `SERIAL=usb`, `SERIAL=pcsc` or `SERIAL=pcsc:NAME`
 * @param serials of the terminals that will run
 * @param listed names of the readers that pcscd has; asked only when one is named
 */
export async function checkReaders(
  readers: readonly string[],
  serials: readonly string[],
  listed: () => Promise<Result<readonly string[]>>,
): Promise<Result<void>> {
  const named: { readonly value: string; readonly name: string }[] = [];
  const taken = new Set<string>();
  for (const value of readers) {
    const [, serial = '', , name] = /^([^=]+)=(usb|pcsc(?::(.{1,120}))?)$/u.exec(value) ?? [];
    if (serial === '') return fail('READERS_OPTION_INVALID', { field: '--readers', facts: { value } });
    if (!serials.includes(serial))
      return fail('READERS_TERMINAL_UNKNOWN', {
        field: '--readers',
        facts: { value, terminals: serials.slice(0, 12).join(' ') },
      });
    if (taken.has(serial))
      return fail('READERS_OPTION_INVALID', { field: '--readers', facts: { value, twice: serial } });
    taken.add(serial);
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
