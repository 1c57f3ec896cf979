import { readFile } from 'node:fs/promises';
import {
  type HarvestedPart,
  harvestedPart,
  lifePaths,
  parseJson,
  parseWith,
  workFigures,
  type WorkOrderView,
  workOrderView,
} from '@tsunagu/protocols/fleet';
import { fail } from '@tsunagu/protocols/kit';
import { faultCodes, openWork, type WorkEntry, workEntry, workIntake, workKinds } from '@tsunagu/protocols/refurbish';
import { optionFault, type Column, type Console, type ExitCode, exit, printTable, refuse } from '../console/index.ts';
import type { Context } from './context.ts';
import { evidenceOf, type EvidenceGiven } from './lifecycle.ts';

/** How it ended, or where it is. */
function outcomeOf({ texts: { life } }: Console, { outcome, isAtVendor }: WorkOrderView): string {
  if (outcome !== null) return life.workOutcome[outcome];
  return isAtVendor ? life.workAtVendor : '…';
}

/** What an entry says, in the reader's language. */
function says({ texts: { life }, language }: Console, { kind, says: text }: WorkOrderView['entries'][number]): string {
  const read = parseJson(workEntry, text);
  if (!read.ok) return kind === 'bench-test' && (text === 'passed' || text === 'failed') ? life.workPassed[text] : text;
  const entry = read.value;
  switch (entry.kind) {
    case 'diagnosed':
      return entry.fault === null
        ? life.workOutcome['no-fault-found']
        : `${entry.fault} (${faultCodes[entry.fault][language]})`;
    case 'part-fitted':
      return `${entry.part}  ← ${entry.from ?? life.workFromStock}  ¥${entry.costYen}`;
    case 'part-harvested':
      return entry.part;
    case 'labour':
      return `${life.workMinutes(entry.minutes)}  ¥${entry.costYen}`;
    case 'bench-test':
      return '';
    case 'rma-out':
      return `${entry.vendor}  ${entry.number}`;
    case 'rma-in':
      return [life.workVendor[entry.outcome], entry.replacement && `→ ${entry.replacement.serial}`, `¥${entry.costYen}`]
        .filter(Boolean)
        .join('  ');
    case 'closed':
      return [life.workOutcome[entry.outcome], entry.grade].filter(Boolean).join('  ');
  }
}

const isKind = (kind: string): kind is WorkEntry['kind'] => workKinds.some((known) => known === kind);

function tell({ console, json }: Context, order: WorkOrderView): ExitCode {
  if (json) console.out(JSON.stringify(order));
  else {
    const { id, serial, intake, reported, isUnderWarranty, fault, grade, costYen, minutes, entries } = order;
    const { life } = console.texts;
    const why = workIntake.safeParse(intake);
    console.out(
      [console.paint('bold', id), serial, fault, outcomeOf(console, order), grade, `¥${costYen}`]
        .concat(life.workMinutes(minutes))
        .filter(Boolean)
        .join('  '),
    );
    const cameIn = [why.success ? life.workIntake[why.data] : intake, reported, isUnderWarranty && life.workWarranty];
    console.out(console.paint('muted', `  ${cameIn.filter(Boolean).join('  ')}`));
    for (const entry of entries)
      console.out(
        [`  ${entry.at.slice(0, 16).replace('T', ' ')}`, entry.by]
          .concat(isKind(entry.kind) ? life.workKind[entry.kind] : entry.kind, says(console, entry))
          .concat(console.paint('muted', entry.id))
          .join('  '),
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
  if (!body.ok) {
    return refuse(console, optionFault(body.fault), json);
  }
  const answer = await client.ask(workOrderView, lifePaths.workOrders, body.value);
  return answer.ok ? tell(context, answer.value) : refuse(console, answer.fault, json);
}

/** What belongs to an entry, as options. */
export interface NoteOptions extends EvidenceGiven {
  readonly fault?: string;
  readonly part?: string;
  readonly from?: string;
  readonly costYen?: number;
  readonly minutes?: number;
  readonly vendor?: string;
  readonly number?: string;
  readonly outcome?: string;
  readonly grade?: string;
  readonly attestation?: string;
  readonly replacement?: string;
  readonly replacementModel?: string;
}

const orNone = (value: string | undefined): string | null | undefined => (value === 'none' ? null : value);

/** `tsunagu workshop note ID KIND`: what was done. Exit 5 when the end of a unit that its vendor kept waits for a second person. */
export async function noteWork(context: Context, id: string, kind: string, options: NoteOptions): Promise<ExitCode> {
  const { client, console, json } = context;
  const { fault, part, from, costYen, minutes, vendor, number, outcome, grade, attestation: file } = options;
  const proof = await evidenceOf(options);
  if (!proof.ok) return refuse(console, proof.fault, json);
  let attestation: string | undefined;
  try {
    if (file !== undefined) attestation = await readFile(file, 'utf8');
  } catch (cause) {
    return refuse(console, fail('FILE_UNREADABLE', { facts: { path: file ?? '' }, cause }).fault, json);
  }
  const plain = { part, costYen, minutes, vendor, number, outcome, attestation };
  const { replacement: sent, replacementModel: model } = options;
  const replacement = sent === undefined ? undefined : { serial: sent, model };
  const { wipeProof, nothingOwed } = proof.value;
  const evidence = wipeProof === undefined && nothingOwed === undefined ? undefined : { wipeProof, nothingOwed };
  const given = Object.entries({ ...plain, replacement, evidence, fault: orNone(fault), grade: orNone(grade) });
  const body = parseWith(workEntry, {
    ...(kind === 'part-fitted' && { from: from ?? null }),
    ...(kind !== 'part-fitted' && from !== undefined && { from }),
    ...Object.fromEntries(given.filter(([, value]) => value !== undefined)),
    kind,
  });
  if (!body.ok) return refuse(console, optionFault(body.fault, 'kind'), json);
  const answer = await client.ask(workOrderView, lifePaths.workEntries(id), body.value);
  if (!answer.ok) return refuse(console, answer.fault, json);
  const { serial, replacedBy } = answer.value;
  const told = tell(context, answer.value);
  if (replacedBy === null || body.value.kind !== 'rma-in') return told;
  const old = await client.lifecycle(serial);
  const { life, identity } = console.texts;
  if (!json) console.out(life.workReplaced(replacedBy));
  if (!old.ok || !old.value.pending) return told;
  const { to, approval } = old.value.pending;
  if (!json) console.out(life.pending(serial, identity.state[to], approval));
  return exit.otherOutcome;
}

/** `tsunagu workshop show ID`. */
export async function showWork(context: Context, id: string): Promise<ExitCode> {
  const answer = await context.client.ask(workOrderView, lifePaths.workOrder(id));
  return answer.ok ? tell(context, answer.value) : refuse(context.console, answer.fault, context.json);
}

/** `tsunagu workshop list`: those that are not closed, newest first; or all. */
export async function listWork({ client, console, json }: Context, all: boolean): Promise<ExitCode> {
  const answer = await client.askAll(workOrderView, `${lifePaths.workOrders}${all ? '' : '?open=true'}`);
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
  if (json) console.out(JSON.stringify(answer.value));
  else printTable(console, columns, answer.value);
  return exit.ok;
}

/** `tsunagu workshop parts`: what was taken out of terminals, and where it went. */
export async function listParts(
  { client, console, json }: Context,
  { part, lying }: { readonly part?: string; readonly lying: boolean },
): Promise<ExitCode> {
  const query = new URLSearchParams({ lying: String(lying), ...(part !== undefined && { part }) });
  const answer = await client.askAll(harvestedPart, `${lifePaths.workParts}?${query.toString()}`);
  if (!answer.ok) return refuse(console, answer.fault, json);
  const { partColumns: heads, partLies } = console.texts.life;
  const columns: readonly Column<HarvestedPart>[] = [
    { head: heads.part, cell: (one) => one.part },
    { head: heads.from, cell: ({ from }) => from },
    { head: heads.at, cell: ({ harvestedAt }) => harvestedAt.slice(0, 10) },
    { head: heads.fitted, cell: ({ fitted }) => fitted?.serial ?? partLies },
    { head: heads.since, cell: ({ fitted }) => fitted?.at.slice(0, 10) ?? '' },
  ];
  if (json) console.out(JSON.stringify(answer.value));
  else printTable(console, columns, answer.value);
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
