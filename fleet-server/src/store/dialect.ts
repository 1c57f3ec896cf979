import type { CompiledQuery, DatabaseConnection, Dialect, Driver, QueryResult } from 'kysely';
import type { SqlConnection, SqlValue } from './connection.ts';
import type { Engine } from './engine.ts';

/**
 * kysely on one writing and one reading connection. Transactions and single writes take the writer one after the other, in
 * the order they came; plain SELECTs go to the reader and see what was committed last. A transaction reads through its writer.
 */
export const storeDialect = (open: () => Promise<SqlConnection>, engine: Engine, trailing: Trailing): Dialect => ({
  ...engine,
  createDriver: () => new StoreDriver(open, engine.begin, trailing),
});

/** Tables that are behind what was committed: a plain SELECT of them waits until they are not. */
export interface Trailing {
  tables: RegExp | undefined;
  /** Brings them up to date; undefined where they are. */
  catchUp: () => Promise<void> | undefined;
}

class StoreDriver implements Driver {
  readonly #open: () => Promise<SqlConnection>;
  readonly #begin: Engine['begin'];
  #writer: SqlConnection | undefined;
  #reader: SqlConnection | undefined;
  readonly #turn = new Turn();
  readonly #trailing: Trailing;

  constructor(open: () => Promise<SqlConnection>, begin: Engine['begin'], trailing: Trailing) {
    this.#open = open;
    this.#begin = begin;
    this.#trailing = trailing;
  }

  async init(): Promise<void> {
    this.#writer = await this.#open();
    this.#reader = await this.#open();
  }

  acquireConnection(): Promise<RoutedConnection> {
    if (!this.#writer || !this.#reader) throw new Error('the store is not open');
    return Promise.resolve(new RoutedConnection(this.#writer, this.#reader, this.#turn, this.#begin, this.#trailing));
  }

  beginTransaction = (connection: DatabaseConnection): Promise<void> => routed(connection).begin();
  commitTransaction = (connection: DatabaseConnection): Promise<void> => routed(connection).end('COMMIT');
  rollbackTransaction = (connection: DatabaseConnection): Promise<void> => routed(connection).end('ROLLBACK');
  releaseConnection = (): Promise<void> => Promise.resolve();

  async destroy(): Promise<void> {
    // The writer goes last: closing the last connection folds the write-ahead log into the file.
    const release = await this.#turn.take();
    await this.#reader?.close();
    await this.#writer?.close();
    this.#reader = this.#writer = undefined;
    release();
  }
}

function routed(connection: DatabaseConnection): RoutedConnection {
  if (!(connection instanceof RoutedConnection)) throw new Error('not a connection of this driver');
  return connection;
}

class RoutedConnection implements DatabaseConnection {
  readonly #writer: SqlConnection;
  readonly #reader: SqlConnection;
  readonly #turn: Turn;
  readonly #begin: Engine['begin'];
  readonly #trailing: Trailing;
  #release: (() => void) | undefined;

  constructor(writer: SqlConnection, reader: SqlConnection, turn: Turn, begin: Engine['begin'], trailing: Trailing) {
    this.#writer = writer;
    this.#reader = reader;
    this.#turn = turn;
    this.#begin = begin;
    this.#trailing = trailing;
  }

  async begin(): Promise<void> {
    const release = await this.#turn.take();
    try {
      await this.#writer.run(this.#begin.sql, []);
      this.#release = release;
    } catch (error) {
      // One that was begun and then refused is still open.
      await this.#writer.run('ROLLBACK', []).catch(() => undefined);
      release();
      throw error;
    }
  }

  async end(how: 'COMMIT' | 'ROLLBACK'): Promise<void> {
    const release = this.#release;
    try {
      await this.#writer.run(how, []);
    } catch (error) {
      // A commit that failed may leave the transaction open; kysely then rolls back through here again.
      if (how === 'COMMIT') throw error;
    }
    this.#release = undefined;
    release?.();
  }

  async executeQuery<R>(compiled: CompiledQuery): Promise<QueryResult<R>> {
    if (this.#release) return await perform<R>(this.#writer, compiled);
    if (compiled.query.kind === 'SelectQueryNode') {
      if (this.#trailing.tables?.test(compiled.sql)) await this.#trailing.catchUp();
      return await perform<R>(this.#reader, compiled);
    }
    if (this.#begin.isForSingleWrites) return await this.#inTransaction(compiled);
    const release = await this.#turn.take();
    try {
      return await perform<R>(this.#writer, compiled);
    } finally {
      release();
    }
  }

  async #inTransaction<R>(compiled: CompiledQuery): Promise<QueryResult<R>> {
    await this.begin();
    try {
      const result = await perform<R>(this.#writer, compiled);
      await this.end('COMMIT');
      return result;
    } catch (error) {
      await this.end('ROLLBACK');
      throw error;
    }
  }

  // oxlint-disable-next-line require-yield
  async *streamQuery<R>(): AsyncIterableIterator<QueryResult<R>> {
    throw new Error('queries are paged here, not streamed');
  }
}

/** Runs a statement, and collects rows where its kind yields some. */
async function perform<R>(connection: SqlConnection, compiled: CompiledQuery): Promise<QueryResult<R>> {
  const parameters = compiled.parameters.map(sqlValue);
  const { query } = compiled;
  if (query.kind === 'SelectQueryNode' || query.kind === 'RawNode' || ('returning' in query && query.returning))
    // kysely's types say what a row is; the database's own are not known to TypeScript.
    return { rows: (await connection.all(compiled.sql, parameters)) as R[] };
  const { changes, lastId } = await connection.run(compiled.sql, parameters);
  return { rows: [], numAffectedRows: BigInt(changes), insertId: BigInt(lastId) };
}

function sqlValue(value: unknown): SqlValue {
  if (value === null || value === undefined) return null;
  if (typeof value === 'string' || typeof value === 'number' || value instanceof Uint8Array) return value;
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (typeof value === 'bigint') return Number(value);
  throw new Error(`a ${typeof value} cannot be stored`);
}

/** Hands out the writer to one at a time, first come, first served. */
class Turn {
  #last: Promise<void> = Promise.resolve();

  async take(): Promise<() => void> {
    const before = this.#last;
    let release: () => void = () => undefined;
    this.#last = new Promise((resolve) => {
      release = resolve;
    });
    await before;
    return release;
  }
}
