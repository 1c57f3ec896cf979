import type { TerminalSummary } from '@tsunagu/protocols/fleet';
import { type Column, exit, type ExitCode, printTable, refuse } from '../console/index.ts';
import type { Context } from './context.ts';
import { configurationOf, lastSaleOf, linkOf, negativeOf, placeOf, troubleLines } from './describe.ts';

/** `tsunagu terminals`: the fleet as a table, or as a JSON array of the API's terminal summaries. */
export async function listTerminals(
  { client, console, json, world }: Context,
  filter: string | undefined,
): Promise<ExitCode> {
  const answer = await client.terminals();
  if (!answer.ok) return refuse(console, answer.fault, json);
  const wanted = filter?.toLowerCase();
  const shown = answer.value.filter(
    (terminal) =>
      !wanted ||
      JSON.stringify([terminal.serial, terminal.model, terminal.place, terminal.link.state])
        .toLowerCase()
        .includes(wanted),
  );
  if (json) {
    console.out(JSON.stringify(shown, null, console.isLive ? 2 : 0));
    return exit.ok;
  }
  const { texts } = console;
  const now = world.clock.now();
  const columns: readonly Column<TerminalSummary>[] = [
    { head: texts.columns.serial, cell: (terminal) => (terminal.parent ? `└ ${terminal.serial}` : terminal.serial) },
    { head: texts.columns.model, cell: (terminal) => terminal.model },
    { head: texts.columns.place, cell: placeOf },
    { head: texts.columns.link, cell: (terminal) => linkOf(texts, terminal) },
    {
      head: texts.columns.keys,
      cell: (terminal) =>
        terminal.lifecycle === 'scrap' ? texts.keysDestroyed : texts.keysLoaded(terminal.keys.length),
    },
    { head: texts.columns.configuration, cell: (terminal) => configurationOf(texts, terminal) },
    { head: texts.columns.negative, cell: (terminal) => negativeOf(texts, now, terminal) },
    { head: texts.columns.lastSale, cell: (terminal) => lastSaleOf(texts, now, terminal) },
  ];
  printTable(console, columns, underTheirParents(shown));
  const troubles = shown.flatMap((terminal) => troubleLines(console, now, terminal));
  if (troubles.length > 0) console.out(`\n${console.paint('bold', texts.trouble.title)}`);
  for (const line of troubles) console.out(line);
  return exit.ok;
}

/** Children come below their parent, where it is shown too. */
function underTheirParents(terminals: readonly TerminalSummary[]): readonly TerminalSummary[] {
  const serials = new Set<string>(terminals.map(({ serial }) => serial));
  const children = new Map<string, TerminalSummary[]>();
  const first: TerminalSummary[] = [];
  for (const terminal of terminals) {
    const { parent } = terminal;
    if (!parent || !serials.has(parent)) first.push(terminal);
    else children.set(parent, [...(children.get(parent) ?? []), terminal]);
  }
  return first.flatMap((terminal) => [terminal, ...(children.get(terminal.serial) ?? [])]);
}
