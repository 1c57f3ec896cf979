import { sql } from 'kysely';
import type { Migration } from '../store/migration.ts';

/** The negative lists' steps of the schema. */
export const negativeMigrations: readonly Migration[] = [
  {
    name: 'negative-0001-lists',
    async up(db, types) {
      await db.schema
        .createTable('negative_lists')
        .addColumn('list', 'text', (column) => column.primaryKey())
        .addColumn('version', 'integer', (column) => column.notNull())
        .addColumn('digest', 'text', (column) => column.notNull())
        .addColumn('size', 'integer', (column) => column.notNull())
        .addColumn('overlay_seq', 'integer', (column) => column.notNull())
        .addColumn('head', 'text', (column) => column.notNull())
        .addColumn('not_after', types.time, (column) => column.notNull())
        .execute();
      await types
        .counter(db.schema.createTable('negative_entries'), 'id')
        .addColumn('list', 'text', (column) => column.notNull())
        .addColumn('tag', types.bytes, (column) => column.notNull())
        .addColumn('token', 'text', (column) => column.notNull())
        .addColumn('last_four', 'text', (column) => column.notNull())
        .addColumn('reason', 'text', (column) => column.notNull())
        .addColumn('added_at', types.time, (column) => column.notNull())
        .addColumn('version', 'integer')
        .addUniqueConstraint('negative_entries_once', ['list', 'tag'])
        .execute();
      await db.schema
        .createTable('negative_applied')
        .addColumn('serial', 'text', (column) => column.notNull().references('terminals.serial'))
        .addColumn('list', 'text', (column) => column.notNull())
        .addColumn('version', 'integer', (column) => column.notNull())
        .addColumn('overlay_seq', 'integer', (column) => column.notNull())
        .addColumn('fresh_at', types.time, (column) => column.notNull())
        .addPrimaryKeyConstraint('negative_applied_key', ['list', 'serial'])
        .execute();
    },
  },
  {
    name: 'negative-0002-containers',
    async up(db, types) {
      const lists: readonly (readonly [string, number])[] = [
        ['epoch', 1],
        ['hash_bits', 44],
        ['count_floor', 0],
      ];
      for (const [column, value] of lists)
        await db.schema
          .alterTable('negative_lists')
          .addColumn(column, 'integer', (made) => made.notNull().defaultTo(value))
          .execute();
      await db.schema
        .createTable('negative_versions')
        .addColumn('list', 'text', (column) => column.notNull())
        .addColumn('epoch', 'integer', (column) => column.notNull())
        .addColumn('version', 'integer', (column) => column.notNull())
        .addColumn('root', 'text', (column) => column.notNull())
        .addColumn('container', 'text', (column) => column.notNull())
        .addColumn('steps', 'text', (column) => column.notNull())
        .addColumn('manifest', 'text', (column) => column.notNull())
        .addColumn('count', 'integer', (column) => column.notNull())
        .addColumn('size', 'integer', (column) => column.notNull())
        .addColumn('issued_at', types.time, (column) => column.notNull())
        .addPrimaryKeyConstraint('negative_versions_key', ['list', 'epoch', 'version'])
        .execute();
      await db.schema.createIndex('negative_versions_root').on('negative_versions').column('root').execute();
      await types
        .counter(db.schema.createTable('negative_cards'), 'id')
        .addColumn('list', 'text', (column) => column.notNull())
        .addColumn('source', 'text', (column) => column.notNull())
        .addColumn('tag', types.bytes, (column) => column.notNull())
        .addColumn('token', 'text', (column) => column.notNull())
        .addColumn('last_four', 'text', (column) => column.notNull())
        .addColumn('reason', 'text', (column) => column.notNull())
        .addColumn('added_at', types.time, (column) => column.notNull())
        .addColumn('version', 'integer')
        .addUniqueConstraint('negative_cards_once', ['list', 'token', 'source'])
        .execute();
      await sql`insert into negative_cards (list, source, tag, token, last_four, reason, added_at, version)
        select list, 'manual', tag, token, last_four, reason, added_at, version from negative_entries`.execute(db);
      await db.schema.dropTable('negative_entries').execute();
      await types
        .counter(db.schema.createTable('negative_ranges'), 'id')
        .addColumn('list', 'text', (column) => column.notNull())
        .addColumn('digits', 'integer', (column) => column.notNull())
        .addColumn('low', types.time, (column) => column.notNull())
        .addColumn('high', types.time, (column) => column.notNull())
        .addColumn('not_after', types.time, (column) => column.notNull())
        .execute();
      await types
        .counter(db.schema.createTable('negative_changes'), 'id')
        .addColumn('list', 'text', (column) => column.notNull())
        .addColumn('token', 'text', (column) => column.notNull())
        .addColumn('last_four', 'text', (column) => column.notNull())
        .addColumn('kind', 'text', (column) => column.notNull())
        .addColumn('source', 'text', (column) => column.notNull())
        .addColumn('reason', 'text', (column) => column.notNull())
        .addColumn('at', types.time, (column) => column.notNull())
        .addColumn('by', 'text', (column) => column.notNull())
        .execute();
      await db.schema.createIndex('negative_changes_card').on('negative_changes').columns(['list', 'token']).execute();
      await types
        .counter(db.schema.createTable('negative_heads'), 'id')
        .addColumn('list', 'text', (column) => column.notNull())
        .addColumn('version', 'integer', (column) => column.notNull())
        .addColumn('overlay_seq', 'integer', (column) => column.notNull())
        .addColumn('head', 'text', (column) => column.notNull())
        .addColumn('issued_at', types.time, (column) => column.notNull())
        .execute();
      await db.schema
        .createTable('negative_roots')
        .addColumn('version', 'integer', (column) => column.primaryKey())
        .addColumn('document', 'text', (column) => column.notNull())
        .execute();
      await types
        .counter(db.schema.createTable('negative_applied_log'), 'id')
        .addColumn('serial', 'text', (column) => column.notNull())
        .addColumn('list', 'text', (column) => column.notNull())
        .addColumn('version', 'integer', (column) => column.notNull())
        .addColumn('overlay_seq', 'integer', (column) => column.notNull())
        .addColumn('at', types.time, (column) => column.notNull())
        .execute();
      await db.schema
        .createIndex('negative_applied_log_serial')
        .on('negative_applied_log')
        .columns(['serial', 'list', 'id'])
        .execute();
    },
  },
  {
    name: 'negative-0003-exceptions',
    async up(db, types) {
      await types
        .counter(db.schema.createTable('negative_exceptions'), 'id')
        .addColumn('list', 'text', (column) => column.notNull())
        .addColumn('token', 'text', (column) => column.notNull())
        .addColumn('second', types.time, (column) => column.notNull())
        .addUniqueConstraint('negative_exceptions_once', ['list', 'token'])
        .execute();
    },
  },
  {
    name: 'negative-0004-keys-elsewhere',
    async up(db) {
      await db.schema
        .createTable('negative_next_root')
        .addColumn('version', 'integer', (column) => column.primaryKey())
        .addColumn('document', 'text', (column) => column.notNull())
        .execute();
      await db.schema
        .createTable('negative_pending')
        .addColumn('list', 'text', (column) => column.primaryKey())
        .addColumn('document', 'text', (column) => column.notNull())
        .addColumn('facts', 'text', (column) => column.notNull())
        .execute();
    },
  },
  {
    name: 'negative-0005-many-lists',
    async up(db, types) {
      await db.schema
        .createTable('negative_list_settings')
        .addColumn('list', 'text', (column) => column.primaryKey())
        .addColumn('codec', 'text', (column) => column.notNull())
        .execute();
      await db.schema
        .alterTable('negative_lists')
        .addColumn('codec', 'text', (column) => column.notNull().defaultTo('KH'))
        .execute();
      await db.schema.alterTable('negative_cards').addColumn('place', types.bytes).execute();
    },
  },
  {
    name: 'negative-0006-let-go',
    async up(db, types) {
      await db.schema
        .alterTable('negative_lists')
        .addColumn('let_go', 'double precision', (column) => column.notNull().defaultTo(0))
        .execute();
      await db.schema
        .alterTable('negative_lists')
        .addColumn('let_go_at', types.time, (column) => column.notNull().defaultTo(0))
        .execute();
    },
  },
  {
    name: 'negative-0007-two-persons',
    async up(db, types) {
      await db.schema
        .alterTable('negative_lists')
        .addColumn('settled', types.time, (column) => column.notNull().defaultTo(0))
        .execute();
      await db.schema.alterTable('negative_changes').addColumn('person', 'text').execute();
      // What was let go before this rule is settled.
      await sql`UPDATE negative_lists SET settled = (SELECT coalesce(max(id), 0) FROM negative_changes)`.execute(db);
    },
  },
  {
    name: 'negative-0008-tag-keys',
    async up(db, types) {
      for (const table of ['negative_lists', 'negative_versions'])
        await db.schema
          .alterTable(table)
          .addColumn('tag_key', 'text', (column) => column.notNull().defaultTo('negative/tags/1'))
          .execute();
      await db.schema.alterTable('negative_cards').addColumn('next_tag', types.bytes).execute();
      await db.schema.alterTable('negative_cards').addColumn('next_place', types.bytes).execute();
      await db.schema.alterTable('negative_exceptions').addColumn('next_second', types.time).execute();
    },
  },
];
