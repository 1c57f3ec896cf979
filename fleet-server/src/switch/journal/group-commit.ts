import type { Transaction } from 'kysely';
import type { Database, Store } from '../../store/index.ts';
import { Commit, type SaleRow, type Wants } from './commit.ts';

/** The most pieces of work in one commit. */
const groupMax = 256;

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
  readonly #store: Pick<Store, 'write'>;
  readonly #fence: ((tx: Transaction<Database>) => Promise<void>) | undefined;
  /** A commit failed: whether it was kept is not known. */
  failed: () => void = () => undefined;
  /** Sales that wait for their issuer, as the last commits left them: no other node writes in this epoch, so that they need not be read again. */
  readonly #open = new Map<string, SaleRow>();
  #waiting: Piece[] = [];
  #running: Promise<void> | undefined;

  /** @param fence throws in the commit when somebody else writes by now */
  constructor(store: Pick<Store, 'write'>, fence?: (tx: Transaction<Database>) => Promise<void>) {
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
      const group = this.#waiting.splice(0, groupMax);
      let failure: unknown;
      let written: ReadonlyMap<string, SaleRow> | undefined;
      try {
        await this.#store.write(async (tx) => {
          await this.#fence?.(tx);
          const commit = new Commit(tx, this.#open);
          written = commit.written;
          await commit.read(group.flatMap(({ wants }) => wants ?? []));
          for (const piece of group) if (piece.wants) await piece.run(commit);
          for (const piece of group) if (!piece.wants) await piece.run(commit);
          await commit.flush();
        });
      } catch (error) {
        failure = error ?? new Error('the commit failed');
        this.failed();
      }
      // Of what failed nobody knows what is on disk: it is read when it is wanted.
      for (const [id, row] of written ?? [])
        if (failure === undefined && row.state === 'send-intended') this.#open.set(id, row);
        else this.#open.delete(id);
      for (const piece of group) piece.settle(failure);
    }
    this.#running = undefined;
  }
}

const asError = (error: unknown): Error =>
  error instanceof Error ? error : new Error('the commit failed', { cause: error });
