import { openPostgresStore, type Store, takeTenure, type Tenure } from '@tsunagu/fleet-server/store/index';
import { migrations } from '@tsunagu/fleet-server/store/migrations';
import { openSwitchRules } from '@tsunagu/fleet-server/switch/rules/rules';
import { openStandIn, type StandIn } from '@tsunagu/fleet-server/switch/stand-in/stand-in';
import { Secret, unwrap } from '@tsunagu/protocols/kit';
import { systemWorld } from '@tsunagu/protocols/world';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { Postgres } from './postgres.ts';

/** What one card may be given in a day in its issuer's place, by all nodes together, and what each node's share of it is. */
const limitMinor = 10_000;
const shares = { one: 0.6, two: 0.4 };
const saleMinor = 700;
const attempts = 40;

const world = systemWorld(() => undefined);
let server: Postgres;
const tenures: Tenure[] = [];
const stores: Store[] = [];
beforeAll(async () => {
  server = await Postgres.start(31_994, ['fsync = off']);
});
afterEach(async () => {
  for (const store of stores.splice(0)) await store.close().catch(() => undefined);
  for (const tenure of tenures.splice(0)) await tenure.release();
});
afterAll(() => server.stop());

/** A node of the switch over a database, as it decides in an issuer's place. */
async function node(name: 'one' | 'two', place: string): Promise<StandIn> {
  const nobody = { waiting: () => undefined, unreachable: () => undefined };
  const tenure = await takeTenure(world, [server.url(place)], name, nobody);
  tenures.push(tenure);
  const store = unwrap(await openPostgresStore(tenure, migrations, world.clock));
  stores.push(store);
  const rules = await openSwitchRules(world, store, () => ['a']);
  const known = unwrap(await rules.view('stand-in'));
  const issuers = [
    {
      link: 'a',
      saleMaxMinor: saleMinor,
      cardDay: { minor: limitMinor, count: 100 },
      merchantDayMinor: 1_000_000,
      issuerDayMinor: 1_000_000,
      shares,
    },
  ];
  if (known.version === 1) unwrap(await rules.change('stand-in', known.version, { issuers }, 'test', 'me'));
  return openStandIn(
    world,
    store,
    () => rules,
    () => Promise.resolve(false),
    name,
  );
}

const ask = (standIn: StandIn, saleId: string) =>
  standIn.approve({
    saleId,
    link: 'a',
    pan: Secret.take('pan', Buffer.from('4761739001010010')),
    panToken: 'token',
    merchant: 'shop',
    state: 'down',
    scheme: 'visa',
    operation: 'sale',
    entry: 'contact',
    digits: '47617390010',
    hasPin: false,
    amountMinor: saleMinor,
  });

const numbered = (from: string): readonly string[] =>
  Array.from({ length: attempts }, (_, index) => `${from}-${index}`);
const givenAt = (place: string): number =>
  Number(server.sql('SELECT coalesce(sum(amount_minor), 0) FROM switch_stand_in', place));

it('nodes that do not see each other give away no more than the limit together, whatever each decides at once', async () => {
  for (const place of ['alone_one', 'alone_two']) server.sql(`CREATE DATABASE ${place}`);
  const [one, two] = await Promise.all([node('one', 'alone_one'), node('two', 'alone_two')]);
  await Promise.all([...numbered('one').map((id) => ask(one, id)), ...numbered('two').map((id) => ask(two, id))]);
  const given = [givenAt('alone_one'), givenAt('alone_two')];
  // Each its share to the last sale that fits.
  expect(given).toEqual([Math.floor(6_000 / saleMinor) * saleMinor, Math.floor(4_000 / saleMinor) * saleMinor]);
  expect(given.reduce((sum, each) => sum + each, 0)).toBeLessThanOrEqual(limitMinor);
});

it('one that takes over while the other is still deciding gives away what is left of the limit, and no more', async () => {
  server.sql('CREATE DATABASE shared');
  const one = await node('one', 'shared');
  const late = numbered('one').map((id) => ask(one, id).catch(() => 'deposed' as const));
  // The connection by which it is known breaks; what it still decides has to fail, or to be seen.
  server.sql('SELECT pg_terminate_backend(session) FROM tsunagu_tenure', 'shared');
  const two = await node('two', 'shared');
  const more = await Promise.all([...late, ...numbered('two').map((id) => ask(two, id))]);
  const approved = more.filter((each) => typeof each === 'object').length;
  expect(approved).toBeGreaterThan(0);
  expect(givenAt('shared')).toBeLessThanOrEqual(limitMinor);
  // What somebody was told is what stands there.
  expect(givenAt('shared')).toBeGreaterThanOrEqual(approved * saleMinor);
});
