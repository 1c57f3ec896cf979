import type { Migration } from '../store/migration.ts';

/** The campaigns' steps of the schema. */
export const campaignMigrations: readonly Migration[] = [
  {
    name: 'campaigns-0001-campaigns',
    async up(db, types) {
      await types
        .counter(db.schema.createTable('terminal_ordinals'), 'ordinal')
        .addColumn('serial', 'text', (column) => column.notNull().unique().references('terminals.serial'))
        .execute();
      await types
        .counter(db.schema.createTable('campaigns'), 'number')
        .addColumn('id', 'text', (column) => column.notNull().unique())
        .addColumn('version', 'integer', (column) => column.notNull())
        .addColumn('name', 'text', (column) => column.notNull())
        .addColumn('kind', 'text', (column) => column.notNull())
        .addColumn('subject', 'text', (column) => column.notNull())
        .addColumn('phase', 'text', (column) => column.notNull())
        .addColumn('spec', 'text', (column) => column.notNull())
        .addColumn('progress', 'text', (column) => column.notNull())
        .addColumn('gate', 'text', (column) => column.notNull())
        .addColumn('created_at', types.time, (column) => column.notNull())
        .addColumn('created_by', 'text', (column) => column.notNull())
        .addColumn('approved_by', 'text')
        .addColumn('started_at', types.time)
        .addColumn('ended_at', types.time)
        .execute();
      await db.schema.createIndex('campaigns_by_phase').on('campaigns').column('phase').execute();
      await db.schema
        .createTable('campaign_sets')
        .addColumn('campaign', 'text', (column) => column.notNull().references('campaigns.id'))
        .addColumn('name', 'text', (column) => column.notNull())
        .addColumn('bytes', types.bytes, (column) => column.notNull())
        .addPrimaryKeyConstraint('campaign_sets_key', ['campaign', 'name'])
        .execute();
      await db.schema
        .createTable('campaign_orders')
        .addColumn('job', 'text', (column) => column.primaryKey())
        .addColumn('campaign', 'text', (column) => column.notNull().references('campaigns.id'))
        .addColumn('ordinal', 'integer', (column) => column.notNull())
        .addColumn('leg', 'text', (column) => column.notNull())
        .addColumn('ordered_at', types.time, (column) => column.notNull())
        .addColumn('outcome', 'text')
        .addColumn('fault', 'text')
        .addColumn('ended_at', types.time)
        .addUniqueConstraint('campaign_orders_key', ['campaign', 'ordinal', 'leg'])
        .execute();
      await db.schema
        .createTable('campaign_exceptions')
        .addColumn('campaign', 'text', (column) => column.notNull().references('campaigns.id'))
        .addColumn('ordinal', 'integer', (column) => column.notNull())
        .addColumn('state', 'text', (column) => column.notNull())
        .addColumn('attempts', 'integer', (column) => column.notNull())
        .addColumn('fault', 'text')
        .addColumn('job', 'text')
        .addColumn('at', types.time, (column) => column.notNull())
        .addColumn('next_at', types.time)
        .addPrimaryKeyConstraint('campaign_exceptions_key', ['campaign', 'ordinal'])
        .execute();
      await types
        .counter(db.schema.createTable('campaign_events'), 'id')
        .addColumn('campaign', 'text', (column) => column.notNull().references('campaigns.id'))
        .addColumn('at', types.time, (column) => column.notNull())
        .addColumn('what', 'text', (column) => column.notNull())
        .addColumn('by', 'text')
        .addColumn('facts', 'text', (column) => column.notNull())
        .execute();
      await db.schema
        .createIndex('campaign_events_by_campaign')
        .on('campaign_events')
        .columns(['campaign', 'id'])
        .execute();
      await db.schema
        .createTable('campaign_cursors')
        .addColumn('name', 'text', (column) => column.primaryKey())
        .addColumn('at', types.time, (column) => column.notNull())
        .addColumn('key', 'text', (column) => column.notNull())
        .execute();
    },
  },
  {
    name: 'campaigns-0002-approval',
    async up(db) {
      await db.schema.alterTable('campaigns').addColumn('approval', 'text').execute();
    },
  },
  {
    name: 'campaigns-0003-window-of-an-order',
    async up(db, types) {
      await db.schema.alterTable('campaign_orders').addColumn('window_until', types.time).execute();
    },
  },
];
