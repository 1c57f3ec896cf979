import stringWidth from 'string-width';

/** A column of a table: its heading, and its cell for a row. */
export interface Column<Row> {
  readonly head: string;
  readonly cell: (row: Row) => string;
  /** Amounts stand on the right. */
  readonly right?: boolean;
}

/** Fills a text with spaces up to `width` cells (a kanji takes two). */
export const pad = (text: string, width: number, right = false): string => {
  const space = ' '.repeat(Math.max(0, width - stringWidth(text)));
  return right ? space + text : text + space;
};

/** Cuts a text to `width` cells; the cut is shown by "…". */
export function cut(text: string, width: number): string {
  if (stringWidth(text) <= width) return text;
  let kept = '';
  for (const { segment } of new Intl.Segmenter().segment(text)) {
    if (stringWidth(kept + segment) > width - 1) break;
    kept += segment;
  }
  return width > 0 ? `${kept}…` : '';
}

/** Lays rows out in columns as wide as their widest cell. */
export function layOut<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): readonly string[] {
  const cells = [columns.map((column) => column.head), ...rows.map((row) => columns.map((column) => column.cell(row)))];
  const widths = columns.map((_, index) => Math.max(...cells.map((line) => stringWidth(line[index] ?? ''))));
  return cells.map((line) =>
    line
      .map((cell, index) => pad(cell, widths[index] ?? 0, columns[index]?.right))
      .join('  ')
      .trimEnd(),
  );
}
