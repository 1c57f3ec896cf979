import { deviceListEntry, page } from '@tsunagu/protocols/fleet';
import { dueAt, findingsOf, type Inspection, inspection, signInspection } from '@tsunagu/protocols/inspection';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { newFolder, removeFolder, type TestHouse, testHouse } from '../core/support.ts';
import { hand, type Hand } from './hands.ts';

const folder = newFolder();
const kato = hand('kato');
let house: TestHouse;
beforeAll(async () => {
  house = await testHouse(folder);
  await house.register('LOOK-0001');
  await house.register('LOOK-0002');
  await house.call('POST', '/custody/holders', { name: 'kato', publicKey: kato.holder.publicKey });
}, 30_000);
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
