import { modelOf } from '@tsunagu/protocols/catalogue';
import { parseWith, type RegisterTerminal, registerTerminal } from '@tsunagu/protocols/fleet';
import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import { readCsv } from './csv.ts';

const columns = ['serial', 'model', 'merchant', 'shop', 'lane', 'parent', 'relayPort'];
const required = columns.slice(0, 4);

/** A line of a file of terminals. */
export interface TerminalLine {
  readonly line: number;
  readonly serial: string;
  readonly terminal: Result<RegisterTerminal>;
}

/** Reads a CSV file of terminals. A line that is wrong stops no other. */
export function readTerminals(text: string): Result<readonly TerminalLine[], 'INPUT_INVALID' | 'BULK_TOO_MANY'> {
  const lines = readCsv(text, columns, required);
  if (!lines.ok) return lines;
  return ok(
    lines.value.map(({ line, isWhole, cell }) => {
      const serial = cell('serial');
      const [parent, relayPort] = [cell('parent'), cell('relayPort')];
      const read = parseWith(registerTerminal, {
        serial,
        model: cell('model'),
        place: { merchant: cell('merchant'), shop: cell('shop'), lane: cell('lane') },
        ...(parent !== '' && { parent }),
        ...(relayPort !== '' && { relayPort: Number(relayPort) }),
      });
      const terminal = !isWhole
        ? fail('INPUT_INVALID', { field: 'columns' })
        : read.ok && !modelOf(read.value.model)
          ? fail('MODEL_UNKNOWN', { field: 'model' })
          : read;
      return { line, serial: serial.slice(0, 32), terminal };
    }),
  );
}
