import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import { parse } from 'csv-parse/sync';
import { z } from 'zod';

const linesMax = 2_000;

/** A line of a CSV file: its number, and its cells by column. */
export interface CsvLine {
  readonly line: number;
  /** It has as many cells as the head. */
  readonly isWhole: boolean;
  readonly cell: (name: string) => string;
}

const parsed = z.array(z.object({ info: z.object({ lines: z.number() }), record: z.array(z.string()) }));

/** Reads a CSV file (RFC 4180) with a head of known columns. A file that is none is refused whole. */
export function readCsv(
  text: string,
  columns: readonly string[],
  required: readonly string[],
): Result<readonly CsvLine[], 'INPUT_INVALID' | 'BULK_TOO_MANY'> {
  let rows: z.infer<typeof parsed>;
  try {
    rows = parsed.parse(
      parse(text, {
        bom: true,
        info: true,
        relax_column_count: true,
        skip_empty_lines: true,
        to: linesMax + 2,
        trim: true,
      }),
    );
  } catch (cause) {
    return fail('INPUT_INVALID', { field: 'csv', cause });
  }
  const [head, ...body] = rows;
  const names = head?.record ?? [];
  const wrong = required.find((name) => !names.includes(name)) ?? names.find((name) => !columns.includes(name));
  if (wrong !== undefined) return fail('INPUT_INVALID', { field: `csv.${wrong.slice(0, 20)}` });
  if (body.length > linesMax) return fail('BULK_TOO_MANY', { facts: { max: linesMax } });
  return ok(
    body.map(({ info, record }) => ({
      line: info.lines,
      isWhole: record.length === names.length,
      cell: (name) => record[names.indexOf(name)] ?? '',
    })),
  );
}
