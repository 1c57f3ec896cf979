/** A value as a database holds it. */
export type SqlValue = string | number | Uint8Array | null;
export type SqlRow = Readonly<Record<string, SqlValue>>;

/**
 * One connection to a database file: the port behind which a driver stands. Calls may overlap; they take effect in order.
 * Errors of the database reject with its own message; no value of a row is ever in it.
 */
export interface SqlConnection {
  /** Runs one statement and collects its rows. */
  all(sql: string, parameters: readonly SqlValue[]): Promise<SqlRow[]>;
  /** Runs one statement that yields no rows. */
  run(sql: string, parameters: readonly SqlValue[]): Promise<{ readonly changes: number; readonly lastId: number }>;
  close(): Promise<void>;
}
