import { layout } from './layout.ts';
import { columnsOf } from './shift-jis.ts';
import type { SlipBlock } from './slip.ts';

/** A slip as plain text; a signature is told of, since text cannot show it. */
export const slipText = (blocks: readonly SlipBlock[], columns: number): string =>
  layout(blocks, columns)
    .map((row) => {
      switch (row.type) {
        case 'text':
          return row.isLarge ? spaced(row.text, columns) : row.text;
        case 'signature':
          return `(${row.written.strokes.length} strokes)`.padStart(columns);
        case 'code':
          return `*${row.data}*`.padStart((columns + row.data.length + 2) >> 1);
      }
    })
    .join('\n')
    .concat('\n');

/** Large text stands in half as many columns: here it keeps its size and moves to the middle. */
const spaced = (text: string, columns: number): string => {
  const bare = text.trim();
  return ' '.repeat(Math.max(0, (columns - columnsOf(bare)) >> 1)) + bare;
};
