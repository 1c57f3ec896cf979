import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import { type SelectQueryBuilder, type SqlBool, sql } from 'kysely';
import { boundedLimit, keyOfCursor, type Page, type PageRequest, pageOf } from './page.ts';

/** What a row of a list is put in order by: a number, a text, or a number and, among equal ones, a text. */
type Key = readonly (number | string)[];

/** How a list is put in order. No two of its rows have the same key, so that rows that come meanwhile shift no page. */
export interface ListOrder<Row> {
  /** The columns of the key, which have an index together where the list is long. */
  readonly columns: readonly string[];
  readonly isDown: boolean;
  keyOf(this: void, row: Row): Key;
  /** The key that stands in a cursor; undefined: that is none of this order. */
  keyIn(this: void, cursor: string): Key | undefined;
}

/** What a column is called in the rows that it is read into. */
type Field<Column extends string> = Column extends `${string}.${infer Name}` ? Name : Column;
const fieldOf = <Column extends string>(column: Column): Field<Column> =>
  column.slice(column.lastIndexOf('.') + 1) as Field<Column>;

const byNumber = <Column extends string>(
  column: Column,
  isDown: boolean,
): ListOrder<Readonly<Record<Field<Column>, number>>> => ({
  columns: [column],
  isDown,
  keyOf: (row) => [row[fieldOf(column)]],
  keyIn: (cursor) => (/^\d{1,15}$/.test(cursor) ? [Number(cursor)] : undefined),
});

/** By a number that rows are given as they come, the highest first. */
export const highestFirst = <Column extends string>(column: Column) => byNumber(column, true);

/** By a number that rows are given as they come. */
export const lowestFirst = <Column extends string>(column: Column) => byNumber(column, false);

/** By a text of their own. `isText`: whether it could be one of them. */
export const inAlphabet = <Column extends string>(
  column: Column,
  isText: (text: string) => boolean = () => true,
): ListOrder<Readonly<Record<Field<Column>, string>>> => ({
  columns: [column],
  isDown: false,
  keyOf: (row) => [row[fieldOf(column)]],
  keyIn: (cursor) => (isText(cursor) ? [cursor] : undefined),
});

/** By a time (ms since 1970) and, among equal times, by a text of their own. `isKey`: whether the two could be one of theirs. */
export const oldestFirst = <Time extends string, Id extends string>(
  time: Time,
  id: Id,
  isKey: (at: number, text: string) => boolean = (at) => at >= 0,
): ListOrder<Readonly<Record<Field<Time>, number> & Record<Field<Id>, string>>> => ({
  columns: [time, id],
  isDown: false,
  keyOf: (row) => [row[fieldOf(time)], row[fieldOf(id)]],
  keyIn(cursor) {
    const [, at, text] = /^(\d{1,15}|-[1-9]\d{0,14}) (.+)$/s.exec(cursor) ?? [];
    return text === undefined || !isKey(Number(at), text) ? undefined : [Number(at), text];
  },
});

/** As `oldestFirst`, the other way round. */
export const newestFirst: typeof oldestFirst = (...columns) => ({ ...oldestFirst(...columns), isDown: true });

/** A page of what a query finds. INPUT_INVALID: the cursor is of no page of such a list. */
export async function pageOn<DB, TB extends keyof DB, Row>(
  query: SelectQueryBuilder<DB, TB, Row>,
  { columns, isDown, keyOf, keyIn }: ListOrder<NoInfer<Row>>,
  { limit: wanted, cursor }: PageRequest,
): Promise<Result<Page<Row>, 'INPUT_INVALID'>> {
  const text = keyOfCursor(cursor);
  if (!text.ok) return text;
  const after = text.value === undefined ? undefined : keyIn(text.value);
  if (text.value !== undefined && after === undefined) return fail('INPUT_INVALID', { field: 'cursor' });
  const limit = boundedLimit(wanted);
  const key = columns.map((column) => sql.ref(column));
  let page = query;
  if (after !== undefined)
    page = page.where(sql<SqlBool>`(${sql.join(key)}) ${isDown ? sql`<` : sql`>`} (${sql.join(after)})`);
  for (const column of key) page = page.orderBy(column, isDown ? 'desc' : 'asc');
  const rows = await page.limit(limit + 1).execute();
  return ok(
    pageOf(
      rows,
      limit,
      (row) => keyOf(row).join(' '),
      (row) => row,
    ),
  );
}

/** A page as somebody is shown it. */
export const viewPage = <Row, Item, Code extends 'INPUT_INVALID'>(
  page: Result<Page<Row>, Code>,
  viewOf: (row: Row) => Item,
): Result<Page<Item>, Code> =>
  page.ok ? ok({ items: page.value.items.map((row) => viewOf(row)), next: page.value.next }) : page;
