import { readFile } from 'node:fs/promises';
import { text as readAll } from 'node:stream/consumers';
import {
  parseJson,
  type RouteExplanation,
  type RouteQuestion,
  type StandInUse,
  type SwitchRuleKind,
  type SwitchRuleVersion,
} from '@tsunagu/protocols/fleet';
import { z } from 'zod';
import { exit, type ExitCode, layOut, momentOf, printTable, refuse } from '../console/index.ts';
import type { Context } from './context.ts';

const fileLengthMax = 4_194_304;

/** `tsunagu switch rules show KIND`: what `set` takes again. */
export async function showRules(
  { client, console, json }: Context,
  kind: SwitchRuleKind,
  version: number | undefined,
): Promise<ExitCode> {
  const answer = await client.switchRules(kind, version);
  if (!answer.ok) return refuse(console, answer.fault, json);
  console.out(JSON.stringify(answer.value, undefined, json ? undefined : 2));
  return exit.ok;
}

/** `tsunagu switch rules set KIND FILE`. A file that `show` wrote says which version it changes. */
export async function setRules(
  { client, console, json }: Context,
  kind: SwitchRuleKind,
  file: string,
  reason: string,
  over: number | undefined,
): Promise<ExitCode> {
  const text = file === '-' ? await readAll(process.stdin) : await readFile(file, 'utf8');
  const read = parseJson(z.unknown(), text, fileLengthMax);
  if (!read.ok) return refuse(console, { ...read.fault, field: file }, json);
  const shown = z.object({ version: z.number().int(), rules: z.unknown() }).safeParse(read.value);
  const rules = shown.success ? shown.data.rules : read.value;
  let base = over ?? (shown.success ? shown.data.version : undefined);
  if (base === undefined) {
    const newest = await client.switchRules(kind);
    if (!newest.ok) return refuse(console, newest.fault, json);
    base = newest.value.version;
  }
  const changed = await client.changeSwitchRules(kind, base, rules, reason);
  if (!changed.ok) return refuse(console, changed.fault, json);
  const { version } = changed.value;
  console.out(json ? JSON.stringify(changed.value) : console.texts.switchRules.changed(kind, version));
  return exit.ok;
}

/** `tsunagu switch rules history KIND`. */
export async function listVersions({ client, console, json }: Context, kind: SwitchRuleKind): Promise<ExitCode> {
  const answer = await client.switchRuleVersions(kind);
  if (!answer.ok) return refuse(console, answer.fault, json);
  const { columns } = console.texts.switchRules;
  if (json) console.out(JSON.stringify(answer.value));
  else
    printTable(
      console,
      [
        { head: columns.version, cell: (each: SwitchRuleVersion) => String(each.version), right: true },
        { head: columns.at, cell: (each) => (each.at === null ? '' : momentOf(each.at)) },
        { head: columns.by, cell: (each) => each.by },
        { head: columns.reason, cell: (each) => each.reason },
      ],
      answer.value,
    );
  return exit.ok;
}

/** `tsunagu switch route explain DIGITS`: every rule that fits the number, and what became of it. */
export async function explainRoute({ client, console, json }: Context, question: RouteQuestion): Promise<ExitCode> {
  const answer = await client.explainRoute(question);
  if (!answer.ok) return refuse(console, answer.fault, json);
  if (json) {
    console.out(JSON.stringify(answer.value));
    return exit.ok;
  }
  const { columns, verdicts, goes, nowhere, away, standIn } = console.texts.switchRules;
  const { link, scheme, version, steps } = answer.value;
  const isAway = steps.some(({ verdict }) => verdict === 'link-down' || verdict === 'link-unknown');
  console.out(link === null ? (isAway ? away : nowhere)(version) : goes(link, scheme ?? '', version));
  for (const line of layOut(
    [
      { head: columns.prefix, cell: (step: RouteExplanation['steps'][number]) => step.prefix },
      { head: columns.scheme, cell: (step) => step.scheme },
      { head: columns.link, cell: (step) => step.link },
      { head: columns.priority, cell: (step) => String(step.priority), right: true },
      { head: columns.cost, cell: (step) => step.costMinor.toFixed(1), right: true },
      { head: columns.verdict, cell: (step) => verdicts[step.verdict] },
    ],
    steps,
  ))
    console.out(line);
  if (answer.value.standIn !== null) console.out(standIn(answer.value.standIn));
  return exit.ok;
}

/** `tsunagu switch stand-in`. */
export async function listStandIn(
  { client, console, json }: Context,
  state: StandInUse['state'] | undefined,
): Promise<ExitCode> {
  const answer = await client.standIn(state);
  if (!answer.ok) return refuse(console, answer.fault, json);
  const { columns, states } = console.texts.switchRules;
  if (json) console.out(JSON.stringify(answer.value));
  else
    printTable(
      console,
      [
        { head: columns.at, cell: (use: StandInUse) => momentOf(use.at) },
        { head: columns.link, cell: (use) => use.link },
        { head: columns.card, cell: (use) => use.lastFour },
        { head: columns.amount, cell: (use) => console.texts.yen(use.amountMinor), right: true },
        { head: columns.verdict, cell: (use) => [states[use.state], use.actionCode ?? ''].join(' ').trim() },
      ],
      answer.value,
    );
  return exit.ok;
}
