import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSqlite3, openStore } from '@tsunagu/fleet-server/store/index';
import { migrations } from '@tsunagu/fleet-server/store/migrations';
import { unwrap } from '@tsunagu/protocols/kit';
import sqlite3 from 'sqlite3';
import { afterAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { storeContract } from './store.ts';

const plainPrepare = sqlite3.Database.prototype.prepare;
const folder = mkdtempSync(join(tmpdir(), 'tsunagu-store-'));
afterAll(() => rmSync(folder, { recursive: true }));
let places = 0;
const newPlace = () => join(folder, `${places++}.sqlite`);
const clock = { now: () => 1_700_000_000_000, monotonicMs: () => 0 };

storeContract({
  name: 'SQLite',
  newPlace,
  open: async (place) => unwrap(await openStore(place, migrations, clock)),
});

describe('a store on SQLite', () => {
  it('is STORE_UNUSABLE when the file is something else', async () => {
    const place = newPlace();
    writeFileSync(place, 'this is not a database, whatever its name says, and it is long enough to have a header');
    expect(await openStore(place, migrations, clock)).toMatchObject({ ok: false, fault: { code: 'STORE_UNUSABLE' } });
  });

  it('is STORE_UNUSABLE when a newer server wrote it, and leaves it alone', async () => {
    const place = newPlace();
    await unwrap(await openStore(place, migrations, clock)).close();
    const older = migrations.slice(0, -1);
    expect(await openStore(place, older, clock)).toMatchObject({
      ok: false,
      fault: { code: 'STORE_UNUSABLE', facts: { newerSchema: migrations.at(-1)?.name } },
    });
  });

  it('keeps compiled what it asks again and again, however many statements came once before', async () => {
    const compiled: string[] = [];
    const prepare = vi.spyOn(sqlite3.Database.prototype, 'prepare');
    onTestFinished(() => prepare.mockRestore());
    prepare.mockImplementation(function (this: sqlite3.Database, sql: string, ...rest: unknown[]) {
      compiled.push(sql);
      return Reflect.apply(plainPrepare, this, [sql, ...rest]) as sqlite3.Statement;
    });
    const connection = await openSqlite3(newPlace());
    for (let once = 0; once < 400; once++) await connection.all(`SELECT ${once} AS once`, []);
    // All at once too: none is taken away from whoever is at work with it.
    const many = Array.from({ length: 600 }, (_, each) => connection.all(`SELECT ${each} AS many`, []));
    expect((await Promise.all(many)).map(([row]) => row?.['many'])).toEqual(many.map((_, each) => each));
    for (let again = 0; again < 5; again++)
      expect(await connection.all('SELECT ? AS asked', [again])).toEqual([{ asked: again }]);
    expect(compiled.filter((sql) => sql === 'SELECT ? AS asked')).toHaveLength(1);
    await connection.close();
  });

  it('learns of its tables at an orderly end: a start does not wait for it', async () => {
    const { sql } = await import('kysely');
    const place = newPlace();
    const store = unwrap(await openStore(place, migrations, clock));
    await store.write(async (tx) => {
      for (const statement of ['CREATE TABLE many (one INTEGER)', 'CREATE INDEX many_by_one ON many (one)'])
        await sql.raw(statement).execute(tx);
      await sql`INSERT INTO many SELECT value FROM json_each(${JSON.stringify([...Array(500).keys()])})`.execute(tx);
    });
    await store.write(async (tx) => await sql`SELECT * FROM many WHERE one = 1`.execute(tx));
    await store.close();
    const learned = async () => {
      const connection = await openSqlite3(place);
      const rows = await connection.all("SELECT stat FROM sqlite_stat1 WHERE tbl = 'many'", []);
      await connection.run("DELETE FROM sqlite_stat1 WHERE tbl = 'many'", []);
      await connection.close();
      return rows;
    };
    expect(await learned()).toEqual([{ stat: '500 1' }]);
    const again = unwrap(await openStore(place, migrations, clock));
    expect(await learned()).toEqual([]);
    await again.close();
  });

  it('survives writes to disk in full: WAL, synchronous FULL, foreign keys', async () => {
    const { sql } = await import('kysely');
    const store = unwrap(await openStore(newPlace(), migrations, clock));
    const read = async (pragma: string) =>
      Object.values((await sql.raw(`PRAGMA ${pragma}`).execute(store.db)).rows[0] ?? {});
    expect(await read('journal_mode')).toEqual(['wal']);
    expect(await read('synchronous')).toEqual([2]);
    expect(await read('foreign_keys')).toEqual([1]);
    await store.close();
  });
});
