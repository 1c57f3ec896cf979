import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, writeFileSync, existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { type OpenedApi, openedApi } from '../api/opened-api.ts';
import { callOn, signedIn } from './support.ts';

let house: OpenedApi | undefined;
const open = async (options: Parameters<typeof openedApi>[0] = {}): Promise<OpenedApi> =>
  (house = await openedApi(options));
afterEach(() => house?.api.close());

describe('people', () => {
  it('refuses roles that one person may not hold together, and says which duties are at odds', async () => {
    const call = callOn(await open());
    const refused = await call('POST', '/people', { name: 'mori', roles: ['admin', 'custodian'] });
    expect([refused.status, refused.body.code]).toEqual([422, 'ROLES_CONFLICT']);
    expect(refused.body['facts']).toEqual({ roles: 'admin + custodian', duties: 'people.manage + keys.custody' });
    expect((await call('POST', '/people', { name: 'mori', roles: ['operator', 'technician'] })).status).toBe(201);
    expect((await call('POST', '/people', { name: 'mori', roles: ['viewer'] })).body.code).toBe('PERSON_EXISTS');
  });

  it('signs each in by their own link or passphrase, shows who is in, and ends them at once', async () => {
    const opened = await open();
    const call = callOn(opened);
    const mori = await signedIn(opened, 'mori', ['operator']);
    expect((await mori.call('GET', '/sessions/current')).body).toMatchObject({ subject: 'mori', roles: ['operator'] });
    expect((await mori.call('PUT', '/people/me/passphrase', { passphrase: '山の上に立つ 12 本の松の木' })).status).toBe(
      200,
    );
    const signIn = (passphrase: string) =>
      fetch(`${opened.api.url}/api/v1/sessions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ name: 'mori', passphrase }),
      });
    expect((await signIn('something else')).status).toBe(401);
    const again = await signIn('山の上に立つ 12 本の松の木');
    expect(again.status).toBe(201);
    const sessions = (await call('GET', `/sessions?person=${mori.id}`)).body.items ?? [];
    expect(sessions.length).toBe(2);
    expect((await call('DELETE', `/sessions/${sessions[0]?.['id']}`)).status).toBe(204);
    expect((await mori.call('GET', '/sessions/current')).status).toBe(401);
    // Whose roles change has them at once; who is ended is out at once. Over the version that was read, only.
    const cookie = again.headers.getSetCookie()[0]?.split(';')[0] ?? '';
    const other = callOn(opened, { cookie });
    const change = (body: object, version: string) =>
      call('PATCH', `/people/${mori.id}`, body, { 'if-match': version });
    const etag = (await call('GET', `/people/${mori.id}`)).headers.get('etag') ?? '';
    expect((await change({ roles: ['viewer'] }, '"1"')).status).toBe(412);
    expect((await change({ roles: ['viewer'] }, etag)).status).toBe(200);
    expect((await other('POST', '/negative/entries', { pan: '4000000000000002' })).body.code).toBe('ROLE_INSUFFICIENT');
    expect((await change({ ended: true }, '"3"')).status).toBe(200);
    expect((await other('GET', '/overview')).status).toBe(401);
    expect((await signIn('山の上に立つ 12 本の松の木')).status).toBe(401);
  });

  it('lets nobody change their own roles, nor act as a custodian by being admin', async () => {
    const opened = await open();
    const chief = await signedIn(opened, 'chief', ['admin']);
    const own = await chief.call('PATCH', `/people/${chief.id}`, { roles: ['custodian'] }, { 'if-match': '"1"' });
    expect(own.body.code).toBe('ROLES_OWN');
    const token = await chief.call('POST', '/tokens', { name: 'keys', roles: ['custodian'] });
    expect([token.status, token.body.code]).toEqual([403, 'SCOPE_TOO_WIDE']);
  });
});

const narrowly = { permissions: ['fleet.read'] };

describe('tokens', () => {
  it('are shown once, do no more than they say, end on time and at once, and tell when they were used', async () => {
    let ahead = 0;
    const opened = await open({ aheadMs: () => ahead });
    const call = callOn(opened);
    const expiresAt = new Date(Date.now() + 3_600_000).toISOString();
    const made = await call('POST', '/tokens', {
      name: 'shop-a',
      roles: ['technician'],
      permissions: ['fleet.read'],
      expiresAt,
    });
    expect(made.status).toBe(201);
    const token = String(made.body.token);
    const machine = callOn(opened, { token });
    expect((await machine('GET', '/terminals')).status).toBe(200);
    const serial = opened.rooms.terminals[0]?.serial ?? '';
    const sale = { amountMinor: 100, card: 'visa-contact' };
    expect((await machine('POST', `/terminals/${serial}/test-sales`, sale)).body.code).toBe('ROLE_INSUFFICIENT');
    const listed = (await call('GET', '/tokens?name=shop-a')).body.items ?? [];
    expect(JSON.stringify(listed)).not.toContain(token);
    expect(listed[0]?.['lastUsedAt']).not.toBeNull();
    ahead = 3_600_001;
    expect((await machine('GET', '/terminals')).status).toBe(401);
    ahead = 0;
    expect((await call('DELETE', `/tokens/${made.body.id}`)).body['revokedAt']).not.toBeNull();
    expect((await machine('GET', '/terminals')).status).toBe(401);
    expect((await callOn(opened, { token: 'x'.repeat(43) })('GET', '/terminals')).status).toBe(401);
  });

  it('see and end none that can do more: one that leaked does not shut its owner out', async () => {
    const opened = await open();
    const { call } = await signedIn(opened, 'tess', ['operator']);
    const make = async (name: string, more: object) =>
      (await call('POST', '/tokens', { name, roles: ['operator'], ...more })).body;
    const [wide, placed] = [await make('wide', {}), await make('placed', { places: ['店'] })];
    const [narrow, twin] = [await make('narrow', narrowly), await make('twin', narrowly)];
    const leaked = callOn(opened, { token: String(narrow.token) });
    const names = ((await leaked('GET', '/tokens')).body.items ?? []).map((one) => one['name']);
    expect(names).not.toContain('wide');
    expect((await leaked('DELETE', `/tokens/${wide.id}`)).body.code).toBe('TOKEN_UNKNOWN');
    const held = callOn(opened, { token: String(placed.token) });
    expect((await held('DELETE', `/tokens/${wide.id}`)).body.code).toBe('PLACE_OUTSIDE');
    for (const { id } of [twin, narrow]) expect((await leaked('DELETE', `/tokens/${id}`)).status).toBe(200);
    expect((await leaked('GET', '/tokens')).status).toBe(401);
    expect((await callOn(opened, { token: String(wide.token) })('GET', '/tokens')).status).toBe(200);
  });

  it('do no more than the person behind them may do now, and end with that person', async () => {
    const opened = await open();
    const call = callOn(opened);
    const tech = await signedIn(opened, 'tech', ['operator']);
    const made = (await tech.call('POST', '/tokens', { name: 'robot', roles: ['operator'] })).body;
    const machine = callOn(opened, { token: String(made.token) });
    expect((await machine('GET', '/terminals')).status).toBe(200);
    const change = (version: number, patch: object) =>
      call('PATCH', `/people/${tech.id}`, patch, { 'if-match': `"${version}"` });
    const version = 1;
    expect((await change(version, { roles: ['viewer'] })).status).toBe(200);
    expect((await machine('GET', '/terminals')).status).toBe(200);
    const diagnose = { job: { type: 'terminal.diagnose', params: {} } };
    const serial = opened.rooms.terminals[0]?.serial ?? '';
    expect((await machine('POST', `/terminals/${serial}/jobs`, diagnose)).body.code).toBe('ROLE_INSUFFICIENT');
    expect((await change(version + 1, { ended: true })).status).toBe(200);
    expect((await machine('GET', '/terminals')).status).toBe(401);
    const listed = (await call('GET', '/tokens?name=robot')).body.items ?? [];
    expect(listed[0]?.['revokedAt']).not.toBeNull();
    // Who comes back does not find the old tokens in force again.
    expect((await change(version + 2, { ended: false })).status).toBe(200);
    expect((await machine('GET', '/terminals')).status).toBe(401);
    expect((await call('POST', '/people', { name: 'Admin', roles: ['viewer'] })).body.code).toBe('PERSON_EXISTS');
  });

  it('of some places reach terminals there, and nothing that does not name a place', async () => {
    const opened = await open();
    const [here, there] = opened.rooms.terminals;
    const place = `${here?.place.merchant}/${here?.place.shop}`;
    const made = await callOn(opened)('POST', '/tokens', { name: 'here', roles: ['technician'], places: [place] });
    const machine = callOn(opened, { token: String(made.body.token) });
    expect((await machine('GET', `/terminals/${here?.serial}`)).status).toBe(200);
    expect((await machine('GET', `/terminals/${there?.serial}`)).body.code).toBe('PLACE_OUTSIDE');
    // Jobs there it can follow, and take back where its roles do; those elsewhere are as if they were not.
    const order = { job: { type: 'sale.test', params: { amountMinor: 100, card: 'visa-contactless' } } };
    const own = String((await machine('POST', `/terminals/${here?.serial}/jobs`, order)).body.id);
    expect((await machine('GET', `/jobs/${own}`)).body).toMatchObject({ id: own, serial: here?.serial });
    expect((await machine('POST', `/jobs/${own}/cancellation`)).body.code).not.toBe('PLACE_OUTSIDE');
    const other = String((await callOn(opened)('POST', `/terminals/${there?.serial}/jobs`, order)).body.id);
    for (const id of [other, 'no-such-job']) {
      expect((await machine('GET', `/jobs/${id}`)).body.code).toBe('PLACE_OUTSIDE');
      expect((await machine('POST', `/jobs/${id}/cancellation`)).body.code).toBe('PLACE_OUTSIDE');
    }
    expect((await machine('GET', '/sales')).body.code).toBe('PLACE_OUTSIDE');
    expect((await machine('GET', '/negative')).body.code).toBe('PLACE_OUTSIDE');
  });

  it('of an older server are taken out of its file, once', async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'tsunagu-api-'));
    mkdirSync(join(dataDir, 'server'));
    const token = 'an-old-admin-token-of-43-characters-0123456';
    const hash = createHash('sha256').update(token).digest('hex');
    const file = join(dataDir, 'server', 'access.json');
    writeFileSync(file, JSON.stringify({ v: 1, tokens: [{ hash, subject: 'admin', role: 'admin' }], sessions: [] }));
    writeFileSync(join(dataDir, 'access.json'), JSON.stringify({ url: 'http://127.0.0.1:1', token }));
    const opened = await open({ dataDir });
    expect(opened.token).toBe(token);
    expect(existsSync(file)).toBe(false);
    expect((await callOn(opened)('GET', '/overview')).status).toBe(200);
    const rows = await opened.store.db.selectFrom('api_tokens').select('hash').execute();
    expect(rows).toEqual([{ hash }]);
  });
});
