import { CompiledQuery, type Transaction } from 'kysely';
import type { Database } from './database.ts';

type Value = string | number | Uint8Array | null;
type AnyRow = { readonly [column: string]: Value };

/** Columns of rows that are written in lots; those of bytes are named apart. */
export interface Columns<Row> {
  readonly plain: readonly (keyof Row & string)[];
  readonly bytes?: readonly (keyof Row & string)[];
}

/*
 * However many the rows are, they go to the database as one parameter, a JSON array of arrays, bytes in hexadecimal: binding a value costs this process
 * more than all that SQLite does with it on its own thread.
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
  const names = listOf([...columns.plain, ...(columns.bytes ?? [])]);
  // "WHERE true" tells the parser that ON CONFLICT is not the condition of a join.
  const sql = `INSERT INTO "${table}" (${names}) SELECT ${valuesOf(columns).join(', ')} FROM json_each(?) WHERE true ${ending}`;
  await tx.executeQuery(CompiledQuery.raw(sql, [textOf(columns, rows)]));
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
  const names = [...keyed.plain, ...(keyed.bytes ?? [])];
  const set = names.slice(1).map((column) => `"${column}" = "rows"."new_${column}"`);
  const values = valuesOf(keyed).map((value, at) => `${value} AS "new_${names[at] ?? ''}"`);
  const sql = `UPDATE "${table}" SET ${set.join(', ')} FROM (SELECT ${values.join(', ')} FROM json_each(?)) AS "rows" WHERE "${table}"."${key}" = "rows"."new_${key}"`;
  await tx.executeQuery(CompiledQuery.raw(sql, [textOf(keyed, rows)]));
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
  const wanted = columns.map((_, at) => `value ->> ${at}`).join(', ');
  const sql = `SELECT ${selected} FROM "${table}" WHERE (${listOf(columns)}) IN (SELECT ${wanted} FROM json_each(?))`;
  return (await tx.executeQuery<Row>(CompiledQuery.raw(sql, [JSON.stringify(keys)]))).rows;
}

const listOf = (columns: readonly string[]): string => columns.map((column) => `"${column}"`).join(', ');

const valuesOf = <Row>({ plain, bytes = [] }: Columns<Row>): string[] => [
  ...plain.map((_, at) => `value ->> ${at}`),
  ...bytes.map((_, at) => `unhex(value ->> ${plain.length + at})`),
];

const textOf = <Row extends AnyRow>({ plain, bytes = [] }: Columns<Row>, rows: readonly Row[]): string =>
  JSON.stringify(
    rows.map((row) => [
      ...plain.map((column) => row[column] ?? null),
      ...bytes.map((column) => {
        const value = row[column];
        return value instanceof Uint8Array
          ? Buffer.from(value.buffer, value.byteOffset, value.length).toString('hex')
          : null;
      }),
    ]),
  );
