import type { Migration } from '../store/migration.ts';

/** The sales room's steps of the schema. */
export const salesMigrations: readonly Migration[] = [
  {
    name: 'sales-0001-terminal-sales',
    async up(db, types) {
      await db.schema
        .createTable('terminal_sales')
        .addColumn('id', 'text', (column) => column.primaryKey())
        .addColumn('serial', 'text', (column) => column.notNull().references('terminals.serial'))
        .addColumn('at', types.time, (column) => column.notNull())
        .addColumn('outcome', 'text', (column) => column.notNull())
        .addColumn('amount_minor', types.time, (column) => column.notNull())
        .addColumn('currency', 'text', (column) => column.notNull())
        .addColumn('scheme', 'text', (column) => column.notNull())
        .addColumn('entry', 'text', (column) => column.notNull())
        .addColumn('last_four', 'text', (column) => column.notNull())
        .addColumn('reason', 'text')
        .addColumn('duration_ms', 'double precision', (column) => column.notNull())
        .execute();
      await db.schema.createIndex('terminal_sales_by_time').on('terminal_sales').columns(['at', 'id']).execute();
      await db.schema
        .createIndex('terminal_sales_by_serial')
        .on('terminal_sales')
        .columns(['serial', 'at', 'id'])
        .execute();
    },
  },
];
