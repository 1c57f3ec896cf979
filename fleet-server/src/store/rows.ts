import { CompiledQuery, type Transaction } from 'kysely';
import type { Database } from './database.ts';

type Value = string | number | Uint8Array | null;

/** Statements are of these numbers of rows. So there are few of them, and all stay compiled. */
const sizes = [128, 96, 64, 48, 32, 24, 16, 12, 8, 6, 4, 3, 2, 1];

/** Writes rows of a table in a few statements, whatever their number. `ending` follows the values: a conflict clause. */
export async function insertRows<Row extends { readonly [column: string]: Value }>(
  tx: Transaction<Database>,
  table: keyof Database,
  columns: readonly (keyof Row & string)[],
  rows: readonly Row[],
  ending = '',
): Promise<void> {
  const names = columns.map((column) => `"${column}"`).join(', ');
  for (const some of portions(rows)) {
    const sql = `INSERT INTO "${table}" (${names}) VALUES ${tuples(some.length, columns.length)} ${ending}`;
    await tx.executeQuery(CompiledQuery.raw(sql, valuesOf(columns, some)));
  }
}

/** Writes all `columns` of the rows with these keys, in a few statements. The key is not changed. */
export async function updateRows<Row extends { readonly [column: string]: Value }>(
  tx: Transaction<Database>,
  table: keyof Database,
  key: keyof Row & string,
  columns: readonly (keyof Row & string)[],
  rows: readonly Row[],
): Promise<void> {
  // The columns of a list of values are called column1, column2 and so on, in SQLite and PostgreSQL alike.
  const set = columns.map((column, at) => `"${column}" = "rows"."column${at + 2}"`).join(', ');
  for (const some of portions(rows)) {
    const values = tuples(some.length, columns.length + 1);
    const sql = `UPDATE "${table}" SET ${set} FROM (VALUES ${values}) AS "rows" WHERE "${table}"."${key}" = "rows"."column1"`;
    await tx.executeQuery(CompiledQuery.raw(sql, valuesOf([key, ...columns], some)));
  }
}

/** Rows of a table whose `columns` are one of `keys`, in a few statements. */
export async function selectRows<Table extends keyof Database, Row>(
  tx: Transaction<Database>,
  table: Table,
  columns: readonly (keyof Database[Table] & string)[],
  keys: readonly (readonly Value[])[],
  selected = '*',
): Promise<readonly Row[]> {
  const names = columns.map((column) => `"${column}"`).join(', ');
  const found: Row[] = [];
  for (const some of portions(filledUp(keys))) {
    const sql = `SELECT ${selected} FROM "${table}" WHERE (${names}) IN (VALUES ${tuples(some.length, columns.length)})`;
    found.push(...(await tx.executeQuery<Row>(CompiledQuery.raw(sql, some.flat()))).rows);
  }
  return found;
}

const tuples = (rows: number, columns: number): string => {
  const tuple = `(${Array.from({ length: columns }, () => '?').join(', ')})`;
  return Array.from({ length: rows }, () => tuple).join(', ');
};

/** A key that is asked for twice is found once: so the last one fills up the list to a number that has its statement. */
function filledUp<T>(keys: readonly T[]): readonly T[] {
  const last = keys.at(-1);
  const size = sizes.findLast((each) => each >= keys.length);
  if (last === undefined || size === undefined) return keys;
  return [...keys, ...Array.from({ length: size - keys.length }, () => last)];
}

const valuesOf = <Row extends { readonly [column: string]: Value }>(
  columns: readonly (keyof Row & string)[],
  rows: readonly Row[],
): Value[] => rows.flatMap((row) => columns.map((column) => row[column] ?? null));

function* portions<T>(all: readonly T[]): Iterable<readonly T[]> {
  for (let from = 0; from < all.length; ) {
    const count = sizes.find((size) => size <= all.length - from) ?? 1;
    yield all.slice(from, from + count);
    from += count;
  }
}
