import { readFile } from 'node:fs/promises';
import {
  deathCertificate,
  lifePaths,
  parseJson,
  parseWith,
  workFigures,
  type WorkOrderView,
  workOrderView,
} from '@tsunagu/protocols/fleet';
import { fail } from '@tsunagu/protocols/kit';
import { faultCodes, openWork, workEntry } from '@tsunagu/protocols/refurbish';
import { z } from 'zod';
import { optionFault, type Column, type Console, type ExitCode, exit, printTable, refuse } from '../console/index.ts';
import type { Context } from './context.ts';

/** What belongs to an entry, in characters of JSON. */
const factsLengthMax = 65_536;
const listed = z.object({ items: z.array(workOrderView) });

/** How it ended, or where it is. */
function outcomeOf({ texts: { life } }: Console, { outcome, isAtVendor }: WorkOrderView): string {
  if (outcome !== null) return life.workOutcome[outcome];
  return isAtVendor ? life.workAtVendor : '…';
}

function tell({ console, json }: Context, order: WorkOrderView): ExitCode {
  if (json) console.out(JSON.stringify(order));
  else {
    const { id, serial, fault, grade, costYen, minutes, entries } = order;
    const { life } = console.texts;
    console.out(
      [console.paint('bold', id), serial, fault, outcomeOf(console, order), grade, `¥${costYen}`]
        .concat(life.workMinutes(minutes))
        .filter(Boolean)
        .join('  '),
    );
    for (const entry of entries)
      console.out(
        `  ${entry.at.slice(0, 16).replace('T', ' ')}  ${entry.by}  ${entry.kind}  ${entry.says}  ${console.paint('muted', entry.id)}`,
      );
  }
  return exit.ok;
}

/** `tsunagu workshop open SERIAL`: takes a terminal in. */
export async function openWorkOrder(
  context: Context,
  serial: string,
  options: { readonly intake: string; readonly fault?: string; readonly warrantyUntil?: string },
): Promise<ExitCode> {
  const { client, console, json } = context;
  const { intake, fault: reported, warrantyUntil } = options;
  const body = parseWith(openWork, { serial, intake, reported, warrantyUntil });
  if (!body.ok) return refuse(console, optionFault(body.fault), json);
  const answer = await client.ask(workOrderView, lifePaths.workOrders, body.value);
  return answer.ok ? tell(context, answer.value) : refuse(console, answer.fault, json);
}

/** `tsunagu workshop note ID KIND`: what was done. */
export async function noteWork(
  context: Context,
  id: string,
  kind: string,
  options: { readonly facts: string; readonly attestation?: string },
): Promise<ExitCode> {
  const { client, console, json } = context;
  const facts = parseJson(z.record(z.string(), z.unknown()), options.facts, factsLengthMax);
  if (!facts.ok) return refuse(console, fail('OPTION_INVALID', { field: 'facts' }).fault, json);
  let attested = {};
  try {
    if (options.attestation !== undefined) attested = { attestation: await readFile(options.attestation, 'utf8') };
  } catch (cause) {
    return refuse(console, fail('FILE_UNREADABLE', { facts: { path: options.attestation ?? '' }, cause }).fault, json);
  }
  const body = parseWith(workEntry, { ...facts.value, ...attested, kind });
  if (!body.ok) return refuse(console, optionFault(body.fault, 'kind'), json);
  const answer = await client.ask(workOrderView, lifePaths.workEntries(id), body.value);
  return answer.ok ? tell(context, answer.value) : refuse(console, answer.fault, json);
}

/** `tsunagu workshop show ID`. */
export async function showWork(context: Context, id: string): Promise<ExitCode> {
  const answer = await context.client.ask(workOrderView, lifePaths.workOrder(id));
  return answer.ok ? tell(context, answer.value) : refuse(context.console, answer.fault, context.json);
}

/** `tsunagu workshop list`: open orders first. */
export async function listWork({ client, console, json }: Context): Promise<ExitCode> {
  const answer = await client.ask(listed, lifePaths.workOrders);
  if (!answer.ok) return refuse(console, answer.fault, json);
  const heads = console.texts.life.workColumns;
  const columns: readonly Column<WorkOrderView>[] = [
    { head: heads.id, cell: ({ id }) => id },
    { head: heads.serial, cell: ({ serial }) => serial },
    { head: heads.fault, cell: ({ fault, reported }) => fault ?? (reported === null ? '-' : `(${reported})`) },
    {
      head: heads.outcome,
      cell: (order) => [outcomeOf(console, order), order.grade].filter(Boolean).join(' '),
    },
    { head: heads.cost, cell: ({ costYen }) => `¥${costYen}`, right: true },
    { head: heads.opened, cell: ({ openedAt }) => openedAt.slice(0, 10) },
  ];
  if (json) console.out(JSON.stringify(answer.value.items));
  else printTable(console, columns, answer.value.items);
  return exit.ok;
}

/** `tsunagu workshop faults`: the codes. Needs no server. */
export function listFaults(console: Console, json: boolean): ExitCode {
  if (json) console.out(JSON.stringify(faultCodes));
  else
    for (const [code, text] of Object.entries(faultCodes)) console.out(`${code.padEnd(12)}${text[console.language]}`);
  return exit.ok;
}

/** `tsunagu workshop figures --from --to`. */
export async function showFigures(
  { client, console, json }: Context,
  { from, to }: { readonly from: string; readonly to: string },
): Promise<ExitCode> {
  const answer = await client.ask(
    workFigures,
    `${lifePaths.workFigures}?from=${encodeURIComponent(from)}&to=${encodeURIComponent(to)}`,
  );
  if (!answer.ok) return refuse(console, answer.fault, json);
  if (json) {
    console.out(JSON.stringify(answer.value));
    return exit.ok;
  }
  const { life } = console.texts;
  const {
    finished,
    reuseRate,
    noFaultFoundRate,
    costYenPerRedeployment,
    daysPerRedeployment,
    wasteAvoidedKg,
    co2AvoidedKg,
  } = answer.value;
  const percent = (value: number | null): string => (value === null ? '-' : `${Math.round(value * 100)} %`);
  const rounded = (value: number | null): string => (value === null ? '-' : String(Math.round(value * 10) / 10));
  console.out(
    life.figures(
      finished,
      percent(reuseRate),
      percent(noFaultFoundRate),
      rounded(costYenPerRedeployment),
      rounded(daysPerRedeployment),
    ),
  );
  console.out(life.avoided(rounded(wasteAvoidedKg), rounded(co2AvoidedKg)));
  for (const { fault, tried, repaired } of answer.value.repairYield)
    console.out(`  ${fault.padEnd(12)}${repaired}/${tried}`);
  return exit.ok;
}

/** `tsunagu workshop death SERIAL`: the certificate of death, JSON. */
export async function showDeath({ client, console, json }: Context, serial: string): Promise<ExitCode> {
  const answer = await client.ask(deathCertificate, lifePaths.death(serial));
  if (!answer.ok) return refuse(console, answer.fault, json);
  console.out(JSON.stringify(answer.value, null, json ? 0 : 2));
  return exit.ok;
}
