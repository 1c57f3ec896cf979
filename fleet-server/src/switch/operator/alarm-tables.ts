import type { Generated } from 'kysely';
import type { Migration } from '../../store/migration.ts';

/** Alarms of the switch. */
export interface SwitchAlarmTables {
  /** One for each code and place it came from, however often it was raised, until a person has seen it. */
  readonly switch_alarms: {
    seq: Generated<number>;
    id: string;
    /** Code and place while nobody has seen it; null afterwards, and the next one is another. */
    open_key: string | null;
    code: string;
    /** Serial of a terminal, link and acquirer of a centre, or an issuer link. */
    place: string;
    /** Of the last time, as JSON. */
    facts: string;
    count: number;
    first_at: number;
    last_at: number;
    seen_by: string | null;
  };
}

/** Steps of the schema of alarms. */
export const switchAlarmMigrations: readonly Migration[] = [
  {
    name: 'switch-alarms-0001',
    async up(db, types) {
      await types
        .counter(db.schema.createTable('switch_alarms'), 'seq')
        .addColumn('id', 'text', (column) => column.notNull().unique())
        .addColumn('open_key', 'text', (column) => column.unique())
        .addColumn('code', 'text', (column) => column.notNull())
        .addColumn('place', 'text', (column) => column.notNull())
        .addColumn('facts', 'text', (column) => column.notNull())
        .addColumn('count', 'integer', (column) => column.notNull())
        .addColumn('first_at', types.time, (column) => column.notNull())
        .addColumn('last_at', types.time, (column) => column.notNull())
        .addColumn('seen_by', 'text')
        .execute();
    },
  },
];
