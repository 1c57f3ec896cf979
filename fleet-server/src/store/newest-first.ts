import { type SelectQueryBuilder, type SqlBool, sql } from 'kysely';
import type { Moment } from './page.ts';

/**
 * A page of a list whose rows are numbered as they come, the highest first; one row more than the page holds, which tells whether there is another.
 *
 * @param before where the page begins (`numberOfCursor`); undefined for the first
 */
export function highestFirst<DB, TB extends keyof DB, Row>(
  query: SelectQueryBuilder<DB, TB, Row>,
  column: string,
  before: number | undefined,
  limit: number,
): SelectQueryBuilder<DB, TB, Row> {
  const number = sql.ref(column);
  const begun = before === undefined ? query : query.where(sql<SqlBool>`${number} < ${before}`);
  return begun.orderBy(sql`${number}`, 'desc').limit(limit + 1);
}

/**
 * A page of a list that shows the newest first, by a time and, among equal times, by an id; one row more than the page holds, which tells whether
 * there is another.
 *
 * @param columns of time and id, which have an index together where the list is long
 * @param after where the page begins; undefined for the first
 */
export function newestFirst<DB, TB extends keyof DB, Row>(
  query: SelectQueryBuilder<DB, TB, Row>,
  columns: readonly [time: string, id: string],
  after: Moment | undefined,
  limit: number,
): SelectQueryBuilder<DB, TB, Row> {
  const [time, id] = columns.map((column) => sql.ref(column));
  const begun = after === undefined ? query : query.where(sql<SqlBool>`(${time}, ${id}) < (${after.at}, ${after.id})`);
  return begun
    .orderBy(sql`${time}`, 'desc')
    .orderBy(sql`${id}`, 'desc')
    .limit(limit + 1);
}
