import { evidence, parseJson, serialSchema } from '@tsunagu/protocols/fleet';
import { type Kysely, sql } from 'kysely';
import { alarmTable } from '../alarms/alarm-table.ts';
import type { Database } from '../store/database.ts';
import type { Migration } from '../store/migration.ts';
import { keepReports } from './step-reports.ts';

/** The estate's steps of the schema. */
export const estateMigrations: readonly Migration[] = [
  {
    name: 'estate-0001-terminals',
    async up(db, types) {
      await db.schema
        .createTable('terminals')
        .addColumn('serial', 'text', (column) => column.primaryKey())
        .addColumn('model', 'text', (column) => column.notNull())
        .addColumn('merchant', 'text', (column) => column.notNull())
        .addColumn('shop', 'text', (column) => column.notNull())
        .addColumn('lane', 'text', (column) => column.notNull())
        .addColumn('parent', 'text', (column) => column.references('terminals.serial'))
        .addColumn('relay_port', 'integer')
        .addColumn('registered_at', types.time, (column) => column.notNull())
        .addColumn('enrolled_at', types.time)
        .execute();
      await db.schema.createIndex('terminals_by_parent').on('terminals').column('parent').execute();
      await db.schema
        .createTable('presence')
        .addColumn('serial', 'text', (column) => column.primaryKey().references('terminals.serial'))
        .addColumn('state', 'text', (column) => column.notNull())
        .addColumn('since', types.time, (column) => column.notNull())
        .addColumn('boot_seq', types.time, (column) => column.notNull())
        .addColumn('hello_seq', types.time, (column) => column.notNull())
        .addColumn('hello_at', types.time, (column) => column.notNull())
        .addColumn('hello', 'text', (column) => column.notNull())
        .execute();
      await db.schema
        .createTable('last_sales')
        .addColumn('serial', 'text', (column) => column.primaryKey().references('terminals.serial'))
        .addColumn('at', types.time, (column) => column.notNull())
        .addColumn('outcome', 'text', (column) => column.notNull())
        .addColumn('amount_minor', types.time, (column) => column.notNull())
        .addColumn('last_four', 'text', (column) => column.notNull())
        .addColumn('reason', 'text')
        .execute();
      await types
        .counter(db.schema.createTable('timeline'), 'id')
        .addColumn('serial', 'text', (column) => column.notNull().references('terminals.serial'))
        .addColumn('at', types.time, (column) => column.notNull())
        .addColumn('kind', 'text', (column) => column.notNull())
        .addColumn('facts', 'text', (column) => column.notNull())
        .execute();
      await db.schema.createIndex('timeline_by_serial').on('timeline').columns(['serial', 'id']).execute();
    },
  },
  {
    name: 'estate-0002-lifecycle',
    async up(db, types) {
      await db.schema
        .alterTable('terminals')
        .addColumn('lifecycle', 'text', (column) => column.notNull().defaultTo('deployed'))
        .execute();
      await db.schema
        .alterTable('terminals')
        .addColumn('lifecycle_since', types.time, (column) => column.notNull().defaultTo(0))
        .execute();
      await sql`update terminals set lifecycle_since = registered_at`.execute(db);
      await db.schema.createIndex('terminals_by_lifecycle').on('terminals').column('lifecycle').execute();
      await types
        .counter(db.schema.createTable('lifecycle_moves'), 'id')
        .addColumn('serial', 'text', (column) => column.notNull().references('terminals.serial'))
        .addColumn('at', types.time, (column) => column.notNull())
        .addColumn('from_state', 'text')
        .addColumn('to_state', 'text', (column) => column.notNull())
        .addColumn('by', 'text', (column) => column.notNull())
        .addColumn('reason', 'text', (column) => column.notNull())
        .addColumn('evidence', 'text')
        .execute();
      await db.schema
        .createIndex('lifecycle_moves_by_serial')
        .on('lifecycle_moves')
        .columns(['serial', 'id'])
        .execute();
    },
  },
  {
    name: 'estate-0101-tags',
    async up(db) {
      await db.schema
        .createTable('terminal_tags')
        .addColumn('serial', 'text', (column) => column.notNull().references('terminals.serial'))
        .addColumn('tag', 'text', (column) => column.notNull())
        .addPrimaryKeyConstraint('terminal_tags_key', ['serial', 'tag'])
        .execute();
      await db.schema.createIndex('terminal_tags_by_tag').on('terminal_tags').columns(['tag', 'serial']).execute();
      await db.schema
        .createIndex('terminals_by_registration')
        .on('terminals')
        .columns(['registered_at', 'serial'])
        .execute();
    },
  },
  {
    name: 'estate-0102-evidence',
    async up(db, types) {
      await db.schema.alterTable('lifecycle_moves').addColumn('approved_by', 'text').execute();
      await db.schema
        .createTable('lifecycle_proposals')
        .addColumn('approval', 'text', (column) => column.primaryKey())
        .addColumn('serial', 'text', (column) => column.notNull().unique().references('terminals.serial'))
        .addColumn('from_state', 'text', (column) => column.notNull())
        .addColumn('to_state', 'text', (column) => column.notNull())
        .addColumn('reason', 'text', (column) => column.notNull())
        .addColumn('evidence', 'text', (column) => column.notNull())
        .addColumn('by', 'text', (column) => column.notNull())
        .execute();
      await db.schema
        .createTable('bags')
        .addColumn('number', 'text', (column) => column.primaryKey())
        .addColumn('serial', 'text', (column) => column.notNull().references('terminals.serial'))
        .addColumn('closed_at', types.time, (column) => column.notNull())
        .execute();
    },
  },
  {
    name: 'estate-0103-troubles',
    async up(db, types) {
      await db.schema
        .createTable('terminal_troubles')
        .addColumn('serial', 'text', (column) => column.primaryKey().references('terminals.serial'))
        .addColumn('at', types.time, (column) => column.notNull())
        .addColumn('code', 'text', (column) => column.notNull())
        .addColumn('record', 'text')
        .execute();
    },
  },
  {
    name: 'estate-0105-queued-sales',
    async up(db, types) {
      await db.schema
        .createTable('queued_sales')
        .addColumn('serial', 'text', (column) => column.notNull().references('terminals.serial'))
        .addColumn('stan', 'text', (column) => column.notNull())
        .addColumn('at', types.time, (column) => column.notNull())
        .addPrimaryKeyConstraint('queued_sales_key', ['serial', 'at', 'stan'])
        .execute();
    },
  },
  {
    name: 'estate-0106-replacements',
    async up(db) {
      await db.schema.alterTable('terminals').addColumn('replaces', 'text').execute();
      await sql`create unique index terminals_replacing on terminals (replaces) where replaces is not null`.execute(db);
    },
  },
  {
    name: 'estate-0107-timeline-messages',
    async up(db) {
      await db.schema.alterTable('timeline').addColumn('message', 'text').execute();
      await sql`create unique index timeline_messages on timeline (serial, message) where message is not null`.execute(
        db,
      );
    },
  },
  alarmTable('estate-0108-alarms', 'terminal_alarms', 'serial', 'terminals.serial'),
];

/** The estate's steps that look into what jobs left: after those of the jobs. */
export const stepReportMigrations: readonly Migration[] = [
  {
    name: 'estate-0104-step-reports',
    async up(db, types) {
      await db.schema
        .createTable('step_reports')
        .addColumn('job', 'text', (column) => column.primaryKey())
        .addColumn('serial', 'text', (column) => column.notNull().references('terminals.serial'))
        .addColumn('type', 'text', (column) => column.notNull())
        .addColumn('at', types.time, (column) => column.notNull())
        .addColumn('ordered_by', 'text', (column) => column.notNull())
        .addColumn('report', 'text', (column) => column.notNull())
        .execute();
      // Those of jobs that are still there.
      const store = db as Kysely<Database>;
      const steps = await store
        .selectFrom('lifecycle_moves')
        .select(['serial', 'evidence'])
        .where('evidence', 'like', '%"job"%')
        .execute();
      for (const { serial, evidence: text } of steps) {
        const read = parseJson(evidence, text ?? '', 65_536);
        if (read.ok) await keepReports(store, serialSchema.parse(serial), read.value);
      }
    },
  },
];
