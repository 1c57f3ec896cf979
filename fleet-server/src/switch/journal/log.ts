import { sql, type Transaction } from 'kysely';
import type { Database, Store } from '../../store/index.ts';
import { type SaleKey, textOf } from './commit.ts';
import { type Fence, heldEpoch } from './epoch.ts';
import { lotsOf, type SaleRow, together, type Written, writeTables, writtenOf } from './written.ts';

/** A commit that is in the log, and not in the tables yet. */
interface Logged {
  readonly seq: number;
  readonly written: Written;
}

/**
 * The log of commits in front of the tables: a commit is one row of it, so that a flush waits for a page or two. The tables have eight indexes, whose pages
 * lie all over the file; they are brought up to date later, the sales of many commits together, each in the form that it has come to by then. What is
 * in the log is in memory as well, and a start reads it from there. Its callers take turns.
 */
export class CommitLog {
  readonly #store: Pick<Store, 'write' | 'writeAlone'>;
  readonly #fence: Fence | undefined;
  #commits: Logged[] = [];
  /** Sales of these commits as they are now, with the last commit that wrote them. */
  readonly #sales = new Map<string, { readonly row: SaleRow; readonly seq: number }>();
  readonly #idByKey = new Map<string, string>();
  #last = 0;
  /** Whether memory has what is on disk. */
  #isRead = false;
  /** What an append needs, once it is there. */
  #schema: Promise<void> | undefined;

  constructor(store: Pick<Store, 'write' | 'writeAlone'>, fence: Fence | undefined) {
    this.#store = store;
    this.#fence = fence;
    // PostgreSQL has each commit in its tables at once.
    this.#isRead = store.writeAlone === undefined;
  }

  /** Whether the tables may lack something. */
  get isBehind(): boolean {
    return !this.#isRead || this.#commits.length > 0;
  }

  /** New sales and outcomes that the tables lack. */
  get behind(): number {
    return this.#commits.reduce((sum, { written }) => sum + sizeOf(written), 0);
  }

  sale(id: string): SaleRow | undefined {
    return this.#sales.get(id)?.row;
  }

  saleByKey(key: SaleKey): SaleRow | undefined {
    const id = this.#idByKey.get(textOf(key));
    return id === undefined ? undefined : this.sale(id);
  }

  /** Reads what is on disk, where memory may lack something of it: after a start, and after a commit of which nobody knows whether it was kept. */
  async read(): Promise<void> {
    if (this.#isRead) return;
    const rows = await this.#store.write((tx) => tx.selectFrom('switch_log').selectAll().orderBy('seq').execute());
    this.#forgetAll();
    for (const row of rows) this.#remember({ seq: row.seq, written: writtenOf(row) });
    this.#isRead = true;
  }

  /** What is on disk is not known any more. */
  doubt(): void {
    this.#isRead = this.#store.writeAlone === undefined;
  }

  /** Adds a commit. `refused`: the tables know one of its sales, or a reversal of it, or somebody else writes by now; then nothing was kept. */
  async append(written: Written): Promise<'kept' | 'refused'> {
    this.#schema ??= this.#store
      .write(async (tx) => {
        for (const statement of logSchema) await sql.raw(statement).execute(tx);
      })
      .catch((error: unknown) => {
        this.#schema = undefined;
        throw error;
      });
    await this.#schema;
    const seq = this.#last + 1;
    const keys = [...written.opened, ...written.decided].map((row) => [row.serial, row.stan, row.local_time]);
    const end = await this.#store.writeAlone?.(appendSql, [
      this.#fence?.epoch ?? null,
      keys.length === 0 ? null : JSON.stringify(keys),
      seq,
      ...lotsOf(written),
    ]);
    if (end !== 'kept') return 'refused';
    this.#remember({ seq, written });
    return 'kept';
  }

  /**
   * Brings the oldest commits into the tables, until so many new sales and outcomes are, or everything.
   * @returns forgets them; to be called when the transaction is on disk
   */
  async project(tx: Transaction<Database>, most = Number.POSITIVE_INFINITY): Promise<() => void> {
    let size = 0;
    let count = 0;
    while (count < this.#commits.length && size < most) {
      size += sizeOf(this.#commits[count]?.written);
      count += 1;
    }
    const commits = this.#commits.slice(0, count);
    const { seq } = commits.at(-1) ?? {};
    if (seq === undefined) return () => undefined;
    await writeTables(tx, together(commits.map(({ written }) => written)));
    await tx.deleteFrom('switch_log').where('seq', '<=', seq).execute();
    return () => {
      this.#commits = this.#commits.filter((commit) => commit.seq > seq);
      for (const { written } of commits)
        for (const { id } of [...written.opened, ...written.decided, ...written.updated]) {
          const held = this.#sales.get(id);
          if (!held || held.seq > seq) continue;
          this.#sales.delete(id);
          this.#idByKey.delete(textOf(held.row));
        }
    };
  }

  /** Somebody else writes by now, and has what is in the log. */
  leave(): void {
    this.#forgetAll();
    this.#isRead = true;
  }

  #forgetAll(): void {
    this.#commits = [];
    this.#sales.clear();
    this.#idByKey.clear();
  }

  #remember({ seq, written }: Logged): void {
    this.#last = seq;
    this.#commits.push({ seq, written });
    for (const row of [...written.opened, ...written.decided]) {
      this.#sales.set(row.id, { row, seq });
      this.#idByKey.set(textOf(row), row.id);
    }
    for (const step of written.updated) {
      const held = this.#sales.get(step.id);
      if (held) this.#sales.set(step.id, { row: { ...held.row, ...step }, seq });
    }
  }
}

const sizeOf = (written: Written | undefined): number =>
  written === undefined ? 0 : written.opened.length + written.decided.length + written.updated.length;

/** Whether the tables know a sale under one of the keys of a commit. These go first: there are few of them, and many sales. */
const knownIn = (table: string, stan: string, localTime: string): string =>
  `SELECT RAISE(ABORT, 'known in ${table}') FROM jsonb_each(NEW.keys) AS key CROSS JOIN ${table} AS known
    WHERE known.serial = key.value ->> 0 AND known.${stan} = key.value ->> 1 AND known.${localTime} = key.value ->> 2`;
const logged = ['seq', 'opened', 'decided', 'updated', 'entries', 'counters', 'postings'] as const;

/**
 * An append is one statement of SQLite, which is a transaction of its own: an insert into a view, whose trigger checks what a transaction would have read (the
 * epoch, the keys of new sales, reversals that came first). Both live as long as the connection.
 */
const logSchema: readonly string[] = [
  `CREATE TEMP VIEW IF NOT EXISTS switch_commit AS SELECT ${['epoch', 'keys', ...logged].map((name) => `NULL AS ${name}`).join(', ')}`,
  `CREATE TEMP TRIGGER IF NOT EXISTS switch_commit_alone INSTEAD OF INSERT ON switch_commit BEGIN
    SELECT RAISE(ABORT, 'another epoch') WHERE NEW.epoch IS NOT NULL AND ${heldEpoch} IS NOT NEW.epoch;
    ${knownIn('switch_sales', 'stan', 'local_time')};
    ${knownIn('switch_reversals', 'original_stan', 'original_local_time')};
    INSERT INTO switch_log (${logged.join(', ')}) VALUES (${logged.map((name) => `NEW.${name}`).join(', ')});
  END`,
];
const appendSql = `INSERT INTO switch_commit VALUES (${Array.from({ length: logged.length + 2 }, () => '?').join(', ')})`;
