import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import sqlite3 from 'sqlite3';

/** Holds a data folder for one process. */
export interface FolderLock {
  release(): Promise<void>;
}

/**
 * Takes a data folder for this process. The lock is the operating system's, on a file of SQLite's, so it ends with the process
 * however that ends. DATA_IN_USE: another one holds it.
 */
export async function lockFolder(path: string): Promise<Result<FolderLock, 'DATA_IN_USE'>> {
  const database = await new Promise<sqlite3.Database>((resolve, reject) => {
    const opened: sqlite3.Database = new sqlite3.Database(path, (error) => (error ? reject(error) : resolve(opened)));
  });
  const close = () => new Promise<void>((resolve) => database.close(() => resolve()));
  const error = await new Promise<Error | null>((resolve) => database.exec('BEGIN EXCLUSIVE', resolve));
  if (!error) return ok({ release: close });
  await close();
  if ('code' in error && error.code === 'SQLITE_BUSY') return fail('DATA_IN_USE');
  throw error;
}
