import { CompiledQuery, PostgresAdapter, type Transaction } from 'kysely';
import type { Database } from './database.ts';

type Value = string | number | Uint8Array | null;
type AnyRow = { readonly [column: string]: Value };

/** Columns of rows that are written in lots; those of bytes are named apart. */
export interface Columns<Row> {
  readonly plain: readonly (keyof Row & string)[];
  readonly bytes?: readonly (keyof Row & string)[];
}

/*
 * However many the rows are, they go to the database as one parameter, a JSON array, bytes in hexadecimal: binding a value costs this process
 * more than all that SQLite does with it on its own thread. In SQLite a row is an array, in PostgreSQL an object, which takes its types from the table.
 */

/** Writes rows of a table in one statement. `ending` follows the values: a conflict clause. */
export async function insertRows<Row extends AnyRow>(
  tx: Transaction<Database>,
  table: keyof Database,
  columns: Columns<Row>,
  rows: readonly Row[],
  ending = '',
): Promise<void> {
  if (rows.length === 0) return;
  const lot = lotOf(tx, table, columns, cellsOf(namesOf(columns), rows));
  await tx.executeQuery(CompiledQuery.raw(insertSql(table, columns, lot, ending), [lot.text]));
}

/** The statement of `insertRows`. "WHERE true" tells the parser that ON CONFLICT is not the condition of a join. */
const insertSql = <Row>(table: keyof Database, columns: Columns<Row>, { values, from }: Lot, ending: string): string =>
  `INSERT INTO "${table}" (${listOf(namesOf(columns))}) SELECT ${values.join(', ')} FROM ${from} WHERE true ${ending}`;

/** Writes `columns` of the rows with these keys in one statement. The key itself is not changed. */
export async function updateRows<Row extends AnyRow>(
  tx: Transaction<Database>,
  table: keyof Database,
  key: keyof Row & string,
  columns: Columns<Row>,
  rows: readonly Row[],
): Promise<void> {
  if (rows.length === 0) return;
  const keyed = { ...columns, plain: [key, ...columns.plain] };
  const lot = lotOf(tx, table, keyed, cellsOf(namesOf(keyed), rows));
  await tx.executeQuery(CompiledQuery.raw(updateSql(table, keyed, lot), [lot.text]));
}

/** The statement of `updateRows`. The key is the first of the columns. */
function updateSql<Row>(table: keyof Database, keyed: Columns<Row>, { values, from }: Lot): string {
  const [key = '', ...names] = namesOf(keyed);
  const set = names.map((column) => `"${column}" = "rows"."new_${column}"`);
  const named = values.map((value, at) => `${value} AS "new_${[key, ...names][at] ?? ''}"`);
  return `UPDATE "${table}" SET ${set.join(', ')} FROM (SELECT ${named.join(', ')} FROM ${from}) AS "rows" WHERE "${table}"."${key}" = "rows"."new_${key}"`;
}

/**
 * A lot that a trigger writes: SQLite only. `source` is the expression that holds the text of the lot; none is written where that is null.
 * @param cells names of what stands in a row of the text, where that is more than the columns; of two of one name the last counts
 */
export const triggeredInsert = <Row>(
  table: keyof Database,
  columns: Columns<Row>,
  source: string,
  ending = '',
  cells: readonly string[] = namesOf(columns),
): string => insertSql(table, columns, sqliteLot(columns, source, cells), ending);

/** As `triggeredInsert`, for an update; the key is the first of the plain columns. */
export const triggeredUpdate = <Row>(table: keyof Database, keyed: Columns<Row>, source: string): string =>
  updateSql(table, keyed, sqliteLot(keyed, source));

/** Each row as a text of its own, for a log. */
export function rowTexts<Row extends AnyRow>(columns: Columns<Row>, rows: readonly Row[]): readonly string[] {
  if (rows.length === 0) return [];
  const names = namesOf(columns);
  return rows.map((row) => JSON.stringify(names.map((name) => textOf(row[name] ?? null, ''))));
}

/** The text of one row with all that another says behind it. */
export const rowWith = (row: string, more: string): string => `${row.slice(0, -1)},${more.slice(1)}`;

/** Rows that are texts as one text; null where there are none. */
export const lotText = (rows: readonly string[]): string | null => (rows.length === 0 ? null : `[${rows.join(',')}]`);

/** The rows of such a text: they have what the columns name, and nothing else. */
export const rowsOfLot = <Row>({ plain, bytes = [] }: Columns<Row>, text: string | null): Row[] =>
  text === null
    ? []
    : (JSON.parse(text) as (string | number | null)[][]).map((cells) => {
        const row: { [column: string]: Value } = {};
        for (const [at, name] of [...plain, ...bytes].entries()) {
          const cell = cells[at] ?? null;
          row[name] = at >= plain.length && typeof cell === 'string' ? Uint8Array.from(Buffer.from(cell, 'hex')) : cell;
        }
        return row as Row;
      });

/** Rows of a table whose `columns` are one of `keys`, in one statement. */
export async function selectRows<Table extends keyof Database, Row>(
  tx: Transaction<Database>,
  table: Table,
  columns: readonly (keyof Database[Table] & string)[],
  keys: readonly (readonly (string | number)[])[],
  selected = '*',
): Promise<readonly Row[]> {
  if (keys.length === 0) return [];
  const lot = lotOf(tx, table, { plain: columns }, keys);
  const sql = `SELECT ${selected} FROM "${table}" WHERE (${listOf(columns)}) IN (SELECT ${lot.values.join(', ')} FROM ${lot.from})`;
  return (await tx.executeQuery<Row>(CompiledQuery.raw(sql, [lot.text]))).rows;
}

const listOf = (columns: readonly string[]): string => columns.map((column) => `"${column}"`).join(', ');

/** The columns in the order in which they stand in a text. */
export const namesOf = <Row>({ plain, bytes = [] }: Columns<Row>): (keyof Row & string)[] => [...plain, ...bytes];

const cellsOf = <Row extends AnyRow>(names: readonly (keyof Row & string)[], rows: readonly Row[]) =>
  rows.map((row) => names.map((name) => row[name] ?? null));

/** How a statement reads a lot: what stands for each column, in the order of `namesOf`, and from where. */
interface Lot {
  readonly values: readonly string[];
  readonly from: string;
}

// As JSONB a row is looked into as it is; as JSON it is written out as text for each of its columns.
const sqliteLot = <Row>(columns: Columns<Row>, source: string, cells: readonly string[] = namesOf(columns)): Lot => ({
  values: namesOf(columns).map((name, at) => {
    const cell = `value ->> ${cells.lastIndexOf(name)}`;
    return at < columns.plain.length ? cell : `unhex(${cell})`;
  }),
  from: `jsonb_each(${source})`,
});

const sqliteText = (cells: readonly (readonly Value[])[]): string =>
  JSON.stringify(cells.map((row) => row.map((cell) => textOf(cell, ''))));

/**
 * Rows as one parameter, and how a statement reads them.
 *
 * @param cells of each row, in the order of `namesOf`
 */
function lotOf<Row>(
  tx: Transaction<Database>,
  table: keyof Database,
  columns: Columns<Row>,
  cells: readonly (readonly Value[])[],
): Lot & { readonly text: string } {
  const names = namesOf(columns);
  if (tx.getExecutor().adapter instanceof PostgresAdapter)
    return {
      text: JSON.stringify(
        cells.map((row) => Object.fromEntries(row.map((cell, at) => [names[at] ?? '', textOf(cell, '\\x')]))),
      ),
      values: names.map((name) => `"lot"."${name}"`),
      from: `json_populate_recordset(NULL::"${table}", $1) AS "lot"`,
    };
  return { text: sqliteText(cells), ...sqliteLot(columns, '?') };
}

const textOf = (cell: Value, prefix: string): string | number | null =>
  cell instanceof Uint8Array ? prefix + Buffer.from(cell.buffer, cell.byteOffset, cell.length).toString('hex') : cell;
