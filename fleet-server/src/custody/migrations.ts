import type { Migration } from '../store/migration.ts';

/** Custody's steps of the schema. */
export const custodyMigrations: readonly Migration[] = [
  {
    name: 'custody-0001-handovers',
    async up(db, types) {
      await db.schema
        .createTable('custody_holders')
        .addColumn('kid', 'text', (column) => column.primaryKey())
        .addColumn('name', 'text', (column) => column.notNull())
        .addColumn('public_key', 'text', (column) => column.notNull())
        .addColumn('added_at', types.time, (column) => column.notNull())
        .addColumn('added_by', 'text', (column) => column.notNull())
        .execute();
      await types
        .counter(db.schema.createTable('custody_handovers'), 'id')
        .addColumn('serial', 'text', (column) => column.notNull().references('terminals.serial'))
        .addColumn('seq', 'integer', (column) => column.notNull())
        .addColumn('hash', 'text', (column) => column.notNull())
        .addColumn('from_kid', 'text', (column) => column.notNull().references('custody_holders.kid'))
        .addColumn('to_kid', 'text', (column) => column.notNull().references('custody_holders.kid'))
        .addColumn('bag', 'text')
        .addColumn('at', types.time, (column) => column.notNull())
        .addColumn('delivered_at', types.time, (column) => column.notNull())
        .addColumn('delivered_by', 'text', (column) => column.notNull())
        .addColumn('document', 'text', (column) => column.notNull())
        .addUniqueConstraint('custody_handovers_chain', ['serial', 'seq'])
        .execute();
    },
  },
  {
    name: 'custody-0002-revocations',
    async up(db, types) {
      const holders = () => db.schema.alterTable('custody_holders');
      await holders().addColumn('revoked_at', types.time).execute();
      await holders().addColumn('revoked_by', 'text').execute();
      await holders().addColumn('revoked_for', 'text').execute();
      await holders().addColumn('successor', 'text').execute();
    },
  },
];
