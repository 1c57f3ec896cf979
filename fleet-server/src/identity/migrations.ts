import type { Migration } from '../store/migration.ts';

/** Identity's steps of the schema. */
export const identityMigrations: readonly Migration[] = [
  {
    name: 'identity-0001-certificates',
    async up(db, types) {
      await db.schema
        .createTable('claims')
        .addColumn('serial', 'text', (column) => column.primaryKey().references('terminals.serial'))
        .addColumn('secret_sealed', types.bytes, (column) => column.notNull())
        .addColumn('used_key', 'text')
        .addColumn('used_at', types.time)
        .execute();
      await db.schema
        .createTable('certificates')
        .addColumn('fingerprint', 'text', (column) => column.primaryKey())
        .addColumn('kind', 'text', (column) => column.notNull())
        .addColumn('subject', 'text', (column) => column.notNull())
        .addColumn('key', 'text', (column) => column.notNull())
        .addColumn('pem', 'text', (column) => column.notNull())
        .addColumn('issued_at', types.time, (column) => column.notNull())
        .addColumn('not_after', types.time, (column) => column.notNull())
        .addColumn('ended_at', types.time)
        .execute();
      await db.schema
        .createIndex('certificates_by_subject')
        .on('certificates')
        .columns(['kind', 'subject', 'issued_at'])
        .execute();
    },
  },
  {
    name: 'identity-0002-revocation',
    async up(db, types) {
      await db.schema.alterTable('certificates').addColumn('revoked_at', types.time).execute();
    },
  },
];
