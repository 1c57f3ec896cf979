import type { Migration } from '../store/migration.ts';

/** The horizon's steps of the schema. */
export const expiryMigrations: readonly Migration[] = [
  {
    name: 'expiry-0001-horizons',
    async up(db, types) {
      await db.schema
        .createTable('contacts')
        .addColumn('serial', 'text', (column) => column.primaryKey().references('terminals.serial'))
        .addColumn('last_at', types.time, (column) => column.notNull())
        .addColumn('rhythm', 'text', (column) => column.notNull())
        .execute();
      await db.schema
        .createTable('horizons')
        .addColumn('serial', 'text', (column) => column.primaryKey().references('terminals.serial'))
        .addColumn('until', types.time, (column) => column.notNull())
        .addColumn('ends_at', types.time, (column) => column.notNull())
        .addColumn('first', 'text', (column) => column.notNull())
        .addColumn('level', 'text', (column) => column.notNull())
        .addColumn('details', 'text', (column) => column.notNull())
        .execute();
      await db.schema.createIndex('horizons_by_date').on('horizons').columns(['until', 'serial']).execute();
      await db.schema.createIndex('horizons_by_level').on('horizons').column('level').execute();
    },
  },
];
