import type { Insertable, Selectable, Transaction } from 'kysely';
import {
  type Columns,
  type Database,
  insertRows,
  lotText,
  namesOf,
  rowsOfLot,
  rowTexts,
  rowWith,
  triggeredInsert,
  triggeredUpdate,
  updateRows,
} from '../../store/index.ts';
import { type NewPosting, postingAgain, postingColumns, writePostings } from './postings.ts';
import type { LoggedRow, SwitchTables } from './tables.ts';

/** A sale as it stands in the journal. */
export type SaleRow = Omit<Selectable<SwitchTables['switch_sales']>, 'seq'>;

/** What a step may change of a sale. */
const stepColumns = {
  plain: ['state', 'decided_by', 'action_code', 'approval_code', 'reason', 'answered_at'],
  bytes: ['answer'],
} as const satisfies Columns<SaleRow>;
type StepColumn = (typeof stepColumns.plain)[number] | (typeof stepColumns.bytes)[number];
const keyedStepColumns = { ...stepColumns, plain: ['id', ...stepColumns.plain] } as const satisfies Columns<SteppedRow>;
/** What a sale has that is not decided yet. */
const openColumns = {
  // biome-ignore format: a table
  plain: [
    'id', 'serial', 'stan', 'local_time', 'body_tag', 'kind', 'original_id', 'received_at', 'amount_minor', 'currency', 'scheme', 'entry', 'pan_token',
    'last_four', 'routing_version', 'link', 'out_stan', 'rrn', 'state', 'origin', 'acquirer', 'terminal_id', 'merchant_id', 'acquirer_day', 'issuer_day',
  ],
  bytes: ['image'],
} as const satisfies Columns<SaleRow>;
const decidedColumns: Columns<SaleRow> = {
  plain: [...openColumns.plain, ...stepColumns.plain.filter((name) => name !== 'state')],
  bytes: [...openColumns.bytes, ...stepColumns.bytes],
};
const entryColumns = { plain: ['at', 'sale_id', 'serial', 'entry', 'facts'] } as const;
const counterColumns = { plain: ['initial_key_id', 'counter', 'used_at'] } as const;
const counterAgain =
  'ON CONFLICT (initial_key_id) DO UPDATE SET counter = excluded.counter, used_at = excluded.used_at WHERE switch_counters.counter < excluded.counter';

/** A sale as a step left it; of one that comes out of the log no more is known than that. */
export type SteppedRow = Pick<SaleRow, 'id' | StepColumn>;

/** What all that is written in one commit is, by table. */
export interface Written {
  /** New sales that are not decided yet, and those that are. */
  readonly opened: readonly SaleRow[];
  readonly decided: readonly SaleRow[];
  readonly updated: readonly SteppedRow[];
  readonly entries: readonly Omit<Insertable<SwitchTables['switch_journal']>, 'seq'>[];
  readonly counters: readonly Insertable<SwitchTables['switch_counters']>[];
  readonly postings: readonly NewPosting[];
}

/** Sorts new sales by whether they are decided. */
export function newSales(rows: readonly SaleRow[]): Pick<Written, 'opened' | 'decided'> {
  const isOpen = ({ answer }: SaleRow): boolean => answer === null;
  return { opened: rows.filter(isOpen), decided: rows.filter((row) => !isOpen(row)) };
}

/** Several commits as one, in their order: of each sale what it came to. */
export function together(commits: readonly Written[]): Written {
  const inserted = new Map<string, SaleRow>();
  const updated = new Map<string, SteppedRow>();
  const counters = new Map<string, Written['counters'][number]>();
  for (const commit of commits) {
    for (const row of [...commit.opened, ...commit.decided]) inserted.set(row.id, row);
    for (const row of commit.updated) {
      const before = inserted.get(row.id);
      if (before) inserted.set(row.id, { ...before, ...row });
      else updated.set(row.id, row);
    }
    for (const used of commit.counters)
      if (used.counter > (counters.get(used.initial_key_id)?.counter ?? 0)) counters.set(used.initial_key_id, used);
  }
  return {
    ...newSales([...inserted.values()]),
    updated: [...updated.values()],
    entries: commits.flatMap(({ entries }) => entries),
    counters: [...counters.values()],
    postings: commits.flatMap(({ postings }) => postings),
  };
}

/** Brings what was written into the tables, in a few statements. */
export async function writeTables(tx: Transaction<Database>, written: Written): Promise<void> {
  await insertRows(tx, 'switch_sales', openColumns, written.opened);
  await insertRows(tx, 'switch_sales', decidedColumns, written.decided);
  await updateRows<SteppedRow>(tx, 'switch_sales', 'id', stepColumns, written.updated);
  await insertRows(tx, 'switch_journal', entryColumns, written.entries);
  await insertRows(tx, 'switch_counters', counterColumns, written.counters, counterAgain);
  await writePostings(tx, written.postings);
}

/** Rows as the log has them, by kind: each is written once, for the log and for the tables. */
export type LoggedTexts = { readonly [Kind in keyof LoggedRow]: readonly string[] };

/** What was written, row by row. */
export const textsOf = ({ opened, decided, updated, entries, counters, postings }: Written): LoggedTexts => ({
  opened: rowTexts(openColumns, opened),
  decided: rowTexts(decidedColumns, decided),
  updated: rowTexts(keyedStepColumns, updated),
  entries: rowTexts(entryColumns, entries),
  counters: rowTexts(counterColumns, counters),
  postings: rowTexts(saidColumns, postings),
});

/** A commit as the log has it: rows of each kind as one text, or null. */
export const lotsOf = (texts: LoggedTexts): readonly (string | null)[] => [
  lotText(texts.opened),
  lotText(texts.decided),
  lotText(texts.updated),
  lotText(texts.entries),
  lotText(texts.counters),
  lotText(texts.postings),
];

/**
 * Several commits, in their order, as a trigger of SQLite writes them: a sale that was opened in one of them and decided in another is one row, with
 * what its last step says behind what it was opened with.
 */
export function tableLots(
  commits: readonly { readonly written: Written; readonly texts: LoggedTexts }[],
): readonly (string | null)[] {
  const steps = new Map<string, string>();
  for (const { written, texts } of commits)
    for (const [at, { id }] of written.updated.entries()) steps.set(id, texts.updated[at] ?? '');
  const opened: string[] = [];
  const finished: string[] = [];
  for (const { written, texts } of commits)
    for (const [at, { id }] of written.opened.entries()) {
      const [row = '', step] = [texts.opened[at], steps.get(id)];
      if (step === undefined) opened.push(row);
      else finished.push(rowWith(row, step));
      steps.delete(id);
    }
  const all = (kind: keyof LoggedTexts): string | null => lotText(commits.flatMap(({ texts }) => texts[kind]));
  return [
    lotText(finished),
    all('decided'),
    lotText(opened),
    lotText([...steps.values()]),
    all('entries'),
    all('counters'),
    all('postings'),
  ];
}

/** Names of the lots of `tableLots`. */
export const tableLotNames = ['finished', 'decided', 'opened', 'updated', 'entries', 'counters', 'postings'] as const;

/** What brings them into the tables. Postings count on the day that was said. */
export const tableStatements = [
  triggeredInsert('switch_sales', decidedColumns, 'NEW.finished', '', [
    ...namesOf<SaleRow>(openColumns),
    ...namesOf<SteppedRow>(keyedStepColumns),
  ]),
  triggeredInsert('switch_sales', decidedColumns, 'NEW.decided'),
  triggeredInsert('switch_sales', openColumns, 'NEW.opened'),
  triggeredUpdate('switch_sales', keyedStepColumns, 'NEW.updated'),
  triggeredInsert('switch_journal', entryColumns, 'NEW.entries'),
  triggeredInsert('switch_counters', counterColumns, 'NEW.counters', counterAgain),
  triggeredInsert('switch_postings', postingColumns, 'NEW.postings', postingAgain),
] as const;

/** The day on which a posting counts is the one that was said, where that is open. */
const saidColumns = { plain: postingColumns.plain.map((name) => (name === 'day' ? 'said_day' : name)) } as const;

/** The same back again. */
export const writtenOf = (row: LoggedRow): Written => ({
  // The columns that one which is open has not are those of a decision.
  opened: rowsOfLot<SaleRow>(openColumns, row.opened).map((sale) => ({ ...undecided, ...sale })),
  decided: rowsOfLot<SaleRow>(decidedColumns, row.decided),
  updated: rowsOfLot<SteppedRow>(keyedStepColumns, row.updated),
  entries: rowsOfLot<Written['entries'][number]>(entryColumns, row.entries),
  counters: rowsOfLot<Written['counters'][number]>(counterColumns, row.counters),
  postings: rowsOfLot<NewPosting & { day?: string }>(postingColumns, row.postings).map(
    ({ day: _said, ...posting }) => posting,
  ),
});

const undecided = {
  decided_by: null,
  action_code: null,
  approval_code: null,
  reason: null,
  answered_at: null,
  answer: null,
} as const satisfies Omit<SteppedRow, 'id' | 'state'>;
