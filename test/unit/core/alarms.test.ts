import { expect, onTestFinished, test } from 'vitest';
import { start } from '../campaigns/support.ts';
import { enrol, signedIn, TestLink, until } from './support.ts';

interface Alarm {
  readonly id: string;
  readonly code: string;
  readonly from: string;
  readonly count: number;
  readonly facts: object;
}

test('alarms of all terminals are one list: counted until a person has seen them, filtered, paged', {
  timeout: 120_000,
}, async () => {
  const house = await start();
  for (const serial of ['ALRM-0001', 'ALRM-0002']) await house.register(serial);
  const raise = async (serial: string, code: string) => {
    expect((await house.call('POST', `/terminals/${serial}/trouble`, { code, record: 'identity' })).status).toBe(200);
  };
  const list = async (query = ''): Promise<{ items: Alarm[]; next: string | null }> =>
    (await house.call('GET', `/alarms${query}`)).body as never;
  const seen = async () => (await list()).items.map(({ code, from, count }) => `${from} ${code} ${count}`);

  expect(await seen()).toEqual([]);
  await raise('ALRM-0001', 'STORE_RECORD_DAMAGED');
  await raise('ALRM-0001', 'STORE_RECORD_DAMAGED');
  await raise('ALRM-0002', 'STORE_READ_FAILED');
  expect(await seen()).toEqual(['ALRM-0002 STORE_READ_FAILED 1', 'ALRM-0001 STORE_RECORD_DAMAGED 2']);
  expect((await list('?serial=ALRM-0001')).items.map(({ code }) => code)).toEqual(['STORE_RECORD_DAMAGED']);
  expect((await list('?code=STORE_READ_FAILED')).items.map(({ from, facts }) => [from, facts])).toEqual([
    ['ALRM-0002', { record: 'identity' }],
  ]);
  expect((await list('?shop=nowhere')).items).toEqual([]);
  const first = await list('?limit=1');
  expect((await list(`?limit=1&cursor=${first.next}`)).items.map(({ from }) => from)).toEqual(['ALRM-0001']);

  // A person has seen it: it leaves the list, and the next of its kind is another one.
  const operator = await signedIn(house, 'mori', 'operator');
  const id = (await list('?serial=ALRM-0001')).items[0]?.id ?? '';
  await operator(`/alarms/${id}/seen`, {});
  expect(await seen()).toEqual(['ALRM-0002 STORE_READ_FAILED 1']);
  expect(await operator(`/alarms/${id}/seen`, {})).toMatchObject({ code: 'TERMINAL_ALARM_UNKNOWN' });
  await raise('ALRM-0001', 'STORE_RECORD_DAMAGED');
  expect(await seen()).toContain('ALRM-0001 STORE_RECORD_DAMAGED 1');
});

test('what a filter finds is seen at once, by shop too: what was raised since stays, and again nothing is left to see', {
  timeout: 120_000,
}, async () => {
  const house = await start();
  const inShop = async (serial: string, shop: string) => {
    const place = { merchant: '喫茶つなぐ', shop, lane: '1' };
    expect((await house.call('POST', '/terminals', { serial, model: 'CT-5100', place })).status).toBe(201);
  };
  await inShop('BULK-0001', '本店');
  await inShop('BULK-0002', '駅前店');
  await inShop('BULK-0003', '駅前店');
  const raise = async (serial: string, code = 'STORE_RECORD_DAMAGED') => {
    expect((await house.call('POST', `/terminals/${serial}/trouble`, { code, record: 'identity' })).status).toBe(200);
  };
  const list = async (query = '') =>
    (await house.call('GET', `/alarms${query}`)).body as never as { items: (Alarm & { lastAt: string })[] };
  const left = async (query = '') => (await list(query)).items.map(({ code, from }) => `${from} ${code}`);
  for (const serial of ['BULK-0001', 'BULK-0002', 'BULK-0003']) await raise(serial);
  await raise('BULK-0003', 'STORE_READ_FAILED');
  const station = `?shop=${encodeURIComponent('駅前店')}`;
  expect(await left(station)).toEqual([
    'BULK-0003 STORE_READ_FAILED',
    'BULK-0003 STORE_RECORD_DAMAGED',
    'BULK-0002 STORE_RECORD_DAMAGED',
  ]);
  expect(await left(`${station}&code=STORE_READ_FAILED`)).toEqual(['BULK-0003 STORE_READ_FAILED']);

  const operator = await signedIn(house, 'hayashi', 'operator');
  const newest =
    (await list()).items
      .map(({ lastAt }) => lastAt)
      .sort()
      .at(-1) ?? '';
  // Raised again after somebody looked: it is not among what was looked at.
  while (house.world.clock.now() <= Date.parse(newest)) await raise('BULK-0002');
  await raise('BULK-0002');
  const which = { shop: '駅前店', code: 'STORE_RECORD_DAMAGED', until: newest };
  const key = { 'idempotency-key': crypto.randomUUID() };
  expect((await house.call('POST', '/alarms/seen', which, key)).body).toEqual({ seen: 1 });
  expect(await left(station)).toEqual(['BULK-0003 STORE_READ_FAILED', 'BULK-0002 STORE_RECORD_DAMAGED']);
  // The same request again has the same answer; another one finds nothing.
  expect((await house.call('POST', '/alarms/seen', which, key)).body).toEqual({ seen: 1 });
  expect(await operator('/alarms/seen', which)).toEqual({ seen: 0 });
  expect(await operator('/alarms/seen', { shop: '駅前店' })).toMatchObject({ code: 'INPUT_INVALID', field: 'until' });
  const now = new Date(house.world.clock.now()).toISOString();
  expect(await operator('/alarms/seen', { serial: 'BULK-0002', until: now })).toEqual({ seen: 1 });
  expect(await operator('/alarms/seen', { until: now })).toEqual({ seen: 2 });
  expect(await left()).toEqual([]);

  // Who did it is in the audit log, and that many are counted no more.
  const entries = (await house.call('GET', '/audit?limit=10')).body as never as {
    items: { action: string; actor: { name: string } | string; outcome: string; facts: object }[];
  };
  const acts = entries.items.filter(({ action }) => action === 'POST /api/v1/alarms/seen');
  expect(acts.length).toBeGreaterThanOrEqual(4);
  expect(JSON.stringify(acts)).toContain('hayashi');
  // What was marked is told by the entry: the one key that was used twice has one.
  expect(acts.map(({ facts }) => facts)).toEqual(
    expect.arrayContaining([which, { serial: 'BULK-0002', until: now }, { until: now }]),
  );
});

test('of two devices with one serial a person sees one alarm, which counts how often they pushed each other out', {
  timeout: 120_000,
}, async () => {
  let laterMs = 0;
  const house = await start(undefined, {
    around: (world) => ({
      ...world,
      clock: { ...world.clock, monotonicMs: () => world.clock.monotonicMs() + laterMs },
    }),
  });
  const terminal = await enrol(house, await house.register('CLON-0001'));
  const clones = async () =>
    ((await house.call('GET', '/alarms?code=CLONE_SUSPECTED')).body as never as { items: Alarm[] }).items.map(
      ({ from, count, facts }) => ({ from, count, facts }),
    );
  const links: TestLink[] = [];
  onTestFinished(async () => void (await Promise.all(links.map((link) => link.close()))));
  /** Another device with the certificate comes, and the one before it is cut off. */
  const comes = async () => {
    const before = links.at(-1);
    const gone = before && new Promise<void>((resolve) => before.client.once('close', () => resolve()));
    links.push(await TestLink.open(house, terminal));
    await gone;
  };
  const alarm = (count: number) => ({ from: 'CLON-0001', count, facts: { detail: '127.0.0.1 / 127.0.0.1' } });
  await comes();
  expect(await clones()).toEqual([]);
  await comes();
  expect(await until('the alarm', async () => (await clones())[0])).toEqual(alarm(1));
  // As long as they push each other out it is one alarm a minute, and one row.
  await comes();
  await comes();
  laterMs += 60_000;
  await comes();
  await until('the second time', async () => (await clones())[0]?.count === 2);
  expect(await clones()).toEqual([alarm(2)]);
});

test('of what a terminal sends wrong the log has a line a second, which tells how many it left out', {
  timeout: 120_000,
}, async () => {
  let nowMs: number | undefined;
  const unwritten: unknown[] = [];
  const house = await start(undefined, {
    around: (world) => ({
      ...world,
      clock: { ...world.clock, monotonicMs: () => nowMs ?? world.clock.monotonicMs() },
      log: Object.assign(
        (...line: Parameters<typeof world.log>) => {
          if (line[1] === 'messageRefused') unwritten.push(line[2]?.['unwritten']);
          world.log(...line);
        },
        { with: world.log.with.bind(world.log) },
      ),
    }),
  });
  const terminal = await enrol(house, await house.register('NOISY-0001'));
  const link = await TestLink.open(house, terminal);
  onTestFinished(() => link.close());
  nowMs = house.world.clock.monotonicMs();
  for (let count = 0; count < 20; count += 1) await link.say({ kind: 'hello' }, 'twin', {});
  expect(unwritten).toEqual([undefined]);
  nowMs += 2_000;
  await link.say({ kind: 'hello' }, 'twin', {});
  expect(unwritten).toEqual([undefined, 19]);
});
