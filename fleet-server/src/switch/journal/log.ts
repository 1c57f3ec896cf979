import { PassingMap } from '@tsunagu/protocols/kit';
import { sql, type Transaction } from 'kysely';
import type { Database, SideFile, Store } from '../../store/index.ts';
import { type SaleKey, textOf } from './commit.ts';
import { type Fence, heldEpoch } from './epoch.ts';
import type { LoggedRow } from './tables.ts';
import {
  type LoggedTexts,
  lotsOf,
  type SaleRow,
  tableLotNames,
  tableLots,
  tableStatements,
  textsOf,
  together,
  type Written,
  writeTables,
  writtenOf,
} from './written.ts';

/** What the log needs of the store. */
export type LogStore = Pick<Store, 'write' | 'writeAlone' | 'beside'>;

/** A commit that is in the log, and not in the tables yet. */
interface Logged {
  readonly seq: number;
  readonly written: Written;
  readonly texts: LoggedTexts;
}

/**
 * The log of commits in front of the tables: a commit is one row of it, so that a flush waits for a page or two. It is a file of its own: who commits waits
 * neither for the tables, which have eight indexes all over their file, nor for their file to be folded. The tables are brought up to date beside
 * the commits, the sales of many of them together, each in the form that it has come to by then, and say how far they have come
 * (`switch_log_place`): what is in the log up to there has been taken over, whether it still stands there or not. What is in the log is in memory as well, and a
 * start reads it from there. Of appends, and of everything else, there is one at a time.
 */
export class CommitLog {
  readonly #store: LogStore;
  readonly #fence: Fence | undefined;
  #commits: Logged[] = [];
  /** Sales of these commits as they are now, with the last commit that wrote them. */
  readonly #sales = new PassingMap<string, { readonly row: SaleRow; readonly seq: number }>();
  readonly #idByKey = new PassingMap<string, string>();
  #last = 0;
  #behind = 0;
  /** The last commit that the tables have. */
  #place = 0;
  /** Whether memory has what is on disk. */
  #isRead = false;
  /** The file, once it is ours. */
  #file: Promise<SideFile> | undefined;

  constructor(store: LogStore, fence: Fence | undefined) {
    this.#store = store;
    this.#fence = fence;
    this.#isRead = !this.isKept;
  }

  /** Whether there is a log: PostgreSQL has each commit in its tables at once. */
  get isKept(): boolean {
    return this.#store.beside !== undefined && this.#store.writeAlone !== undefined;
  }

  /** Whether memory has what is on disk. */
  get isRead(): boolean {
    return this.#isRead;
  }

  /** Whether the tables may lack something. */
  get isBehind(): boolean {
    return !this.#isRead || this.#commits.length > 0;
  }

  /** New sales and outcomes that the tables lack. */
  get behind(): number {
    return this.#behind;
  }

  /** The last commit. Known, as `first`, where the log is read. */
  get last(): number {
    return this.#last;
  }

  /** The first commit that the tables lack; infinity where they have all. */
  get first(): number {
    return this.#commits[0]?.seq ?? Number.POSITIVE_INFINITY;
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
    const file = await this.#opened();
    const [placed] = await file.all('SELECT seq FROM store.switch_log_place', []);
    const place = Number(placed?.['seq'] ?? 0);
    const rows = await file.all('SELECT * FROM commits WHERE seq > ? ORDER BY seq', [place]);
    this.#forgetAll();
    this.#place = this.#last = place;
    // The columns are those that the file was made with.
    for (const row of rows) {
      const written = writtenOf(row as unknown as LoggedRow);
      this.#remember({ seq: Number(row['seq']), written, texts: textsOf(written) });
    }
    this.#isRead = true;
  }

  /** What is on disk is not known any more. */
  doubt(): void {
    this.#isRead = !this.isKept;
  }

  /** Adds a commit. `refused`: the tables know one of its sales, or a reversal of it, or somebody else writes by now; then nothing was kept. */
  async append(written: Written): Promise<'kept' | 'refused'> {
    const file = await this.#opened();
    const seq = this.#last + 1;
    const keys = [...written.opened, ...written.decided].map((row) => [row.serial, row.stan, row.local_time]);
    const texts = textsOf(written);
    const end = await file.writeAlone(appendSql, [
      this.#fence?.epoch ?? null,
      keys.length === 0 ? null : JSON.stringify(keys),
      this.#place,
      seq,
      ...lotsOf(texts),
    ]);
    // The log may have been read meanwhile, and this with it.
    if (end === 'kept' && seq > this.#last) this.#remember({ seq, written, texts });
    return end;
  }

  /** As `project`, in one statement. False: that was refused (a day is closed, somebody else writes by now), and nothing was done. */
  async projectAlone(most: number): Promise<boolean> {
    const commits = this.#oldest(most);
    const last = commits.at(-1);
    if (!last) return true;
    await this.#opened();
    let fromDay: string | undefined;
    for (const { written } of commits)
      for (const { said_day } of written.postings) if (fromDay === undefined || said_day < fromDay) fromDay = said_day;
    const end = await this.#store.writeAlone?.(projectSql, [
      this.#fence?.epoch ?? null,
      fromDay ?? null,
      last.seq,
      ...tableLots(commits),
    ]);
    if (end === 'kept') this.#forget(commits, last.seq);
    return end === 'kept';
  }

  /** Takes what the tables have out of the file. An append does so by the way. */
  async clear(): Promise<void> {
    if (this.#file === undefined || this.#place === 0) return;
    await (await this.#file).writeAlone('DELETE FROM commits WHERE seq <= ?', [this.#place]);
  }

  /** Opens the file and makes it ours: from here on whoever had an earlier epoch appends nothing more. */
  #opened(): Promise<SideFile> {
    this.#file ??= this.#open().catch((error: unknown) => {
      this.#file = undefined;
      throw error;
    });
    return this.#file;
  }

  async #open(): Promise<SideFile> {
    const file = await this.#store.beside?.('switch-log');
    if (file === undefined) throw new Error('there is no log beside this store');
    for (const statement of logSchema) await file.writeAlone(statement, []);
    if (this.#fence) await file.writeAlone(claimSql, [this.#fence.epoch]);
    // A version that had its log among the tables was killed.
    await file.writeAlone(
      `INSERT OR IGNORE INTO commits (${logged.join(', ')}) SELECT ${logged.join(', ')} FROM store.switch_log`,
      [],
    );
    await this.#store.write(async (tx) => {
      for (const statement of tableSchema) await sql.raw(statement).execute(tx);
      await tx.deleteFrom('switch_log').execute();
    });
    return file;
  }

  /**
   * Brings the oldest commits into the tables, until so many new sales and outcomes are, or everything.
   * @returns forgets them; to be called when the transaction is on disk
   */
  async project(tx: Transaction<Database>, most = Number.POSITIVE_INFINITY): Promise<() => void> {
    const commits = this.#oldest(most);
    const { seq } = commits.at(-1) ?? {};
    if (seq === undefined) return () => undefined;
    await writeTables(tx, together(commits.map(({ written }) => written)));
    await tx
      .insertInto('switch_log_place')
      .values({ id: 1, seq })
      .onConflict((conflict) => conflict.column('id').doUpdateSet({ seq }))
      .execute();
    return () => this.#forget(commits, seq);
  }

  #oldest(most: number): readonly Logged[] {
    let size = 0;
    let count = 0;
    while (count < this.#commits.length && size < most) {
      size += sizeOf(this.#commits[count]?.written);
      count += 1;
    }
    return this.#commits.slice(0, count);
  }

  /** They are in the tables. */
  #forget(commits: readonly Logged[], seq: number): void {
    this.#commits = this.#commits.filter((commit) => commit.seq > seq);
    this.#behind = this.#commits.reduce((sum, { written }) => sum + sizeOf(written), 0);
    this.#place = Math.max(this.#place, seq);
    for (const { written } of commits) {
      for (const { id } of [...written.opened, ...written.decided, ...written.updated]) {
        const held = this.#sales.get(id);
        if (!held || held.seq > seq) continue;
        this.#sales.delete(id);
        this.#idByKey.delete(textOf(held.row));
      }
    }
  }

  /** Somebody else writes by now, and has what is in the log. */
  leave(): void {
    this.#forgetAll();
    this.#isRead = true;
  }

  #forgetAll(): void {
    this.#commits = [];
    this.#behind = 0;
    this.#sales.clear();
    this.#idByKey.clear();
  }

  #remember(commit: Logged): void {
    const { seq, written } = commit;
    this.#last = seq;
    this.#commits.push(commit);
    this.#behind += sizeOf(written);
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
  `SELECT RAISE(ABORT, 'known in ${table}') FROM jsonb_each(NEW.keys) AS key CROSS JOIN store.${table} AS known
    WHERE known.serial = key.value ->> 0 AND known.${stan} = key.value ->> 1 AND known.${localTime} = key.value ->> 2`;
const lots = ['opened', 'decided', 'updated', 'entries', 'counters', 'postings'] as const satisfies (keyof LoggedRow)[];
const logged = ['seq', ...lots];

const rightEpoch = (held: string): string =>
  `SELECT RAISE(ABORT, 'another epoch') WHERE NEW.epoch IS NOT NULL AND ${held} IS NOT NEW.epoch`;
const viewOf = (name: string, columns: readonly string[]): string =>
  `CREATE TEMP VIEW IF NOT EXISTS ${name} AS SELECT ${columns.map((column) => `NULL AS ${column}`).join(', ')}`;
const insertOf = (name: string, columns: readonly string[]): string =>
  `INSERT INTO ${name} VALUES (${columns.map(() => '?').join(', ')})`;
const appended = ['epoch', 'keys', 'place', ...logged];
const projected = ['epoch', 'from_day', 'seq', ...tableLotNames];

/**
 * An append is one statement of SQLite, which is a transaction of its own: an insert into a view, whose trigger checks what a transaction would have read (the
 * epoch, the keys of new sales, reversals that came first). So is a projection, which checks the epoch and that no day is closed: where the processor is
 * busy each statement more costs a turn of the event loop. Views and triggers live as long as the connection. The epoch stands in the log, too: of two who
 * think that they are the switch one appends, whatever the other reads in the tables meanwhile.
 */
const logSchema: readonly string[] = [
  `CREATE TABLE IF NOT EXISTS commits (seq INTEGER PRIMARY KEY, ${lots.map((name) => `${name} TEXT`).join(', ')})`,
  'CREATE TABLE IF NOT EXISTS epochs (id INTEGER PRIMARY KEY CHECK (id = 1), epoch INTEGER NOT NULL)',
  viewOf('switch_commit', appended),
  `CREATE TEMP TRIGGER IF NOT EXISTS switch_commit_alone INSTEAD OF INSERT ON switch_commit BEGIN
    ${rightEpoch('(SELECT epoch FROM epochs)')};
    ${rightEpoch(heldEpoch)};
    ${knownIn('switch_sales', 'stan', 'local_time')};
    ${knownIn('switch_reversals', 'original_stan', 'original_local_time')};
    DELETE FROM commits WHERE seq <= NEW.place;
    INSERT INTO commits (${logged.join(', ')}) VALUES (${logged.map((name) => `NEW.${name}`).join(', ')});
  END`,
];
const claimSql = `INSERT INTO epochs (id, epoch) VALUES (1, ?)
  ON CONFLICT (id) DO UPDATE SET epoch = excluded.epoch WHERE excluded.epoch IS ${heldEpoch}`;
const tableSchema: readonly string[] = [
  viewOf('switch_projection', projected),
  `CREATE TEMP TRIGGER IF NOT EXISTS switch_projection_alone INSTEAD OF INSERT ON switch_projection BEGIN
    ${rightEpoch(heldEpoch)};
    SELECT RAISE(ABORT, 'a closed day') FROM switch_days WHERE state = 'closed' AND day >= NEW.from_day;
    ${tableStatements.join(';\n    ')};
    INSERT INTO switch_log_place (id, seq) VALUES (1, NEW.seq) ON CONFLICT (id) DO UPDATE SET seq = excluded.seq;
  END`,
];
const appendSql = insertOf('switch_commit', appended);
const projectSql = insertOf('switch_projection', projected);
