import { sql } from 'kysely';
import type { Migration } from '../../store/migration.ts';

/** Steps of the schema for validity checks. */
export const switchValidityMigrations: readonly Migration[] = [
  {
    name: 'switch-validity-0001-files',
    async up(db, types) {
      await types
        .counter(db.schema.createTable('switch_validity_files'), 'seq')
        .addColumn('id', 'text', (column) => column.notNull().unique())
        .addColumn('link', 'text', (column) => column.notNull())
        .addColumn('file_id', 'text', (column) => column.notNull())
        .addColumn('digest', 'text', (column) => column.notNull())
        .addColumn('header', 'text', (column) => column.notNull())
        .addColumn('data_key', types.bytes, (column) => column.notNull())
        .addColumn('state', 'text', (column) => column.notNull())
        .addColumn('records', 'integer', (column) => column.notNull())
        .addColumn('faults', 'text', (column) => column.notNull())
        .addColumn('at', types.time, (column) => column.notNull())
        .addColumn('done_at', types.time)
        .addColumn('by', 'text', (column) => column.notNull())
        .addUniqueConstraint('switch_validity_files_once', ['link', 'file_id'])
        .execute();
      await types
        .counter(db.schema.createTable('switch_validity_cards'), 'seq')
        .addColumn('file', 'text', (column) => column.notNull())
        .addColumn('sequence', 'integer', (column) => column.notNull())
        .addColumn('reference', 'text', (column) => column.notNull())
        .addColumn('card', types.bytes)
        .addColumn('link', 'text', (column) => column.notNull())
        .addColumn('attempts', 'integer', (column) => column.notNull())
        .addColumn('next_at', types.time, (column) => column.notNull())
        .addColumn('verdict', 'text')
        .addColumn('action_code', 'text')
        .addColumn('box', 'text')
        .addUniqueConstraint('switch_validity_cards_key', ['file', 'sequence'])
        .execute();
      await db.schema
        .createIndex('switch_validity_cards_waiting')
        .on('switch_validity_cards')
        .columns(['link', 'next_at'])
        .where(sql.ref('verdict'), 'is', null)
        .execute();
    },
  },
];
