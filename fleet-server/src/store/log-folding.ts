import type { SqlConnection } from './connection.ts';

/** The log is folded into the file once it has so many pages: 16 MB. Many commits touch the same pages, and each is then written once. */
const foldPages = 4_096;
/** How many commits there are between two looks at how long the log is: one of many sales is of a thousand pages. */
const lookEvery = 8;

/** Folds the write-ahead log of SQLite into its file without holding up those who commit. */
export interface LogFolding {
  /** There was a commit. */
  committed(): void;
  /** Resolves when nothing is under way, and nothing will be. */
  close(): Promise<void>;
}

/**
 * SQLite by itself folds in the midst of whichever commit makes the log too long, and everybody waits for that. Here most of it is done over a
 * connection that is beside the writer's, while commits go on; then what these have added meanwhile, which is little, in the writer's turn: the log
 * begins anew only when nothing of it is left.
 *
 * @param open opens that connection; it is opened when it is needed first
 * @param inTurn runs a statement on the writer, outside of transactions
 * @see https://www.sqlite.org/wal.html, "Checkpointing"; https://www.sqlite.org/pragma.html#pragma_wal_checkpoint
 */
export function foldLog(
  open: () => Promise<SqlConnection>,
  inTurn: (statement: string) => Promise<unknown>,
  pagesMax = foldPages,
): LogFolding {
  const passive = 'PRAGMA wal_checkpoint(PASSIVE)';
  let commits = 0;
  let isClosed = false;
  let beside: SqlConnection | undefined;
  let running: Promise<void> | undefined;

  async function fold(): Promise<void> {
    try {
      beside ??= await open();
      const [state] = await beside.all('PRAGMA wal_checkpoint(NOOP)', []);
      if (Number(state?.['log'] ?? 0) < pagesMax) return;
      await beside.all(passive, []);
      await inTurn(passive);
    } catch {
      // The writer folds for itself where it has become too long (`openSqlite3`), and says so where that fails.
    } finally {
      running = undefined;
    }
  }

  return {
    committed() {
      commits += 1;
      if (commits % lookEvery === 0 && !isClosed) running ??= fold();
    },
    async close() {
      isClosed = true;
      await running;
      await beside?.close();
    },
  };
}
