import type { Console } from './console.ts';
import { type Column, layOut } from './table.ts';

/** Prints lines, and says so where there are none: silence would leave open whether the command worked. */
export function printList(console: Console, lines: readonly string[]): void {
  if (lines.length === 0) console.out(console.paint('muted', console.texts.nothingListed));
  for (const line of lines) console.out(line);
}

/** Prints rows as a table under their headings. */
export function printTable<Row>(console: Console, columns: readonly Column<Row>[], rows: readonly Row[]): void {
  const [head = '', ...lines] = layOut(columns, rows);
  if (rows.length > 0) console.out(console.paint('muted', head));
  printList(console, lines);
}
