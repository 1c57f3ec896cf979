import type { Migration } from '../../store/migration.ts';

/** Steps of the schema of the switch's rules. */
export const switchRuleMigrations: readonly Migration[] = [
  {
    name: 'switch-rules-0001',
    async up(db, types) {
      await types
        .counter(db.schema.createTable('switch_rules'), 'seq')
        .addColumn('kind', 'text', (column) => column.notNull())
        .addColumn('version', 'integer', (column) => column.notNull())
        .addColumn('rules', 'text', (column) => column.notNull())
        .addColumn('at', types.time, (column) => column.notNull())
        .addColumn('by', 'text', (column) => column.notNull())
        .addColumn('reason', 'text', (column) => column.notNull())
        .addUniqueConstraint('switch_rules_version', ['kind', 'version'])
        .execute();
      await db.schema
        .createTable('switch_stand_in')
        .addColumn('sale_id', 'text', (column) => column.primaryKey())
        .addColumn('at', types.time, (column) => column.notNull())
        .addColumn('link', 'text', (column) => column.notNull())
        .addColumn('rule_version', 'integer', (column) => column.notNull())
        .addColumn('node', 'text', (column) => column.notNull())
        .addColumn('day', 'text', (column) => column.notNull())
        .addColumn('pan_token', 'text', (column) => column.notNull())
        .addColumn('last_four', 'text', (column) => column.notNull())
        .addColumn('merchant', 'text', (column) => column.notNull())
        .addColumn('amount_minor', types.time, (column) => column.notNull())
        .addColumn('approval_code', 'text', (column) => column.notNull())
        .addColumn('state', 'text', (column) => column.notNull())
        .addColumn('action_code', 'text')
        .execute();
      await db.schema
        .createIndex('switch_stand_in_by_day')
        .on('switch_stand_in')
        .columns(['link', 'day', 'pan_token'])
        .execute();
      await db.schema.createIndex('switch_stand_in_by_time').on('switch_stand_in').column('at').execute();
    },
  },
];
