import { Box, Text } from 'ink';
import stringWidth from 'string-width';
import { cut, pad } from '../console/index.ts';

/** A column of a table on the screen. The one with the highest `rank` goes first when the window is narrow. */
export interface ScreenColumn<Row> {
  readonly head: string;
  readonly cell: (row: Row) => string;
  readonly rank: number;
}

interface TableProps<Row> {
  readonly columns: readonly ScreenColumn<Row>[];
  readonly rows: readonly Row[];
  readonly selected: number;
  readonly width: number;
  readonly height: number;
}

/** Rows in columns; drops columns rather than wrapping, and moves the cursor inside a page before it turns it. */
export function Table<Row>({ columns, rows, selected, width, height }: TableProps<Row>) {
  const pageSize = Math.max(1, height - 1);
  const start = Math.floor(selected / pageSize) * pageSize;
  const page = rows.slice(start, start + pageSize);
  const widthOf = (column: ScreenColumn<Row>): number =>
    Math.max(stringWidth(column.head), ...page.map((row) => stringWidth(column.cell(row))));
  const shown = fitting(columns, widthOf, width);
  const line = (cell: (column: ScreenColumn<Row>) => string): string =>
    pad(cut(shown.map((column) => pad(cell(column), widthOf(column))).join('  '), width), width);
  return (
    <Box flexDirection="column" height={height}>
      <Text dimColor>{line((column) => column.head)}</Text>
      {page.map((row, index) => (
        <Text key={start + index} inverse={start + index === selected}>
          {line((column) => column.cell(row))}
        </Text>
      ))}
    </Box>
  );
}

function fitting<Row>(
  columns: readonly ScreenColumn<Row>[],
  widthOf: (column: ScreenColumn<Row>) => number,
  width: number,
): readonly ScreenColumn<Row>[] {
  const total = columns.reduce((sum, column) => sum + widthOf(column) + 2, -2);
  if (total <= width || columns.length === 1) return columns;
  const last = Math.max(...columns.map((column) => column.rank));
  return fitting(
    columns.filter((column) => column.rank !== last),
    widthOf,
    width,
  );
}
