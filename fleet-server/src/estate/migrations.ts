import type { Migration } from '../store/migration.ts';

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
];
