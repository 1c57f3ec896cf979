import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { migrations, openStore } from '@tsunagu/fleet-server/store/index';
import { unwrap } from '@tsunagu/protocols/kit';
import { afterAll, describe, expect, it } from 'vitest';
import { storeContract } from './store.ts';

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
