import { sql } from 'kysely';
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
  {
    name: 'identity-0003-authorities',
    async up(db, types) {
      await db.schema
        .createTable('authorities')
        .addColumn('id', 'text', (column) => column.primaryKey())
        .addColumn('kind', 'text', (column) => column.notNull())
        .addColumn('vault_key', 'text')
        .addColumn('common_name', 'text', (column) => column.notNull())
        .addColumn('pem', 'text')
        .addColumn('issuer', 'text')
        .addColumn('made_at', types.time, (column) => column.notNull())
        .addColumn('not_after', types.time)
        .addColumn('retired_at', types.time)
        .execute();
      await db.schema
        .createTable('trust_documents')
        .addColumn('version', 'integer', (column) => column.primaryKey())
        .addColumn('document', 'text', (column) => column.notNull())
        .addColumn('anchors', 'text', (column) => column.notNull())
        .addColumn('issued_at', types.time, (column) => column.notNull())
        .execute();
      await db.schema
        .createTable('terminal_trust')
        .addColumn('serial', 'text', (column) => column.primaryKey().references('terminals.serial'))
        .addColumn('version', 'integer', (column) => column.notNull())
        .execute();
      await db.schema.alterTable('certificates').addColumn('issuer', 'text').execute();
      await db.schema
        .createIndex('certificates_by_issuer')
        .on('certificates')
        .columns(['issuer', 'ended_at', 'not_after'])
        .execute();
      await db.schema
        .alterTable('claims')
        .addColumn('trust_version', 'integer', (column) => column.notNull().defaultTo(1))
        .execute();
    },
  },
  {
    name: 'identity-0004-manufacturers',
    async up(db, types) {
      await db.schema
        .createTable('manufacturers')
        .addColumn('fingerprint', 'text', (column) => column.notNull())
        .addColumn('model', 'text', (column) => column.notNull())
        .addColumn('subject', 'text', (column) => column.notNull())
        .addColumn('pem', 'text', (column) => column.notNull())
        .addColumn('added_at', types.time, (column) => column.notNull())
        .addColumn('added_by', 'text', (column) => column.notNull())
        .addPrimaryKeyConstraint('manufacturers_key', ['fingerprint', 'model'])
        .execute();
    },
  },
  {
    name: 'identity-0005-revocation-proposals',
    async up(db) {
      await db.schema
        .createTable('revocation_proposals')
        .addColumn('approval', 'text', (column) => column.notNull().references('approvals.id'))
        .addColumn('serial', 'text', (column) => column.notNull().references('terminals.serial'))
        .addPrimaryKeyConstraint('revocation_proposals_key', ['approval', 'serial'])
        .execute();
    },
  },
  {
    name: 'identity-0006-claims-end',
    async up(db, types) {
      await db.schema.alterTable('claims').addColumn('ended_at', types.time).execute();
      await db.schema.alterTable('claims').addColumn('revoked_at', types.time).execute();
      await db.schema.createIndex('claims_by_revocation').on('claims').column('revoked_at').execute();
      // Who was revoked before, and has no certificate since, is not enrolled again by what it holds either.
      await sql`update claims set ended_at = used_at
        where exists (select 1 from certificates where kind = 'terminal' and subject = claims.serial and revoked_at is not null)
        and not exists (select 1 from certificates where kind = 'terminal' and subject = claims.serial and ended_at is null)
        and used_at <= (select max(revoked_at) from certificates where kind = 'terminal' and subject = claims.serial)`.execute(
        db,
      );
    },
  },
];
