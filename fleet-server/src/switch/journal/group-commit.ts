import type { World } from '@tsunagu/protocols/world';
import { sql } from 'kysely';
import type { Store } from '../../store/index.ts';
import { aloneSchema, aloneSql, Commit, NotAlone, type SaleRow, type Wants } from './commit.ts';
import type { Fence } from './epoch.ts';

/** The most pieces of work in one commit. */
const groupMax = 256;
/**
 * Commits begin so far apart at least, unless a good many pieces wait: a commit has a price whatever it holds, in the database and in all that wakes
 * up for it here and at the far sides. One that comes alone waits for nothing.
 */
const apartMs = 3;
const manyPieces = 32;

interface Piece {
  readonly wants: Wants | undefined;
  run(commit: Commit): Promise<void>;
  settle(error: unknown): void;
}

/**
 * Gathers writes that come while a commit is under way into the next one, so that one flush of the disk serves many
 * transactions. Pieces of one group share their fate: when one throws, or the commit fails, all of them fail.
 */
export class GroupCommit {
  readonly #world: Pick<World, 'clock' | 'timers'>;
  readonly #store: Pick<Store, 'write' | 'writeAlone'>;
  readonly #fence: Fence | undefined;
  /** A commit failed: whether it was kept is not known. */
  failed: () => void = () => undefined;
  /** Sales that wait for their issuer, as the last commits left them: no other node writes in this epoch, so that they need not be read again. */
  readonly #open = new Map<string, SaleRow>();
  #waiting: Piece[] = [];
  #running: Promise<void> | undefined;
  /** What a commit in one statement needs, once it is there. */
  #schema: Promise<void> | undefined;
  /** When the last commit began. */
  #begunMs = Number.NEGATIVE_INFINITY;

  constructor(world: Pick<World, 'clock' | 'timers'>, store: Pick<Store, 'write' | 'writeAlone'>, fence?: Fence) {
    this.#world = world;
    this.#store = store;
    this.#fence = fence;
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

  /** Resolves when nothing is under way. */
  async idle(): Promise<void> {
    await this.#running;
  }

  async #drain(): Promise<void> {
    // Let whatever else arrived in this turn join the first group.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const { clock, timers } = this.#world;
      const earlyMs = this.#begunMs + apartMs - clock.monotonicMs();
      if (earlyMs > 0 && this.#waiting.length < manyPieces) await timers.sleep(earlyMs);
      this.#begunMs = clock.monotonicMs();
      const group = this.#waiting.splice(0, groupMax);
      const { written, failure } = (await this.#alone(group)) ?? (await this.#together(group));
      // Of what failed nobody knows what is on disk: it is read when it is wanted.
      for (const [id, row] of written)
        if (failure === undefined && row.state === 'send-intended') this.#open.set(id, row);
        else this.#open.delete(id);
      for (const piece of group) piece.settle(failure);
    }
    this.#running = undefined;
  }

  /** The group as one statement; undefined when a piece has to look at what is on disk: then nothing was kept. */
  async #alone(group: readonly Piece[]): Promise<Outcome | undefined> {
    if (this.#store.writeAlone === undefined || group.some(({ wants }) => wants === undefined)) return undefined;
    const commit = new Commit(undefined, this.#open);
    try {
      this.#schema ??= this.#store.write(async (tx) => {
        for (const statement of aloneSchema) await sql.raw(statement).execute(tx);
      });
      await this.#schema;
    } catch (failure) {
      this.#schema = undefined;
      this.failed();
      return { written: commit.written, failure };
    }
    try {
      for (const piece of group) await piece.run(commit);
      const end = await this.#store.writeAlone(aloneSql, [this.#fence?.epoch ?? null, ...commit.lots()]);
      return end === 'refused' ? undefined : { written: commit.written, failure: undefined };
    } catch (error) {
      if (error instanceof NotAlone) return undefined;
      this.failed();
      return { written: commit.written, failure: error ?? new Error('the commit failed') };
    }
  }

  /** The group in one transaction, which reads first what the pieces want. */
  async #together(group: readonly Piece[]): Promise<Outcome> {
    let written: Outcome['written'] = new Map();
    try {
      await this.#store.write(async (tx) => {
        await this.#fence?.check(tx);
        const commit = new Commit(tx, this.#open);
        written = commit.written;
        await commit.read(group.flatMap(({ wants }) => wants ?? []));
        for (const piece of group) if (piece.wants) await piece.run(commit);
        for (const piece of group) if (!piece.wants) await piece.run(commit);
        await commit.flush();
      });
      return { written, failure: undefined };
    } catch (error) {
      this.failed();
      return { written, failure: error ?? new Error('the commit failed') };
    }
  }
}

/** What a commit wrote of sales; `failure`: whether it is on disk nobody knows. */
interface Outcome {
  readonly written: ReadonlyMap<string, SaleRow>;
  readonly failure: unknown;
}

const asError = (error: unknown): Error =>
  error instanceof Error ? error : new Error('the commit failed', { cause: error });
