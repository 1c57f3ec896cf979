import { modelOf } from '@tsunagu/protocols/catalogue';
import { parseWith, type RegisterTerminal, registerTerminal } from '@tsunagu/protocols/fleet';
import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import { parse } from 'csv-parse/sync';
import { z } from 'zod';

const linesMax = 2_000;
const columns = ['serial', 'model', 'merchant', 'shop', 'lane', 'parent', 'relayPort'];
const required = columns.slice(0, 4);

/** A line of a file of terminals. */
export interface TerminalLine {
  readonly line: number;
  readonly serial: string;
  readonly terminal: Result<RegisterTerminal>;
}

const parsed = z.array(z.object({ info: z.object({ lines: z.number() }), record: z.array(z.string()) }));

/** Reads a CSV file (RFC 4180) of terminals. A line that is wrong stops no other; a file that is none is refused whole. */
export function readTerminals(text: string): Result<readonly TerminalLine[], 'INPUT_INVALID' | 'BULK_TOO_MANY'> {
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
  const missing = required.find((name) => !names.includes(name)) ?? names.find((name) => !columns.includes(name));
  if (missing !== undefined) return fail('INPUT_INVALID', { field: `csv.${missing.slice(0, 20)}` });
  if (body.length > linesMax) return fail('BULK_TOO_MANY', { facts: { max: linesMax } });
  return ok(
    body.map(({ info, record }) => {
      const cell = (name: string): string => record[names.indexOf(name)] ?? '';
      const serial = cell('serial');
      const [parent, relayPort] = [cell('parent'), cell('relayPort')];
      const read = parseWith(registerTerminal, {
        serial,
        model: cell('model'),
        place: { merchant: cell('merchant'), shop: cell('shop'), lane: cell('lane') },
        ...(parent !== '' && { parent }),
        ...(relayPort !== '' && { relayPort: Number(relayPort) }),
      });
      const terminal =
        record.length !== names.length
          ? fail('INPUT_INVALID', { field: 'columns' })
          : read.ok && !modelOf(read.value.model)
            ? fail('MODEL_UNKNOWN', { field: 'model' })
            : read;
      return { line: info.lines, serial: serial.slice(0, 32), terminal };
    }),
  );
}
