import type { Migration } from '../store/migration.ts';

/** The negative lists' steps of the schema. */
export const negativeMigrations: readonly Migration[] = [
  {
    name: 'negative-0001-lists',
    async up(db, types) {
      await db.schema
        .createTable('negative_lists')
        .addColumn('list', 'text', (column) => column.primaryKey())
        .addColumn('version', 'integer', (column) => column.notNull())
        .addColumn('digest', 'text', (column) => column.notNull())
        .addColumn('size', 'integer', (column) => column.notNull())
        .addColumn('overlay_seq', 'integer', (column) => column.notNull())
        .addColumn('head', 'text', (column) => column.notNull())
        .addColumn('not_after', types.time, (column) => column.notNull())
        .execute();
      await types
        .counter(db.schema.createTable('negative_entries'), 'id')
        .addColumn('list', 'text', (column) => column.notNull())
        .addColumn('tag', types.bytes, (column) => column.notNull())
        .addColumn('token', 'text', (column) => column.notNull())
        .addColumn('last_four', 'text', (column) => column.notNull())
        .addColumn('reason', 'text', (column) => column.notNull())
        .addColumn('added_at', types.time, (column) => column.notNull())
        .addColumn('version', 'integer')
        .addUniqueConstraint('negative_entries_once', ['list', 'tag'])
        .execute();
      await db.schema
        .createTable('negative_applied')
        .addColumn('serial', 'text', (column) => column.notNull().references('terminals.serial'))
        .addColumn('list', 'text', (column) => column.notNull())
        .addColumn('version', 'integer', (column) => column.notNull())
        .addColumn('overlay_seq', 'integer', (column) => column.notNull())
        .addColumn('fresh_at', types.time, (column) => column.notNull())
        .addPrimaryKeyConstraint('negative_applied_key', ['list', 'serial'])
        .execute();
    },
  },
];
