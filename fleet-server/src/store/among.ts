import { type RawBuilder, sql } from 'kysely';

/**
 * True of a row whose column holds one of these, however many they are: they are one parameter, so that the statement stays one, and compiled.
 *
 * @param column as it stands in the statement: `serial`, or `terminals.serial` where several tables have one
 */
export const among = (column: string, values: readonly (string | number)[]): RawBuilder<boolean> =>
  amongText(column, JSON.stringify(values));

/** The same of an array that is JSON already. */
export const amongText = (column: string, values: string): RawBuilder<boolean> =>
  sql<boolean>`${sql.ref(column)} in (select value from json_each(${values}))`;
