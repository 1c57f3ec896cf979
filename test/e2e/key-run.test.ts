import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { createInterface } from 'node:readline';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startTerminal, type Terminal } from '@tsunagu/firmware-bridge/agent/index';
import { openCardSide } from '@tsunagu/firmware-bridge/payment/index';
import { folderFiles } from '@tsunagu/firmware-bridge/sealed-store/index';
import {
  keyExposure,
  keyInventory,
  keyRecord,
  keyRun,
  registeredTerminal,
  terminalDetail,
  verifyKeyRecord,
} from '@tsunagu/protocols/fleet';
import { checkValue } from '@tsunagu/protocols/kcv';
import { hex, Secret, toHex, unwrap } from '@tsunagu/protocols/kit';
import { systemWorld } from '@tsunagu/protocols/world';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { freePortBase, until } from './house.ts';

// PCI PIN 3.1, 30-3 in force: a server process with --key-in-runs, and four real terminal agents that meet it on its wires.
const folder = mkdtempSync(join(tmpdir(), 'tsunagu-run-'));
const data = join(folder, 'house');
const serials = ['CT5100-9101', 'CT5100-9102', 'CT5100-9103', 'CT5100-9104'] as const;
const [first, second, third, stray] = serials;
const agents = new Map<string, Terminal>();
let base = '';
let stop: () => Promise<unknown> = () => Promise.resolve();
type Hand = Awaited<ReturnType<typeof person>>;
let hands: { readonly operator: Hand; readonly anna: Hand; readonly ben: Hand };

/** One call of the management API; its status and its JSON. */
async function call(token: string, path: string, body?: object): Promise<{ status: number; body: unknown }> {
  const answer = await fetch(new URL(path, base), {
    method: body ? 'POST' : 'GET',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', 'idempotency-key': randomUUID() },
    ...(body && { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  return { status: answer.status, body: text === '' ? undefined : JSON.parse(text) };
}

/** Somebody with a token of their own. */
async function person(owner: string, name: string, role: string) {
  const { id } = (await call(owner, '/api/v1/people', { name, roles: [role] })).body as { id: string };
  const { url } = (await call(owner, `/api/v1/people/${id}/sign-ins`, {})).body as { url: string };
  const post = (path: string, body: object, cookie = '') =>
    fetch(new URL(path, base), {
      method: 'POST',
      headers: { 'content-type': 'application/json', origin: new URL(base).origin, cookie },
      body: JSON.stringify(body),
    });
  const signed = await post('/api/v1/sessions', { token: url.split('#')[1] });
  const cookie = (signed.headers.get('set-cookie') ?? '').split(';')[0] ?? '';
  const { token } = (await (await post('/api/v1/tokens', { name: 'test', roles: [role] }, cookie)).json()) as {
    token: string;
  };
  return {
    id,
    ask: async (path: string) => (await call(token, path)).body,
    do: async (path: string, body: object = {}) => {
      const answer = await call(token, path, body);
      expect(answer.status, JSON.stringify(answer.body)).toBeLessThan(300);
      return answer.body;
    },
    fail: async (path: string, body: object = {}) => {
      const answer = await call(token, path, body);
      expect(answer.status).toBeGreaterThanOrEqual(400);
      return JSON.stringify(answer.body);
    },
  };
}

async function powerOn(serial: string): Promise<void> {
  await agents.get(serial)?.stop();
  const agent = unwrap(
    await startTerminal({
      world: systemWorld(() => {}),
      files: await folderFiles(join(folder, serial)),
      openCardSide,
    }),
  );
  agents.set(serial, agent);
  unwrap(await agent.connected);
}

beforeAll(async () => {
  const program = fileURLToPath(new URL('../../fleet-server/dist/main.js', import.meta.url));
  const portBase = String(await freePortBase());
  const server = spawn(process.execPath, [program, '--data', data, '--port-base', portBase, '--key-in-runs'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const gone = new Promise((resolve) => server.once('exit', resolve));
  stop = async () => {
    server.kill('SIGTERM');
    await gone;
  };
  const line = await new Promise<string>((resolve) => createInterface({ input: server.stdout }).once('line', resolve));
  expect(JSON.parse(line)).toMatchObject({ event: 'ready' });
  const access = JSON.parse(readFileSync(join(data, 'access.json'), 'utf8')) as { url: string; token: string };
  base = access.url;
  hands = {
    operator: await person(access.token, 'olga', 'operator'),
    anna: await person(access.token, 'anna', 'custodian'),
    ben: await person(access.token, 'ben', 'custodian'),
  };
  for (const serial of serials) {
    const registered = await call(access.token, '/api/v1/terminals', {
      serial,
      model: 'CT-5100',
      place: { merchant: 'm', shop: serial },
      lifecycle: 'warehouse',
    });
    mkdirSync(join(folder, serial));
    const { claim } = registeredTerminal.parse(registered.body);
    writeFileSync(join(folder, serial, 'claim.json'), JSON.stringify(claim), { mode: 0o600 });
    await powerOn(serial);
  }
}, 240_000);
afterAll(async () => {
  for (const agent of agents.values()) await agent.stop();
  await stop();
  rmSync(folder, { recursive: true, force: true });
});

const keysOf = async (serial: string) =>
  terminalDetail.parse(await hands.operator.ask(`/api/v1/terminals/${serial}`)).keys.map(({ slot }) => slot);

test('from the custodians to three keyed terminals, with a stray one investigated, on paper and under a signature', async () => {
  const { operator, anna, ben } = hands;
  // The rule is in force, and seen to be; nobody has a key.
  expect(keyInventory.parse(await operator.ask('/api/v1/keys')).firstKeys).toBe('in-runs');
  for (const serial of serials) expect(await keysOf(serial)).toEqual([]);

  const ceremony = (await operator.do('/api/v1/keys/ceremonies', {
    key: 'bdk/2',
    use: 'dukpt-base',
    custodians: [anna.id, ben.id],
  })) as { id: string };
  const parts = ['0123456789ABCDEFFEDCBA9876543210', 'A5A5A5A55A5A5A5A0F0F0F0FF0F0F0F0'] as const;
  const ofCeremony = `/api/v1/keys/ceremonies/${ceremony.id}`;
  await anna.do(`${ofCeremony}/components`, { component: parts[0] });
  await ben.do(`${ofCeremony}/components`, { component: parts[1] });
  const [one, other] = [hex(parts[0]), hex(parts[1])];
  const whole = Secret.take(
    'key',
    one.map((byte, at) => byte ^ (other[at] ?? 0)),
  );
  const kcv = toHex(unwrap(checkValue('AES', 'cmac', whole)));
  expect(await anna.do(`${ofCeremony}/confirmation`, { kcv })).toMatchObject({ state: 'done', kcv });
  await operator.do('/api/v1/keys/rotations', { key: 'bdk/2' });

  const run = keyRun.parse(await operator.do('/api/v1/keys/runs', { name: 'lot 7', serials: [first, second, third] }));
  const ofRun = `/api/v1/keys/runs/${run.id}`;
  await operator.fail(`${ofRun}/authorisation`);
  await powerOn(first);
  expect(await keysOf(first)).toEqual([]);
  expect(await ben.do(`${ofRun}/authorisation`)).toMatchObject({ state: 'open', authorisedBy: expect.any(String) });
  for (const serial of [first, second, third]) await operator.do(`${ofRun}/devices`, { serial });
  expect(await operator.fail(`${ofRun}/devices`, { serial: stray })).toContain('KEY_RUN_NOT_LISTED');
  for (const serial of serials) await powerOn(serial);
  const standing = async () => keyRun.parse(await operator.ask(ofRun));
  let { balance } = await standing();
  await until(
    async () => ({ balance } = await standing()).balance.keyed === 3,
    60_000,
    () => JSON.stringify(balance),
  );
  expect(balance).toMatchObject({ listed: 3, submitted: 4, keyed: 3, investigated: 0, open: [stray] });
  for (const serial of [first, second, third]) expect((await keysOf(serial)).toSorted()).toEqual(['dukpt', 'negative']);
  expect(await keysOf(stray)).toEqual([]);

  expect(await operator.fail(`${ofRun}/close`)).toContain('KEY_RUN_UNBALANCED');
  await anna.do(`${ofRun}/devices/${stray}/investigation`, { note: 'of lot 8, put on the wrong cart' });
  expect(await operator.do(`${ofRun}/close`)).toMatchObject({ state: 'closed', balance: { isBalanced: true } });

  const record = keyRecord.parse(await operator.ask(`${ofRun}/record`));
  const verified = unwrap(verifyKeyRecord(record));
  if (verified.record !== 'run') throw new Error('another record');
  expect(Object.values(verified.people)).toContain('olga');
  const told = Object.fromEntries(verified.run.devices.map(({ serial, state }) => [serial, state]));
  expect(told).toEqual({ [first]: 'keyed', [second]: 'keyed', [third]: 'keyed', [stray]: 'investigated' });
  const { pdf } = (await operator.ask(`${ofRun}/report?lang=ja`)) as { pdf: string };
  expect(Buffer.from(pdf, 'base64').subarray(0, 5).toString('latin1')).toBe('%PDF-');
  // What they hold hangs on the key that the custodians brought, by the check values of the report.
  const below = keyExposure.parse(await operator.ask('/api/v1/keys/exposure?key=bdk%2F2')).terminals;
  for (const serial of [first, second, third])
    expect(below.find((key) => key.serial === serial)?.kcv).toBe(
      verified.run.devices.find((device) => device.serial === serial)?.kcvs['dukpt'],
    );
}, 240_000);
