import { type Description, describeText, type Line } from '@tsunagu/protocols/describe';
import { type Column, type Console, cut, type ExitCode, exit, layOut, printFault } from '../console/index.ts';

/** What a person asked for. */
export interface DecodeOptions {
  readonly json: boolean;
  readonly reveal: boolean;
}

/**
 * `tsunagu wire decode HEX`: says what the bytes are, piece by piece. Card numbers, tracks, PINs and keys stay hidden
 * unless `reveal`. Exit code 1 where no format fits or the bytes break off in the middle.
 */
export function decodeForPerson(console: Console, text: string, { json, reveal }: DecodeOptions): ExitCode {
  const read = describeText(text, { reveal });
  if (!read.ok) {
    printFault(console, read.fault, json);
    return exit.usage;
  }
  const { kind, fault } = read.value;
  if (json) console.out(JSON.stringify(read.value));
  else print(console, read.value);
  return kind === 'unknown' || fault !== undefined ? exit.failed : exit.ok;
}

function print(console: Console, { kind, title, lines, lengthBytes, alsoFits, fault }: Description): void {
  const { language, texts } = console;
  if (kind === 'unknown') {
    console.err(`${texts.wire.nothingKnown} (${texts.wire.lengthBytes(lengthBytes)})`);
    return;
  }
  console.out(`${console.paint('bold', title[language])}  ${texts.wire.lengthBytes(lengthBytes)}`);
  if (alsoFits !== undefined) console.out(console.paint('muted', texts.wire.alsoFits(alsoFits)));
  const [head = '', ...rows] = layOut(columnsFor(console, lengthBytes), lines);
  console.out(console.paint('muted', head));
  for (const [index, row] of rows.entries()) {
    const { masked, meaning, depth } = lines[index] ?? {};
    console.out(masked ? console.paint('warn', row) : row);
    // The meaning has a line of its own: bit tables and lists say more than a column holds.
    if (meaning !== undefined)
      console.out(`${indent(lengthBytes, depth ?? 0)}${console.paint('accent', meaning[language])}`);
  }
  if (lines.some(({ masked }) => masked)) console.out(console.paint('muted', texts.wire.masked));
  if (fault === undefined) return;
  console.err(texts.wire.brokenOff);
  printFault(console, fault, false);
}

const nameWidthMax = 56;
const digitsOf = (lengthBytes: number): number => Math.max(2, String(lengthBytes).length);

/** As wide as the offsets, so that a meaning stands below its name. */
const indent = (lengthBytes: number, depth: number): string => ' '.repeat(2 * digitsOf(lengthBytes) + 5 + 2 * depth);

function columnsFor({ language, texts }: Console, lengthBytes: number): readonly Column<Line>[] {
  const digits = digitsOf(lengthBytes);
  const place = (offset: number): string => String(offset).padStart(digits, '0');
  return [
    { head: texts.wire.columns.bytes, cell: ({ from, to }) => `${place(from)}-${place(Math.max(from, to - 1))}` },
    {
      head: texts.wire.columns.name,
      cell: ({ name, depth }) => cut(`${'  '.repeat(depth)}${name[language]}`, nameWidthMax),
    },
    { head: texts.wire.columns.value, cell: ({ value }) => value ?? '' },
  ];
}
