import { migrations, openPostgresStore, type Store, takeTenure, type Tenure } from '@tsunagu/fleet-server/store/index';
import { unwrap } from '@tsunagu/protocols/kit';
import { systemWorld } from '@tsunagu/protocols/world';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { hasPostgres, Postgres } from './postgres.ts';
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

it.runIf(!hasPostgres)('needs a PostgreSQL server', () => {
  throw new Error('PostgreSQL is not installed');
});

describe.runIf(hasPostgres)('with a server', () => {
  storeContract({
    name: 'PostgreSQL',
    newPlace,
    async open(place) {
      // Whoever opens the same place again follows one that gave it up.
      for (const tenure of tenures.splice(0)) await tenure.release();
      return await openUnder(await take(place));
    },
  });
});
