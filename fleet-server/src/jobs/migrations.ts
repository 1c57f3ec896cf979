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
];
