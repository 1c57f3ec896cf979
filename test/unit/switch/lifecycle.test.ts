import { mayNow, openLifecycle } from '@tsunagu/fleet-server/estate/index';
import { serialSchema, type LifecycleState } from '@tsunagu/protocols/fleet';
import { unwrap } from '@tsunagu/protocols/kit';
import { systemWorld } from '@tsunagu/protocols/world';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openSmallHouse, type SmallHouse } from './small-house.ts';
import { putTerminals } from './terminal-row.ts';
import { unheard } from '../life/hands.ts';

const world = systemWorld(() => undefined);
const serial = serialSchema.parse('CT5100-0001');
let house: SmallHouse;
beforeAll(async () => {
  house = await openSmallHouse(undefined, {
    maySell: async (store, of) => (await mayNow(store.db, of, 'pay')).ok,
  });
  await putTerminals(house.store, [serial, serialSchema.parse('CATS220-0001')]);
});
afterAll(() => house?.close());

const tester = { subject: 'test', person: 'test', roles: [], permissions: new Set<never>(), via: 'house' } as const;
const move = async (...path: readonly LifecycleState[]): Promise<void> => {
  const lifecycle = openLifecycle({
    world,
    store: house.store,
    note: () => Promise.resolve(),
    approvals: {
      request: () => Promise.reject(new Error('no second person here')),
      lapse: () => Promise.resolve(),
      onDecided: () => undefined,
    },
    keysDestroyed: () => Promise.resolve(),
    benchTestPassed: () => Promise.resolve(false),
    heardOf: unheard,
    disconnect: () => undefined,
    announce: () => undefined,
  });
  for (const to of path) unwrap(await lifecycle.move(serial, { to, reason: 'test' }, tester));
};

test('a terminal whose state of life permits no sales is refused (120) before the issuer hears of it; what it sold before is still reversed', async () => {
  const terminal = await house.terminal(serial);
  const sold = terminal.sale('visa-contact', 900);
  expect((await terminal.ask(sold)).text(39)).toBe('000');
  const taken = house.ledger.takenMinor;

  await move('swap');
  const refused = terminal.sale('visa-contact', 1100);
  expect((await terminal.ask(refused)).text(39)).toBe('120');
  expect(house.ledger.takenMinor).toBe(taken);
  const row = await house.store.db
    .selectFrom('switch_sales')
    .selectAll()
    .where('stan', '=', String(refused.fields[11]))
    .executeTakeFirstOrThrow();
  expect(row).toMatchObject({ state: 'refused', decided_by: 'switch' });
  const { entries } = unwrap(await house.sw.operator.transaction(row.id));
  expect(entries.map(({ entry }) => entry)).toEqual(['received', 'refused']);
  // Its neighbour sells, and its own money goes back.
  const neighbour = await house.terminal('CATS220-0001');
  expect((await neighbour.ask(neighbour.sale('visa-contact', 300))).text(39)).toBe('000');
  expect((await terminal.ask(terminal.reversal(sold))).text(39)).toBe('400');

  // In the field again, it sells over the connection that it has.
  await move('deployed');
  expect((await terminal.ask(terminal.sale('visa-contact', 500))).text(39)).toBe('000');
  terminal.close();
  neighbour.close();
});
