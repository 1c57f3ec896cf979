import type { Store } from '@tsunagu/fleet-server/store/index';
import { afterEach, describe, expect, it } from 'vitest';

/** How to open one implementation of the store on a data folder of its own, again and again. */
export interface StoreUnderTest {
  readonly name: string;
  /** Opens the store; `reopen` in a test calls it twice for the same place. */
  open(place: string): Promise<Store>;
  newPlace(): string;
}

const terminal = (serial: string) => ({
  serial,
  model: 'CT-5100',
  merchant: '喫茶つなぐ',
  shop: '本店',
  lane: '',
  parent: null,
  relay_port: null,
  registered_at: 1_700_000_000_123,
  enrolled_at: null,
});

/** What every store promises, whatever database is behind it. */
export function storeContract(subject: StoreUnderTest): void {
  describe(`a store on ${subject.name}`, () => {
    const opened: Store[] = [];
    const open = async (place = subject.newPlace()) => {
      const store = await subject.open(place);
      opened.push(store);
      return store;
    };
    afterEach(async () => {
      for (const store of opened.splice(0)) await store.close();
    });

    const serials = async (store: Store) =>
      (await store.db.selectFrom('terminals').select('serial').orderBy('serial').execute()).map((row) => row.serial);

    it('finds what was written when it is opened again', async () => {
      const place = subject.newPlace();
      const first = await open(place);
      await first.db.insertInto('terminals').values(terminal('AAAA-1')).execute();
      await first.close();
      opened.pop();
      const row = await (await open(place)).db.selectFrom('terminals').selectAll().executeTakeFirstOrThrow();
      expect(row).toMatchObject(terminal('AAAA-1'));
    });

    it('keeps nothing of a transaction that failed', async () => {
      const store = await open();
      const failed = store.write(async (tx) => {
        await tx.insertInto('terminals').values(terminal('AAAA-1')).execute();
        throw new Error('after the first write');
      });
      await expect(failed).rejects.toThrow('after the first write');
      expect(await serials(store)).toEqual([]);
    });

    it('shows a transaction its own writes, and others only what is committed', async () => {
      const store = await open();
      await store.write(async (tx) => {
        await tx.insertInto('terminals').values(terminal('AAAA-1')).execute();
        expect(await tx.selectFrom('terminals').select('serial').execute()).toHaveLength(1);
        expect(await serials(store)).toEqual([]);
      });
      expect(await serials(store)).toEqual(['AAAA-1']);
    });

    it('runs a hundred transactions that start at once one after the other, none lost', async () => {
      const store = await open();
      const counter = (on: Store['db']) =>
        on.selectFrom('schema_steps').select('applied_at').where('name', '=', 'counter');
      await store.db.insertInto('schema_steps').values({ name: 'counter', applied_at: 0 }).execute();
      await Promise.all(
        Array.from({ length: 100 }, () =>
          store.write(async (tx) => {
            const { applied_at: count } = await counter(tx).executeTakeFirstOrThrow();
            await tx
              .updateTable('schema_steps')
              .set({ applied_at: count + 1 })
              .where('name', '=', 'counter')
              .execute();
          }),
        ),
      );
      expect((await counter(store.db).executeTakeFirstOrThrow()).applied_at).toBe(100);
    });

    it('refuses a row whose reference leads nowhere, and a second row with the same key', async () => {
      const store = await open();
      const orphan = { serial: 'NOBODY-1', at: 1, kind: 'hello', facts: '{}' };
      await expect(store.db.insertInto('timeline').values(orphan).execute()).rejects.toThrow();
      await store.db.insertInto('terminals').values(terminal('AAAA-1')).execute();
      await expect(store.db.insertInto('terminals').values(terminal('AAAA-1')).execute()).rejects.toThrow();
    });

    it('counts the rows of the event log upwards and hands the number back', async () => {
      const store = await open();
      await store.db.insertInto('terminals').values(terminal('AAAA-1')).execute();
      const ids: number[] = [];
      for (let index = 0; index < 3; index++) {
        const row = await store.db
          .insertInto('timeline')
          .values({ serial: 'AAAA-1', at: index, kind: 'hello', facts: '{}' })
          .returning('id')
          .executeTakeFirstOrThrow();
        ids.push(row.id);
      }
      expect(ids).toEqual([...ids].sort((a, b) => a - b));
      expect(new Set(ids).size).toBe(3);
    });

    it('gives bytes back as they were, zeroes and all', async () => {
      const store = await open();
      await store.db.insertInto('terminals').values(terminal('AAAA-1')).execute();
      const secret_sealed = Uint8Array.of(0, 255, 0, 39, 10);
      await store.db
        .insertInto('claims')
        .values({ serial: 'AAAA-1', secret_sealed, used_key: null, used_at: null })
        .execute();
      const row = await store.db.selectFrom('claims').select('secret_sealed').executeTakeFirstOrThrow();
      expect(Uint8Array.from(row.secret_sealed)).toEqual(secret_sealed);
    });

    it('tells how many rows an update changed, for conditional writes', async () => {
      const store = await open();
      await store.db.insertInto('terminals').values(terminal('AAAA-1')).execute();
      const change = (serial: string) =>
        store.db.updateTable('terminals').set({ lane: '2' }).where('serial', '=', serial).executeTakeFirstOrThrow();
      expect((await change('AAAA-1')).numUpdatedRows).toBe(1n);
      expect((await change('BBBB-1')).numUpdatedRows).toBe(0n);
    });

    it('goes on after a statement that failed', async () => {
      const store = await open();
      await expect(
        store.write(async (tx) => {
          await tx.insertInto('timeline').values({ serial: 'NOBODY-1', at: 1, kind: 'x', facts: '{}' }).execute();
        }),
      ).rejects.toThrow();
      await store.write(async (tx) => {
        await tx.insertInto('terminals').values(terminal('AAAA-1')).execute();
      });
      expect(await serials(store)).toEqual(['AAAA-1']);
    });
  });
}
