import { sql } from 'kysely';
import type { Migration } from '../store/migration.ts';

/** The job engine's steps of the schema. */
export const jobMigrations: readonly Migration[] = [
  {
    name: 'jobs-0001-jobs',
    async up(db, types) {
      await db.schema
        .createTable('jobs')
        .addColumn('id', 'text', (column) => column.primaryKey())
        .addColumn('serial', 'text', (column) => column.notNull().references('terminals.serial'))
        .addColumn('type', 'text', (column) => column.notNull())
        .addColumn('subject', 'text', (column) => column.notNull())
        .addColumn('params', 'text', (column) => column.notNull())
        .addColumn('state', 'text', (column) => column.notNull())
        .addColumn('attempt', 'integer', (column) => column.notNull())
        .addColumn('attempts_max', 'integer', (column) => column.notNull())
        .addColumn('created_at', types.time, (column) => column.notNull())
        .addColumn('deadline_at', types.time, (column) => column.notNull())
        .addColumn('finished_at', types.time)
        .addColumn('fault', 'text')
        .addColumn('result', 'text')
        .execute();
      await db.schema.createIndex('jobs_by_serial').on('jobs').columns(['serial', 'created_at']).execute();
      await db.schema.createIndex('jobs_by_deadline').on('jobs').columns(['state', 'deadline_at']).execute();
      await db.schema
        .createIndex('jobs_open')
        .on('jobs')
        .columns(['serial', 'subject'])
        .unique()
        .where(sql.ref('state'), 'in', sql`('queued', 'offered', 'running')`)
        .execute();
      await db.schema
        .createTable('job_steps')
        .addColumn('job', 'text', (column) => column.notNull().references('jobs.id'))
        .addColumn('attempt', 'integer', (column) => column.notNull())
        .addColumn('at_ms', 'double precision', (column) => column.notNull())
        .addColumn('step', 'text', (column) => column.notNull())
        .addColumn('detail', 'text')
        .addPrimaryKeyConstraint('job_steps_key', ['job', 'attempt', 'step'])
        .execute();
    },
  },
  {
    name: 'jobs-0002-semantics',
    async up(db, types) {
      const add = (name: string, type: 'integer' | 'text' | typeof types.time, otherwise: number | string | null) =>
        db.schema
          .alterTable('jobs')
          .addColumn(name, type, (column) => (otherwise === null ? column : column.notNull().defaultTo(otherwise)))
          .execute();
      await add('priority', 'integer', 1);
      await add('not_before', types.time, 0);
      await add('changed_at', types.time, 0);
      await add('announced_at', types.time, 0);
      // Jobs of before are looked at once, and then as their rules say.
      await add('check_at', types.time, 0);
      await add('cancelled_at', types.time, null);
      await add('is_late', 'integer', 0);
      await add('ordered_by', 'text', '');
      await add('approved_by', 'text', null);
      await add('reference', 'text', null);
      await db.schema.createIndex('jobs_by_reference').on('jobs').columns(['reference', 'state']).execute();
      await db.schema
        .createIndex('jobs_by_check')
        .on('jobs')
        .columns(['check_at'])
        .where(sql.ref('state'), 'in', sql`('held', 'queued', 'offered', 'running')`)
        .execute();
      await db.schema.createIndex('jobs_by_end').on('jobs').columns(['finished_at']).execute();
      await db.schema
        .createTable('job_logs')
        .addColumn('job', 'text', (column) => column.primaryKey().references('jobs.id'))
        .addColumn('digest', 'text', (column) => column.notNull())
        .addColumn('size', 'integer', (column) => column.notNull())
        .execute();
      await db.schema
        .createTable('job_log_pieces')
        .addColumn('job', 'text', (column) => column.notNull().references('job_logs.job'))
        .addColumn('offset', 'integer', (column) => column.notNull())
        .addColumn('bytes', types.bytes, (column) => column.notNull())
        .addPrimaryKeyConstraint('job_log_pieces_key', ['job', 'offset'])
        .execute();
    },
  },
  {
    name: 'jobs-0003-approval',
    async up(db) {
      await db.schema.alterTable('jobs').addColumn('approval', 'text').execute();
      await db.schema.createIndex('jobs_by_approval').on('jobs').column('approval').execute();
    },
  },
  {
    name: 'jobs-0004-wipes',
    async up(db) {
      await db.schema
        .createIndex('jobs_wiped')
        .on('jobs')
        .columns(['serial'])
        .where(sql.ref('type'), '=', sql.lit('terminal.wipe'))
        .execute();
      await db.schema
        .createIndex('jobs_installing')
        .on('jobs')
        .columns(['created_at', 'serial', 'subject'])
        .where(sql.ref('type'), '=', sql.lit('software.install'))
        .execute();
    },
  },
];
