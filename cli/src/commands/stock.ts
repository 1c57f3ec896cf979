import {
  lifePaths,
  parseWith,
  type PartStockView,
  partStockView,
  type StockEntry,
  stockEntry,
} from '@tsunagu/protocols/fleet';
import { isLow, partNumber, stockMove } from '@tsunagu/protocols/refurbish';
import { type Column, type ExitCode, exit, optionFault, printTable, refuse } from '../console/index.ts';
import type { Context } from './context.ts';

/** `tsunagu workshop stock list`: bought parts, and how many lie there. */
export async function listStock({ client, console, json }: Context, onlyLow: boolean): Promise<ExitCode> {
  const answer = await client.askAll(partStockView, `${lifePaths.workStock}?low=${onlyLow}`);
  if (!answer.ok) return refuse(console, answer.fault, json);
  const { stockColumns: heads, stockLow } = console.texts.life;
  const columns: readonly Column<PartStockView>[] = [
    { head: heads.part, cell: ({ part }) => part },
    { head: heads.count, cell: ({ count }) => String(count), right: true },
    { head: heads.minimum, cell: ({ minimum }) => String(minimum), right: true },
    { head: heads.counted, cell: ({ countedAt }) => countedAt?.slice(0, 10) ?? '-' },
    { head: '', cell: (stock) => (isLow(stock) ? stockLow : '') },
  ];
  if (json) console.out(JSON.stringify(answer.value));
  else printTable(console, columns, answer.value);
  return exit.ok;
}

/** `tsunagu workshop stock show PART`: what was done to it, newest first. */
export async function showStock({ client, console, json }: Context, part: string): Promise<ExitCode> {
  const known = parseWith(partNumber, part);
  if (!known.ok) return refuse(console, optionFault({ ...known.fault, field: 'part' }), json);
  const answer = await client.askAll(stockEntry, `${lifePaths.workStockMoves}?part=${known.value}`);
  if (!answer.ok) return refuse(console, answer.fault, json);
  const { stockColumns: heads, stockKind } = console.texts.life;
  const signed = (change: number): string => (change > 0 ? `+${change}` : String(change));
  const columns: readonly Column<StockEntry>[] = [
    { head: heads.at, cell: ({ at }) => at.slice(0, 16).replace('T', ' ') },
    { head: heads.by, cell: ({ by }) => by },
    { head: heads.kind, cell: ({ kind }) => stockKind[kind] },
    { head: heads.change, cell: ({ change }) => signed(change), right: true },
    { head: heads.count, cell: ({ count }) => String(count), right: true },
    { head: '', cell: ({ serial, says }) => serial ?? says },
  ];
  if (json) console.out(JSON.stringify(answer.value));
  else printTable(console, columns, answer.value);
  return exit.ok;
}

/** What belongs to a move, as options. */
export interface StockOptions {
  readonly count?: number;
  readonly receipt?: string;
  readonly change?: number;
  readonly reason?: string;
  readonly minimum?: number;
}

/** `tsunagu workshop stock note PART KIND`: what was done to it, and how it stands after that. */
export async function noteStock(
  { client, console, json }: Context,
  part: string,
  kind: string,
  options: StockOptions,
): Promise<ExitCode> {
  const body = parseWith(stockMove, { part, kind, ...options });
  if (!body.ok) return refuse(console, optionFault(body.fault, 'kind'), json);
  const answer = await client.ask(partStockView, lifePaths.workStockMoves, body.value);
  if (!answer.ok) return refuse(console, answer.fault, json);
  const { count, minimum } = answer.value;
  if (json) console.out(JSON.stringify(answer.value));
  else {
    console.out(console.texts.life.stockIs(part, count, minimum));
    if (isLow(answer.value)) console.out(console.paint('warn', console.texts.life.stockLow));
  }
  return exit.ok;
}
