import {
  type Dialect,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely';
import { type ColumnTypes, postgresTypes, sqliteTypes } from './migration.ts';

/** What differs between the databases that a store can stand on. */
export interface Engine extends Omit<Dialect, 'createDriver'> {
  readonly types: ColumnTypes;
  readonly begin: {
    /** The statement that begins a transaction that writes. */
    readonly sql: string;
    /** Whether a single write needs a transaction of its own, too: what `sql` checks is to be checked for every write. */
    readonly isForSingleWrites: boolean;
  };
  /** Run at an orderly end. */
  readonly beforeClosing?: string;
}

export const sqliteEngine: Engine = {
  types: sqliteTypes,
  begin: { sql: 'BEGIN IMMEDIATE', isForSingleWrites: false },
  // What is learned of tables that have grown takes a look at every entry of an index: a start does not wait for it.
  beforeClosing: 'PRAGMA optimize',
  createQueryCompiler: () => new SqliteQueryCompiler(),
  createAdapter: () => new SqliteAdapter(),
  createIntrospector: (db) => new SqliteIntrospector(db),
};

/** PostgreSQL. @param fence a statement that fails, and with it the transaction, when somebody else writes by now */
export const postgresEngine = (fence: string | undefined): Engine => ({
  types: postgresTypes,
  begin: { sql: fence === undefined ? 'BEGIN' : `BEGIN; ${fence}`, isForSingleWrites: fence !== undefined },
  createQueryCompiler: () => new PostgresQueryCompiler(),
  createAdapter: () => new PostgresAdapter(),
  createIntrospector: (db) => new PostgresIntrospector(db),
});
