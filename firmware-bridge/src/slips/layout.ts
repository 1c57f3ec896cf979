import type { Signature } from '../signature/index.ts';
import { columnsOf } from './shift-jis.ts';
import type { SlipBlock } from './slip.ts';

/** One row of a slip of a given width. */
export type SlipRow =
  | { readonly type: 'text'; readonly text: string; readonly isStrong: boolean; readonly isLarge: boolean }
  | { readonly type: 'signature'; readonly written: Signature }
  | { readonly type: 'code'; readonly data: string };

/** Sets a slip into columns: nothing is cut off, what does not fit goes on in the next row. */
export const layout = (blocks: readonly SlipBlock[], columns: number): readonly SlipRow[] =>
  blocks.flatMap((block): readonly SlipRow[] => {
    switch (block.type) {
      case 'title': {
        const width = block.isLarge ? columns >> 1 : columns;
        return wrap(block.text, width).map((line) => row(centred(line, width), true, block.isLarge));
      }
      case 'rule':
        return [row('-'.repeat(columns))];
      case 'note':
        return wrap(block.text, columns).map((line) => row(line));
      case 'pair':
        return pair(block.label, block.value, columns).map((line) => row(line, block.isStrong ?? false));
      case 'signature':
        return block.written === undefined
          ? [row(block.label), row(''), row(''), row('_'.repeat(columns))]
          : [row(block.label), { type: 'signature', written: block.written }];
      case 'code':
        return [{ type: 'code', data: block.data }];
    }
  });

const row = (text: string, isStrong = false, isLarge = false): SlipRow => ({ type: 'text', text, isStrong, isLarge });

/** Label left, value right, in one row where they fit with a space between, else in two. */
function pair(label: string, value: string, columns: number): readonly string[] {
  const gap = columns - columnsOf(label) - columnsOf(value);
  if (gap >= 1) return [`${label}${' '.repeat(gap)}${value}`];
  return [
    ...wrap(label, columns),
    ...wrap(value, columns).map((line) => line.padStart(line.length + Math.max(0, columns - columnsOf(line)))),
  ];
}

const centred = (text: string, columns: number): string =>
  ' '.repeat(Math.max(0, (columns - columnsOf(text)) >> 1)) + text;

/** Breaks between any two characters, and at spaces where there are some. */
export function wrap(text: string, columns: number): readonly string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(/(?<= )/)) {
    if (line !== '' && columnsOf(line + word.trimEnd()) > columns && columnsOf(word) <= columns) {
      lines.push(line.trimEnd());
      line = '';
    }
    for (const character of word) {
      if (columnsOf(line + character) > columns) {
        lines.push(line.trimEnd());
        line = character === ' ' ? '' : character;
      } else line += character;
    }
  }
  if (line.trimEnd() !== '' || lines.length === 0) lines.push(line.trimEnd());
  return lines;
}
