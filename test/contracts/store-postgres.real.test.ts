import { openPostgresStore, type Store, takeTenure, type Tenure } from '@tsunagu/fleet-server/store/index';
import { migrations } from '@tsunagu/fleet-server/store/migrations';
import { unwrap } from '@tsunagu/protocols/kit';
import { systemWorld } from '@tsunagu/protocols/world';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Postgres } from './postgres.ts';
import { storeContract } from './store.ts';

const world = systemWorld(() => undefined);
const nobody = { waiting: () => undefined, unreachable: () => undefined };
let server: Postgres;
let places = 0;
const tenures: Tenure[] = [];

beforeAll(async () => {
  server = await Postgres.start(31_990, ['fsync = off']);
});
afterEach(async () => {
  for (const tenure of tenures.splice(0)) await tenure.release();
});
afterAll(() => server.stop());

const newPlace = (): string => {
  const place = `place_${places++}`;
  server.sql(`CREATE DATABASE ${place}`);
  return place;
};
const take = async (place: string): Promise<Tenure> => {
  const tenure = await takeTenure(world, [server.url(place)], 'test', nobody);
  tenures.push(tenure);
  return tenure;
};
const openUnder = async (tenure: Tenure): Promise<Store> =>
  unwrap(await openPostgresStore(tenure, migrations, world.clock));

storeContract({
  name: 'PostgreSQL',
  newPlace,
  async open(place) {
    // Whoever opens the same place again follows one that gave it up.
    for (const tenure of tenures.splice(0)) await tenure.release();
    return await openUnder(await take(place));
  },
});

describe('a store on PostgreSQL', () => {
  const count = (place: string): string => server.sql('SELECT count(*) FROM switch_numbers', place);
  const write = (store: Store, name: string) =>
    store.write((tx) =>
      tx
        .insertInto('switch_numbers')
        .values({ name: `written-${name}`, next: 0 })
        .execute(),
    );
  const fenced = { fault: { code: 'SWITCH_FENCED' } };
  /** The connection by which the holder of the tenure is known breaks; those over which it writes stand. */
  const cutOff = (place: string): string =>
    server.sql('SELECT pg_terminate_backend(session) FROM tsunagu_tenure', place);

  it('is held by one node at a time; the next has it when the first gives it up', async () => {
    const place = newPlace();
    const first = await take(place);
    const said: string[] = [];
    const waiting = takeTenure(world, [server.url(place)], 'second', {
      ...nobody,
      waiting: () => {
        said.push('waiting');
        void first.release();
      },
    });
    const second = await waiting;
    tenures.push(second);
    expect(said).toEqual(['waiting']);
    expect(second.epoch).toBe(first.epoch + 1);
  });

  it('refuses every write of a node that was deposed, in a transaction or by itself, and tells that node', async () => {
    const place = newPlace();
    const first = await take(place);
    const store = await openUnder(first);
    await write(store, 'before');
    cutOff(place);
    const next = await openUnder(await take(place));
    await expect(write(store, 'after')).rejects.toMatchObject(fenced);
    const single = store.db.insertInto('switch_numbers').values({ name: 'written-single', next: 0 }).execute();
    await expect(single).rejects.toMatchObject(fenced);
    expect(await first.lost).toBe('unreachable');
    await write(next, 'by the next');
    expect(count(place)).toBe('2');
    await store.close();
    await next.close();
  });

  it('tells a node that another one has taken the tenure from', async () => {
    const place = newPlace();
    const tenure = await take(place);
    server.sql('UPDATE tsunagu_tenure SET epoch = epoch + 1', place);
    expect(await tenure.lost).toBe('deposed');
  });

  it('does not begin a new epoch while a transaction of the old one can still commit', async () => {
    const place = newPlace();
    const store = await openUnder(await take(place));
    const order: string[] = [];
    let taking: Promise<Tenure> | undefined;
    await store.write(async (tx) => {
      cutOff(place);
      taking = take(place).finally(() => order.push('taken'));
      // By now the other node waits for this transaction.
      const waits = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'";
      while (server.sql(waits, place) === '0') await world.timers.sleep(50);
      await tx.insertInto('switch_numbers').values({ name: 'written-last', next: 0 }).execute();
      order.push('written');
    });
    await taking;
    expect(order).toEqual(['written', 'taken']);
    expect(count(place)).toBe('1');
    await store.close();
  });

  it('ends the transaction of a node that stopped in the middle of it, and keeps nothing of it', async () => {
    const place = newPlace();
    const store = await openUnder(await take(place));
    const stopped = store.write(async (tx) => {
      await tx.insertInto('switch_numbers').values({ name: 'written-half', next: 0 }).execute();
      cutOff(place);
      await take(place);
    });
    await expect(stopped).rejects.toThrow();
    expect(count(place)).toBe('0');
    await store.close();
  });

  it('goes past a server that copies another, and one that is not there', async () => {
    const place = newPlace();
    const copy = await server.copy('far', 31_991);
    try {
      const urls = ['postgres://postgres@127.0.0.1:9/nobody', copy.url(place), server.url(place)];
      const tenure = await takeTenure(world, urls, 'test', nobody);
      tenures.push(tenure);
      expect(tenure.url).toBe(server.url(place));
    } finally {
      await copy.stop();
    }
  });
});
