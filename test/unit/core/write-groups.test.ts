import { openChanges } from '@tsunagu/fleet-server/audit/changes';
import { openSqlite3, openStoreOn, type SqlConnection, type Store } from '@tsunagu/fleet-server/store/index';
import { unwrap } from '@tsunagu/protocols/kit';
import { systemWorld } from '@tsunagu/protocols/world';
import { sql } from 'kysely';
import { AsyncLocalStorage } from 'node:async_hooks';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';

let folder: string;
let store: Store;
/** What the writing connection was asked to do, but for what works did. */
let control: string[];
/** Statements that fail, by their text. */
let failing: (text: string) => string | undefined;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tsunagu-writes-'));
  control = [];
  failing = () => undefined;
  const open = async (): Promise<SqlConnection> => {
    const connection = await openSqlite3(join(folder, 'store.sqlite'));
    const watched =
      <A extends readonly unknown[], T>(perform: (text: string, ...rest: A) => Promise<T>) =>
      async (text: string, ...rest: A): Promise<T> => {
        if (/^(BEGIN|COMMIT|ROLLBACK|SAVEPOINT|RELEASE)/.test(text)) control.push(text);
        const reason = failing(text);
        if (reason === undefined) return await perform(text, ...rest);
        // A full disk ends the transaction before the statement fails.
        await connection.run('ROLLBACK', []).catch(() => undefined);
        throw new Error(reason);
      };
    return { all: watched(connection.all), run: watched(connection.run), close: () => connection.close() };
  };
  store = unwrap(await openStoreOn(open, [], systemWorld(() => undefined).clock));
  await sql`create table words (word text primary key)`.execute(store.db);
  control.length = 0;
});

afterEach(async () => {
  await store.close();
  rmSync(folder, { recursive: true, force: true });
});

const put = (word: string): Promise<string> =>
  store.write(async (tx) => {
    await sql`insert into words values (${word})`.execute(tx);
    return word;
  });
const words = async (): Promise<readonly string[]> =>
  (await sql<{ word: string }>`select word from words order by rowid`.execute(store.db)).rows.map(({ word }) => word);
const commits = (): number => control.filter((text) => text === 'COMMIT').length;

it('gives a work that waits alone a plain transaction', async () => {
  expect(await put('a')).toBe('a');
  expect(control).toEqual(['BEGIN IMMEDIATE', 'COMMIT']);
});

it('commits many that wait together in few transactions, in the order they came', async () => {
  const wanted = Array.from({ length: 100 }, (_, index) => `word ${index}`);
  expect(await Promise.all(wanted.map(put))).toEqual(wanted);
  expect(await words()).toEqual(wanted);
  expect(commits()).toBe(4);
});

it('undoes a work that fails, and no other of its group', async () => {
  const outcomes = await Promise.allSettled([
    put('a'),
    put('b'),
    store.write(async (tx) => {
      await sql`insert into words values ('half')`.execute(tx);
      throw new Error('no');
    }),
    put('b'),
    put('c'),
  ]);
  expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'rejected', 'fulfilled']);
  expect(await words()).toEqual(['a', 'b', 'c']);
});

it('tells nobody of an end that is not on disk: a commit that fails is the failure of all that were in it', async () => {
  let isBroken = true;
  failing = (text) => (text === 'COMMIT' && isBroken ? 'disk I/O error' : undefined);
  const outcomes = await Promise.allSettled([put('a'), put('b'), put('c')]);
  expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
  isBroken = false;
  expect(await words()).toEqual([]);
  await put('d');
  expect(await words()).toEqual(['d']);
});

it('goes on with those that had not begun when an error ended the whole transaction', async () => {
  let isFull = true;
  failing = (text) => {
    if (!isFull || !text.startsWith('insert into words')) return undefined;
    isFull = control.filter((one) => one === 'SAVEPOINT work').length < 2;
    return isFull ? undefined : 'database or disk is full';
  };
  const outcomes = await Promise.allSettled(['a', 'b', 'c', 'd'].map(put));
  expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'fulfilled', 'fulfilled']);
  expect(await words()).toEqual(['c', 'd']);
});

it('finishes what waits before it closes', async () => {
  const writes = Array.from({ length: 50 }, (_, index) => put(`word ${index}`));
  await store.close();
  expect(await Promise.all(writes)).toHaveLength(50);
});

it('runs each work in the context of who asked for it, whoever began the group', async () => {
  const whose = new AsyncLocalStorage<number>();
  const seen = await Promise.all(
    Array.from({ length: 8 }, (_, at) =>
      whose.run(at, () =>
        store.write(async (tx) => {
          await sql`insert into words values (${`word ${at}`})`.execute(tx);
          return whose.getStore();
        }),
      ),
    ),
  );
  expect(seen).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
});

it('notes each change for itself, also beside one whose room wrote its own entry', async () => {
  const changes = openChanges();
  const seen: [string, boolean][] = [];
  const watched = changes.watch(store, {
    begin: () => Promise.resolve(null),
    end: (_tx, { subject }, _before, isNoted) => Promise.resolve(void seen.push([subject, isNoted])),
  });
  const changeOf = (subject: string) => ({
    actor: { subject: 'operator', roles: ['operator' as const] },
    action: 'POST /words',
    subject,
    request: subject,
    commits: 0,
    isOver: false,
  });
  await Promise.all(
    ['own', 'plain', 'own too', 'plain too'].map((subject) =>
      changes.run(changeOf(subject), () =>
        watched.write(async (tx) => {
          await sql`insert into words values (${subject})`.execute(tx);
          if (subject.startsWith('own')) changes.noted(tx);
        }),
      ),
    ),
  );
  expect(seen).toEqual([
    ['own', true],
    ['plain', false],
    ['own too', true],
    ['plain too', false],
  ]);
});
