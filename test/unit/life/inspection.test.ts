import { join } from 'node:path';
import { openInspections } from '@tsunagu/fleet-server/inspection/index';
import { deviceListEntry, page } from '@tsunagu/protocols/fleet';
import { dueAt, findingsOf, type Inspection, inspection, signInspection } from '@tsunagu/protocols/inspection';
import { unwrap } from '@tsunagu/protocols/kit';
import { systemWorld } from '@tsunagu/protocols/world';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openQuickly } from '../../empty-store.ts';
import { newFolder, removeFolder, type TestHouse, testHouse } from '../core/support.ts';
import { putTerminals } from '../switch/terminal-row.ts';
import { hand, type Hand } from './hands.ts';

const world = systemWorld(() => undefined);

const folder = newFolder();
const kato = hand('kato');
let house: TestHouse;
beforeAll(async () => {
  house = await testHouse(folder);
  await house.register('LOOK-0001');
  await house.register('LOOK-0002');
  await house.call('POST', '/custody/holders', { name: 'kato', publicKey: kato.holder.publicKey });
});
afterAll(async () => {
  await house?.house.close();
  removeFolder(folder);
});

const seen = (more: Partial<Inspection> = {}, by: Hand = kato) =>
  signInspection(
    inspection.parse({
      v: 1,
      id: crypto.randomUUID(),
      serial: 'LOOK-0001',
      at: new Date().toISOString(),
      by: by.holder.kid,
      surface: 'intact',
      seals: ['S-1001'],
      connections: 2,
      photo: 'a'.repeat(64),
      words: '',
      ...more,
    }),
    by,
  );
const deliver = (document: object) => house.call('POST', '/inspections', document);
const devices = async (query = '') =>
  page(deviceListEntry).parse((await house.call('GET', `/inspections/devices${query}`)).body).items;

it('names each thing that differs from what is known', () => {
  const standing = { bag: null, seals: ['S-1001', 'S-1002'], connections: 2 };
  const made = (more: object) =>
    ({ surface: 'intact', seals: ['S-1002', 'S-1001'], connections: 2, photo: 'x', ...more }) as never;
  expect(findingsOf(made({}), standing)).toEqual([]);
  expect(findingsOf(made({ surface: 'opened' }), standing)).toEqual(['surface']);
  expect(findingsOf(made({ seals: ['S-1001'] }), standing)).toEqual(['seals']);
  expect(findingsOf(made({ connections: 3 }), standing)).toEqual(['connections']);
  expect(findingsOf(made({ photo: null }), standing)).toEqual(['photo-missing']);
  expect(dueAt(null, 1_000, 1)).toBe(86_401_000);
  expect(dueAt(5_000, 1_000, 1)).toBe(86_405_000);
});

it('takes a report that was made offline once, from a registered technician, in their own name', async () => {
  const report = seen();
  expect((await deliver(report)).body).toEqual({ findings: [] });
  expect((await deliver(report)).body).toEqual({ findings: [] });
  const stranger = hand('stranger');
  expect((await deliver(seen({}, stranger))).body.code).toBe('INSPECTION_INVALID');
  expect((await deliver({ ...report, payload: report.payload.replace('intact', 'opened') })).body.code).toBe(
    'INSPECTION_INVALID',
  );
  expect((await deliver(seen({ by: stranger.holder.kid }))).body.code).toBe('INSPECTION_INVALID');
  expect((await deliver(seen({ serial: 'NOBODY-001' as never }))).body.code).toBe('TERMINAL_UNKNOWN');
});

it('lists every device with its last inspection, and what is overdue by the plan of its shop', async () => {
  await deliver(seen({ surface: 'opened', words: 'a screw is missing' }));
  expect((await devices()).map(({ serial, isPlanned, dueAt: due }) => [serial, isPlanned, due])).toEqual([
    ['LOOK-0001', false, null],
    ['LOOK-0002', false, null],
  ]);
  expect(
    (await house.call('POST', '/inspections/plans', { merchant: '喫茶つなぐ', shop: '本店', everyDays: 90 })).status,
  ).toBe(200);
  const [one] = await devices();
  expect(one).toMatchObject({ make: 'Toshiba TEC', model: 'CT-5100', isOverdue: false, isPlanned: true });
  expect(one?.lastInspection).toMatchObject({ surface: 'opened', findings: ['surface'] });
  expect(Date.parse(one?.dueAt ?? '')).toBeGreaterThan(Date.now() + 89 * 86_400_000);
  expect(await devices('?overdue=true')).toEqual([]);
  const { body } = await house.call('GET', '/terminals/LOOK-0001/timeline');
  expect(JSON.stringify(body)).toMatch(/INSPECTION_FOUND/);
});

it('says what is overdue once its day has passed, and asks for a page of devices in as many statements as for one', async () => {
  const own = newFolder();
  const store = await openQuickly(join(own, 'store.sqlite'), world.clock);
  let [nowMs, statements] = [Date.parse('2026-04-01T00:00:00Z'), 0];
  const db = store.db.withPlugin({
    transformQuery: ({ node }) => {
      statements += 1;
      return node;
    },
    transformResult: ({ result }) => Promise.resolve(result),
  });
  const inspections = openInspections({
    world: { ...world, clock: { ...world.clock, now: () => nowMs } },
    store: { ...store, db },
    note: () => Promise.resolve(),
    announce: () => undefined,
  });
  await putTerminals(store, ['LATE-0001', 'LATE-0002', 'LATE-0003']);
  const place = await store.db.selectFrom('terminals').select(['merchant', 'shop']).executeTakeFirstOrThrow();
  await store.db.updateTable('terminals').set({ lifecycle: 'deployed', lifecycle_since: nowMs }).execute();
  const plan = (merchant: string, shop: string) =>
    inspections.plan({ merchant, shop, everyDays: 90 }, { subject: 'mori' });
  expect(await plan(place.merchant, 'nowhere')).toMatchObject({
    ok: false,
    fault: { code: 'SHOP_UNKNOWN', field: 'shop', facts: { near: `${place.merchant}/${place.shop}` } },
  });
  expect(await inspections.plans()).toEqual([]);
  expect(await plan(place.merchant, place.shop)).toMatchObject({ ok: true });
  const seenAt = Date.parse('2026-05-01T00:00:00Z');
  for (const [id, at] of [
    ['first', nowMs],
    ['last', seenAt],
  ] as const)
    await store.db
      .insertInto('inspections')
      .values({
        id,
        serial: 'LATE-0002',
        at,
        by_kid: 'k',
        surface: 'intact',
        findings: '[]',
        delivered_at: at,
        delivered_by: 'mori',
        document: id,
      })
      .execute();
  const late = async (limit = 50) => {
    statements = 0;
    const { items } = unwrap(await inspections.list({ limit, overdue: true }));
    return items.map(({ serial }) => serial);
  };
  expect(await late()).toEqual([]);
  nowMs += 91 * 86_400_000;
  expect(await late()).toEqual(['LATE-0001', 'LATE-0003']);
  const ofAll = statements;
  expect(await late(1)).toEqual(['LATE-0001']);
  expect(statements).toBe(ofAll);
  nowMs = seenAt + 91 * 86_400_000;
  expect(await late()).toEqual(['LATE-0001', 'LATE-0002', 'LATE-0003']);
  await store.close();
  removeFolder(own);
});
