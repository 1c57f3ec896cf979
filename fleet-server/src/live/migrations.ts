import type { Migration } from '../store/migration.ts';

/** The event log's steps of the schema. */
export const liveMigrations: readonly Migration[] = [
  {
    name: 'live-0001-events',
    async up(db, types) {
      await db.schema
        .createTable('live_events')
        .addColumn('id', types.time, (column) => column.primaryKey())
        .addColumn('at', types.time, (column) => column.notNull())
        .addColumn('name', 'text', (column) => column.notNull())
        .addColumn('data', 'text', (column) => column.notNull())
        .execute();
      await db.schema
        .createTable('live_state')
        .addColumn('id', 'integer', (column) => column.primaryKey())
        .addColumn('run', 'text', (column) => column.notNull())
        .addColumn('latest', types.time, (column) => column.notNull())
        .execute();
    },
  },
];
