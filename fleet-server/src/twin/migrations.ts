import type { Migration } from '../store/migration.ts';

/** The twin's steps of the schema. */
export const twinMigrations: readonly Migration[] = [
  {
    name: 'twin-0001-configurations',
    async up(db, types) {
      await db.schema
        .createTable('desired_configurations')
        .addColumn('version', 'integer', (column) => column.primaryKey())
        .addColumn('value', 'text', (column) => column.notNull())
        .addColumn('at', types.time, (column) => column.notNull())
        .execute();
      await db.schema
        .createTable('reported_configurations')
        .addColumn('serial', 'text', (column) => column.primaryKey().references('terminals.serial'))
        .addColumn('version', 'integer', (column) => column.notNull())
        .addColumn('hash', 'text', (column) => column.notNull())
        .addColumn('value', 'text')
        .addColumn('drift', 'text')
        .addColumn('at', types.time, (column) => column.notNull())
        .execute();
    },
  },
];
