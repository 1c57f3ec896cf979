import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { WorkerSays } from '@tsunagu/firmware-bridge/host/index';
import { runTerminals } from '@tsunagu/firmware-bridge/host/index';
import { serialSchema } from '@tsunagu/protocols/fleet';
import { systemWorld } from '@tsunagu/protocols/world';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { serial, TinyServer, until } from './tiny-server.ts';

const world = systemWorld(() => undefined);
let server: TinyServer;
let data: string;
const sound = () => join(data, 'sound');

/** Runs the terminal of a folder until it says how it fares. */
async function fate(folder: string): Promise<WorkerSays> {
  const said: WorkerSays[] = [];
  const plans = [{ serial, folder }];
  const terminals = runTerminals(world, { plans, seed: '1', saleEverySeconds: 3_600 }, (says) => said.push(says));
  await until(() => said.some(({ kind }) => kind !== 'log'), `a word of ${folder}`);
  await terminals.stop([serial]);
  const first = said.find(({ kind }) => kind !== 'log');
  if (!first) throw new Error('it said nothing');
  return first;
}

beforeAll(async () => {
  server = await new TinyServer().start();
  data = mkdtempSync(join(tmpdir(), 'tsunagu-damaged-'));
  mkdirSync(sound());
  writeFileSync(join(sound(), 'claim.json'), JSON.stringify(server.claim()));
  expect(await fate(sound())).toEqual({ kind: 'connected', serial });
});
afterAll(async () => {
  await server.stop();
  rmSync(data, { recursive: true, force: true });
});

/** Records without which a terminal would lose keys or who it is, or could be sent back to what it was. */
const needed = `
  boot card-key identity key-dukpt key-negative negative-trust rollback-counter software tamper trust wipe
`
  .trim()
  .split(/\s+/);
/** Records that a terminal makes anew, or does without. */
const replaced = ['contact', 'identity-next', 'kbpk', 'software-trust', 'stan'];

test.each(needed)('a damaged record "%s" keeps its terminal from starting, and is named', async (name) => {
  const folder = join(data, name);
  cpSync(sound(), folder, { recursive: true });
  writeFileSync(join(folder, `${name}.sealed`), 'TSS1 that was never sealed by anybody, in no store');
  const facts: unknown = expect.objectContaining({ record: name });
  expect(await fate(folder)).toMatchObject({ kind: 'failed', serial, code: 'STORE_RECORD_DAMAGED', facts });
});

test.each([
  ['advices', 'ADVICE_RECORD_SET_ASIDE'],
  ['configuration', 'CONFIGURATION_RECORD_SET_ASIDE'],
  ['jobs', 'JOB_RECORD_SET_ASIDE'],
  ['outbox', 'RESULT_RECORD_SET_ASIDE'],
  ['reversals', 'REVERSAL_RECORD_SET_ASIDE'],
  ['sale-00001', 'SALE_RECORD_SET_ASIDE'],
  ['sales', 'SALE_RECORD_SET_ASIDE'],
] as const)(
  'a damaged record "%s" is kept under another name, told to the server, and the terminal goes on',
  async (name, code) => {
    const folder = join(data, name);
    cpSync(sound(), folder, { recursive: true });
    const damaged = 'TSS1 that was never sealed by anybody, in no store';
    writeFileSync(join(folder, `${name}.sealed`), damaged);
    if (name === 'sale-00001') rmSync(join(folder, 'sales.sealed'), { force: true });
    const before = server.arrived.length;
    expect(await fate(folder)).toEqual({ kind: 'connected', serial });
    const kept = readdirSync(folder).filter((file) => file.startsWith(`${name}.`) && file.endsWith('.damaged'));
    expect(kept).toHaveLength(1);
    expect(readFileSync(join(folder, kept[0] ?? ''), 'utf8')).toBe(damaged);
    const told = server.arrived.slice(before).filter(({ topic }) => topic.kind === 'hello');
    expect(told.map(({ message }) => message.body)).toContainEqual(
      expect.objectContaining({ setAside: [expect.objectContaining({ record: name, code })] }),
    );
    // It is told again after the next start, and not set aside twice.
    expect(await fate(folder)).toEqual({ kind: 'connected', serial });
    expect(readdirSync(folder).filter((file) => file.endsWith('.damaged'))).toHaveLength(1);
  },
);

test.each(replaced)('without a readable record "%s" the terminal starts', async (name) => {
  const folder = join(data, name);
  cpSync(sound(), folder, { recursive: true });
  writeFileSync(join(folder, `${name}.sealed`), '');
  expect(await fate(folder)).toEqual({ kind: 'connected', serial });
});

test('a terminal that its server does not want is reported at once, and goes on asking', async () => {
  const folder = join(data, 'claimed twice');
  mkdirSync(folder);
  cpSync(join(sound(), 'claim.json'), join(folder, 'claim.json'));
  const used: unknown = expect.objectContaining({ code: 'CLAIM_USED' });
  expect(await fate(folder)).toMatchObject({ kind: 'refused', code: 'ENROLMENT_REFUSED', facts: used });

  server.admits = false;
  const said: WorkerSays[] = [];
  const plans = [{ serial, folder: sound() }];
  const terminals = runTerminals(world, { plans, seed: '1', saleEverySeconds: 3_600 }, (says) => said.push(says));
  await until(() => said.length > 0, 'a refusal');
  expect(said[0]).toMatchObject({ kind: 'refused', serial, code: 'LINK_REFUSED' });
  server.admits = true;
  await until(() => said.some(({ kind }) => kind === 'connected'), 'a connection after all');
  await terminals.stop([serial]);
});

test('a claim, a device key or a lock that is not what it should be is that terminal’s trouble, and the sound one runs on', async () => {
  for (const [name, content, code] of [
    ['claim.json', '{', 'CLAIM_BUNDLE_INVALID'],
    ['device.key', 'short', 'STORE_RECORD_DAMAGED'],
    ['terminal.lock', `${process.ppid}`, 'TERMINAL_IN_USE'],
  ] as const) {
    const folder = join(data, `no ${name}`);
    cpSync(sound(), folder, { recursive: true });
    writeFileSync(join(folder, name), content);
    expect(await fate(folder)).toMatchObject({ kind: 'failed', code });
  }
  expect(await fate(sound())).toEqual({ kind: 'connected', serial });
  expect(readdirSync(sound())).not.toContain('terminal.lock');
});

test('however many terminals share a thread, none of them leaves something with all', async () => {
  const warned: Error[] = [];
  const hear = (warning: Error): void => void warned.push(warning);
  process.on('warning', hear);
  const serials = Array.from({ length: 12 }, (_, index) => serialSchema.parse(`CT5100-${100 + index}`));
  const plans = serials.map((name) => {
    const folder = join(data, name);
    cpSync(sound(), folder, { recursive: true });
    return { serial: name, folder };
  });
  const said: WorkerSays[] = [];
  const terminals = runTerminals(world, { plans, seed: '1', saleEverySeconds: 3_600 }, (says) => said.push(says));
  await until(() => said.filter(({ kind }) => kind === 'connected').length === plans.length, 'all to be there');
  await terminals.stop(serials);
  await new Promise((resolve) => setImmediate(resolve));
  process.off('warning', hear);
  expect(warned.map(({ message }) => message)).toEqual([]);
});
