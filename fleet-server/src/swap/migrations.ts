import { sql } from 'kysely';
import type { Migration } from '../store/migration.ts';

/** The swaps' steps of the schema. */
export const swapMigrations: readonly Migration[] = [
  {
    name: 'swap-0001-swaps',
    async up(db, types) {
      await db.schema
        .createTable('swaps')
        .addColumn('id', 'text', (column) => column.primaryKey())
        .addColumn('old', 'text', (column) => column.notNull().references('terminals.serial'))
        .addColumn('fresh', 'text', (column) => column.notNull().references('terminals.serial'))
        .addColumn('step', 'text', (column) => column.notNull())
        .addColumn('reason', 'text', (column) => column.notNull())
        .addColumn('by', 'text', (column) => column.notNull())
        .addColumn('begun_at', types.time, (column) => column.notNull())
        .addColumn('changed_at', types.time, (column) => column.notNull())
        .addColumn('is_old_dead', 'integer', (column) => column.notNull())
        .addColumn('evidence', 'text', (column) => column.notNull())
        .addColumn('came_from', 'text', (column) => column.notNull())
        .execute();
      // A terminal is in one open swap at most.
      for (const column of ['old', 'fresh'])
        await sql`create unique index ${sql.id(`swaps_open_by_${column}`)} on swaps (${sql.id(column)}) where step not in ('closed', 'aborted')`.execute(
          db,
        );
    },
  },
  {
    name: 'swap-0002-floor-before',
    async up(db) {
      await db.schema.alterTable('swaps').addColumn('floor_before', 'text').execute();
    },
  },
];
