import { connect, createServer, type Server } from 'node:net';
import type { AddressInfo } from 'node:net';
import { startTerminal, type Terminal } from '@tsunagu/firmware-bridge/agent/index';
import { openCardSide } from '@tsunagu/firmware-bridge/payment/index';
import {
  type DriftEntry,
  driftEntry,
  effectiveConfiguration,
  job,
  type Job,
  page,
  type SettingValues,
  terminalDetail,
} from '@tsunagu/protocols/fleet';
import { unwrap } from '@tsunagu/protocols/kit';
import { logTo } from '@tsunagu/protocols/world';
import { MqttClient } from 'mqtt';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { MemoryFiles } from '../unit/agent/memory-files.ts';
import { newFolder, removeFolder, type TestHouse, testHouse, until } from '../unit/core/support.ts';

const serial = 'CT5100-0001';
const folder = newFolder();
const lines: { readonly level: string; readonly event: string }[] = [];
const sent: { readonly topic: string; readonly body: Record<string, unknown> }[] = [];
const received: { readonly topic: string; readonly body: Record<string, unknown> }[] = [];
let house: TestHouse;
let terminal: Terminal;
/** Another way to the fleet server: whoever comes by it is counted. */
let detour: Server;
let passedBy = 0;

/** A real server and a real terminal; what the terminal's MQTT client writes and reads is kept. */
beforeAll(async () => {
  const read = (payload: unknown): Record<string, unknown> => JSON.parse(String(payload)).body;
  const publish = MqttClient.prototype.publishAsync;
  vi.spyOn(MqttClient.prototype, 'publishAsync').mockImplementation(function (this: MqttClient, ...args) {
    sent.push({ topic: args[0], body: read(args[1]) });
    return publish.apply(this, args);
  });
  const emit = MqttClient.prototype.emit;
  vi.spyOn(MqttClient.prototype, 'emit').mockImplementation(function (this: MqttClient, ...args) {
    const [event, topic, payload] = args as unknown[];
    if (event === 'message' && typeof topic === 'string' && !topic.includes('/bc/neg/'))
      received.push({ topic, body: read(payload) });
    return emit.apply(this, args);
  });
  house = await testHouse(folder);
  const given = await house.register(serial);
  const { fleet = 0, device = 0, acquiring = 0 } = house.house.ports;
  const claim = { ...given, endpoints: { ...given.endpoints, fleet, device, acquiring } };
  detour = createServer((socket) => {
    passedBy += 1;
    const on = connect(fleet, '127.0.0.1');
    socket.pipe(on).pipe(socket);
    for (const end of [socket, on])
      end.on('error', () => {
        socket.destroy();
        on.destroy();
      });
  });
  await new Promise<void>((resolve) => detour.listen(0, '127.0.0.1', resolve));
  const files = new MemoryFiles(new Map([['claim.json', Buffer.from(JSON.stringify(claim))]]));
  const world = { ...house.world, log: logTo((level, event) => lines.push({ level, event })) };
  terminal = unwrap(await startTerminal({ world, files, openCardSide }));
  unwrap(await terminal.connected);
  await until(
    'its keys',
    async () => terminalDetail.parse((await house.call('GET', `/terminals/${serial}`)).body).keys.length === 2,
    60_000,
  );
}, 120_000);
afterAll(async () => {
  await terminal?.stop();
  await house?.house.close();
  detour?.close();
  vi.restoreAllMocks();
  removeFolder(folder);
});

const effective = async () =>
  effectiveConfiguration.parse((await house.call('GET', `/terminals/${serial}/configuration`)).body);
const inSync = (limitMs = 60_000) => until('being as desired', async () => (await effective()).drift === null, limitMs);

/** Changes a layer over the version that stands there. */
async function set(values: SettingValues | Record<string, null>, query = `layer=terminal&serial=${serial}`) {
  const { version } = (await house.call('GET', `/configuration?${query}`)).body as unknown as { version: number };
  const done = await house.call('PATCH', `/configuration?${query}&reason=test`, values, { 'if-match': `"${version}"` });
  expect(done.status, JSON.stringify(done.body)).toBe(200);
}
const drift = async (): Promise<DriftEntry | undefined> =>
  page(driftEntry).parse((await house.call('GET', '/configuration/drift')).body).items[0];

async function ended(path: string, body: unknown): Promise<Job> {
  const { id } = job.parse((await house.call('POST', `/terminals/${serial}${path}`, body)).body);
  return until(`the end of ${path}`, async () => {
    const now = job.parse((await house.call('GET', `/jobs/${id}`)).body);
    return now.finishedAt !== null && now;
  });
}
const slip = async (): Promise<string> => {
  const { document } = await ended('/slips', { format: 'text', what: 'payment', copy: 'customer', columns: 48 });
  return Buffer.from(document?.base64 ?? '', 'base64').toString('utf8');
};

it('layers reach the terminal, and it behaves by them: limit, slip, language, tax, time zone, lines of the shop, heartbeat, log', async () => {
  await inSync();
  const sale = { amountMinor: 1_000, card: 'visa-contact' };
  expect((await ended('/test-sales', sale)).sale?.reason).not.toBe('AMOUNT_ABOVE_LIMIT');
  const before = await slip();
  expect(before).toContain('喫茶つなぐ');
  const time = /\d{4}\/\d\d\/\d\d (\d\d):/.exec(before)?.[1] ?? expect.fail(before);

  await set({ taxPercent: 8, merchantName: 'Everywhere', receiptFooter: 'TEL 03-1234-5678' }, 'layer=defaults');
  await set({ language: 'en', merchantName: 'Kissa M' }, `layer=merchant&merchant=${encodeURIComponent('喫茶つなぐ')}`);
  await set(
    { timeZone: 'Etc/GMT+3', receiptHeader: '*** HONTEN ***' },
    `layer=shop&merchant=${encodeURIComponent('喫茶つなぐ')}&shop=${encodeURIComponent('本店')}`,
  );
  await set({ heartbeatMs: 5_000 }, 'layer=model&model=CT-5100');
  await set({ amountMaxMinor: 900 });
  await inSync();
  expect((await ended('/test-sales', sale)).sale).toMatchObject({ outcome: 'refused', reason: 'AMOUNT_ABOVE_LIMIT' });
  const after = await slip();
  expect(after).toContain('Kissa M');
  expect(after.trimStart().startsWith('*** HONTEN ***')).toBe(true);
  expect(after).toContain('TEL 03-1234-5678');
  expect(after).toMatch(/8\s?%/);
  // From Tokyo (+9) to -3: twelve hours.
  expect(/\d{4}\/\d\d\/\d\d (\d\d):/.exec(after)?.[1]).toBe(String((Number(time) + 12) % 24).padStart(2, '0'));

  const quiet = (await effective()).settings.find(({ setting }) => setting === 'merchantName');
  expect(quiet?.chain.map(({ layer, value }) => [layer, value])).toEqual([
    ['factory', '喫茶つなぐ'],
    ['defaults', 'Everywhere'],
    ['merchant', 'Kissa M'],
  ]);

  await set({ logLevel: 'error' });
  await inSync();
  lines.length = 0;
  await ended('/test-sales', { amountMinor: 100, card: 'visa-contact' });
  expect(lines.filter(({ level }) => level !== 'error')).toEqual([]);
  await set({ logLevel: 'debug' });
  await inSync();
  await ended('/test-sales', { amountMinor: 100, card: 'visa-contact' });
  expect(lines.map(({ event }) => event)).toContain('saleFinished');
}, 120_000);

it('a terminal that is as desired transfers nothing of it: its hello says so', async () => {
  await inSync();
  // The hello that follows the last change is over.
  const settled = sent.length;
  await until('a hello', () => sent.slice(settled).some(({ topic }) => topic.endsWith('/hello')), 60_000);
  const from = [sent.length, received.length] as const;
  // The heartbeat of 5 s that a layer set: without it there would be none of these for a minute.
  await until(
    'three hellos',
    () => sent.slice(from[0]).filter(({ topic }) => topic.endsWith('/hello')).length >= 3,
    40_000,
  );
  const up = sent.slice(from[0]).map(({ topic }) => topic.split('/').slice(4, 6).join('/'));
  expect(new Set(up)).toEqual(new Set(['up/hello']));
  expect(received.slice(from[1]).filter(({ body }) => 'configuration' in body || body['kind'] === 'twin')).toEqual([]);
});

it('a configuration that leads to the server by another way is kept; one that leads nowhere is taken back by the terminal itself', async () => {
  const { port } = detour.address() as AddressInfo;
  await set({ fleetPort: port });
  await inSync();
  expect(passedBy).toBe(1);
  expect((await effective()).settings.find(({ setting }) => setting === 'fleetPort')).toMatchObject({
    value: port,
    reported: port,
  });

  const nowhere = createServer();
  await new Promise<void>((resolve) => nowhere.listen(0, '127.0.0.1', resolve));
  const dead = (nowhere.address() as AddressInfo).port;
  await new Promise((resolve) => nowhere.close(resolve));
  await set({ fleetPort: dead, taxPercent: 3 });
  const told = await until(
    'the way back',
    async () => (await drift())?.reason === 'reverted' && (await drift()),
    60_000,
  );
  expect(told).toMatchObject({ serial, code: 'CONFIGURATION_REVERTED', behind: ['terminal'] });
  // It takes payments by the last good one, over the way that works.
  expect(passedBy).toBeGreaterThan(1);
  expect((await ended('/test-sales', { amountMinor: 100, card: 'visa-contact' })).state).toBe('succeeded');
  const now = await effective();
  expect(now.settings.find(({ setting }) => setting === 'taxPercent')).toMatchObject({ value: 3, reported: 8 });

  const back = await house.call(
    'POST',
    `/configuration/rollback?layer=terminal&serial=${serial}`,
    { to: 4 },
    { 'if-match': '"5"' },
  );
  expect(back.body).toMatchObject({ version: 6, values: { fleetPort: port } });
  await inSync();
}, 150_000);

it('what a technician changes at the terminal is drift with his name, until it is taken over', async () => {
  unwrap(await terminal.service('Suzuki', { taxPercent: 5 }));
  const told = await until('his change', async () => (await drift())?.reason === 'local' && (await drift()));
  expect(told).toMatchObject({ code: 'CONFIGURATION_CHANGED_LOCALLY', field: 'Suzuki' });
  const differs = (await house.call('GET', `/terminals/${serial}/configuration/diff`)).body;
  expect(differs).toEqual({ items: [{ setting: 'taxPercent', from: 8, to: 5 }] });
  await set({ taxPercent: 5 });
  await inSync();
  expect((await house.call('GET', '/configuration/drift/summary')).body).toMatchObject({ terminals: 1, inSync: 1 });
});

it('the API refuses by name, and pages', async () => {
  const call = async (query: string, values: unknown, match: string | undefined) => {
    const { status, body } = await house.call(
      'PATCH',
      `/configuration?${query}`,
      values,
      match === undefined ? {} : { 'if-match': match },
    );
    return [status, body.code, (body as { field?: string }).field];
  };
  expect(await call('layer=defaults', { taxPercent: 1 }, undefined)).toEqual([
    428,
    'PRECONDITION_REQUIRED',
    'If-Match',
  ]);
  expect(await call('layer=defaults', { taxPercent: 1 }, '"1"')).toEqual([412, 'VERSION_CONFLICT', undefined]);
  expect(await call('layer=model&model=CATS200', { floorLimitMinor: 1 }, '"0"')).toEqual([
    422,
    'CONFIGURATION_BEYOND_MODEL',
    'floorLimitMinor',
  ]);
  expect(await call('layer=defaults', { colour: 'red' }, '"2"')).toEqual([422, 'SETTING_UNKNOWN', 'colour']);
  expect(await call('layer=shop&merchant=M', {}, '"0"')).toEqual([400, 'INPUT_INVALID', 'shop']);
  const first = (await house.call('GET', '/configuration/layers?limit=2')).body as unknown as {
    items: unknown[];
    next: string;
  };
  expect(first.items).toHaveLength(2);
  const rest = (await house.call('GET', `/configuration/layers?limit=200&cursor=${first.next}`)).body as unknown as {
    items: unknown[];
  };
  expect(rest.items).toHaveLength(3);
  const versions = (await house.call('GET', `/configuration/versions?layer=terminal&serial=${serial}`))
    .body as unknown as {
    items: { version: number; reason: string }[];
  };
  expect(versions.items.map(({ version }) => version)).toEqual([7, 6, 5, 4, 3, 2, 1]);
  const settings = (await house.call('GET', '/configuration/settings')).body as unknown as {
    items: { setting: string; models: string[] }[];
  };
  expect(settings.items.find(({ setting }) => setting === 'floorLimitMinor')?.models).not.toContain('CATS200');
});
