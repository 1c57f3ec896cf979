import type { Migration } from '../store/migration.ts';

/** The key ledger's steps of the schema. */
export const keyMigrations: readonly Migration[] = [
  {
    name: 'keys-0001-ledger',
    async up(db, types) {
      await db.schema
        .createTable('protection_keys')
        .addColumn('serial', 'text', (column) => column.primaryKey().references('terminals.serial'))
        .addColumn('vault_key', 'text', (column) => column.notNull())
        .addColumn('kcv', 'text', (column) => column.notNull())
        .addColumn('agreed_at', types.time, (column) => column.notNull())
        .execute();
      await db.schema
        .createTable('key_ledger')
        .addColumn('id', 'text', (column) => column.primaryKey())
        .addColumn('serial', 'text', (column) => column.notNull().references('terminals.serial'))
        .addColumn('slot', 'text', (column) => column.notNull())
        .addColumn('kcv', 'text', (column) => column.notNull())
        .addColumn('initial_key_id', 'text', (column) => column.unique())
        .addColumn('parent_key', 'text', (column) => column.notNull())
        .addColumn('protected_by', 'text', (column) => column.notNull())
        .addColumn('key_block', 'text', (column) => column.notNull())
        .addColumn('state', 'text', (column) => column.notNull())
        .addColumn('allocated_at', types.time, (column) => column.notNull())
        .addColumn('loaded_at', types.time)
        .execute();
      await db.schema.createIndex('key_ledger_by_slot').on('key_ledger').columns(['serial', 'slot', 'state']).execute();
    },
  },
  {
    name: 'keys-0002-vault-head',
    async up(db, types) {
      await db.schema
        .createTable('vault_head')
        .addColumn('id', 'integer', (column) => column.primaryKey())
        .addColumn('generation', 'integer', (column) => column.notNull())
        .addColumn('records', 'integer', (column) => column.notNull())
        .addColumn('mac', 'text', (column) => column.notNull())
        .addColumn('seen_at', types.time, (column) => column.notNull())
        .execute();
    },
  },
  {
    name: 'keys-0003-distribution',
    async up(db, types) {
      await db.schema
        .createTable('key_parties')
        .addColumn('name', 'text', (column) => column.primaryKey())
        .addColumn('certificate', 'text', (column) => column.notNull())
        .addColumn('made_at', types.time, (column) => column.notNull())
        .execute();
      await db.schema
        .createTable('key_bindings')
        .addColumn('serial', 'text', (column) => column.primaryKey().references('terminals.serial'))
        .addColumn('certificate', 'text', (column) => column.notNull())
        .addColumn('vault_key', 'text', (column) => column.notNull())
        .addColumn('kcv', 'text', (column) => column.notNull())
        .addColumn('state', 'text', (column) => column.notNull())
        .addColumn('signing_time', 'text')
        .addColumn('sent_at', types.time, (column) => column.notNull())
        .execute();
      await db.schema
        .createTable('terminal_acquirers')
        .addColumn('serial', 'text', (column) => column.notNull().references('terminals.serial'))
        .addColumn('acquirer', 'text', (column) => column.notNull())
        .addColumn('added_at', types.time, (column) => column.notNull())
        .addPrimaryKeyConstraint('terminal_acquirers_key', ['serial', 'acquirer'])
        .execute();
      await db.schema
        .alterTable('protection_keys')
        .addColumn('scheme', 'text', (column) => column.notNull().defaultTo('agreement'))
        .execute();
    },
  },
  {
    name: 'keys-0004-custody',
    async up(db, types) {
      await db.schema
        .createTable('key_ceremonies')
        .addColumn('id', 'text', (column) => column.primaryKey())
        .addColumn('state', 'text', (column) => column.notNull())
        .addColumn('steps', 'text', (column) => column.notNull())
        .addColumn('begun_at', types.time, (column) => column.notNull())
        .execute();
      await db.schema
        .createTable('key_components')
        .addColumn('ceremony', 'text', (column) => column.notNull().references('key_ceremonies.id'))
        .addColumn('index', 'integer', (column) => column.notNull())
        .addColumn('kcv', 'text', (column) => column.notNull())
        .addColumn('sealed', types.bytes, (column) => column.notNull())
        .addPrimaryKeyConstraint('key_components_key', ['ceremony', 'index'])
        .execute();
      await db.schema
        .createTable('key_runs')
        .addColumn('id', 'text', (column) => column.primaryKey())
        .addColumn('name', 'text', (column) => column.notNull())
        .addColumn('state', 'text', (column) => column.notNull())
        .addColumn('digest', 'text', (column) => column.notNull())
        .addColumn('ordered_by', 'text', (column) => column.notNull())
        .addColumn('authorised_by', 'text')
        .addColumn('begun_at', types.time, (column) => column.notNull())
        .addColumn('closed_at', types.time)
        .execute();
      await db.schema
        .createTable('key_run_devices')
        .addColumn('run', 'text', (column) => column.notNull().references('key_runs.id'))
        .addColumn('serial', 'text', (column) => column.notNull())
        .addColumn('state', 'text', (column) => column.notNull())
        .addColumn('is_listed', 'integer', (column) => column.notNull())
        .addColumn('at', types.time, (column) => column.notNull())
        .addColumn('by', 'text', (column) => column.notNull())
        .addColumn('kcvs', 'text', (column) => column.notNull())
        .addColumn('note', 'text')
        .addPrimaryKeyConstraint('key_run_devices_key', ['run', 'serial'])
        .execute();
      await db.schema
        .createIndex('key_run_devices_by_serial')
        .on('key_run_devices')
        .columns(['serial', 'state'])
        .execute();
      await db.schema
        .createTable('key_marks')
        .addColumn('key', 'text', (column) => column.primaryKey())
        .addColumn('use', 'text', (column) => column.notNull())
        .addColumn('check_value', 'text', (column) => column.notNull())
        .addColumn('state', 'text', (column) => column.notNull())
        .addColumn('reason', 'text', (column) => column.notNull())
        .addColumn('campaign', 'text')
        .addColumn('at', types.time, (column) => column.notNull())
        .execute();
      await db.schema
        .createTable('key_current')
        .addColumn('use', 'text', (column) => column.primaryKey())
        .addColumn('key', 'text', (column) => column.notNull())
        .addColumn('since', types.time, (column) => column.notNull())
        .execute();
      await db.schema.alterTable('key_ledger').addColumn('replaced_at', types.time).execute();
      await db.schema.createIndex('key_ledger_by_parent').on('key_ledger').columns(['parent_key', 'state']).execute();
    },
  },
  {
    name: 'keys-0005-acquirer-versions',
    async up(db) {
      await db.schema
        .createTable('acquirer_versions')
        .addColumn('serial', 'text', (column) => column.primaryKey().references('terminals.serial'))
        .addColumn('version', 'integer', (column) => column.notNull())
        .execute();
    },
  },
  {
    name: 'keys-0006-releases',
    async up(db, types) {
      await db.schema
        .alterTable('key_bindings')
        .addColumn('host', 'text', (column) => column.notNull().defaultTo('kdh'))
        .execute();
      await db.schema
        .createTable('key_releases')
        .addColumn('job', 'text', (column) => column.primaryKey())
        .addColumn('serial', 'text', (column) => column.notNull().references('terminals.serial'))
        .addColumn('at', types.time, (column) => column.notNull())
        .addColumn('host', 'text', (column) => column.notNull())
        .addColumn('next', 'text')
        .addColumn('protection_kcv', 'text')
        .addColumn('statement', 'text', (column) => column.notNull())
        .addColumn('signature', 'text', (column) => column.notNull())
        .addColumn('ordered_by', 'text')
        .addColumn('approved_by', 'text')
        .execute();
      await db.schema.createIndex('key_releases_by_serial').on('key_releases').columns(['serial', 'at']).execute();
    },
  },
  {
    name: 'keys-0007-ledger-by-protection',
    async up(db) {
      await db.schema.createIndex('key_ledger_by_protection').on('key_ledger').column('protected_by').execute();
    },
  },
  {
    name: 'keys-0008-tag-rotations',
    async up(db, types) {
      await db.schema
        .createTable('tag_rotations')
        .addColumn('key', 'text', (column) => column.primaryKey())
        .addColumn('from_key', 'text', (column) => column.notNull())
        .addColumn('begun_at', types.time, (column) => column.notNull())
        .addColumn('switched_at', types.time)
        .execute();
    },
  },
  {
    name: 'keys-0009-ends',
    async up(db, types) {
      await db.schema.alterTable('key_ledger').addColumn('ended_by', 'text').execute();
      await db.schema
        .createTable('protection_ends')
        .addColumn('vault_key', 'text', (column) => column.primaryKey())
        .addColumn('serial', 'text', (column) => column.notNull().references('terminals.serial'))
        .addColumn('kcv', 'text', (column) => column.notNull())
        .addColumn('agreed_at', types.time, (column) => column.notNull())
        .addColumn('ended_at', types.time, (column) => column.notNull())
        .addColumn('ended_by', 'text')
        .execute();
      await db.schema.createIndex('protection_ends_by_serial').on('protection_ends').column('serial').execute();
    },
  },
  {
    name: 'keys-0010-rotations-broken-off',
    async up(db, types) {
      await db.schema.alterTable('tag_rotations').addColumn('broken_off_at', types.time).execute();
      await db.schema
        .createTable('rotation_break_offs')
        .addColumn('approval', 'text', (column) => column.primaryKey().references('approvals.id'))
        .addColumn('key', 'text', (column) => column.notNull())
        .addColumn('begun_at', types.time, (column) => column.notNull())
        .addColumn('reason', 'text', (column) => column.notNull())
        .execute();
    },
  },
];
