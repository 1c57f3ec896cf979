import type { Migration } from '../../store/migration.ts';

/** The management API's steps of the schema. */
export const accessMigrations: readonly Migration[] = [
  {
    name: 'access-0001-people-tokens-sessions-keys',
    async up(db, types) {
      await db.schema
        .createTable('people')
        .addColumn('id', 'text', (column) => column.primaryKey())
        .addColumn('name', 'text', (column) => column.notNull().unique())
        .addColumn('roles', 'text', (column) => column.notNull())
        .addColumn('passphrase', 'text')
        .addColumn('created_at', types.time, (column) => column.notNull())
        .addColumn('ended_at', types.time)
        .addColumn('version', 'integer', (column) => column.notNull())
        .execute();
      await db.schema
        .createTable('api_tokens')
        .addColumn('id', 'text', (column) => column.primaryKey())
        .addColumn('name', 'text', (column) => column.notNull())
        .addColumn('hash', 'text', (column) => column.notNull().unique())
        .addColumn('person', 'text', (column) => column.notNull())
        .addColumn('roles', 'text', (column) => column.notNull())
        .addColumn('permissions', 'text')
        .addColumn('places', 'text')
        .addColumn('created_at', types.time, (column) => column.notNull())
        .addColumn('expires_at', types.time)
        .addColumn('revoked_at', types.time)
        .addColumn('last_used_at', types.time)
        .execute();
      await db.schema
        .createTable('sessions')
        .addColumn('id', 'text', (column) => column.primaryKey())
        .addColumn('hash', 'text', (column) => column.notNull().unique())
        .addColumn('subject', 'text', (column) => column.notNull())
        .addColumn('person', 'text')
        .addColumn('roles', 'text', (column) => column.notNull())
        .addColumn('created_at', types.time, (column) => column.notNull())
        .addColumn('expires_at', types.time, (column) => column.notNull())
        .execute();
      await db.schema
        .createTable('idempotency_keys')
        .addColumn('name', 'text', (column) => column.primaryKey())
        .addColumn('fingerprint', 'text', (column) => column.notNull())
        .addColumn('at', types.time, (column) => column.notNull())
        .addColumn('state', 'text', (column) => column.notNull())
        .addColumn('request', 'text', (column) => column.notNull())
        .addColumn('status', 'integer')
        .addColumn('content_type', 'text')
        .addColumn('body_sealed', types.bytes)
        .execute();
      await db.schema.createIndex('idempotency_by_age').on('idempotency_keys').column('at').execute();
      await db.schema
        .createTable('api_secrets')
        .addColumn('name', 'text', (column) => column.primaryKey())
        .addColumn('sealed', types.bytes, (column) => column.notNull())
        .execute();
    },
  },
];
