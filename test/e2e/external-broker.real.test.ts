import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { job, page, portOf, terminalSummary, timelineEntry } from '@tsunagu/protocols/fleet';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freePortBase, type House, startHouse, until } from './house.ts';

const program = '/usr/sbin/mosquitto';
const isHere = existsSync(program);
if (!isHere) console.log('skipped: no mosquitto here (Debian package mosquitto)');

describe.skipIf(!isHere)('the whole house on mosquitto instead of its own broker', () => {
  let serial: string;
  let data: string;
  let house: House;
  let mosquitto: ChildProcess | undefined;
  const file = (): string => join(data, 'server', 'external-broker', 'mosquitto.conf');

  async function startMosquitto(): Promise<void> {
    await until(() => existsSync(file()), 60_000);
    mosquitto = spawn(program, ['-c', file()], { stdio: 'ignore' });
  }
  async function killMosquitto(): Promise<void> {
    const child = mosquitto;
    if (!child) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await ended;
  }

  beforeAll(async () => {
    data = mkdtempSync(join(tmpdir(), 'tsunagu-external-'));
    const portBase = await freePortBase();
    const url = `mqtts://127.0.0.1:${portOf(portBase, 'fleet')}`;
    const args = ['--broker', url, '--terminals', '1', '--sale-every-seconds', '3600'];
    [house] = await Promise.all([startHouse({ data, portBase, args }), startMosquitto()]);
    const { body } = await house.api('/api/v1/terminals');
    serial = page(terminalSummary).parse(body).items[0]?.serial ?? '';
  });
  afterAll(async () => {
    await house?.stop();
    await killMosquitto();
    rmSync(data, { recursive: true, force: true });
  });

  /** Asks the terminal for its totals, and waits for the report. */
  const totals = (key: string): Promise<void> => done('totals', { close: false }, key);

  /** Orders something, and waits for the report. */
  async function done(route: 'totals' | 'jobs', body: object, key: string): Promise<void> {
    const started = await house.api(`/api/v1/terminals/${serial}/${route}`, {
      method: 'POST',
      headers: { 'idempotency-key': key },
      body: JSON.stringify(body),
    });
    expect(started.status).toBe(202);
    const { id } = job.parse(started.body);
    const state = async (): Promise<string> => job.parse((await house.api(`/api/v1/jobs/${id}`)).body).state;
    await until(async () => (await state()) === 'succeeded', 60_000);
  }

  test('a terminal says hello, gets its keys, does a job and reports it, over a broker that nobody here wrote', async () => {
    await until(async () => {
      const { body } = await house.api(`/api/v1/terminals/${serial}/timeline?limit=50`);
      const kinds = page(timelineEntry)
        .parse(body)
        .items.map(({ kind }): string => kind);
      return ['hello', 'job-queued', 'job-finished', 'key-loaded'].every((kind) => kinds.includes(kind));
    }, 120_000);
    await totals('totals-before');
  });

  test('mosquitto is killed and comes back: the terminal is lost, is back, and does its next job', async () => {
    const link = async (): Promise<unknown> =>
      ((await house.api(`/api/v1/terminals/${serial}`)).body as { link: unknown }).link;
    await killMosquitto();
    await until(() => house.logs().includes('externalBrokerLost'), 60_000);
    await startMosquitto();
    await until(() => house.logs().split('externalBrokerConnected').length > 2, 60_000);
    await until(async () => JSON.stringify(await link()).includes('ready'), 60_000);
    await totals('totals-after');
  });

  test('a new issuing CA is in what mosquitto believes without a restart of anything', async () => {
    const roots = join(data, 'server', 'external-broker', 'root.pem');
    const count = (): number => readFileSync(roots, 'utf8').split('BEGIN CERTIFICATE').length - 1;
    const before = count();
    const { body: known } = await house.api('/api/v1/authorities');
    const { authorities } = known as { authorities: { id: string; kind: string; state: string }[] };
    const current = authorities.find(({ kind, state }) => kind === 'issuing' && state === 'active')?.id ?? '';
    expect((await house.cli('ca', 'rotate')).code).toBe(2);
    expect((await house.cli('ca', 'rotate', '--confirm', current)).code).toBe(0);
    await until(() => count() > before, 60_000);
    await done('jobs', { job: { type: 'certificate.renew', params: {} } }, 'certificate-renewed');
    // It comes back with the certificate below the new one.
    await done('jobs', { job: { type: 'terminal.reboot', params: {} } }, 'restarted-for-it');
    await totals('totals-after-rotation');
    const { body } = await house.api('/api/v1/authorities');
    const [newest] = (body as { authorities: { terminals: { count: number } }[] }).authorities;
    expect(newest?.terminals.count).toBe(1);
  });

  test('a terminal that is revoked is cut off, and the list that mosquitto has read keeps it out', async () => {
    const lists = join(data, 'server', 'external-broker', 'revoked.pem');
    const before = readFileSync(lists, 'utf8');
    await until(() => existsSync(join(data, 'server', 'external-broker', 'mosquitto.pid')), 60_000);
    const refused = (): number => house.logs().split('LINK_REFUSED').length;
    const refusedBefore = refused();
    expect((await house.cli('revoke', serial, '--confirm', serial)).code).toBe(0);
    await until(() => house.logs().includes('connectionTakenOver'), 60_000);
    await until(() => readFileSync(lists, 'utf8').length > before.length, 60_000);
    await until(() => refused() > refusedBefore, 120_000);
    const { link } = (await house.api(`/api/v1/terminals/${serial}`)).body as { link: unknown };
    expect(JSON.stringify(link)).not.toContain('ready');
  });
});
