import sqlite3 from 'sqlite3';
import type { SqlConnection, SqlRow, SqlValue } from './connection.ts';

/** Statements kept compiled per connection: those used last. The queries of the house are a few hundred, and a start has as many that never come again. */
const statementsMax = 256;

/**
 * Opens a database file with the `sqlite3` package. WAL, so that readers never wait for the writer; synchronous=FULL, so that
 * what was committed survives a power cut; foreign keys on. The log is folded into the file by whoever opened it (`foldLog`), and at 64 MB by the
 * writer: a start after a power cut reads that much at most. What is learned of a table for the planning of queries is learned of a part of it.
 */
export async function openSqlite3(path: string): Promise<SqlConnection> {
  const database = await new Promise<sqlite3.Database>((resolve, reject) => {
    const opened: sqlite3.Database = new sqlite3.Database(path, (error) => (error ? reject(error) : resolve(opened)));
  });
  const connection = connect(database);
  for (const pragma of [
    'busy_timeout = 5000',
    'journal_mode = WAL',
    'synchronous = FULL',
    'foreign_keys = ON',
    'wal_autocheckpoint = 16384',
    'cache_size = -16384',
    'analysis_limit = 400',
  ])
    await connection.all(`PRAGMA ${pragma}`, []);
  return connection;
}

/**
 * Opens a small file beside that of a store, which it sees as `store`. Its log is folded by whoever commits, when it has 4 MB: what is kept there is a few
 * pages that are used again and again, so that this is the work of a moment.
 */
export async function openSqlite3Beside(path: string, store: string): Promise<SqlConnection> {
  const connection = await openSqlite3(path);
  await connection.run('ATTACH ? AS store', [store]);
  for (const pragma of ['main.wal_autocheckpoint = 1024', 'store.cache_size = -8192'])
    await connection.all(`PRAGMA ${pragma}`, []);
  return connection;
}

/** A statement, and how many are at work with it. */
interface Kept {
  readonly compiled: Promise<sqlite3.Statement>;
  lent: number;
}

function connect(database: sqlite3.Database): SqlConnection {
  /** The one that was not used for longest comes first, and goes first. */
  const statements = new Map<string, Kept>();

  function keptOf(sql: string): Kept {
    const kept = statements.get(sql) ?? compile(sql);
    kept.lent += 1;
    statements.delete(sql);
    statements.set(sql, kept);
    for (const [oldest, { lent, compiled }] of statements) {
      if (statements.size <= statementsMax) break;
      if (lent > 0) continue;
      statements.delete(oldest);
      compiled.then(
        (statement) => statement.finalize(),
        () => undefined,
      );
    }
    return kept;
  }

  function compile(sql: string): Kept {
    const compiled = new Promise<sqlite3.Statement>((resolve, reject) => {
      const statement: sqlite3.Statement = database.prepare(sql, (error: Error | null) =>
        error ? reject(error) : resolve(statement),
      );
    });
    compiled.catch(() => statements.delete(sql));
    return { compiled, lent: 0 };
  }

  async function lend<T>(sql: string, work: (statement: sqlite3.Statement) => Promise<T>): Promise<T> {
    const kept = keptOf(sql);
    try {
      return await work(await kept.compiled);
    } finally {
      kept.lent -= 1;
    }
  }

  return {
    all: (sql, parameters) =>
      lend(
        sql,
        (statement) =>
          new Promise<SqlRow[]>((resolve, reject) => {
            statement.all<SqlRow>(bindable(parameters), (error, rows) => (error ? reject(error) : resolve(rows)));
          }),
      ),
    run: (sql, parameters) =>
      lend(
        sql,
        (statement) =>
          new Promise((resolve, reject) => {
            statement.run(bindable(parameters), function (error) {
              if (error) reject(error);
              else resolve({ changes: this.changes, lastId: this.lastID });
            });
          }),
      ),
    async close() {
      for (const { compiled } of statements.values())
        await compiled.then(
          (statement) => new Promise<void>((resolve) => statement.finalize(() => resolve())),
          () => undefined,
        );
      statements.clear();
      await new Promise<void>((resolve, reject) => database.close((error) => (error ? reject(error) : resolve())));
    },
  };
}

/** The driver knows Buffers, not plain arrays of bytes. */
const bindable = (parameters: readonly SqlValue[]): (string | number | Buffer | null)[] =>
  parameters.map((value) => (value instanceof Uint8Array ? Buffer.from(value) : value));
