import type { Generated } from 'kysely';
import type { Migration } from '../store/migration.ts';

/** A table of alarms that a person has to see: one row for each code and origin, however often it is raised, until somebody has seen it. */
export type AlarmColumns<Origin extends string> = {
  seq: Generated<number>;
  id: string;
  /** Code and origin while nobody has seen it; null afterwards, and the next one is another. */
  open_key: string | null;
  code: string;
  /** Of the last time, as JSON. */
  facts: string;
  count: number;
  first_at: number;
  last_at: number;
  seen_by: string | null;
} & { readonly [column in Origin]: string };

/**
 * The step of the schema that makes such a table.
 *
 * @param origin its column of where an alarm comes from
 * @param references what that column refers to, such as `terminals.serial`
 */
export const alarmTable = (name: string, table: string, origin: string, references?: string): Migration => ({
  name,
  async up(db, types) {
    const begun = types
      .counter<string, never>(db.schema.createTable(table), 'seq')
      .addColumn('id', 'text', (column) => column.notNull().unique())
      .addColumn('open_key', 'text', (column) => column.unique())
      .addColumn('code', 'text', (column) => column.notNull())
      .addColumn(origin, 'text', (column) =>
        references === undefined ? column.notNull() : column.notNull().references(references),
      );
    await begun
      .addColumn('facts', 'text', (column) => column.notNull())
      .addColumn('count', 'integer', (column) => column.notNull())
      .addColumn('first_at', types.time, (column) => column.notNull())
      .addColumn('last_at', types.time, (column) => column.notNull())
      .addColumn('seen_by', 'text')
      .execute();
  },
});
