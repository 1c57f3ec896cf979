import sqlite3 from 'sqlite3';
import type { SqlConnection, SqlRow, SqlValue } from './connection.ts';

/** Statements kept compiled per connection. The queries of the house are about a hundred. */
const statementsMax = 256;

/**
 * Opens a database file with the `sqlite3` package. WAL, so that readers never wait for the writer; synchronous=FULL, so that
 * what was committed survives a power cut; foreign keys on. The log is folded into the file every 16 MB: many commits touch the same pages, and each
 * of them is then written and flushed once; a start after a power cut reads that much.
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
    'wal_autocheckpoint = 4096',
    'cache_size = -16384',
  ])
    await connection.all(`PRAGMA ${pragma}`, []);
  return connection;
}

function connect(database: sqlite3.Database): SqlConnection {
  const statements = new Map<string, Promise<sqlite3.Statement>>();

  function compile(sql: string): Promise<sqlite3.Statement> {
    const kept = statements.get(sql);
    if (kept) return kept;
    const compiled = new Promise<sqlite3.Statement>((resolve, reject) => {
      const statement: sqlite3.Statement = database.prepare(sql, (error: Error | null) =>
        error ? reject(error) : resolve(statement),
      );
    });
    // A fresh store begins with hundreds of statements that make its schema, and never come again.
    if (statements.size < statementsMax && !/^(create|alter|drop) /i.test(sql)) statements.set(sql, compiled);
    compiled.catch(() => statements.delete(sql));
    return compiled;
  }

  /** Lends a statement. One that there was no room to keep is gone after it: a database with a statement left does not close. */
  async function lend<T>(sql: string, work: (statement: sqlite3.Statement) => Promise<T>): Promise<T> {
    const compiled = compile(sql);
    const statement = await compiled;
    try {
      return await work(statement);
    } finally {
      if (statements.get(sql) !== compiled) statement.finalize();
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
      for (const compiled of statements.values())
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
