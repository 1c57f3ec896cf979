import { execFile } from 'node:child_process';
import { createHash, verify, X509Certificate } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { job, keyReleaseRecord, registeredTerminal, terminalDetail, wipeCertificate } from '@tsunagu/protocols/fleet';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { agentProgram, type Desk, dying, openDesk, type Program, serverProgram } from './desk.ts';
import { freePortBase, runCli, until } from './house.ts';

// TR-34 to its end, between a server process and a terminal process: bound and keyed, unbound by two persons, moved to
// another host, each killed at every write on the way, on paper.
const folder = mkdtempSync(join(tmpdir(), 'tsunagu-unbind-'));
const data = join(folder, 'house');
const serial = 'JTC17-0001';
const own = join(folder, 'terminals', serial);
const pack = join(folder, 'pack');
let portBase = '';
let server: Program;
let agent: Program;
let desk: Desk;
let [olga, anna] = ['', ''];
const ask = async (to: string): Promise<unknown> => (await desk.call(olga, to)).body;
const keysOf = async () => terminalDetail.parse(await ask(`/api/v1/terminals/${serial}`)).keys;
const releases = async () =>
  z.object({ items: z.array(keyReleaseRecord) }).parse(await ask(`/api/v1/terminals/${serial}/key-releases`)).items;
const order = async (type: string) =>
  job.parse((await desk.call(olga, `/api/v1/terminals/${serial}/jobs`, { job: { type, params: {} } })).body);
const powerOn = (moment?: string): Program => agentProgram(own, ['--sale-every-seconds', '3600'], dying(moment));
/** Orders what two persons have to want; what follows from it happens with a power cut at each of these writes of the terminal, then of the server. */
async function orderThroughCuts(type: string, cutsOfTerminal: readonly string[]): Promise<void> {
  const held = await order(type);
  expect(held.state).toBe('held');
  expect((await desk.call(olga, `/api/v1/jobs/${held.id}/approval`, {})).status).toBe(403);
  expect(await keysOf()).toHaveLength(2);
  await agent.kill();
  expect((await desk.call(anna, `/api/v1/jobs/${held.id}/approval`, {})).status).toBe(202);
  for (const moment of cutsOfTerminal) {
    agent = powerOn(moment);
    await agent.died();
  }
  for (const moment of ['table key_releases before', 'table key_releases after', undefined]) {
    await server.kill();
    server = serverProgram(data, portBase, dying(moment));
    await server.ready;
    if (agent.isDead) agent = powerOn();
    if (moment !== undefined) await server.died();
  }
}
const beforeAndAfter = (...files: readonly string[]): readonly string[] =>
  files.flatMap((file) => ['before', 'after'].map((when) => `file ${file}.sealed ${when}`));
const jobsSeen = async () => JSON.stringify(await ask(`/api/v1/jobs?serial=${serial}`));

beforeAll(async () => {
  portBase = String(await freePortBase());
  server = serverProgram(data, portBase);
  await server.ready;
  desk = openDesk(data);
  olga = await desk.person('olga', 'operator');
  anna = await desk.person('anna', 'custodian');
  const place = { merchant: 'm', shop: 's' };
  const made = await desk.call(desk.owner, '/api/v1/terminals', { serial, model: 'JT-C17', place });
  mkdirSync(own, { recursive: true });
  writeFileSync(join(own, 'claim.json'), JSON.stringify(registeredTerminal.parse(made.body).claim), { mode: 0o600 });
  agent = powerOn();
  await until(
    async () => (await keysOf()).length === 2,
    60_000,
    () => 'no keys',
  );
}, 240_000);
afterAll(async () => {
  for (const each of [agent, server]) await each?.kill();
  rmSync(folder, { recursive: true, force: true });
});

test('an unbound terminal has no key left, and says which it had; whoever has the pack can check that', async () => {
  const before = await keysOf();
  // It draws its number, writes down what it was granted, and loses key after key, its binding last.
  await orderThroughCuts('key.unbind', beforeAndAfter('key-binding', 'key-release', 'key-dukpt', 'key-binding'));
  let seen = '';
  const isReleased = async () => {
    seen = await jobsSeen();
    return (await releases()).length === 1;
  };
  await until(isReleased, 120_000, () => seen);
  const [release] = await releases();
  expect(release).toMatchObject({ serial, host: 'tr34/kdh', next: null });
  expect(release?.gone.toSorted((one, other) => (one.slot < other.slot ? -1 : 1))).toEqual(
    before.map(({ slot, kcv }) => ({ slot, kcv })).toSorted((one, other) => (one.slot < other.slot ? -1 : 1)),
  );
  expect([release?.orderedBy, release?.approvedBy].every(Boolean)).toBe(true);
  await agent.kill();
  agent = powerOn();
  await until(async () => (await keysOf()).length === 0, 60_000);
  const cli = (...args: string[]) => runCli(['--data', data, ...args]);
  expect((await cli('keys', 'releases', serial)).stdout).toContain(`unbound from tr34/kdh`);
  expect((await cli('--lang', 'ja', 'keys', 'releases', serial)).stdout).toContain('結び付きを解除');

  // It gets keys again when somebody has it bound again, and not before.
  expect((await desk.call(olga, `/api/v1/terminals/${serial}/protection-key`, {})).status).toBe(202);
  await until(
    async () => (await keysOf()).length === 2,
    60_000,
    () => seen,
  );
  expect((await keysOf()).find(({ slot }) => slot === 'dukpt')?.kcv).not.toBe(
    before.find(({ slot }) => slot === 'dukpt')?.kcv,
  );

  const day = (ms: number): string => new Date(Date.now() + ms).toISOString().slice(0, 10);
  const packed = await cli('evidence', '--from', day(-86_400_000), '--to', day(2 * 86_400_000), '--out', pack);
  expect(packed, packed.stderr).toMatchObject({ code: 0 });
  const verifyPack = () => promisify(execFile)(process.execPath, [join(pack, 'verify.mjs')], { cwd: '/' });
  expect((await verifyPack()).stdout).toContain('1 releases from key hosts');
  const line = readFileSync(join(pack, 'releases.jsonl'), 'utf8');
  for (const [from, to] of [
    ['"approvedBy":"', '"approvedBy":"x'],
    ['\\"left\\":0', '\\"left\\":1'],
    [release?.gone[0]?.kcv ?? '', '0000000000'],
  ] as const) {
    writeFileSync(join(pack, 'releases.jsonl'), line.replace(from, to));
    await expect(verifyPack()).rejects.toThrow();
  }
}, 300_000);

test('a terminal that agreed on its key cannot be asked to be unbound', async () => {
  const place = { merchant: 'm', shop: 's' };
  await desk.call(desk.owner, '/api/v1/terminals', { serial: 'CT5100-0009', model: 'CT-5100', place });
  const refused = await desk.call(olga, '/api/v1/terminals/CT5100-0009/jobs', {
    job: { type: 'key.unbind', params: {} },
  });
  expect(refused.body).toMatchObject({ code: 'MODEL_CANNOT' });
});

test('a terminal is moved to the host that takes over, and gets its keys from there', async () => {
  const dukpt = async () => (await keysOf()).find(({ slot }) => slot === 'dukpt')?.kcv;
  const before = await dukpt();
  const taken = await desk.call(olga, '/api/v1/keys/rotations', { key: 'tr34/kdh/2' });
  expect(taken.status, JSON.stringify(taken.body)).toBe(200);
  // It draws its number, writes down what it was granted, and is bound to the other one.
  await orderThroughCuts('key.rebind', beforeAndAfter('key-binding', 'key-release', 'key-binding'));
  let seen = '';
  await until(
    async () => {
      seen = await jobsSeen();
      const now = await keysOf();
      return now.length === 2 && (await dukpt()) !== before;
    },
    120_000,
    () => seen,
  );
  const [moved, ...earlier] = await releases();
  expect(moved).toMatchObject({ serial, host: 'tr34/kdh', next: 'tr34/kdh/2', gone: [] });
  expect(earlier).toHaveLength(1);
  expect((await runCli(['--data', data, 'keys', 'releases', serial])).stdout).toContain('tr34/kdh/2');
}, 300_000);

test('a terminal that was wiped by a list has a certificate that anybody can check', async () => {
  const list = join(folder, 'list.csv');
  writeFileSync(list, `serial,shelf\n"${serial}","1, left"\n`);
  const held = await order('terminal.wipe');
  const sato = await desk.person('sato', 'admin');
  expect((await desk.call(sato, `/api/v1/jobs/${held.id}/approval`, {})).status).toBe(202);
  const out = join(folder, 'certificates');
  const isWiped = async () => (await desk.call(olga, `/api/v1/terminals/${serial}/wipe-certificate`)).status === 200;
  await until(isWiped, 60_000);
  const written = await runCli(['--data', data, 'workshop', 'wiped', list, '--out', out]);
  expect(written, written.stderr).toMatchObject({ code: 0 });
  const text = readFileSync(join(out, `${serial}.json`), 'utf8');
  const { statement, signature, certificate } = wipeCertificate.parse(JSON.parse(text));
  const [said, signed] = [Buffer.from(statement), Buffer.from(signature, 'base64')];
  expect(verify('sha256', said, new X509Certificate(certificate).publicKey, signed)).toBe(true);
  expect(readFileSync(join(out, 'list.csv'), 'utf8')).toContain(createHash('sha256').update(text).digest('hex'));
}, 240_000);
