import { writeFile } from 'node:fs/promises';
import { custodyKeyPurpose } from '@tsunagu/protocols/custody';
import {
  type DeviceListEntry,
  deviceListEntry,
  inspectionPlan,
  inspectionTaken,
  keyIdOf,
  lifePaths,
  parseWith,
  signedDocument,
} from '@tsunagu/protocols/fleet';
import { inspection, signInspection } from '@tsunagu/protocols/inspection';
import { ok } from '@tsunagu/protocols/kit';
import { z } from 'zod';
import { optionFault, type Column, exit, type ExitCode, printList, printTable, refuse } from '../console/index.ts';
import type { Context } from './context.ts';
import type { Bench } from './custody.ts';
import { documentAt } from './document-file.ts';
import { openKeyAt, type PassphraseOptions } from './key-files.ts';
import { photoHash } from './lifecycle.ts';

const plans = z.object({ items: z.array(inspectionPlan) });

/** What a technician saw, as options. */
export interface InspectOptions extends PassphraseOptions {
  readonly key: string;
  readonly out: string;
  readonly surface: string;
  readonly seal?: readonly string[];
  readonly connections?: number;
  readonly photo?: string;
  readonly words: string;
}

/** `tsunagu inspect do SERIAL`: a signed report in a file. Needs no server. */
export async function inspectTerminal(
  { world, console, json }: Bench,
  serial: string,
  options: InspectOptions,
): Promise<ExitCode> {
  const photo = options.photo === undefined ? ok(null) : await photoHash(options.photo);
  if (!photo.ok) return refuse(console, photo.fault, json);
  const key = await openKeyAt(options.key, custodyKeyPurpose, options);
  if (!key.ok) return refuse(console, key.fault, json);
  const made = parseWith(inspection, {
    v: 1,
    id: world.id(),
    serial,
    at: new Date(world.clock.now()).toISOString(),
    by: keyIdOf(key.value.publicKey),
    surface: options.surface,
    seals: options.seal ?? [],
    connections: options.connections ?? null,
    photo: photo.value,
    words: options.words,
  });
  if (!made.ok) return refuse(console, optionFault(made.fault), json);
  await writeFile(options.out, `${JSON.stringify(signInspection(made.value, key.value))}\n`);
  console.out(
    json ? JSON.stringify({ file: options.out, id: made.value.id }) : console.texts.life.inspected(serial, options.out),
  );
  return exit.ok;
}

/** `tsunagu inspect deliver FILES`: reports to the server. Exit 5 when one of them found something. */
export async function deliverInspections(
  { client, console, json }: Context,
  files: readonly string[],
): Promise<ExitCode> {
  let code: ExitCode = exit.ok;
  for (const file of files) {
    const read = await documentAt(file, signedDocument, 'INSPECTION_INVALID');
    const answer = read.ok ? await client.ask(inspectionTaken, lifePaths.inspections, read.value) : read;
    if (!answer.ok) {
      code = refuse(console, answer.fault, json);
      continue;
    }
    const { findings } = answer.value;
    const { life } = console.texts;
    if (findings.length > 0 && code === exit.ok) code = exit.otherOutcome;
    console.out(
      json
        ? JSON.stringify({ file, findings })
        : `${file}  ${findings.map((one) => life.finding[one]).join(', ') || life.nothingFound}`,
    );
  }
  return code;
}

/** `tsunagu inspect plan MERCHANT SHOP --every DAYS`. */
export async function planInspections(
  { client, console, json }: Context,
  merchant: string,
  shop: string,
  everyDays: number,
): Promise<ExitCode> {
  const answer = await client.ask(plans, lifePaths.inspectionPlans, { merchant, shop, everyDays });
  if (!answer.ok) return refuse(console, answer.fault, json);
  if (json) console.out(JSON.stringify(answer.value.items));
  else
    printList(
      console,
      answer.value.items.map((plan) => `${plan.merchant}  ${plan.shop}  ${plan.everyDays} d`),
    );
  return exit.ok;
}

/** `tsunagu inspect list`: the list of PCI DSS 9.5.1.1. Exit 5 with --overdue when something is. */
export async function listDevices({ client, console, json }: Context, overdue: boolean): Promise<ExitCode> {
  const answer = await client.askAll(deviceListEntry, `${lifePaths.devices}${overdue ? '?overdue=true' : ''}`);
  if (!answer.ok) return refuse(console, answer.fault, json);
  const { deviceColumns: heads, finding } = console.texts.life;
  const columns: readonly Column<DeviceListEntry>[] = [
    { head: heads.serial, cell: ({ serial }) => serial },
    { head: heads.model, cell: ({ make, model }) => `${make} ${model}` },
    { head: heads.place, cell: ({ place }) => `${place.merchant} ${place.shop} ${place.lane}` },
    { head: heads.state, cell: ({ state }) => console.texts.identity.state[state] },
    { head: heads.last, cell: ({ lastInspection }) => lastInspection?.at.slice(0, 10) ?? '-' },
    {
      head: heads.found,
      cell: ({ lastInspection }) => lastInspection?.findings.map((one) => finding[one]).join(' ') ?? '',
    },
    { head: heads.due, cell: ({ dueAt, isOverdue }) => `${dueAt?.slice(0, 10) ?? '-'}${isOverdue ? ' !' : ''}` },
  ];
  if (json) console.out(JSON.stringify(answer.value));
  else printTable(console, columns, answer.value);
  return overdue && answer.value.length > 0 ? exit.otherOutcome : exit.ok;
}
