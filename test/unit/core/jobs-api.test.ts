import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { devicePaths } from '@tsunagu/protocols/fleet';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { signedIn } from '../audit/support.ts';
import {
  device,
  enrol,
  newFolder,
  pemOf,
  removeFolder,
  type TestHouse,
  testHouse,
  TestLink,
  type TestTerminal,
} from './support.ts';

const dataDir = newFolder();
const [one, two] = ['JOB-0001', 'JOB-0002'] as const;
type Person = Awaited<ReturnType<typeof signedIn>>;
let house: TestHouse;
let terminal: TestTerminal;
let [mori, kato, sato] = [] as unknown as [Person, Person, Person];
beforeAll(async () => {
  house = await testHouse(dataDir);
  await house.register(one);
  terminal = await enrol(house, await house.register(two));
  const { token } = JSON.parse(readFileSync(join(dataDir, 'access.json'), 'utf8')) as { token: string };
  const api = { api: { url: house.house.managementUrl }, token };
  mori = await signedIn(api, 'mori', ['operator']);
  kato = await signedIn(api, 'kato', ['operator']);
  sato = await signedIn(api, 'sato', ['admin']);
});
afterAll(async () => {
  await house.house.close();
  removeFolder(dataDir);
});

const order = (by: Person, serial: string, type: string, more: object = {}, params: object = {}) =>
  by.call('POST', `/terminals/${serial}/jobs`, { job: { type, params }, ...more });
const change = (by: Person, id: unknown, how: string) => by.call('POST', `/jobs/${String(id)}/${how}`, {});

test('jobs are found by terminal, kind, state and reference, page by page, each once', async () => {
  for (let count = 0; count < 5; count++)
    expect((await order(mori, one, 'terminal.diagnose', { reference: 'look' })).status).toBe(202);
  const reboot = (await order(mori, one, 'terminal.reboot')).body;
  const idsOf = async (query: string) => (await mori.call('GET', `/jobs?${query}`)).body.items?.map(({ id }) => id);
  expect(await idsOf(`serial=${one}&type=terminal.reboot`)).toEqual([reboot.id]);
  expect(await idsOf('reference=look&state=queued')).toHaveLength(5);
  expect(await idsOf('reference=look&state=succeeded')).toEqual([]);
  const seen: unknown[] = [];
  for (let cursor = '', pages = 0; pages < 4; pages++) {
    const page = (await mori.call('GET', `/jobs?reference=look&limit=2${cursor}`)).body;
    seen.push(...(page.items ?? []).map(({ id }) => id));
    const next: unknown = page['next'];
    if (typeof next !== 'string') break;
    cursor = `&cursor=${next}`;
  }
  expect(seen).toHaveLength(5);
  expect(new Set(seen).size).toBe(5);
  expect((await mori.call('GET', '/jobs?cursor=nonsense')).status).toBe(400);
  expect((await mori.call('GET', `/jobs/${reboot.id}`)).body).toMatchObject({ serial: one, type: 'terminal.reboot' });
  expect((await mori.call('GET', '/jobs/00000000-0000-4000-8000-000000000000')).body.code).toBe('JOB_UNKNOWN');
});

test('a job is taken back once, and ordered again when it is over', async () => {
  const { id } = (await order(mori, one, 'terminal.test')).body;
  expect((await change(mori, id, 'retry')).body.code).toBe('JOB_STILL_OPEN');
  expect((await change(kato, id, 'cancellation')).body).toMatchObject({ state: 'cancelled' });
  expect((await change(mori, id, 'cancellation')).body.code).toBe('JOB_OVER');
  const again = await change(mori, id, 'retry');
  expect([again.status, again.body['state']]).toEqual([202, 'queued']);
  expect(again.body.id).not.toBe(id);
  expect((await order(mori, one, 'key.load')).status).toBeGreaterThanOrEqual(400);
});

test('a model is not asked for what its reduced functions leave out', async () => {
  await house.register('JOB-0003', 'JT-C07');
  const preauth = { kind: 'preauth', amountMinor: 100, card: 'visa-contact' };
  const refused = await order(mori, 'JOB-0003', 'payment.run', {}, preauth);
  expect([refused.status, refused.body.code]).toEqual([422, 'MODEL_CANNOT']);
  expect(refused.body).toMatchObject({ field: 'preauth', facts: { model: 'JT-C07' } });
  expect((await order(mori, one, 'payment.run', {}, preauth)).status).toBe(202);
});

test('a wipe is ordered by one person and approved by another, and both stand in the audit log', async () => {
  // Who approves does not order, and who orders does not approve.
  expect((await order(sato, one, 'terminal.wipe')).body.code).toBe('ROLE_INSUFFICIENT');
  const { id, ...held } = (await order(mori, one, 'terminal.wipe')).body;
  expect(held).toMatchObject({ state: 'held' });
  expect((await change(mori, id, 'approval')).body.code).toBe('APPROVAL_OWN');
  expect((await change(kato, id, 'approval')).body.code).toBe('ROLE_INSUFFICIENT');
  expect((await mori.call('GET', `/jobs/${id}`)).body).toMatchObject({ state: 'held' });
  expect((await change(sato, id, 'approval')).body).toMatchObject({ state: 'queued' });
  expect((await change(sato, id, 'approval')).body.code).toBe('JOB_OVER');
  const entries = (await sato.call('GET', `/audit?subject=terminal/${one}`)).body.items;
  const by = (action: string, subject: string) =>
    expect.objectContaining({ action, actor: expect.objectContaining({ subject }) });
  expect(entries).toEqual(expect.arrayContaining([by('wipe.request-approval', 'mori'), by('wipe.approve', 'sato')]));
});

test('a wipe that is refused, or taken back before, is never done', async () => {
  const waiting = async () =>
    (await sato.call('GET', '/approvals?kind=wipe&state=requested')).body.items?.[0]?.['id'] as string | undefined;
  const refused = (await order(mori, one, 'terminal.wipe')).body;
  const decide = (approval: unknown, verdict: string) =>
    sato.call('POST', `/approvals/${String(approval)}/decisions`, { verdict, reason: 'not this one' });
  expect((await decide(await waiting(), 'refused')).status).toBe(200);
  expect((await mori.call('GET', `/jobs/${refused.id}`)).body).toMatchObject({ state: 'cancelled' });
  const takenBack = (await order(mori, one, 'terminal.wipe')).body;
  const approval = await waiting();
  await change(mori, takenBack.id, 'cancellation');
  expect((await decide(approval, 'approved')).body.code).toBe('JOB_OVER');
  expect((await mori.call('GET', `/jobs/${takenBack.id}`)).body).toMatchObject({ state: 'cancelled' });
});

test('a log that a terminal sent is read as text, and only when it is there', async () => {
  const { id } = (await order(mori, two, 'log.pull', { priority: 'emergency' }, { linesMax: 10 })).body;
  expect((await mori.call('GET', `/jobs/${id}/log`)).body.code).toBe('JOB_LOG_UNKNOWN');
  const link = await TestLink.open(house, terminal);
  await link.hello();
  await link.ask('pull', 'request', { pull: 'job' });
  const whole = gzipSync('{"event":"terminalStarted"}\n');
  const digest = createHash('sha256').update(whole).digest('hex');
  const piece = { offset: 0, of: whole.length, digest, bytes: whole.toString('base64') };
  const { claim, answer, key } = terminal;
  const sent = await device(house.house.ports.device ?? 0, claim.rootCertificate, 'POST', `${devicePaths.logs}/${id}`, {
    body: JSON.stringify(piece),
    cert: answer.certificateChain,
    key: pemOf(key),
  });
  expect(sent.status).toBe(200);
  await link.close();
  const log = await fetch(`${house.house.managementUrl}/api/v1/jobs/${id}/log`, { headers: { cookie: mori.cookie } });
  expect(await log.text()).toBe('{"event":"terminalStarted"}\n');
});
