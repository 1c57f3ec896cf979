import { parseJson } from '@tsunagu/protocols/fleet';
import { workEntry } from '@tsunagu/protocols/refurbish';
import { sql } from 'kysely';
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
];
