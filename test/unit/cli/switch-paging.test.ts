import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  type RouteExplanation,
  routeQuestion,
  type SwitchTransaction,
  switchRulePaths,
} from '@tsunagu/protocols/fleet';
import { systemWorld } from '@tsunagu/protocols/world';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openClient } from '../../../cli/src/client/index.ts';
import { searchTransactions, showTransaction } from '../../../cli/src/commands/switch.ts';
import { explainRoute, listStandIn } from '../../../cli/src/commands/switch-rules.ts';
import { exit } from '../../../cli/src/console/index.ts';
import { keptConsole } from './kept-console.ts';

const kept = 450;
const stoodIn = {
  sale: 'T1',
  at: '2026-11-27T00:00:00.000Z',
  link: 'card-company-1',
  rule: 2,
  lastFour: '0010',
  amountMinor: 100,
  node: 'main',
  state: 'taken',
  actionCode: null,
};
const one = (index: number): SwitchTransaction => ({
  id: `T${index}`,
  at: '2026-11-27T00:00:00.000Z',
  origin: 'terminals',
  from: 'CT5100-0001',
  terminal: null,
  merchant: null,
  kind: 'sale',
  state: 'approved',
  amountMinor: 100,
  currency: 'JPY',
  scheme: 'visa',
  entry: 'contact',
  lastFour: '0010',
  token: 'tok',
  stan: '000001',
  outStan: null,
  rrn: null,
  link: null,
  issuerDay: null,
  acquirerDay: null,
  decidedBy: null,
  actionCode: null,
  approvalCode: null,
  reason: null,
  routingVersion: 1,
  ...(index === 1 && { method: { code: '61', instalments: 3 } }),
});

const step = { prefix: '4', scheme: 'visa', link: 'card-company-1', priority: 50, costMinor: 0 } as const;
let explained: RouteExplanation;

/** A journal of 450 that hands out pages as the API does. */
let server: Server;
let asked: string[] = [];
beforeAll(async () => {
  server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://host');
    response.setHeader('content-type', 'application/json');
    if (pathname === switchRulePaths.standIn)
      return void response.end(JSON.stringify({ items: [stoodIn], next: null }));
    if (pathname === switchRulePaths.explanations) return void response.end(JSON.stringify(explained));
    asked.push(searchParams.get('lastFour') ?? '');
    const [at, limit] = [Number(searchParams.get('cursor') ?? '0'), Number(searchParams.get('limit'))];
    const items = Array.from({ length: Math.min(limit, kept - at) }, (_, index) => one(at + index));
    const next = at + limit < kept ? String(at + limit) : null;
    response.end(JSON.stringify({ items, next }));
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
});
afterAll(() => server.close());

const world = systemWorld(() => undefined);
const clientOf = () =>
  openClient({ url: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`, token: 'x' }, world);
async function search(count: number, { json = false, lang = 'en' } = {}) {
  asked = [];
  const { console, printed } = keptConsole(lang);
  const client = clientOf();
  const code = await searchTransactions({ world, console, client, json }, { lastFour: '0010' }, count);
  return { code, ...printed() };
}

/** What it does while the machine's clock is Japan's. */
async function inTokyo<T>(does: () => Promise<T>): Promise<T> {
  const zone = process.env['TZ'];
  process.env['TZ'] = 'Asia/Tokyo';
  const done = await does();
  if (zone === undefined) delete process.env['TZ'];
  else process.env['TZ'] = zone;
  return done;
}

test('a search goes through as many pages as are wanted, and says where there are older ones', async () => {
  const few = await inTokyo(() => search(50));
  expect(few.code).toBe(exit.ok);
  expect(few.out.trim().split('\n')).toHaveLength(51);
  expect(few.err).toContain('there are older ones');
  // Local time, as slips have it, and how it is paid where that is not at once.
  expect(few.out.match(/2026-11-27 09:00:00/g)).toHaveLength(50);
  expect(few.out).toContain('PAID');
  expect(few.out.match(/Instalments x 3/g)).toHaveLength(1);
  const most = await search(420);
  expect(most.out.trim().split('\n').at(-1)).toMatch(/^T419\b/);
  expect(asked).toEqual(['0010', '0010', '0010']);
  expect(most.err).toContain('The newest 420');
  expect((await search(20, { lang: 'ja' })).err).toContain('さらに古い取引があります');
  const all = await search(1_000, { json: true });
  expect(JSON.parse(all.out)).toHaveLength(kept);
  expect(all.err).toBe('');
});

test('what looks like a card number is not searched by: nothing is sent, and why is told in both languages', async () => {
  const pan = '4761739001010010';
  asked = [];
  for (const [lang, said] of [
    ['en', 'Nothing was sent'],
    ['ja', '何も送信していません'],
  ] as const)
    for (const wanted of [
      { token: pan },
      { token: '4761 7390-0101 0010' },
      { token: pan.slice(0, 12) },
      { rrn: pan },
    ]) {
      const { console, printed } = keptConsole(lang);
      const client = clientOf();
      expect(await searchTransactions({ world, console, client, json: false }, wanted, 5)).toBe(exit.failed);
      expect(printed().err).toContain('SEARCH_BY_CARD_NUMBER');
      expect(printed().err).toContain(said);
      expect(printed().err).not.toContain('4761');
    }
  const { console, printed } = keptConsole('en');
  const context = { world, console, client: clientOf(), json: false };
  expect(await showTransaction(context, pan)).toBe(exit.failed);
  expect(asked).toEqual([]);
  // A token and a retrieval reference number are none.
  await searchTransactions(context, { token: 'tok_47617390010100101234', rrn: '633211008286' }, 5);
  expect(asked).toHaveLength(1);
  expect(printed().out).toContain('T0');
});

test('approvals in the place of an issuer are told in local time, too', async () => {
  const { console, printed } = keptConsole('ja');
  await inTokyo(() => listStandIn({ world, console, client: clientOf(), json: false }, undefined));
  expect(printed().out).toContain('2026-11-27 09:00:00');
});

test.each([
  ['amount', /no route fits this card.*908/, /当てはまる経路がなく.*908/],
  ['link-down', /link that it belongs to is down.*912/, /リンクが切断されており.*912/],
] as const)('a card that goes nowhere is told why: %s', async (verdict, english, japanese) => {
  explained = { version: 2, link: null, scheme: null, steps: [{ ...step, verdict }], standIn: 'approve' };
  for (const [lang, says] of [
    ['en', english],
    ['ja', japanese],
  ] as const) {
    const { console, printed } = keptConsole(lang);
    const context = { world, console, client: clientOf(), json: false };
    expect(await explainRoute(context, routeQuestion.parse({ digits: '476173' }))).toBe(exit.ok);
    expect(printed().out).toMatch(says);
  }
});
