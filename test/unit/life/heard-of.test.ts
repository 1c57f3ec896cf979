import { join } from 'node:path';
import { forgetArrived, heardOfWith, type HeardRooms } from '@tsunagu/fleet-server/estate/index';
import { heardAtSwitch } from '@tsunagu/fleet-server/switch/index';
import type { Store } from '@tsunagu/fleet-server/store/index';
import { type Hello, serialSchema } from '@tsunagu/protocols/fleet';
import { systemWorld } from '@tsunagu/protocols/world';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { openQuickly } from '../../empty-store.ts';
import { enrol, newFolder, removeFolder, TestLink, type TestHouse, testHouse, until } from '../core/support.ts';
import { putTerminals } from '../switch/terminal-row.ts';

const { clock } = systemWorld(() => undefined);
const [serial, other] = [serialSchema.parse('CT5100-0001'), serialSchema.parse('CT5100-0002')];
const dayMs = 86_400_000;
const folders: string[] = [];
const stores: Store[] = [];
afterAll(async () => {
  for (const store of stores) await store.close();
  folders.forEach(removeFolder);
});

async function opened(): Promise<Store> {
  const folder = newFolder();
  folders.push(folder);
  const store = await openQuickly(join(folder, 'store.sqlite'), clock);
  stores.push(store);
  await putTerminals(store, [serial, other]);
  return store;
}
let rows = 0;
/** A sale as the switch keeps it, with what is asked of it here. */
const arrive = (store: Store, stan: string, received_at: number, of: string = serial) =>
  store.db
    .insertInto('switch_sales')
    .values({
      id: `sale-${(rows += 1)}`,
      serial: of,
      stan,
      local_time: String(rows),
      body_tag: '',
      kind: 'sale',
      original_id: null,
      received_at,
      amount_minor: 1,
      currency: '392',
      scheme: 'visa',
      entry: 'contact',
      pan_token: '',
      last_four: '',
      routing_version: 1,
      link: null,
      out_stan: null,
      rrn: null,
      state: 'approved',
      decided_by: null,
      action_code: null,
      approval_code: null,
      reason: null,
      answer: null,
      answered_at: null,
      image: null,
      acquirer: null,
      terminal_id: null,
      merchant_id: null,
      acquirer_day: null,
      issuer_day: null,
    })
    .execute();
const advise = (store: Store, stan: string, created_at: number) =>
  store.db
    .insertInto('switch_reversals')
    .values({
      id: `advice-${(rows += 1)}`,
      sale_id: null,
      advice: 'posting',
      origin: 'terminal',
      serial,
      stan,
      local_time: String(rows),
      body_tag: null,
      original_stan: null,
      original_local_time: null,
      reason: '',
      link: null,
      image: null,
      state: 'settled',
      attempts: 0,
      next_at: 0,
      answer: null,
      created_at,
      delivered_at: null,
      out_stan: null,
      out_time: null,
      last_action_code: null,
      settled_by: null,
    })
    .execute();
const tell = (store: Store, stan: string, at: number, of: string = serial) =>
  store.db.insertInto('queued_sales').values({ serial: of, stan, at }).execute();
const told = async (store: Store) =>
  (await store.db.selectFrom('queued_sales').select('stan').orderBy('stan').execute()).map(({ stan }) => stan);
const wipe = (store: Store, at: number) =>
  store.db
    .insertInto('wipes')
    .values({
      job: `wipe-${at}`,
      serial,
      at,
      ordered_by: '',
      approved_by: null,
      statement: '',
      signature: '',
      certificate: '',
    })
    .execute();
const atSwitch: HeardRooms['atSwitch'] = heardAtSwitch;
const heardOf = heardOfWith({ isConnected: () => false, atSwitch });

describe('what the switch says of a terminal', () => {
  let store: Store;
  beforeEach(async () => {
    store = await opened();
  });

  it('is its newest message, and which trace numbers came, as a request or as an advice', async () => {
    expect(await heardAtSwitch(store.db, serial, ['000001'])).toEqual({ at: null, came: new Set() });
    await arrive(store, '000001', 1_000);
    await advise(store, '000002', 2_000);
    await arrive(store, '000003', 9_000, other);
    const { at, came } = await heardAtSwitch(store.db, serial, ['000001', '000002', '000003']);
    expect([at, [...came].toSorted()]).toEqual([2_000, ['000001', '000002']]);
    expect(await heardAtSwitch(store.db, serial, [])).toEqual({ at: 2_000, came: new Set() });
  });

  it('does not take a trace number of before a wipe for one of after it', async () => {
    await arrive(store, '000001', 1_000);
    await advise(store, '000002', 1_500);
    expect((await heardAtSwitch(store.db, serial, ['000001', '000002'], 1_200)).came).toEqual(new Set(['000002']));
    await wipe(store, 2_000);
    await tell(store, '000001', 3_000);
    await tell(store, '000002', 3_001);
    expect(await heardOf(store.db, serial)).toMatchObject({ waiting: 2 });
    await arrive(store, '000001', 4_000);
    expect(await heardOf(store.db, serial)).toMatchObject({ waiting: 1, at: 4_000 });
  });

  it('lets those queued sales be forgotten that it got, a day after; those that it did not get stay', async () => {
    const now = clock.now();
    const old = now - 2 * dayMs;
    for (const stan of ['000001', '000002', '000003']) await tell(store, stan, old);
    await tell(store, '000004', now);
    await tell(store, '000001', old, other);
    await arrive(store, '000001', old);
    await advise(store, '000003', old);
    await arrive(store, '000004', now);
    expect(await forgetArrived({ clock }, store, atSwitch)).toBeUndefined();
    expect(await told(store)).toEqual(['000001', '000002', '000004']);
    expect(await heardOf(store.db, other)).toMatchObject({ waiting: 1 });
    expect(await heardOf(store.db, serial)).toMatchObject({ waiting: 1 });
    await wipe(store, old + 1);
    await tell(store, '000001', old + 2);
    await forgetArrived({ clock }, store, atSwitch);
    expect((await told(store)).filter((stan) => stan === '000001')).toHaveLength(2);
  });
});

describe('what a terminal says of its sales', () => {
  const folder = newFolder();
  let house: TestHouse;
  let link: TestLink;
  afterAll(async () => {
    await link?.close();
    await house?.house.close();
    removeFolder(folder);
  });
  /** What waits in it, as whoever would end its life is told. */
  const waiting = async () => {
    const store = await openQuickly(join(folder, 'server', 'store.sqlite'), clock);
    const { waiting: count } = await heardOf(store.db, serial);
    await store.close();
    return count;
  };
  const sale = (stan: string, more: object) => ({
    at: 1,
    sale: {
      outcome: 'approved',
      amountMinor: 500,
      currency: 'JPY',
      card: '',
      scheme: 'visa',
      entry: 'contact',
      lastFour: '0119',
      stan,
      durationMs: 1,
      ...more,
    },
  });

  it('counts until a hello counts itself; who sends no count is not believed to hold nothing', async () => {
    house = await testHouse(folder);
    link = await TestLink.open(house, await enrol(house, await house.register(serial)));
    const say = (stan: string, more: object) => link.say({ kind: 'event', event: 'sale' }, 'sale', sale(stan, more));
    const hello = async (more: Partial<Hello>) => {
      await link.hello({ ...more, cards: [String((rows += 1))] });
      await until('the hello', async () =>
        JSON.stringify((await house.call('GET', `/terminals/${serial}`)).body).includes(`"cards":["${rows}"]`),
      );
    };
    await hello({});
    await say('000001', { isQueued: true });
    await say('000002', { decidedBy: 'terminal' });
    await say('000003', {});
    await until('three sales', async () => {
      const { body } = await house.call('GET', `/terminals/${serial}/timeline`);
      return JSON.stringify(body).split('"sale"').length > 3;
    });
    expect(await waiting()).toBe(2);
    await hello({});
    expect(await waiting()).toBe(2);
    await hello({ waiting: { reversals: 0, advices: 3, sales: 1 } });
    expect(await waiting()).toBe(4);
    await hello({ waiting: { reversals: 0, advices: 0, sales: 0 } });
    expect(await waiting()).toBe(0);
  });
});
