import { sql } from 'kysely';
import type { Migration } from '../../store/migration.ts';
import { notApproved } from './tables.ts';

/** The switch's steps of the schema. */
export const switchMigrations: readonly Migration[] = [
  {
    name: 'switch-0001-journal',
    async up(db, types) {
      await types
        .counter(db.schema.createTable('switch_sales'), 'seq')
        .addColumn('id', 'text', (column) => column.notNull().unique())
        .addColumn('serial', 'text', (column) => column.notNull())
        .addColumn('stan', 'text', (column) => column.notNull())
        .addColumn('local_time', 'text', (column) => column.notNull())
        .addColumn('body_tag', 'text', (column) => column.notNull())
        .addColumn('received_at', types.time, (column) => column.notNull())
        .addColumn('amount_minor', types.time, (column) => column.notNull())
        .addColumn('currency', 'text', (column) => column.notNull())
        .addColumn('scheme', 'text', (column) => column.notNull())
        .addColumn('entry', 'text', (column) => column.notNull())
        .addColumn('pan_token', 'text', (column) => column.notNull())
        .addColumn('last_four', 'text', (column) => column.notNull())
        .addColumn('routing_version', 'integer', (column) => column.notNull())
        .addColumn('link', 'text')
        .addColumn('out_stan', 'text')
        .addColumn('rrn', 'text')
        .addColumn('state', 'text', (column) => column.notNull())
        .addColumn('decided_by', 'text')
        .addColumn('action_code', 'text')
        .addColumn('approval_code', 'text')
        .addColumn('reason', 'text')
        .addColumn('answer', types.bytes)
        .addColumn('answered_at', types.time)
        .addColumn('image', types.bytes)
        .addUniqueConstraint('switch_sales_key', ['serial', 'stan', 'local_time'])
        .execute();
      await db.schema.createIndex('switch_sales_by_out').on('switch_sales').columns(['link', 'out_stan']).execute();
      await db.schema.createIndex('switch_sales_by_state').on('switch_sales').column('state').execute();
      await db.schema.createIndex('switch_sales_by_time').on('switch_sales').column('received_at').execute();
      await db.schema.createIndex('switch_sales_by_serial').on('switch_sales').columns(['serial', 'seq']).execute();
      await types
        .counter(db.schema.createTable('switch_reversals'), 'seq')
        .addColumn('id', 'text', (column) => column.notNull().unique())
        .addColumn('sale_id', 'text', (column) => column.references('switch_sales.id'))
        .addColumn('origin', 'text', (column) => column.notNull())
        .addColumn('serial', 'text')
        .addColumn('stan', 'text')
        .addColumn('local_time', 'text')
        .addColumn('body_tag', 'text')
        .addColumn('original_stan', 'text')
        .addColumn('original_local_time', 'text')
        .addColumn('reason', 'text', (column) => column.notNull())
        .addColumn('link', 'text')
        .addColumn('image', types.bytes)
        .addColumn('state', 'text', (column) => column.notNull())
        .addColumn('attempts', 'integer', (column) => column.notNull())
        .addColumn('next_at', types.time, (column) => column.notNull())
        .addColumn('answer', types.bytes)
        .addColumn('created_at', types.time, (column) => column.notNull())
        .addColumn('delivered_at', types.time)
        .addUniqueConstraint('switch_reversals_key', ['serial', 'stan', 'local_time'])
        .execute();
      await db.schema
        .createIndex('switch_reversals_by_original')
        .on('switch_reversals')
        .columns(['serial', 'original_stan', 'original_local_time'])
        .execute();
      await db.schema.createIndex('switch_reversals_by_state').on('switch_reversals').column('state').execute();
      await types
        .counter(db.schema.createTable('switch_journal'), 'seq')
        .addColumn('at', types.time, (column) => column.notNull())
        .addColumn('sale_id', 'text')
        .addColumn('serial', 'text')
        .addColumn('entry', 'text', (column) => column.notNull())
        .addColumn('facts', 'text', (column) => column.notNull())
        .execute();
      await db.schema.createIndex('switch_journal_by_sale').on('switch_journal').column('sale_id').execute();
      await db.schema
        .createTable('switch_counters')
        .addColumn('initial_key_id', 'text', (column) => column.primaryKey())
        .addColumn('counter', types.time, (column) => column.notNull())
        .addColumn('used_at', types.time, (column) => column.notNull())
        .execute();
      await db.schema
        .createTable('switch_numbers')
        .addColumn('name', 'text', (column) => column.primaryKey())
        .addColumn('next', 'integer', (column) => column.notNull())
        .execute();
    },
  },
  {
    name: 'switch-0002-kinds',
    async up(db) {
      await db.schema
        .alterTable('switch_sales')
        .addColumn('kind', 'text', (column) => column.notNull().defaultTo('sale'))
        .execute();
      await db.schema.alterTable('switch_sales').addColumn('original_id', 'text').execute();
      await db.schema.createIndex('switch_sales_by_original').on('switch_sales').column('original_id').execute();
      await db.schema
        .alterTable('switch_reversals')
        .addColumn('advice', 'text', (column) => column.notNull().defaultTo('reversal'))
        .execute();
    },
  },
  {
    name: 'switch-0003-links',
    async up(db, types) {
      await db.schema
        .alterTable('switch_sales')
        .addColumn('origin', 'text', (column) => column.notNull().defaultTo('terminals'))
        .execute();
      for (const name of ['acquirer', 'terminal_id', 'merchant_id', 'acquirer_day', 'issuer_day'] as const)
        await db.schema.alterTable('switch_sales').addColumn(name, 'text').execute();
      for (const name of ['pan_token', 'last_four', 'rrn', 'terminal_id', 'amount_minor', 'origin'] as const)
        await db.schema.createIndex(`switch_sales_by_${name}`).on('switch_sales').column(name).execute();
      for (const name of ['out_stan', 'out_time', 'last_action_code', 'settled_by'] as const)
        await db.schema.alterTable('switch_reversals').addColumn(name, 'text').execute();
      await db.schema
        .createIndex('switch_reversals_by_out')
        .on('switch_reversals')
        .columns(['link', 'out_stan'])
        .execute();
      await types
        .counter(db.schema.createTable('switch_postings'), 'seq')
        .addColumn('sale_id', 'text', (column) => column.notNull())
        .addColumn('side', 'text', (column) => column.notNull())
        .addColumn('kind', 'text', (column) => column.notNull())
        .addColumn('class', 'text', (column) => column.notNull())
        .addColumn('amount_minor', types.time, (column) => column.notNull())
        .addColumn('link', 'text', (column) => column.notNull())
        .addColumn('day', 'text', (column) => column.notNull())
        .addColumn('said_day', 'text', (column) => column.notNull())
        .addColumn('stan', 'text', (column) => column.notNull())
        .addColumn('local_time', 'text', (column) => column.notNull())
        .addColumn('at', types.time, (column) => column.notNull())
        .addUniqueConstraint('switch_postings_once', ['sale_id', 'side', 'kind'])
        .execute();
      await db.schema.createIndex('switch_postings_by_day').on('switch_postings').columns(['link', 'day']).execute();
      await db.schema
        .createTable('switch_days')
        .addColumn('link', 'text', (column) => column.notNull())
        .addColumn('day', 'text', (column) => column.notNull())
        .addColumn('state', 'text', (column) => column.notNull())
        .addColumn('ours', 'text', (column) => column.notNull())
        .addColumn('theirs', 'text')
        .addColumn('result', 'text', (column) => column.notNull())
        .addColumn('differences', 'integer', (column) => column.notNull())
        .addColumn('at', types.time, (column) => column.notNull())
        .addPrimaryKeyConstraint('switch_days_key', ['link', 'day'])
        .execute();
      await types
        .counter(db.schema.createTable('switch_differences'), 'seq')
        .addColumn('link', 'text', (column) => column.notNull())
        .addColumn('day', 'text', (column) => column.notNull())
        .addColumn('stan', 'text', (column) => column.notNull())
        .addColumn('local_time', 'text', (column) => column.notNull())
        .addColumn('kind', 'text', (column) => column.notNull())
        .addColumn('ours_minor', types.time)
        .addColumn('theirs_minor', types.time)
        .addColumn('sale_id', 'text')
        .addColumn('at', types.time, (column) => column.notNull())
        .execute();
      await db.schema
        .createIndex('switch_differences_by_day')
        .on('switch_differences')
        .columns(['link', 'day'])
        .execute();
      await db.schema
        .createTable('switch_epochs')
        .addColumn('name', 'text', (column) => column.primaryKey())
        .addColumn('epoch', 'integer', (column) => column.notNull())
        .addColumn('since', types.time, (column) => column.notNull())
        .execute();
    },
  },
  {
    name: 'switch-0004-lighter',
    async up(db) {
      // What was handed to the line is as open as what was about to be.
      await sql`update switch_sales set state = 'send-intended' where state = 'sent'`.execute(db);
      // Few follow another, and where they came from is told by few words: neither earns an entry for each sale.
      await db.schema.dropIndex('switch_sales_by_original').execute();
      await db.schema
        .createIndex('switch_sales_by_original')
        .on('switch_sales')
        .column('original_id')
        .where(sql.ref('original_id'), 'is not', null)
        .execute();
      await db.schema.dropIndex('switch_sales_by_origin').execute();
    },
  },
  {
    name: 'switch-0005-fewer-indexes',
    async up(db) {
      // The key of a sale begins with its serial, and a retrieval reference ends with the trace number: both are found by those.
      await db.schema.dropIndex('switch_sales_by_serial').execute();
      await db.schema.dropIndex('switch_sales_by_rrn').execute();
      await db.schema.dropIndex('switch_sales_by_out').execute();
      await db.schema.createIndex('switch_sales_by_out').on('switch_sales').columns(['out_stan', 'link']).execute();
      // Most end as approved, and nobody looks for those by their state alone.
      await db.schema.dropIndex('switch_sales_by_state').execute();
      await db.schema
        .createIndex('switch_sales_by_state')
        .on('switch_sales')
        .column('state')
        .where(notApproved)
        .execute();
    },
  },
  {
    name: 'switch-0006-no-card-in-answers',
    async up(db) {
      // Answers to validity checks could name the card that took another's place, in the clear. From here on they are sealed; those from before are forgotten.
      await sql`update switch_sales set answer = null where kind = 'validity' and decided_by = 'issuer'`.execute(db);
    },
  },
  {
    name: 'switch-0007-log',
    async up(db) {
      // What was committed and is not in the other tables yet: rows of a lot, as one text for each of them. SQLite only.
      let table = db.schema.createTable('switch_log').addColumn('seq', 'integer', (column) => column.primaryKey());
      for (const name of ['opened', 'decided', 'updated', 'entries', 'counters', 'postings'] as const)
        table = table.addColumn(name, 'text');
      await table.execute();
    },
  },
  {
    name: 'switch-0008-log-beside',
    async up(db) {
      // The log is a file of its own, and what was in the table above goes there with the next start.
      await db.schema
        .createTable('switch_log_place')
        .addColumn('id', 'integer', (column) => column.primaryKey())
        .addColumn('seq', 'integer', (column) => column.notNull())
        .execute();
    },
  },
  {
    name: 'switch-0009-top-ups-are-credits',
    async up(db) {
      // What goes onto a prepaid card was counted as if it had been taken from it. A closed day stays as it was agreed on.
      await sql`update switch_postings set class = 'credit' where class = 'debit'
        and sale_id in (select id from switch_sales where kind in ('charge', 'issue'))
        and not exists (select 1 from switch_days where switch_days.link = switch_postings.link
          and switch_days.day = switch_postings.day and switch_days.state = 'closed')`.execute(db);
    },
  },
  {
    name: 'switch-0010-whose-figures',
    async up(db) {
      for (const name of ['figures', 'settled_by', 'settled_why'] as const)
        await db.schema.alterTable('switch_days').addColumn(name, 'text').execute();
      // Whose figures were meant of one that did not balance, nobody wrote down.
      await sql`update switch_days set figures = 'both', settled_why = 'balanced'
        where state = 'closed' and result = 'balanced'`.execute(db);
    },
  },
];
