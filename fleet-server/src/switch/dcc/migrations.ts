import type { Migration } from '../../store/migration.ts';

/** Steps of the schema of amounts in cardholders' own currencies. */
export const switchDccMigrations: readonly Migration[] = [
  {
    name: 'switch-dcc-0001',
    async up(db, types) {
      await types
        .counter(db.schema.createTable('switch_offers'), 'seq')
        .addColumn('reference', 'text', (column) => column.notNull().unique())
        .addColumn('serial', 'text', (column) => column.notNull())
        .addColumn('stan', 'text', (column) => column.notNull())
        .addColumn('local_time', 'text', (column) => column.notNull())
        .addColumn('body_tag', 'text', (column) => column.notNull())
        .addColumn('at', types.time, (column) => column.notNull())
        .addColumn('until', types.time, (column) => column.notNull())
        .addColumn('pan_token', 'text', (column) => column.notNull())
        .addColumn('amount_minor', types.time, (column) => column.notNull())
        .addColumn('own_minor', types.time, (column) => column.notNull())
        .addColumn('own_currency', 'text', (column) => column.notNull())
        .addColumn('rate', 'text', (column) => column.notNull())
        .addColumn('mark_up', 'integer', (column) => column.notNull())
        .addColumn('rates_version', 'integer', (column) => column.notNull())
        .addColumn('answer', types.bytes, (column) => column.notNull())
        .addUniqueConstraint('switch_offers_key', ['serial', 'stan', 'local_time'])
        .execute();
      await db.schema.createIndex('switch_offers_by_end').on('switch_offers').column('until').execute();
      await db.schema
        .createTable('switch_conversions')
        .addColumn('sale_id', 'text', (column) => column.primaryKey())
        .addColumn('offer', 'text', (column) => column.unique())
        .addColumn('own_minor', types.time, (column) => column.notNull())
        .addColumn('own_currency', 'text', (column) => column.notNull())
        .addColumn('rate', 'text', (column) => column.notNull())
        .addColumn('mark_up', 'integer', (column) => column.notNull())
        .addColumn('rates_version', 'integer', (column) => column.notNull())
        .execute();
    },
  },
];
