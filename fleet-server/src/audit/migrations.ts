import type { Migration } from '../store/migration.ts';

/** The audit room's steps of the schema. */
export const auditMigrations: readonly Migration[] = [
  {
    name: 'audit-0001-chain-and-approvals',
    async up(db, types) {
      await db.schema
        .createTable('audit_entries')
        .addColumn('seq', types.time, (column) => column.primaryKey())
        .addColumn('at', types.time, (column) => column.notNull())
        .addColumn('subject', 'text', (column) => column.notNull())
        .addColumn('action', 'text', (column) => column.notNull())
        .addColumn('actor', 'text', (column) => column.notNull())
        .addColumn('outcome', 'text', (column) => column.notNull())
        .addColumn('entry', 'text', (column) => column.notNull())
        .addColumn('hash', 'text', (column) => column.notNull())
        .execute();
      for (const column of ['subject', 'actor', 'action'] as const)
        await db.schema.createIndex(`audit_by_${column}`).on('audit_entries').columns([column, 'seq']).execute();
      await types
        .counter(db.schema.createTable('audit_heads'), 'id')
        .addColumn('seq', types.time, (column) => column.notNull())
        .addColumn('at', types.time, (column) => column.notNull())
        .addColumn('document', 'text', (column) => column.notNull())
        .execute();
      await db.schema.createIndex('audit_heads_by_seq').on('audit_heads').column('seq').execute();
      await db.schema
        .createTable('approvals')
        .addColumn('id', 'text', (column) => column.primaryKey())
        .addColumn('kind', 'text', (column) => column.notNull())
        .addColumn('subject', 'text', (column) => column.notNull())
        .addColumn('digest', 'text', (column) => column.notNull())
        .addColumn('requested_by', 'text', (column) => column.notNull())
        .addColumn('requested_at', types.time, (column) => column.notNull())
        .addColumn('expires_at', types.time, (column) => column.notNull())
        .addColumn('state', 'text', (column) => column.notNull())
        .addColumn('decided_by', 'text')
        .addColumn('decided_at', types.time)
        .addColumn('reason', 'text')
        .execute();
      await db.schema.createIndex('approvals_by_state').on('approvals').columns(['state', 'requested_at']).execute();
    },
  },
  {
    // Who was there before counts as let in by the owner of the machine.
    name: 'audit-0002-let-in',
    async up(db) {
      await db.schema
        .createTable('let_in')
        .addColumn('person', 'text', (column) => column.notNull())
        .addColumn('by', 'text', (column) => column.notNull())
        .addPrimaryKeyConstraint('let_in_key', ['person', 'by'])
        .execute();
    },
  },
  {
    // What was asked for before says no more than its subject.
    name: 'audit-0003-approval-facts',
    async up(db) {
      await db.schema
        .alterTable('approvals')
        .addColumn('facts', 'text', (column) => column.notNull().defaultTo('{}'))
        .execute();
    },
  },
];
