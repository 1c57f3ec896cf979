import { mkdtempSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openApi } from '@tsunagu/fleet-server/api/index';
import { systemWorld } from '@tsunagu/protocols/world';
import { afterEach, describe, expect, it } from 'vitest';
import { fixtureRooms } from './fixture-rooms.ts';
import { type OpenedApi, type OpenedOptions, openedApi, openParts } from './opened-api.ts';

let houses: OpenedApi[] = [];
const open = async (options?: OpenedOptions): Promise<OpenedApi> => {
  const house = await openedApi(options);
  houses.push(house);
  return house;
};
afterEach(async () => {
  await Promise.all(houses.map(({ api }) => api.close()));
  houses = [];
});

const codeOf = async (response: Response): Promise<string> => {
  const { code }: { code: string } = JSON.parse(await response.text());
  return code;
};
const tokenIn = (url: string): string => url.split('#')[1] ?? '';
const signIn = (house: OpenedApi, token: string, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(`${house.api.url}/api/v1/sessions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ token }),
  });
const cookieOf = (response: Response): string => response.headers.getSetCookie()[0]?.split(';')[0] ?? '';

describe('who may use the management API', () => {
  it('refuses a request without a token, and one with a wrong token', async () => {
    const { api } = await open();
    const none = await fetch(`${api.url}/api/v1/overview`);
    expect(none.status).toBe(401);
    expect(none.headers.get('content-type')).toContain('application/problem+json');
    expect(await codeOf(none)).toBe('UNAUTHENTICATED');
    const wrong = await fetch(`${api.url}/api/v1/overview`, { headers: { authorization: `Bearer ${'A'.repeat(43)}` } });
    expect(wrong.status).toBe(401);
  });

  it('writes the admin token where only its owner reads it, and keeps a hash of it only', async () => {
    const { dataDir, token, ask } = await open();
    expect(statSync(join(dataDir, 'access.json')).mode & 0o777).toBe(0o600);
    for (const file of readdirSync(join(dataDir, 'server')))
      expect(readFileSync(join(dataDir, 'server', file)).includes(token), file).toBe(false);
    expect((await ask('/api/v1/overview')).status).toBe(200);
  });

  it('knows token and sessions again after a restart', async () => {
    const first = await open();
    const cookie = cookieOf(await signIn(first, tokenIn(first.api.signInUrl())));
    await first.api.close();
    const again = await open({ dataDir: first.dataDir });
    expect(again.token).toBe(first.token);
    expect((await fetch(`${again.api.url}/api/v1/overview`, { headers: { cookie } })).status).toBe(200);
  });

  it('takes a sign-in token once', async () => {
    const house = await open();
    const token = tokenIn(house.api.signInUrl());
    const first = await signIn(house, token);
    expect(first.status).toBe(201);
    expect(first.headers.getSetCookie()[0]).toMatch(/HttpOnly.*SameSite=Strict/);
    const second = await signIn(house, token);
    expect(second.status).toBe(401);
    expect(await codeOf(second)).toBe('SIGN_IN_TOKEN_INVALID');
  });

  it('takes a sign-in token for 15 minutes, and a session for 12 hours', async () => {
    let ahead = 0;
    const house = await open({ aheadMs: () => ahead });
    const [late, inTime] = [tokenIn(house.api.signInUrl()), tokenIn(house.api.signInUrl())];
    ahead = 14 * 60_000;
    const cookie = cookieOf(await signIn(house, inTime));
    ahead = 15 * 60_000 + 1;
    expect((await signIn(house, late)).status).toBe(401);
    const overview = (): Promise<Response> => fetch(`${house.api.url}/api/v1/overview`, { headers: { cookie } });
    expect((await overview()).status).toBe(200);
    ahead += 12 * 3_600_000;
    expect((await overview()).status).toBe(401);
  });

  it('forgets a session that is signed out', async () => {
    const house = await open();
    const cookie = cookieOf(await signIn(house, tokenIn(house.api.signInUrl())));
    const headers = { cookie, origin: house.api.url };
    expect((await fetch(`${house.api.url}/api/v1/sessions/current`, { method: 'DELETE', headers })).status).toBe(204);
    expect((await fetch(`${house.api.url}/api/v1/overview`, { headers: { cookie } })).status).toBe(401);
  });

  it('lets each role do its work and no more', async () => {
    const house = await open();
    const serial = house.rooms.terminals[0]?.serial ?? '';
    const codes: Record<string, number[]> = {};
    for (const role of ['admin', 'operator', 'technician', 'viewer'] as const) {
      const cookie = cookieOf(await signIn(house, tokenIn(house.api.signInUrl(role))));
      const send = async (path: string, body: unknown): Promise<number> =>
        (
          await fetch(`${house.api.url}${path}`, {
            method: 'POST',
            headers: { cookie, origin: house.api.url, 'content-type': 'application/json' },
            body: JSON.stringify(body),
          })
        ).status;
      codes[role] = [
        (await fetch(`${house.api.url}/api/v1/terminals`, { headers: { cookie } })).status,
        await send(`/api/v1/terminals/${serial}/test-sales`, { amountMinor: 100, card: 'visa-contact' }),
        await send('/api/v1/negative/entries', { pan: '4000000000000002' }),
      ];
    }
    expect(codes).toEqual({
      admin: [200, 202, 201],
      operator: [200, 202, 200],
      technician: [200, 202, 403],
      viewer: [200, 403, 403],
    });
  });

  it("refuses a page of another site that posts with the session's cookie, and a foreign host name", async () => {
    const house = await open();
    const cookie = cookieOf(await signIn(house, tokenIn(house.api.signInUrl())));
    const send = (headers: Record<string, string>): Promise<Response> =>
      fetch(`${house.api.url}/api/v1/negative/entries`, {
        method: 'POST',
        headers: { cookie, 'content-type': 'application/json', ...headers },
        body: JSON.stringify({ pan: '4000000000000002' }),
      });
    expect(await codeOf(await send({ origin: 'https://evil.example' }))).toBe('CROSS_SITE_REFUSED');
    expect(await codeOf(await send({}))).toBe('CROSS_SITE_REFUSED');
    expect((await send({ origin: house.api.url })).status).toBe(201);
    expect(await codeOf(await signIn(house, tokenIn(house.api.signInUrl()), { origin: 'https://evil.example' }))).toBe(
      'CROSS_SITE_REFUSED',
    );
  });

  it('slows down who guesses sign-in tokens', async () => {
    const house = await open();
    const statuses: number[] = [];
    for (let attempt = 0; attempt < 21; attempt += 1) statuses.push((await signIn(house, 'A'.repeat(43))).status);
    expect(statuses.slice(0, 20).every((status) => status === 401)).toBe(true);
    expect(statuses[20]).toBe(429);
  });

  it('does not listen outside the machine in the clear', async () => {
    const world = systemWorld(() => {});
    const dataDir = mkdtempSync(join(tmpdir(), 'tsunagu-api-'));
    const parts = await openParts(world, dataDir);
    const refused = await openApi({ world, rooms: fixtureRooms(world), dataDir, host: '0.0.0.0', port: 0, ...parts });
    await parts.audit.close();
    await parts.store.close();
    expect(refused).toMatchObject({ ok: false, fault: { code: 'BIND_NEEDS_TLS' } });
  });

  it('names a port that is taken', async () => {
    const { api } = await open();
    const world = systemWorld(() => {});
    const dataDir = mkdtempSync(join(tmpdir(), 'tsunagu-api-'));
    const parts = await openParts(world, dataDir);
    const refused = await openApi({
      world,
      rooms: fixtureRooms(world),
      dataDir,
      host: '127.0.0.1',
      port: api.port,
      ...parts,
    });
    await parts.audit.close();
    await parts.store.close();
    expect(refused).toMatchObject({ ok: false, fault: { code: 'PORT_TAKEN', facts: { port: api.port } } });
  });
});
