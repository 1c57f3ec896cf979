import { CompiledQuery, Kysely, sql, type Transaction } from 'kysely';
import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import type { Clock } from '@tsunagu/protocols/world';
import type { SqlConnection, SqlRow, SqlValue } from './connection.ts';
import type { Database } from './database.ts';
import { storeDialect, type Trailing } from './dialect.ts';
import { type Engine, sqliteEngine } from './engine.ts';
import { foldLog } from './log-folding.ts';
import type { Migration } from './migration.ts';
import { openSqlite3, openSqlite3Beside } from './sqlite3-connection.ts';
import { writeGroups } from './write-groups.ts';

/** A transaction, or the store outside one: what a query runs on. */
export type Queryable = Kysely<Database>;

/** Where the truth is kept. What `write` returned for is on disk. */
export interface Store {
  /** For reading, and for single writes. */
  readonly db: Queryable;
  /**
   * Runs `work` in one transaction: all of it is kept, or nothing. Works follow one another in the order they came; keep them short.
   * Those that wait at the same time may share one commit (`write-groups.ts`): a work that fails takes nothing of the others with it.
   */
  write<T>(work: (tx: Transaction<Database>) => Promise<T>): Promise<T>;
  /**
   * One statement that is a transaction of its own: one call of the database, where `write` takes one for each statement and two for itself.
   * `refused`: a constraint or a trigger said no, and certainly nothing was kept. SQLite only.
   */
  writeAlone?(statement: string, parameters: readonly SqlValue[]): Promise<'kept' | 'refused'>;
  /**
   * Opens a file of its own beside the store's: what is written there waits for nobody who writes the store. SQLite only, and where whoever opened the
   * store has a place for it.
   */
  beside?(name: string): Promise<SideFile>;
  /**
   * Tables whose truth is in a log first: whoever reads them outside of a transaction waits for `catchUp`, which brings them up to date; it returns
   * undefined where they are. There is one such log; the last who says so has it.
   */
  trails(tables: RegExp, catchUp: () => Promise<void> | undefined): void;
  close(): Promise<void>;
}

/** A file of SQLite beside a store. It sees the store's tables as they were committed last, as `store.NAME`. */
export interface SideFile {
  all(statement: string, parameters: readonly SqlValue[]): Promise<readonly SqlRow[]>;
  /** As `Store.writeAlone`. */
  writeAlone(statement: string, parameters: readonly SqlValue[]): Promise<'kept' | 'refused'>;
}

/** How many rows this connection has altered so far: asked twice in a transaction, it tells whether anything was. SQLite only. */
export async function countChanges(tx: Transaction<Database>): Promise<number> {
  const { rows } = await sql<{ altered: number }>`SELECT total_changes() AS altered`.execute(tx);
  return rows[0]?.altered ?? 0;
}

/** Opens the store of a data folder (SQLite on a file) and brings its schema up to date. Its log is folded beside the writer. */
export async function openStore(
  path: string,
  migrations: readonly Migration[],
  clock: Clock,
): Promise<Result<Store, 'STORE_UNUSABLE'>> {
  const opened = await openStoreOn(
    () => openSqlite3(path),
    migrations,
    clock,
    sqliteEngine,
    (name) => openSqlite3Beside(path.replace(/(\.sqlite)?$/, `-${name}.sqlite`), path),
  );
  if (!opened.ok) return opened;
  const store = opened.value;
  const folding = foldLog(
    () => openSqlite3(path),
    (statement) => store.db.executeQuery(CompiledQuery.raw(statement)),
  );
  return ok({
    ...store,
    async write(work) {
      const value = await store.write(work);
      folding.committed();
      return value;
    },
    async writeAlone(statement, parameters) {
      const end = (await store.writeAlone?.(statement, parameters)) ?? 'refused';
      folding.committed();
      return end;
    },
    async close() {
      await folding.close();
      await store.close();
    },
  });
}

/**
 * As `openStore`, on connections that somebody else opens: one that writes and one that reads.
 * @param connectBeside opens a file of this name beside the store's, with the store as `store`
 */
export async function openStoreOn(
  connect: () => Promise<SqlConnection>,
  migrations: readonly Migration[],
  clock: Clock,
  engine: Engine = sqliteEngine,
  connectBeside?: (name: string) => Promise<SqlConnection>,
): Promise<Result<Store, 'STORE_UNUSABLE'>> {
  const trailing: Trailing = { tables: undefined, catchUp: () => undefined };
  const db = new Kysely<Database>({ dialect: storeDialect(connect, engine, trailing) });
  try {
    const strange = await migrate(db, migrations, engine, clock);
    if (strange === undefined) return ok(storeOn(db, engine, trailing, connectBeside));
    await db.destroy();
    return fail('STORE_UNUSABLE', { facts: { newerSchema: strange } });
  } catch (cause) {
    await db.destroy().catch(() => undefined);
    return fail('STORE_UNUSABLE', { cause });
  }
}

function storeOn(
  db: Kysely<Database>,
  engine: Engine,
  trailing: Trailing,
  connectBeside: ((name: string) => Promise<SqlConnection>) | undefined,
): Store {
  const groups = writeGroups(db);
  const beside: SqlConnection[] = [];
  return {
    db,
    write: (work) => groups.write(work),
    trails: (tables, catchUp) => void Object.assign(trailing, { tables, catchUp }),
    ...(engine === sqliteEngine && {
      writeAlone: (statement: string, parameters: readonly SqlValue[]) =>
        keptOrRefused(db.executeQuery(CompiledQuery.raw(statement, [...parameters]))),
    }),
    ...(connectBeside && {
      async beside(name: string): Promise<SideFile> {
        const file = await connectBeside(name);
        beside.push(file);
        return {
          all: (statement, parameters) => file.all(statement, parameters),
          writeAlone: (statement, parameters) => keptOrRefused(file.run(statement, parameters)),
        };
      },
    }),
    async close() {
      await groups.idle();
      for (const file of beside) await file.close();
      // It makes later queries quicker, and is no part of what is kept.
      if (engine.beforeClosing !== undefined)
        await sql
          .raw(engine.beforeClosing)
          .execute(db)
          .catch(() => undefined);
      await db.destroy();
    },
  };
}

/** Whether a statement that is a transaction of its own was kept, or refused by a constraint or a trigger. */
async function keptOrRefused(written: Promise<unknown>): Promise<'kept' | 'refused'> {
  try {
    await written;
    return 'kept';
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'SQLITE_CONSTRAINT') return 'refused';
    throw error;
  }
}

/** Runs what has not run yet, all of it in one commit: an update stands as a whole, or not at all. Returns the name of a step that ran before and is not known here: the data is from a newer server. */
async function migrate(
  db: Kysely<Database>,
  migrations: readonly Migration[],
  { types }: Engine,
  clock: Clock,
): Promise<string | undefined> {
  await db.schema
    .createTable('schema_steps')
    .ifNotExists()
    .addColumn('name', 'text', (column) => column.primaryKey())
    .addColumn('applied_at', types.time, (column) => column.notNull())
    .execute();
  const applied = new Set((await db.selectFrom('schema_steps').select('name').execute()).map((row) => row.name));
  for (const name of applied) if (!migrations.some((known) => known.name === name)) return name;
  const steps = migrations.filter(({ name }) => !applied.has(name));
  if (steps.length > 0)
    await db.transaction().execute(async (tx) => {
      for (const step of steps) await step.up(tx as unknown as Kysely<unknown>, types);
      const rows = steps.map(({ name }) => ({ name, applied_at: clock.now() }));
      await tx.insertInto('schema_steps').values(rows).execute();
    });
  return undefined;
}
