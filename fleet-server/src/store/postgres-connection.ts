import { FaultError } from '@tsunagu/protocols/kit';
import { Client, DatabaseError, types } from 'pg';
import type { SqlConnection, SqlRow, SqlValue } from './connection.ts';
import { fencedState } from './tenure-schema.ts';

/** Statements kept prepared per connection. */
const statementsMax = 256;
const connectTimeoutMs = 3_000;

/** Numbers of the switch stay below 2^53: PostgreSQL's wide ones come as numbers, as SQLite's do. */
const wide: ReadonlySet<number> = new Set([types.builtins.INT8, types.builtins.NUMERIC]);
const parsers = {
  getTypeParser: ((oid: number, format?: 'text' | 'binary') =>
    wide.has(oid)
      ? Number
      : format === 'binary'
        ? types.getTypeParser(oid, 'binary')
        : types.getTypeParser(oid)) as typeof types.getTypeParser,
};

/** How a connection to PostgreSQL is set up. */
export interface PostgresSession {
  /** How long a transaction may stand idle before the server ends it, and with it the connection: the process stopped in the middle of one. */
  readonly idleInTransactionMs: number;
}

/**
 * Connects to a PostgreSQL server; `url` as libpq has it, with `sslmode` and without a password where `PGPASSWORD` or a password file gives it.
 * A commit resolves once the server has it on disk, and its synchronous copies have, whatever the server's own default is. There is no limit on how long
 * a statement runs: one on a commit would report it as kept while a copy does not have it yet (PostgreSQL, 27.2.8.3).
 */
export async function openPostgres(url: string, session: PostgresSession): Promise<SqlConnection> {
  const client = new Client({
    connectionString: url,
    types: parsers,
    keepAlive: true,
    connectionTimeoutMillis: connectTimeoutMs,
    application_name: 'tsunagu-switch',
  });
  // A connection that breaks rejects what waits on it, and all that comes later.
  client.on('error', () => undefined);
  await client.connect();
  await client.query(
    `SET synchronous_commit = on; SET idle_in_transaction_session_timeout = ${session.idleInTransactionMs}; SET client_min_messages = error`,
  );
  const names = new Map<string, string>();
  let last: Promise<unknown> = Promise.resolve();
  /** One after the other, in the order in which they were asked for. */
  function query(sql: string, parameters: readonly SqlValue[]) {
    const asked = last.then(
      () => send(sql, parameters),
      () => send(sql, parameters),
    );
    last = asked;
    return asked;
  }

  async function send(sql: string, parameters: readonly SqlValue[]) {
    // Those without parameters are sent as they are: some hold more than one statement.
    if (parameters.length === 0) return await client.query<SqlRow>(sql).catch(refused);
    let name = names.get(sql);
    if (name === undefined && names.size < statementsMax) names.set(sql, (name = `s${names.size}`));
    return await client
      .query<SqlRow>({ ...(name !== undefined && { name }), text: sql, values: [...parameters] })
      .catch(refused);
  }

  return {
    all: async (sql, parameters) => (await query(sql, parameters)).rows,
    run: async (sql, parameters) => ({ changes: (await query(sql, parameters)).rowCount ?? 0, lastId: 0 }),
    close: () => client.end(),
  };
}

/** The server's own message can hold a row (its detail does, its text does not); what is passed on is the text and the code. */
function refused(error: unknown): never {
  if (!(error instanceof DatabaseError)) throw error;
  if (error.code === fencedState) throw new FaultError({ code: 'SWITCH_FENCED', facts: {} });
  throw new Error(`${error.code ?? ''} ${error.message}`.trim());
}
