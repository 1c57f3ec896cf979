import { AsyncResource } from 'node:async_hooks';
import { CompiledQuery, type Kysely, type Transaction } from 'kysely';
import type { Database } from './database.ts';

/** Works that share one commit at most. The first of them is told when the last is done: its wait stays short. */
const groupMax = 32;

const begin = CompiledQuery.raw('SAVEPOINT work');
const keep = CompiledQuery.raw('RELEASE work');
const undo = CompiledQuery.raw('ROLLBACK TO work');

type Tx = Transaction<Database>;

/** A work that waits for its turn, and who is told of its end. Only the first word counts. */
interface Waiting {
  run(tx: Tx): Promise<void>;
  /** It is on disk. */
  settle(): void;
  /** Nothing that it wrote is kept. */
  fail(reason: unknown): void;
}

/** Runs works one after the other, in the order they came. */
export interface WriteGroups {
  write<T>(work: (tx: Tx) => Promise<T>): Promise<T>;
  /** Resolves when nothing waits any more. */
  idle(): Promise<void>;
}

/**
 * Group commit (Gray and Reuter, Transaction Processing, 9.4.7). A commit costs a flush to the disk whatever it holds, so works that
 * wait while one is under way go into the next transaction together, each in a savepoint of its own; none is told of its end before
 * the commit. One that waits alone gets a plain transaction.
 */
export function writeGroups(db: Kysely<Database>): WriteGroups {
  const waiting: Waiting[] = [];
  let running: Promise<void> | undefined;

  async function drain(): Promise<void> {
    while (waiting.length > 0) {
      const begun: Waiting[] = [];
      try {
        await db.transaction().execute(async (tx) => {
          // The transaction had to wait for its turn: those that came meanwhile are in it.
          await perform(tx, waiting.splice(0, groupMax), begun);
        });
        for (const one of begun) one.settle();
      } catch (error) {
        const told = begun.length > 0 ? begun : waiting.splice(0, 1);
        for (const one of told) one.fail(error);
      }
    }
    running = undefined;
  }

  async function perform(tx: Tx, group: Waiting[], begun: Waiting[]): Promise<void> {
    const isAlone = group.length === 1;
    try {
      for (let one = group.shift(); one; one = group.shift()) {
        begun.push(one);
        if (isAlone) await one.run(tx);
        else await inSavepoint(tx, one);
      }
    } finally {
      // Left only when the whole transaction ended: those that had not begun take part in the next one.
      waiting.unshift(...group);
    }
  }

  return {
    write: (work) =>
      new Promise((resolve, reject) => {
        let settle = (): void => undefined;
        // A work is its caller's, whoever began the group: the audit log asks the async context whose change it is.
        const ours = AsyncResource.bind(work);
        waiting.push({
          async run(tx) {
            const value = await ours(tx);
            settle = () => resolve(value);
          },
          settle: () => settle(),
          fail: reject,
        });
        running ??= drain();
      }),
    idle: async () => await running,
  };
}

/** A work that fails is undone alone. Errors that end the whole transaction (a full disk) are thrown: the savepoint is gone, too. */
async function inSavepoint(tx: Tx, one: Waiting): Promise<void> {
  await tx.executeQuery(begin);
  try {
    await one.run(tx);
  } catch (error) {
    await tx.executeQuery(undo).catch(() => {
      throw error;
    });
    one.fail(error);
  }
  await tx.executeQuery(keep);
}
