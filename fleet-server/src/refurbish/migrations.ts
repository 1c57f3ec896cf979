import { jobReport, parseJson, serialSchema } from '@tsunagu/protocols/fleet';
import { workEntry } from '@tsunagu/protocols/refurbish';
import { type Kysely, sql } from 'kysely';
import { provingCertificate } from '../identity/wipe-proof.ts';
import type { Database } from '../store/database.ts';
import type { Migration } from '../store/migration.ts';

/** The workshop's steps of the schema. */
export const refurbishMigrations: readonly Migration[] = [
  {
    name: 'refurbish-0001-work',
    async up(db, types) {
      await db.schema
        .createTable('work_orders')
        .addColumn('id', 'text', (column) => column.primaryKey())
        .addColumn('serial', 'text', (column) => column.notNull().references('terminals.serial'))
        .addColumn('intake', 'text', (column) => column.notNull())
        .addColumn('reported', 'text')
        .addColumn('warranty_until', 'text')
        .addColumn('opened_at', types.time, (column) => column.notNull())
        .addColumn('opened_by', 'text', (column) => column.notNull())
        .addColumn('closed_at', types.time)
        .execute();
      // One open order a terminal.
      await sql`create unique index work_orders_open on work_orders (serial) where closed_at is null`.execute(db);
      await db.schema
        .createTable('work_entries')
        .addColumn('id', 'text', (column) => column.primaryKey())
        .addColumn('work', 'text', (column) => column.notNull().references('work_orders.id'))
        .addColumn('seq', 'integer', (column) => column.notNull())
        .addColumn('at', types.time, (column) => column.notNull())
        .addColumn('by', 'text', (column) => column.notNull())
        .addColumn('entry', 'text', (column) => column.notNull())
        .addColumn('is_passed', 'integer', (column) => column.notNull())
        .addUniqueConstraint('work_entries_order', ['work', 'seq'])
        .execute();
    },
  },
  {
    // What was harvested before lies there still: which of it was fitted, nobody wrote down.
    name: 'refurbish-0002-parts',
    async up(db) {
      await db.schema
        .createTable('work_parts')
        .addColumn('id', 'text', (column) => column.primaryKey())
        .addColumn('part', 'text', (column) => column.notNull())
        .addColumn('from_serial', 'text', (column) => column.notNull().references('terminals.serial'))
        .addColumn('fitted_by', 'text')
        .execute();
      await sql`create index work_parts_lying on work_parts (from_serial, part) where fitted_by is null`.execute(db);
      const { rows } = await sql<{ id: string; entry: string; serial: string }>`select work_entries.id, entry, serial
        from work_entries join work_orders on work_orders.id = work_entries.work
        where entry like '%part-harvested%'`.execute(db);
      for (const { id, entry, serial } of rows) {
        const read = parseJson(workEntry, entry, 262_144);
        if (read.ok && read.value.kind === 'part-harvested')
          await sql`insert into work_parts (id, part, from_serial) values (${id}, ${read.value.part}, ${serial})`.execute(
            db,
          );
      }
    },
  },
  {
    name: 'refurbish-0003-wipes',
    async up(db, types) {
      await db.schema
        .createTable('wipes')
        .addColumn('job', 'text', (column) => column.primaryKey())
        .addColumn('serial', 'text', (column) => column.notNull().references('terminals.serial'))
        .addColumn('at', types.time, (column) => column.notNull())
        .addColumn('ordered_by', 'text', (column) => column.notNull())
        .addColumn('approved_by', 'text')
        .addColumn('statement', 'text', (column) => column.notNull())
        .addColumn('signature', 'text', (column) => column.notNull())
        .addColumn('certificate', 'text', (column) => column.notNull())
        .execute();
      await db.schema.createIndex('wipes_by_serial').on('wipes').columns(['serial', 'at']).execute();
      // Those of jobs that are still there.
      const store = db as Kysely<Database>;
      const jobs = await store
        .selectFrom('jobs')
        .select(['id', 'serial', 'result', 'finished_at', 'ordered_by', 'approved_by'])
        .where('type', '=', 'terminal.wipe')
        .where('state', '=', 'succeeded')
        .execute();
      for (const { id: job, serial, result, finished_at: at, ordered_by, approved_by } of jobs) {
        const read = parseJson(jobReport.partial(), result ?? '', 1_048_576);
        const proof = read.ok ? read.value.wipe : undefined;
        const certificate = proof && (await provingCertificate(store, serialSchema.parse(serial), job, proof));
        if (proof === undefined || certificate === undefined) continue;
        const { statement, signature } = proof;
        const row = { job, serial, at: at ?? 0, ordered_by, approved_by, statement, signature, certificate };
        await store.insertInto('wipes').values(row).execute();
      }
    },
  },
  {
    name: 'refurbish-0004-lists',
    async up(db) {
      await db.schema.createIndex('work_orders_newest').on('work_orders').columns(['opened_at', 'id']).execute();
      await db.schema.createIndex('work_orders_closed').on('work_orders').column('closed_at').execute();
    },
  },
  {
    name: 'refurbish-0005-stock',
    async up(db, types) {
      await db.schema
        .createTable('stock_parts')
        .addColumn('part', 'text', (column) => column.primaryKey())
        .addColumn('count', 'integer', (column) => column.notNull())
        .addColumn('minimum', 'integer', (column) => column.notNull())
        .addColumn('counted_at', types.time)
        .addColumn('changed_at', types.time, (column) => column.notNull())
        .execute();
      await db.schema
        .createTable('stock_moves')
        .addColumn('id', 'text', (column) => column.primaryKey())
        .addColumn('part', 'text', (column) => column.notNull().references('stock_parts.part'))
        .addColumn('seq', 'integer', (column) => column.notNull())
        .addColumn('at', types.time, (column) => column.notNull())
        .addColumn('by', 'text', (column) => column.notNull())
        .addColumn('kind', 'text', (column) => column.notNull())
        .addColumn('change', 'integer', (column) => column.notNull())
        .addColumn('count', 'integer', (column) => column.notNull())
        .addColumn('says', 'text', (column) => column.notNull())
        .addUniqueConstraint('stock_moves_order', ['part', 'seq'])
        .execute();
    },
  },
];
