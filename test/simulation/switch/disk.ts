import { copyFileSync, existsSync, rmSync, statSync, truncateSync } from 'node:fs';
import { openSqlite3, openSqlite3Beside, type SqlConnection, type SqlValue } from '@tsunagu/fleet-server/store/index';
import type { Chance } from '../random.ts';
import type { Scheduler } from '../scheduler.ts';
import type { SimulatedWorld } from '../world.ts';

const never = new Promise<never>(() => undefined);

/** How writes fail. */
export type DiskFault = 'full' | 'fsync-lost' | 'fsync-kept';

/** What a test may do to the disk, to see whether anybody notices. */
export interface DiskBugs {
  /** What a statement is run with instead; undefined: it is not run, and said to have been. */
  readonly alters?: (sql: string, parameters: readonly SqlValue[]) => readonly SqlValue[] | undefined;
  /** A commit is said to be on the disk, and the last so many of them are not when the power fails. */
  readonly forgetsCommits?: number;
}

/** A connection that one boot has. */
interface Opened {
  readonly of: SimulatedWorld;
  readonly raw: SqlConnection;
  readonly self: object;
  readonly file: DiskFile;
}

/** A file of SQLite's, with its write-ahead log. */
class DiskFile {
  readonly #end: string;
  path: string;
  /** Who has begun a transaction: another node waits, as it would in the database. */
  writer: object | undefined;
  readonly writersWaiting: (() => void)[] = [];
  /** Lengths of the log after each commit. */
  commits: number[] = [];
  /** The length of the log that survives, when a commit is torn. */
  tornTo: number | undefined;

  constructor(stem: string, end: string) {
    this.#end = end;
    this.path = stem + end;
  }

  logLength(): number {
    const log = `${this.path}-wal`;
    return existsSync(log) ? statSync(log).size : 0;
  }

  over(self: object): void {
    if (this.writer !== self) return;
    this.writer = undefined;
    this.writersWaiting.shift()?.();
  }

  /** What is in the file is under another name from now on, as far as it survives. Returns the old name. */
  leave(stem: string, forgets: number | undefined): string {
    const old = this.path;
    this.path = stem + this.#end;
    if (!existsSync(old)) return old;
    copyFileSync(old, this.path);
    if (existsSync(`${old}-wal`)) copyFileSync(`${old}-wal`, `${this.path}-wal`);
    const keptTo = (forgets && this.commits.at(-1 - forgets)) ?? this.tornTo;
    if (keptTo !== undefined && keptTo < this.logLength()) truncateSync(`${this.path}-wal`, keptTo);
    this.tornTo = undefined;
    this.commits = [];
    return old;
  }
}

/**
 * The disk under the real SQLite: its files, the store's and one beside it, and their write-ahead logs are real files, on memory. Power may be cut at any statement; within a COMMIT, or a
 * write that is a transaction of its own, the log then ends somewhere in what that commit wrote, and SQLite has to find that out by itself.
 */
export class Disk {
  fault: DiskFault | undefined;
  /** How long it takes at most until what is written is on the disk, and until that is told. */
  slowMs = 0;
  statements = 0;
  /** Where the power fails. */
  cutAt: { nth: number; readonly moment: 'before' | 'torn' | 'after'; readonly cut: () => void } | undefined;
  /** Who acts at a statement: right before it is run. */
  #watchers: { nth: number; readonly act: () => void }[] = [];
  readonly #scheduler: Scheduler;
  readonly #chance: Chance;
  readonly #bugs: DiskBugs;
  readonly #stem: string;
  readonly #main: DiskFile;
  readonly #beside: DiskFile;
  #generation = 0;
  #tail: Promise<unknown> = Promise.resolve();
  #open: readonly Opened[] = [];

  constructor(scheduler: Scheduler, chance: Chance, path: string, bugs: DiskBugs) {
    this.#scheduler = scheduler;
    this.#chance = chance;
    this.#stem = path;
    this.#main = new DiskFile(path, '');
    this.#beside = new DiskFile(path, '-beside');
    this.#bugs = bugs;
  }

  /** Calls `act` at the n-th statement from here. */
  atStatement(nth: number, act: () => void): void {
    this.#watchers.push({ nth, act });
  }

  #watched(): void {
    for (const watcher of this.#watchers) watcher.nth -= 1;
    const due = this.#watchers.filter(({ nth }) => nth <= 0);
    this.#watchers = this.#watchers.filter(({ nth }) => nth > 0);
    for (const { act } of due) act();
  }

  /** The power of the whole disk fails: what is in the files stays, as it was at this moment. Resolves when the next boot may open it. */
  async powerLost(): Promise<void> {
    await this.#scheduler.outside(async () => {
      await this.#tail.catch(() => undefined);
      this.#generation += 1;
      // Copied before anything is closed: closing would fold the log into the file.
      const old = [this.#main, this.#beside].map((file) =>
        file.leave(`${this.#stem}.${this.#generation}`, this.#bugs.forgetsCommits),
      );
      await this.#close(this.#open);
      for (const path of old) remove(path);
    });
  }

  /** One node is gone, the disk stays. What it had not committed is undone. */
  async release(world: SimulatedWorld): Promise<void> {
    await this.#scheduler.outside(async () => {
      await this.#tail.catch(() => undefined);
      await this.#close(this.#open.filter(({ of }) => of === world));
    });
  }

  async #close(which: readonly Opened[]): Promise<void> {
    this.#open = this.#open.filter((one) => !which.includes(one));
    for (const { raw, self, file } of which) {
      await raw.close();
      file.over(self);
    }
  }

  async end(): Promise<void> {
    await this.#tail.catch(() => undefined);
    await this.#close(this.#open);
    for (const { path } of [this.#main, this.#beside]) remove(path);
  }

  /** A connection of one boot to the store. */
  async connect(world: SimulatedWorld): Promise<SqlConnection> {
    const raw = await this.#scheduler.outside(() => openSqlite3(this.#main.path));
    return this.#connection(world, raw, this.#main);
  }

  /** A connection of one boot to the file beside the store. */
  async connectBeside(world: SimulatedWorld): Promise<SqlConnection> {
    const raw = await this.#scheduler.outside(() => openSqlite3Beside(this.#beside.path, this.#main.path));
    return this.#connection(world, raw, this.#beside);
  }

  /** One statement at a time, whichever connection it is on. */
  #connection(world: SimulatedWorld, raw: SqlConnection, file: DiskFile): SqlConnection {
    const self = {};
    this.#open = [...this.#open, { of: world, raw, self, file }];
    const inTurn = <T>(work: () => Promise<T>): Promise<T> =>
      this.#scheduler.outside(() => {
        const turn = this.#tail.then(work, work);
        this.#tail = turn.catch(() => undefined);
        return turn;
      });
    const run = async <T>(
      sql: string,
      parameters: readonly SqlValue[],
      perform: (parameters: readonly SqlValue[]) => Promise<T>,
      nothing: T,
    ): Promise<T> => {
      if (!world.isOn) return await never;
      const isBegin = sql.startsWith('BEGIN');
      const isAlone = /^(insert|update|delete)/i.test(sql) && file.writer !== self;
      while ((isBegin || isAlone) && file.writer !== undefined && file.writer !== self)
        await new Promise<void>((resolve) => file.writersWaiting.push(resolve));
      if (!world.isOn) {
        file.writersWaiting.shift()?.();
        return await never;
      }
      if (isBegin || isAlone) file.writer = self;
      const isCommit = sql === 'COMMIT' || isAlone;
      if (isCommit) await this.#slowly();
      if (!world.isOn) return await never;
      const altered = this.#bugs.alters ? this.#bugs.alters(sql, parameters) : parameters;
      const work = (): Promise<T> => (altered ? perform(altered) : Promise.resolve(nothing));
      this.statements += 1;
      this.#watched();
      const { cutAt } = this;
      if (cutAt) {
        cutAt.nth -= 1;
        if (cutAt.nth <= 0) {
          this.cutAt = undefined;
          if (cutAt.moment !== 'before') {
            const before = file.logLength();
            await inTurn(work).catch(() => undefined);
            const after = file.logLength();
            if (cutAt.moment === 'torn' && isCommit && after > before)
              file.tornTo = this.#chance.int(before, after - 1);
          }
          cutAt.cut();
          return await never;
        }
      }
      const isEnd = isCommit || sql === 'ROLLBACK';
      try {
        const value = await inTurn(() => this.#faulty(sql, isAlone, raw, work));
        if (isEnd) file.over(self);
        if (isCommit) file.commits.push(file.logLength());
        if (isCommit) await this.#slowly();
        return world.isOn ? value : await never;
      } catch (error) {
        // What failed may have ended the transaction all the same.
        if (isEnd && !(await this.#isOpen(raw))) file.over(self);
        if (world.isOn) throw error;
        return await never;
      }
    };
    return {
      all: (sql, parameters) => run(sql, parameters, (given) => raw.all(sql, given), []),
      run: (sql, parameters) => run(sql, parameters, (given) => raw.run(sql, given), { changes: 1, lastId: 1 }),
      close: () => Promise.resolve(),
    };
  }

  async #slowly(): Promise<void> {
    const { slowMs } = this;
    if (slowMs > 0) await new Promise<void>((resolve) => this.#scheduler.after(this.#chance.int(1, slowMs), resolve));
  }

  /** Whether the connection is inside a transaction: a second BEGIN says so. */
  async #isOpen(raw: SqlConnection): Promise<boolean> {
    return await this.#scheduler.outside(async () => {
      try {
        await raw.run('BEGIN', []);
        await raw.run('ROLLBACK', []);
        return false;
      } catch {
        return true;
      }
    });
  }

  async #faulty<T>(sql: string, isAlone: boolean, raw: SqlConnection, work: () => Promise<T>): Promise<T> {
    const { fault } = this;
    const isWrite = /^(insert|update|delete)/i.test(sql);
    const isCommit = sql === 'COMMIT' || isAlone;
    if (fault === 'full' && (isWrite || sql === 'COMMIT')) {
      // SQLITE_FULL may roll back by itself, or leave that to us.
      if (this.#chance.percent(50)) await raw.run('ROLLBACK', []).catch(() => undefined);
      throw new Error('SQLITE_FULL: database or disk is full');
    }
    if (fault !== undefined && fault !== 'full' && isCommit) {
      if (fault === 'fsync-kept') await work();
      else await raw.run('ROLLBACK', []).catch(() => undefined);
      throw new Error('SQLITE_IOERR: disk I/O error');
    }
    return await work();
  }
}

function remove(path: string): void {
  for (const end of ['', '-wal', '-shm']) rmSync(path + end, { force: true });
}
