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
  const names = namesOf(columns);
  const lot = lotOf(tx, table, columns, cellsOf(names, rows));
  // "WHERE true" tells the parser that ON CONFLICT is not the condition of a join.
  const sql = `INSERT INTO "${table}" (${listOf(names)}) SELECT ${lot.values.join(', ')} FROM ${lot.from} WHERE true ${ending}`;
  await tx.executeQuery(CompiledQuery.raw(sql, [lot.text]));
}

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
  const names = namesOf(keyed);
  const lot = lotOf(tx, table, keyed, cellsOf(names, rows));
  const set = names.slice(1).map((column) => `"${column}" = "rows"."new_${column}"`);
  const values = lot.values.map((value, at) => `${value} AS "new_${names[at] ?? ''}"`);
  const sql = `UPDATE "${table}" SET ${set.join(', ')} FROM (SELECT ${values.join(', ')} FROM ${lot.from}) AS "rows" WHERE "${table}"."${key}" = "rows"."new_${key}"`;
  await tx.executeQuery(CompiledQuery.raw(sql, [lot.text]));
}

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

const namesOf = <Row>({ plain, bytes = [] }: Columns<Row>): (keyof Row & string)[] => [...plain, ...bytes];

const cellsOf = <Row extends AnyRow>(names: readonly (keyof Row & string)[], rows: readonly Row[]) =>
  rows.map((row) => names.map((name) => row[name] ?? null));

/**
 * Rows as one parameter, and how a statement reads them: what stands for each column, in the order of `namesOf`, and from where.
 *
 * @param cells of each row, in the order of `namesOf`
 */
function lotOf<Row>(
  tx: Transaction<Database>,
  table: keyof Database,
  columns: Columns<Row>,
  cells: readonly (readonly Value[])[],
): { readonly text: string; readonly values: readonly string[]; readonly from: string } {
  const names = namesOf(columns);
  if (tx.getExecutor().adapter instanceof PostgresAdapter)
    return {
      text: JSON.stringify(
        cells.map((row) => Object.fromEntries(row.map((cell, at) => [names[at] ?? '', textOf(cell, '\\x')]))),
      ),
      values: names.map((name) => `"lot"."${name}"`),
      from: `json_populate_recordset(NULL::"${table}", $1) AS "lot"`,
    };
  return {
    text: JSON.stringify(cells.map((row) => row.map((cell) => textOf(cell, '')))),
    values: names.map((_, at) => (at < columns.plain.length ? `value ->> ${at}` : `unhex(value ->> ${at})`)),
    // As JSONB a row is looked into as it is; as JSON it is written out as text for each of its columns.
    from: 'jsonb_each(?)',
  };
}

const textOf = (cell: Value, prefix: string): string | number | null =>
  cell instanceof Uint8Array ? prefix + Buffer.from(cell.buffer, cell.byteOffset, cell.length).toString('hex') : cell;
