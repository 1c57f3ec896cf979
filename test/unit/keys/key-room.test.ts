import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { signedIn } from '../audit/support.ts';
import { newFolder, removeFolder, type TestHouse, testHouse } from '../core/support.ts';

const dataDir = newFolder();
type Person = Awaited<ReturnType<typeof signedIn>>;
let house: TestHouse;
let [mori, abe, baba] = [] as unknown as [Person, Person, Person];
beforeAll(async () => {
  house = await testHouse(dataDir);
  const { token } = JSON.parse(readFileSync(join(dataDir, 'access.json'), 'utf8')) as { token: string };
  const api = { api: { url: house.house.managementUrl }, token };
  mori = await signedIn(api, 'mori', ['operator']);
  abe = await signedIn(api, 'abe', ['custodian']);
  baba = await signedIn(api, 'baba', ['custodian']);
  await signedIn(api, 'sato', ['admin']);
});
afterAll(async () => {
  await house.house.close();
  removeFolder(dataDir);
});

const begin = (...custodians: string[]) =>
  mori.call('POST', '/keys/ceremonies', { key: 'bdk/2', use: 'dukpt-base', custodians });

test('custodians are named by name or id, and only who keeps keys can be one', async () => {
  for (const unfit of ['nobody', 'sato', 'mori', mori.id])
    expect((await begin('abe', unfit)).body).toMatchObject({ code: 'KEY_CUSTODIAN_UNFIT' });
  expect((await begin('abe', abe.id)).body).toMatchObject({ code: 'KEY_CEREMONY_CUSTODIANS_ALIKE' });
  const { body } = await begin('abe', baba.id);
  expect(body).toMatchObject({
    custodians: [abe.id, baba.id],
    people: { [abe.id]: 'abe', [baba.id]: 'baba', [mori.id]: 'mori' },
  });
  const enter = { component: '0123456789ABCDEFFEDCBA9876543210' };
  // A slip of the hand says what is wrong with the component, and takes nothing.
  const short = await abe.call('POST', `/keys/ceremonies/${String(body['id'])}/components`, { component: '0123' });
  expect(short).toMatchObject({ status: 400, body: { code: 'KEY_COMPONENT_MALFORMED', field: 'component' } });
  expect((await abe.call('POST', `/keys/ceremonies/${String(body['id'])}/components`, enter)).body).toMatchObject({
    entered: [{ by: abe.id }],
  });
});

test('who proposed and who authorised a run stands there by name', async () => {
  for (const serial of ['CT5100-0001', 'CT5100-0002']) {
    const terminal = { serial, model: 'CT-5100', place: { merchant: 'm', shop: 's' }, lifecycle: 'warehouse' };
    expect((await mori.call('POST', '/terminals', terminal)).status).toBeLessThan(300);
  }
  const wrong = { serials: ['CT5100-0001', 'CT5100-0404'] };
  expect(await mori.call('POST', '/keys/runs', { name: 'wrong', ...wrong })).toMatchObject({
    status: 422,
    body: { code: 'KEY_RUN_MANIFEST_REFUSED', facts: { lines: '2:TERMINAL_UNKNOWN' } },
  });
  expect((await mori.call('POST', '/keys/runs/dry-runs', wrong)).body).toMatchObject({ succeeded: 1, failed: 1 });
  const { body } = await mori.call('POST', '/keys/runs', { name: 'first', serials: ['CT5100-0001'] });
  const path = `/keys/runs/${String(body['id'])}`;
  await abe.call('POST', `${path}/authorisation`, {});
  expect((await mori.call('GET', path)).body).toMatchObject({
    orderedBy: mori.id,
    authorisedBy: abe.id,
    people: { [mori.id]: 'mori', [abe.id]: 'abe' },
  });
});

test('ceremonies and runs are paged, newest first, and none is lost between two pages', async () => {
  for (const key of ['bdk/3', 'bdk/4'])
    await mori.call('POST', '/keys/ceremonies', { key, use: 'dukpt-base', custodians: ['abe', 'baba'] });
  for (const name of ['second', 'third']) await mori.call('POST', '/keys/runs', { name, serials: ['CT5100-0002'] });
  for (const path of ['/keys/ceremonies', '/keys/runs']) {
    const idsOf = ({ body }: { body: Record<string, unknown> }) =>
      (body['items'] as { id: string }[]).map(({ id }) => id);
    const whole = await mori.call('GET', path);
    const walked: string[] = [];
    for (let cursor: unknown = ''; cursor !== null; ) {
      const page = await mori.call('GET', `${path}?limit=1${cursor === '' ? '' : `&cursor=${String(cursor)}`}`);
      walked.push(...idsOf(page));
      cursor = page.body['next'];
    }
    expect(walked).toEqual(idsOf(whole));
    expect(walked.length).toBeGreaterThanOrEqual(3);
  }
});
