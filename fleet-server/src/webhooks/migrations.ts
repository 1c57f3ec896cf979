import type { Migration } from '../store/migration.ts';

/** The webhooks' steps of the schema. */
export const webhookMigrations: readonly Migration[] = [
  {
    name: 'webhooks-0001-webhooks',
    async up(db, types) {
      await db.schema
        .createTable('webhooks')
        .addColumn('id', 'text', (column) => column.primaryKey())
        .addColumn('name', 'text', (column) => column.notNull())
        .addColumn('url', 'text', (column) => column.notNull())
        .addColumn('events', 'text')
        .addColumn('state', 'text', (column) => column.notNull())
        .addColumn('paused_for', 'text')
        .addColumn('secrets_sealed', types.bytes, (column) => column.notNull())
        .addColumn('cursor', types.time, (column) => column.notNull())
        .addColumn('created_at', types.time, (column) => column.notNull())
        .addColumn('failing_since', types.time)
        .addColumn('version', 'integer', (column) => column.notNull())
        .execute();
      await types
        .counter(db.schema.createTable('webhook_deliveries'), 'id')
        .addColumn('webhook', 'text', (column) => column.notNull().references('webhooks.id').onDelete('cascade'))
        .addColumn('event', types.time, (column) => column.notNull())
        .addColumn('serial', 'text', (column) => column.notNull())
        .addColumn('kind', 'text', (column) => column.notNull())
        .addColumn('state', 'text', (column) => column.notNull())
        .addColumn('attempt', 'integer', (column) => column.notNull())
        .addColumn('next_at', types.time, (column) => column.notNull())
        .addColumn('created_at', types.time, (column) => column.notNull())
        .addColumn('ended_at', types.time)
        .addColumn('status', 'integer')
        .addColumn('fault', 'text')
        .execute();
      await db.schema
        .createIndex('webhook_deliveries_by_state')
        .on('webhook_deliveries')
        .columns(['webhook', 'state', 'serial', 'id'])
        .execute();
    },
  },
  {
    name: 'webhooks-0002-receivers',
    async up(db, types) {
      await db.schema
        .alterTable('webhooks')
        .addColumn('failures', 'integer', (column) => column.notNull().defaultTo(0))
        .execute();
      await db.schema.alterTable('webhooks').addColumn('retry_at', types.time).execute();
    },
  },
];
