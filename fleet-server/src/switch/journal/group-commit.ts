import { PassingMap } from '@tsunagu/protocols/kit';
import type { Timer, World } from '@tsunagu/protocols/world';
import type { Store } from '../../store/index.ts';
import { Commit, type KnownSales, NotAlone, type SaleKey, type Wants } from './commit.ts';
import { type Fence, isFenced } from './epoch.ts';
import { CommitLog, type LogStore } from './log.ts';
import type { SaleRow } from './written.ts';

/** The most pieces of work in one commit; those that look at the tables are some statements each, and sales wait for them. */
const groupMax = 256;
const forTablesMax = 32;
/** After this, what looks at the tables and was not begun goes into a later commit: where the processor is busy, each of its statements waits for its turn. */
const forTablesMs = 50;
/**
 * Commits begin so far apart at least, unless a good many pieces wait: a commit has a price whatever it holds, in the database and in all that wakes
 * up for it here and at the far sides. One that comes alone waits for nothing.
 */
const apartMs = 3;
const manyPieces = 32;
/**
 * So many new sales and outcomes of the log go into the tables at once, beside the commits. Where these come faster they gather, and at `behindMax` more go
 * at once, which costs less for each; at `behindMost` commits wait until a lot has gone.
 */
const lotMax = 64;
const behindMax = 512;
const largeLotMax = 256;
const behindMost = 2_048;
/** When nothing comes any more, the rest of the log goes into the tables after this; and after this again where that failed. */
const restMs = 50;
const restAgainMs = 1_000;
/** What of the tables is behind the log. */
const logged = /"switch_(?:sales|journal|postings|counters)"/;

/** What the journal needs of the store. */
type JournalStore = LogStore & Pick<Store, 'trails'>;

interface Piece {
  readonly wants: Wants | undefined;
  run(commit: Commit): Promise<void>;
  settle(error: unknown): void;
}

/** One who waits for the tables; `until`: the last commit that they have to have, known once the log is read. */
interface Reader {
  until: number | undefined;
  resolve(): void;
  reject(error: unknown): void;
}

/**
 * Gathers writes that come while a commit is under way into the next one, so that one flush of the disk serves many
 * transactions. On SQLite a commit goes into the log, and into the tables later; those who read the tables wait for that. Pieces of one group share their fate: when one throws, or the commit fails, all of them fail.
 */
export class GroupCommit {
  readonly #world: Pick<World, 'clock' | 'timers'>;
  readonly #store: JournalStore;
  readonly #fence: Fence | undefined;
  /** A commit failed: whether it was kept is not known. */
  failed: () => void = () => undefined;
  /** Sales that wait for their issuer, as the last commits left them: no other node writes in this epoch, so that they need not be read again. */
  readonly #open = new PassingMap<string, SaleRow>();
  #waiting: Piece[] = [];
  /** The last commit was one for the tables. */
  #isForTables = false;
  #running: Promise<void> | undefined;
  /** Brings the log into the tables. */
  #projecting: Promise<void> | undefined;
  /** Who writes the tables, or reads the log, is alone with that. */
  #tables: Promise<unknown> = Promise.resolve();
  readonly #log: CommitLog;
  readonly #known: KnownSales;
  /** Those who wait until the tables have what was committed when they came. */
  #readers: Reader[] = [];
  #rest: Timer | undefined;
  /** The log could not be brought into the tables the last time. */
  #hasFailed = false;
  /** When the last commit began. */
  #begunMs = Number.NEGATIVE_INFINITY;

  constructor(world: Pick<World, 'clock' | 'timers'>, store: JournalStore, fence?: Fence) {
    this.#world = world;
    this.#store = store;
    this.#fence = fence;
    this.#log = new CommitLog(store, fence);
    this.#known = {
      sale: (id) => this.#log.sale(id) ?? this.#open.get(id),
      saleByKey: (key) => this.#log.saleByKey(key),
    };
    store.trails(logged, () => this.#catchUp());
  }

  /**
   * Resolves with what `work` returned once it is on disk. Those that say what they want go first in a commit, in their order: what they read is read
   * together, and so is written what they write.
   */
  write<T>(work: (commit: Commit) => Promise<T>, wants?: Wants): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      let made: { readonly value: T } | undefined;
      this.#waiting.push({
        wants,
        run: async (commit) => {
          made = { value: await work(commit) };
        },
        settle: (error) => (made && error === undefined ? resolve(made.value) : reject(asError(error))),
      });
      this.#running ??= this.#drain();
    });
  }

  /** A sale that the log has, as it is now; it may be in the tables only. */
  saleByKey(key: SaleKey): SaleRow | undefined {
    return this.#log.saleByKey(key);
  }

  /** Resolves when nothing is under way, and the tables have everything. */
  async idle(): Promise<void> {
    await this.#running;
    // What cannot be brought into the tables now is found in the log by the next start.
    await this.#catchUp()?.catch(() => undefined);
    await this.#projecting;
    this.#rest?.cancel();
    await this.#alone(() => this.#log.clear()).catch(() => undefined);
  }

  /** Brings the tables up to date with what was committed; undefined where they are. */
  #catchUp(): Promise<void> | undefined {
    if (!this.#log.isBehind) return undefined;
    return new Promise((resolve, reject) => {
      this.#readers.push({ until: undefined, resolve, reject });
      this.#projecting ??= this.#projectAll();
    });
  }

  #alone<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#tables.then(work);
    this.#tables = turn.catch(() => undefined);
    return turn;
  }

  async #drain(): Promise<void> {
    // Let whatever else arrived in this turn join the first group.
    await Promise.resolve();
    const { clock, timers } = this.#world;
    while (this.#waiting.length > 0) {
      const earlyMs = this.#begunMs + apartMs - clock.monotonicMs();
      if (earlyMs > 0 && this.#waiting.length < manyPieces) await timers.sleep(earlyMs);
      if (this.#log.behind >= behindMost) await this.#alone(() => this.#project(largeLotMax));
      this.#begunMs = clock.monotonicMs();
      const group = this.#take();
      const { written, failure, left } =
        (await this.#logged(group)) ?? (await this.#alone(() => this.#together(group)));
      // Of what failed nobody knows what is on disk: it is read when it is wanted.
      for (const [id, row] of written)
        if (failure === undefined && row.state === 'send-intended') this.#open.set(id, row);
        else this.#open.delete(id);
      for (const piece of group) if (!left.includes(piece)) piece.settle(failure);
      this.#waiting.unshift(...left);
      if (this.#log.behind >= lotMax && !this.#hasFailed) this.#projecting ??= this.#projectAll();
    }
    this.#running = undefined;
    this.#restLater();
  }

  /** Brings the log into the tables beside the commits, a lot at a time, until little of it is left and nobody waits for that. */
  async #projectAll(): Promise<void> {
    await Promise.resolve();
    do {
      const most = this.#log.behind >= behindMax ? largeLotMax : lotMax;
      await this.#alone(() => this.#project(most));
    } while (this.#readers.length > 0 || (this.#log.behind >= lotMax && !this.#hasFailed));
    this.#projecting = undefined;
    this.#restLater();
  }

  /** When nothing comes any more, what is left of the log goes into the tables. */
  #restLater(): void {
    this.#rest?.cancel();
    if (this.#running !== undefined || this.#projecting !== undefined || !this.#log.isBehind) return;
    this.#rest = this.#world.timers.after(
      this.#hasFailed ? restAgainMs : restMs,
      () => void this.#catchUp()?.catch(() => undefined),
    );
  }

  /**
   * What goes into the next commit. On SQLite the log and the tables take turns where both are wanted: those for the log do not wait for what looks at the
   * tables, and what looks at the tables (reversals, refunds, advices) has every second commit.
   */
  #take(): readonly Piece[] {
    if (!this.#log.isKept) return this.#waiting.splice(0, groupMax);
    const forLog = this.#waiting.filter(({ wants }) => wants !== undefined);
    const forTables = this.#waiting.filter(({ wants }) => wants === undefined);
    this.#isForTables = forLog.length === 0 || (forTables.length > 0 && !this.#isForTables);
    const group = this.#isForTables ? forTables.slice(0, forTablesMax) : forLog.slice(0, groupMax);
    const taken = new Set(group);
    this.#waiting = this.#waiting.filter((piece) => !taken.has(piece));
    return group;
  }

  /** Brings some of the log into the tables, and tells those who waited for that. What fails stays in the log, and is tried again with the next. */
  async #project(most: number): Promise<void> {
    try {
      await this.#log.read();
      for (const reader of this.#readers) reader.until ??= this.#log.last;
      if (!(await this.#log.projectAlone(most))) {
        let kept: () => void = () => undefined;
        await this.#store.write(async (tx) => {
          await this.#fence?.check(tx);
          kept = await this.#log.project(tx, most);
        });
        kept();
      }
      this.#hasFailed = false;
      this.#tellReaders();
    } catch (error) {
      this.#hasFailed = true;
      const readers = this.#readers;
      this.#readers = [];
      // The tables are somebody else's by now, and no longer ours to bring up to date.
      if (isFenced(error)) this.#log.leave();
      else this.#log.doubt();
      for (const reader of readers)
        if (isFenced(error)) reader.resolve();
        else reader.reject(error);
    }
  }

  /** Tells those whose commits are in the tables by now. */
  #tellReaders(): void {
    const { first } = this.#log;
    const isServed = ({ until }: Reader): boolean => until !== undefined && first > until;
    const served = this.#readers.filter(isServed);
    if (served.length === 0) return;
    this.#readers = this.#readers.filter((reader) => !isServed(reader));
    for (const reader of served) reader.resolve();
  }

  /** The group as one row of the log; undefined when a piece has to look at what is in the tables: then nothing was kept. */
  async #logged(group: readonly Piece[]): Promise<Outcome | undefined> {
    if (!this.#log.isKept || group.some(({ wants }) => wants === undefined)) return undefined;
    const commit = new Commit(undefined, this.#known);
    try {
      if (!this.#log.isRead) await this.#alone(() => this.#log.read());
      for (const piece of group) await piece.run(commit);
      const end = await this.#log.append(commit.take());
      return end === 'refused' ? undefined : { written: commit.written, failure: undefined, left: [] };
    } catch (error) {
      if (error instanceof NotAlone) return undefined;
      this.#log.doubt();
      this.failed();
      return { written: commit.written, failure: error ?? new Error('the commit failed'), left: [] };
    }
  }

  /** The group in one transaction, which brings the log into the tables and reads first what the pieces want. */
  async #together(group: readonly Piece[]): Promise<Outcome> {
    let written: Outcome['written'] = new Map();
    let left: readonly Piece[] = [];
    try {
      await this.#log.read();
      let kept: () => void = () => undefined;
      await this.#store.write(async (tx) => {
        await this.#fence?.check(tx);
        kept = await this.#log.project(tx);
        const commit = new Commit(tx, this.#known);
        written = commit.written;
        await commit.read(group.flatMap(({ wants }) => wants ?? []));
        for (const piece of group) if (piece.wants) await piece.run(commit);
        left = await this.#forTables(group, commit);
        await commit.flush();
      });
      kept();
      this.#tellReaders();
      return { written, failure: undefined, left };
    } catch (error) {
      if (!isFenced(error)) this.#log.doubt();
      this.failed();
      return { written, failure: error ?? new Error('the commit failed'), left: [] };
    }
  }

  /** Does what looks at the tables, while there is time. Returns what was not begun. */
  async #forTables(group: readonly Piece[], commit: Commit): Promise<readonly Piece[]> {
    const { clock } = this.#world;
    const untilMs = clock.monotonicMs() + forTablesMs;
    const pieces = group.filter(({ wants }) => wants === undefined);
    for (const [at, piece] of pieces.entries()) {
      if (at > 0 && clock.monotonicMs() >= untilMs) return pieces.slice(at);
      await piece.run(commit);
    }
    return [];
  }
}

/** What a commit wrote of sales; `failure`: whether it is on disk nobody knows; `left`: pieces that it had no time for. */
interface Outcome {
  readonly written: ReadonlyMap<string, SaleRow>;
  readonly failure: unknown;
  readonly left: readonly Piece[];
}

const asError = (error: unknown): Error =>
  error instanceof Error ? error : new Error('the commit failed', { cause: error });
