import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSqlite3, type SqlConnection } from '@tsunagu/fleet-server/store/index';
import { foldLog } from '@tsunagu/fleet-server/store/log-folding';
import { afterEach, beforeEach, expect, test } from 'vitest';

let folder: string;
let writer: SqlConnection;
let opened = 0;

const open = () => {
  opened += 1;
  return openSqlite3(join(folder, 'store.sqlite'));
};

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'log-folding-'));
  writer = await openSqlite3(join(folder, 'store.sqlite'));
  opened = 0;
  await writer.run('CREATE TABLE lots (bytes BLOB)', []);
});
afterEach(async () => {
  await writer.close();
  await rm(folder, { recursive: true });
});

/** A commit of some ten pages. */
const commit = () => writer.run('INSERT INTO lots VALUES (randomblob(40000))', []);
/** Pages in the log, and those of them that are in the file. */
async function log(): Promise<{ readonly pages: number; readonly folded: number }> {
  const [state] = await writer.all('PRAGMA wal_checkpoint(NOOP)', []);
  return { pages: Number(state?.['log']), folded: Number(state?.['checkpointed']) };
}

test('a log that has become long is folded while commits go on, and begins anew', async () => {
  const turns: string[] = [];
  const folding = foldLog(
    open,
    async (statement) => {
      turns.push(statement);
      // A commit that came meanwhile is folded as well.
      await commit();
      await writer.all(statement, []);
    },
    200,
  );
  for (let count = 0; count < 64; count += 1) await commit();
  for (let count = 0; count < 8; count += 1) folding.committed();
  await folding.close();
  expect(turns).toEqual(['PRAGMA wal_checkpoint(PASSIVE)']);
  const folded = await log();
  expect(folded.pages).toBeGreaterThan(0);
  expect(folded.folded).toBe(folded.pages);
  // What comes next is written over what is in the file.
  await commit();
  const after = await log();
  expect(after.pages).toBeLessThan(20);
  expect(after.folded).toBe(0);
  expect(opened).toBe(1);
  expect(await writer.all('SELECT count(*) AS lots FROM lots', [])).toEqual([{ lots: 66 }]);
});

test('a short log is left alone, and so is the writer', async () => {
  const folding = foldLog(open, () => Promise.reject(new Error('nobody asked')));
  for (let count = 0; count < 64; count += 1) {
    await commit();
    folding.committed();
  }
  await folding.close();
  expect((await log()).folded).toBe(0);
});

test('a writer that refuses is asked again after more commits, and nobody hears of it', async () => {
  let asked = 0;
  const folding = foldLog(
    open,
    () => {
      asked += 1;
      return Promise.reject(new Error('a full disk'));
    },
    200,
  );
  for (let round = 1; round <= 2; round += 1) {
    for (let count = 0; count < 30; count += 1) await commit();
    for (let count = 0; count < 64; count += 1) folding.committed();
    while (asked < round) await new Promise((resolve) => setTimeout(resolve, 5));
    // The look that was refused is over before the next one begins.
    await new Promise((resolve) => setImmediate(resolve));
  }
  await folding.close();
  for (let count = 0; count < 64; count += 1) folding.committed();
  expect(asked).toBe(2);
});
