import { type MoveLifecycle, moveLifecycle, parseWith, type Serial, serialSchema } from '@tsunagu/protocols/fleet';
import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import { readCsv } from './csv.ts';

const materialColumns = new Map(
  (['plastic', 'metal', 'boards', 'display', 'other'] as const).map((material) => [material, `${material}Grams`]),
);

/** Columns of a file of moves. */
export const moveColumns = [
  'serial',
  'to',
  'reason',
  'from',
  'bag',
  'photo',
  'seals',
  'connections',
  'kcv',
  'wipeJob',
  'owedJob',
  'testJob',
  'destroyed',
  'destroyedAt',
  'owedDeclared',
  'silentSince',
  'owedWaiting',
  'owedBecame',
  'benchTest',
  'inspection',
  'finding',
  'recycler',
  'receipt',
  'batteryGrams',
  ...materialColumns.values(),
];
const required = moveColumns.slice(0, 3);

/** A line of a file of moves. */
export interface MoveLine {
  readonly line: number;
  readonly serial: string;
  readonly move: Result<{ readonly serial: Serial; readonly move: MoveLifecycle }>;
}

const list = (text: string): string[] => text.split(/[;\s]+/).filter((part) => part !== '');

/** Reads a CSV file of moves: `seals` are parted by `;`, `kcv` is `slot=value;slot=value`. A line that is wrong stops no other. */
export function readMoves(text: string): Result<readonly MoveLine[], 'INPUT_INVALID' | 'BULK_TOO_MANY'> {
  const lines = readCsv(text, moveColumns, required);
  if (!lines.ok) return lines;
  return ok(
    lines.value.map(({ line, isWhole, cell }) => {
      const given = <T>(name: string, make: (text: string) => T): T | undefined =>
        cell(name) === '' ? undefined : make(cell(name));
      const byJob = (job: string) => ({ by: 'job', job });
      const evidence = {
        bagNumber: given('bag', String),
        photo: given('photo', String),
        seals: given('seals', list),
        connections: given('connections', Number),
        keyCheckValues: given('kcv', (pairs) =>
          list(pairs).map((pair) => ({ slot: pair.split('=')[0], kcv: pair.split('=')[1] })),
        ),
        wipeProof:
          given('wipeJob', byJob) ??
          given('destroyed', (method) => ({
            by: 'destruction',
            method,
            photo: given('photo', String),
            at: given('destroyedAt', String),
          })),
        nothingOwed:
          given('owedJob', byJob) ??
          given('owedDeclared', (words) => ({
            by: 'declaration',
            words,
            silentSince: given('silentSince', String),
            waiting: given('owedWaiting', Number),
            became: given('owedBecame', String),
          })),
        tests: given('testJob', byJob) ?? given('benchTest', (test) => ({ by: 'bench', test })),
        investigation: given('inspection', (inspection) => ({ inspection, words: cell('finding') })),
        recycling: given('recycler', (recycler) => ({
          recycler,
          receipt: cell('receipt'),
          batteryGrams: given('batteryGrams', Number),
          materialGrams: Object.fromEntries(
            [...materialColumns].flatMap(([material, column]) => {
              const grams = given(column, Number);
              return grams === undefined ? [] : [[material, grams]];
            }),
          ),
        })),
      };
      const serial = parseWith(serialSchema, cell('serial'));
      const move = parseWith(moveLifecycle, {
        to: cell('to'),
        reason: cell('reason'),
        from: given('from', String),
        evidence,
      });
      return {
        line,
        serial: cell('serial').slice(0, 32),
        move: !isWhole
          ? fail('INPUT_INVALID', { field: 'columns' })
          : !serial.ok
            ? fail('INPUT_INVALID', { field: 'serial' })
            : move.ok
              ? ok({ serial: serial.value, move: move.value })
              : move,
      };
    }),
  );
}
