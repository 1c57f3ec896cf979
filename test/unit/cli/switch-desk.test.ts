import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { defaultLinks, terminalIdOf } from '@tsunagu/protocols/acquiring';
import { logTo, systemWorld } from '@tsunagu/protocols/world';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openClient } from '../../../cli/src/client/index.ts';
import type { Context } from '../../../cli/src/commands/context.ts';
import { emulateOutage } from '../../../cli/src/commands/outage.ts';
import {
  reconcile,
  searchTransactions,
  settleAdvice,
  settleDay,
  showDifferences,
  showLinks,
} from '../../../cli/src/commands/switch.ts';
import { exit } from '../../../cli/src/console/index.ts';
import { newFolder, patientMs, removeFolder, type TestHouse, testHouse } from '../core/support.ts';
import { keptConsole } from './kept-console.ts';

const dataDir = newFolder();
const world = systemWorld(() => undefined);
/** The log of the house, all levels. */
const said: unknown[] = [];
let house: TestHouse;
beforeAll(async () => {
  house = await testHouse(dataDir, {
    around: (of) => ({
      ...of,
      log: logTo((level, event, facts) => {
        said.push([event, facts]);
        of.log(level, event, facts);
      }),
    }),
  });
  await house.register('DESK-0001');
});
afterAll(async () => {
  await house?.house.close();
  removeFolder(dataDir);
});

/** Runs a command of the switch, and gives what it printed. */
async function run(work: (context: Context) => Promise<number>, lang = 'en') {
  const { console, printed } = keptConsole(lang);
  const { token } = JSON.parse(readFileSync(join(dataDir, 'access.json'), 'utf8')) as { token: string };
  const client = openClient({ url: house.house.managementUrl, token }, world, patientMs);
  const code = await work({ world, console, client, json: false });
  return { code, ...printed() };
}

test.each([
  [{ terminal: 'NOPE' }, /^SWITCH_TERMINAL_UNKNOWN: .*\(terminal\)\n.*tsunagu terminals/s],
  [{ link: 'nolink' }, /^LINK_UNKNOWN: .*\(link=nolink\)\n.*tsunagu switch links/s],
  [{ origin: 'nolink' }, /^LINK_UNKNOWN: .*\(origin, link=nolink\)\n.*tsunagu switch links/s],
  [{ link: '4761739001010119' }, /^SEARCH_BY_CARD_NUMBER: [^\d]*$/s],
  [{ link: 'ec-centre-1' }, /^LINK_OTHER_SIDE: .*\(link=ec-centre-1, side=acquirer, wants=issuer\)\n.*--origin LINK/s],
  [
    { origin: 'card-company-1' },
    /^LINK_OTHER_SIDE: .*\(origin, link=card-company-1, side=issuer, wants=acquirer\)\n.*tsunagu switch links/s,
  ],
  [{ terminal: 'NOPE', amount: 7 }, /^SWITCH_TERMINAL_UNKNOWN/],
])('a search for what there is not is refused, and says where to look: %o', async (search, told) => {
  const { code, out, err } = await run((context) => searchTransactions(context, search, 5));
  expect([code, out]).toEqual([exit.failed, '']);
  expect(err).toMatch(told);
});

test.each([
  ['en', 'x', /^OPTION_INVALID: .*\(--reason, wants=4 to 200 characters\)/],
  ['ja', 'x'.repeat(201), /^OPTION_INVALID: .*\(--reason, wants=4～200文字\)/],
])('a reason that is too short or too long says how long it has to be (%s)', async (lang, reason, told) => {
  for (const work of [
    (context: Context) => settleAdvice(context, 'nosuch', reason),
    (context: Context) => settleDay(context, 'card-company-1', '261127', { figures: 'ours', reason }),
  ]) {
    const { code, err } = await run(work, lang);
    expect(code).not.toBe(exit.ok);
    expect(err).toMatch(told);
  }
});

test('the links tell which institutions speak over them, each acquirer that a centre speaks for among them', async () => {
  const { out } = await run(showLinks);
  expect(out).toMatch(/LINK .*OURS +THEIRS/);
  for (const { id, parties } of defaultLinks)
    expect(out).toMatch(new RegExp(`^${id} .* ${parties.own} +${parties.far} `, 'm'));
});

test.each([
  [{ terminal: 'DESK-0001' }],
  // DE41 of a terminal that has sold nothing yet.
  [{ terminal: terminalIdOf('DESK-0001') }],
  [{ link: 'card-company-1' }],
  [{ origin: 'ec-centre-1' }],
  [{ origin: 'terminals' }],
  [{ lastFour: '4242' }],
])('what there is and has no transactions has none: %o', async (search) => {
  expect(await run((context) => searchTransactions(context, search, 5))).toMatchObject({ code: exit.ok, err: '' });
});

test.each(['2026-13-45', 'yesterday', '20261301', '261301', '260230', '000000'])(
  'a day that is none is refused for that: %s',
  async (day) => {
    const what = { figures: 'ours', reason: 'agreed by telephone' } as const;
    for (const work of [
      (context: Context) => settleDay(context, 'card-company-1', day, what),
      (context: Context) => showDifferences(context, 'card-company-1', day),
      (context: Context) => reconcile(context, 'card-company-1', { day, close: false }),
    ]) {
      const { code, err } = await run(work);
      expect([code, err]).toEqual([exit.failed, expect.stringMatching(/^SWITCH_DAY_INVALID: .*YYMMDD.*\n.*261127/s)]);
    }
  },
);

test('a day of the calendar that nobody compared is told as that, and a centre does its comparing itself', async () => {
  const { err } = await run((context) => showDifferences(context, 'card-company-1', '260228'));
  expect(err).toMatch(/^SWITCH_DAY_NOT_COMPARED/);
  const centre = await run((context) => reconcile(context, 'ec-centre-1', { close: false }));
  expect(centre.err).toMatch(/^LINK_OTHER_SIDE: .*wants=issuer/);
});

test('what is wrong with a value has nothing to do with jobs', async () => {
  for (const [lang, told] of [
    ['en', /^INPUT_INVALID: .*\n.*"--last-four".*--help; for example: --last-four 4242/s],
    ['ja', /^INPUT_INVALID: .*\n.*「--last-four」.*--help.*例: --last-four 4242/s],
  ] as const) {
    const { err } = await run((context) => searchTransactions(context, { lastFour: '42' }, 5), lang);
    expect(err).toMatch(told);
    expect(err).not.toContain('job');
  }
});

test('an issuer is out of order and comes back; a merchant centre is refused by name, with what would do', async () => {
  const folder = newFolder();
  try {
    for (const id of ['card-company-1', 'gift-1', 'ec-centre-1', 'own-centre', 'own-issuer'])
      mkdirSync(join(folder, 'links', id), { recursive: true });
    writeFileSync(join(folder, 'links', 'a.json'), JSON.stringify({ id: 'own-centre', side: 'acquirer' }));
    writeFileSync(join(folder, 'links', 'b.json'), JSON.stringify({ id: 'own-issuer', side: 'issuer' }));
    writeFileSync(join(folder, 'links', 'c.json'), 'no link');
    const outage = async (link: string, isOver = false) => {
      const { console, printed } = keptConsole('en');
      return { code: await emulateOutage(console, folder, link, isOver, false), err: printed().err };
    };
    const isOut = (link: string) => existsSync(join(folder, 'links', link, 'outage'));
    for (const link of ['card-company-1', 'own-issuer']) {
      expect([(await outage(link)).code, isOut(link)]).toEqual([exit.ok, true]);
      expect([(await outage(link, true)).code, isOut(link)]).toEqual([exit.ok, false]);
    }
    for (const link of ['ec-centre-1', 'own-centre']) {
      const { code, err } = await outage(link);
      expect([code, isOut(link)]).toEqual([exit.failed, false]);
      expect(err).toMatch(/^LINK_OTHER_SIDE: .*issuers=card-company-1 gift-1 own-issuer\)\n.*emulate acquirer/s);
    }
    expect((await outage('nolink')).err).toMatch(/^LINK_UNKNOWN/);
  } finally {
    removeFolder(folder);
  }
});

test('digits that a route is explained for are kept nowhere: not in the log, the audit log or the store', async () => {
  const asked = { amountMinor: 1_000, entry: 'contact', operation: 'sale' };
  const answer = await house.call('POST', '/switch/routing/explanations', { ...asked, digits: '40000566556' });
  expect(answer.status).toBe(200);
  // A whole number is refused, and the refusal does not repeat it.
  const refused = await house.call('POST', '/switch/routing/explanations', { ...asked, digits: '4000056655665556' });
  expect(refused).toMatchObject({ status: 400, body: { code: 'INPUT_INVALID', field: 'digits' } });
  for (const path of ['?digits=4000056655665556', '/4000056655665556'])
    expect((await house.call('GET', `/switch/routing/explanations${path}`)).status).toBeGreaterThanOrEqual(400);
  const audited = JSON.stringify((await house.call('GET', '/audit?limit=200')).body);
  const logged = JSON.stringify(said);
  const stored = readdirSync(dataDir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'latin1'));
  expect(logged).toContain('request refused');
  expect(stored.length).toBeGreaterThan(3);
  for (const text of [JSON.stringify(refused.body), audited, logged, ...stored])
    expect(text).not.toContain('4000056655');
});
