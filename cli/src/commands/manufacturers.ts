import { readFile } from 'node:fs/promises';
import type { Manufacturer } from '@tsunagu/protocols/fleet';
import { fail } from '@tsunagu/protocols/kit';
import { type Column, type ExitCode, exit, layOut, printFault, refuse } from '../console/index.ts';
import type { Context } from './context.ts';

/** `tsunagu manufacturer list`: whose certificates prove a claim. */
export async function listManufacturers({ client, console, json }: Context): Promise<ExitCode> {
  const answer = await client.manufacturers();
  if (!answer.ok) return refuse(console, answer.fault, json);
  const { identity } = console.texts;
  const heads = identity.manufacturerColumns;
  const columns: readonly Column<Manufacturer>[] = [
    { head: heads.model, cell: ({ model }) => model },
    { head: heads.subject, cell: ({ subject }) => subject },
    { head: heads.notAfter, cell: ({ notAfter }) => notAfter.slice(0, 10) },
    { head: heads.fingerprint, cell: ({ fingerprint }) => fingerprint },
  ];
  if (json) console.out(JSON.stringify(answer.value));
  else if (answer.value.length === 0) console.out(identity.noManufacturers);
  else for (const line of layOut(columns, answer.value)) console.out(line);
  return exit.ok;
}

/** `tsunagu manufacturer add FILE --model ID`: a maker's authority, PEM. */
export async function addManufacturer(
  { client, console, json }: Context,
  file: string,
  model: string,
): Promise<ExitCode> {
  const certificate = await readFile(file, 'utf8').catch(() => undefined);
  if (certificate === undefined) {
    printFault(console, fail('OPTION_INVALID', { field: 'file' }).fault, json);
    return exit.usage;
  }
  const added = await client.addManufacturer({ model, certificate });
  if (!added.ok) return refuse(console, added.fault, json);
  if (json) console.out(JSON.stringify(added.value));
  else console.out(console.texts.identity.manufacturerAdded(added.value.model, added.value.fingerprint.slice(0, 16)));
  return exit.ok;
}

/** `tsunagu manufacturer remove MODEL FINGERPRINT`. */
export async function removeManufacturer(
  { client, console, json }: Context,
  model: string,
  fingerprint: string,
): Promise<ExitCode> {
  const removed = await client.removeManufacturer(model, fingerprint);
  if (!removed.ok) return refuse(console, removed.fault, json);
  if (json) console.out(JSON.stringify(removed.value));
  else console.out(console.texts.identity.manufacturerRemoved(model));
  return exit.ok;
}
