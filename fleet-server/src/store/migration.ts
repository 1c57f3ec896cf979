import type { CreateTableBuilder, Kysely } from 'kysely';

/** How a database spells the types that differ between databases. */
export interface ColumnTypes {
  /** Milliseconds since 1970, or another number above 32 bits. */
  readonly time: 'integer' | 'bigint';
  readonly bytes: 'blob' | 'bytea';
  /** Adds a primary key that counts by itself and never reuses a number. */
  counter<T extends string, C extends string>(
    table: CreateTableBuilder<T, C>,
    column: string,
  ): CreateTableBuilder<T, C>;
}

/**
 * One step of the schema, run once, in a transaction. A room numbers its own (`estate-0001-terminals`) in its `migrations.ts`
 * and never changes one that was released; `store/migrations.ts` puts the rooms' lists into one order.
 */
export interface Migration {
  readonly name: string;
  up(db: Kysely<unknown>, types: ColumnTypes): Promise<void>;
}

export const sqliteTypes: ColumnTypes = {
  time: 'integer',
  bytes: 'blob',
  counter: (table, column) => table.addColumn(column, 'integer', (made) => made.primaryKey().autoIncrement()),
};

export const postgresTypes: ColumnTypes = {
  time: 'bigint',
  bytes: 'bytea',
  counter: (table, column) => table.addColumn(column, 'bigserial', (made) => made.primaryKey()),
};
