import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { signedIn } from '../audit/support.ts';
import { claimBundle, lifecycleView, page, partStockView, workOrderView } from '@tsunagu/protocols/fleet';
import { openClient } from 'tsunagu/client/index';
import type { Context } from 'tsunagu/commands/context';
import { registerTerminal, reissueClaim } from 'tsunagu/commands/lifecycle';
import {
  listParts,
  listWork,
  type NoteOptions,
  noteWork,
  openWorkOrder,
  showFigures,
  showWork,
} from 'tsunagu/commands/workshop';
import { showDeath } from 'tsunagu/commands/death';
import { verifyRecord } from 'tsunagu/commands/keys';
import { showTerminal } from 'tsunagu/commands/terminal';
import { listTerminals } from 'tsunagu/commands/terminals';
import { listStock, noteStock, showStock, type StockOptions } from 'tsunagu/commands/stock';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { newFolder, patientMs, removeFolder, type TestHouse, testHouse } from '../core/support.ts';
import { keptConsole } from './kept-console.ts';

// A technician walks through the workshop, in both languages: what is right, and what is wrong with each step.
const folder = newFolder();
let house: TestHouse;
let token = '';
const photo = 'ab'.repeat(32);
const kana = /[\u3040-\u30ff\u4e00-\u9fff]/;
beforeAll(async () => {
  house = await testHouse(folder);
  ({ token } = JSON.parse(readFileSync(join(folder, 'access.json'), 'utf8')) as { token: string });
});
afterAll(async () => {
  await house?.house.close();
  removeFolder(folder);
});

async function run(work: (context: Context) => Promise<number>, { json = false, lang = 'en' } = {}) {
  const { console, printed } = keptConsole(lang);
  const client = openClient({ url: house.house.managementUrl, token }, house.world, patientMs);
  const code = await work({ world: house.world, console, client, json });
  return { code, ...printed() };
}
async function order(serial: string, options: { intake: string; fault?: string; warrantyUntil?: string }) {
  const ran = await run((all) => openWorkOrder(all, serial, options), { json: true });
  expect(ran, ran.err).toMatchObject({ code: 0, err: '' });
  return workOrderView.parse(JSON.parse(ran.out));
}
const note = (id: string, kind: string, options: NoteOptions = {}) => run((all) => noteWork(all, id, kind, options));
const list = (all: boolean, how = {}) => run((context) => listWork(context, all), how);
/** The day of this moment, as the house counts it. */
const dayNow = (): string => new Date().toISOString().slice(0, 10);
const firstDay = dayNow();
/** All days that these tests have seen so far. */
const untilNow = () => ({ from: firstDay, to: dayNow() });
/** Into the workshop, by way of the lost and found. */
async function takeIn(serial: string): Promise<void> {
  await house.register(serial);
  for (const [to, evidence] of [
    ['lost', {}],
    ['returned', { bagNumber: `BAG-${serial}`, photo }],
    ['inspected', { bagNumber: `BAG-${serial}`, photo, seals: ['S-1'.padEnd(6, '0')], connections: 0 }],
    ['refurbish', {}],
  ] as const) {
    const moved = await house.call('POST', `/terminals/${serial}/lifecycle`, { to, reason: 'test', evidence });
    expect(moved.status, JSON.stringify(moved.body)).toBe(200);
  }
}

test('work orders are listed, open ones or all, in the language of whoever asks', async () => {
  expect((await list(true)).out).toBe('None.\n');
  expect((await list(true, { lang: 'ja' })).out).toMatch(kana);
  for (const serial of ['WORK-0001', 'WORK-0002', 'WORK-0003']) await takeIn(serial);
  const first = await order('WORK-0001', { intake: 'fault', fault: 'SW-BOOT' });
  const second = await order('WORK-0002', { intake: 'swap' });
  expect((await note(second.id, 'diagnosed', { fault: 'none' })).code).toBe(0);
  expect((await note(second.id, 'rma-out', { vendor: 'Toshiba TEC', number: 'R-1' })).code).toBe(0);
  const third = await order('WORK-0003', { intake: 'recall', warrantyUntil: '2027-01-31' });
  expect((await note(third.id, 'diagnosed', { fault: 'SW-BOOT' })).code).toBe(0);
  expect((await note(third.id, 'labour', { minutes: 30, costYen: 2_000 })).code).toBe(0);
  expect((await note(third.id, 'closed', { outcome: 'beyond-repair', grade: 'none' })).code).toBe(0);

  const lines = (await list(true)).out.trimEnd().split('\n');
  expect(lines[0]).toMatch(/^ID +SERIAL +FAULT +OUTCOME +COST +SINCE$/);
  const bySerial = lines.slice(1).map((line) => line.split(/ {2,}/).slice(1, 5));
  expect(bySerial.toSorted(([one = ''], [other = '']) => (one < other ? -1 : 1))).toEqual([
    ['WORK-0001', '(SW-BOOT)', '…', '¥0'],
    ['WORK-0002', '-', 'at its vendor (RMA)', '¥0'],
    ['WORK-0003', 'SW-BOOT', 'beyond repair', '¥2000'],
  ]);
  const japanese = (await list(true, { lang: 'ja' })).out;
  expect(japanese.split('\n')[0]).toMatch(kana);
  expect(japanese).toContain('修理不能');
  const idsOf = (text: string) =>
    z
      .array(workOrderView)
      .parse(JSON.parse(text))
      .map(({ id }) => id);
  expect(idsOf((await list(true, { json: true })).out).toSorted()).toEqual([first.id, second.id, third.id].toSorted());
  expect(idsOf((await list(false, { json: true })).out).toSorted()).toEqual([first.id, second.id].toSorted());
  const shown = await run((all) => showWork(all, third.id), { lang: 'ja' });
  expect(shown.out).toMatch(/WORK-0003[^]+修理不能[^]+30 分[^]+リコール {2}保証期間内[^]+起動不良[^]+作業 {2}30 分/);
  expect(shown.out).not.toContain('{');
});

test('a list of work orders is read in pages, each of which begins where the last ended', async () => {
  const pages: string[] = [];
  for (let next: string | null = ''; next !== null; ) {
    const { body } = await house.call('GET', `/workshop/orders?limit=1${next && `&cursor=${next}`}`);
    const answer = page(workOrderView).parse(body);
    pages.push(...answer.items.map(({ serial }) => serial));
    next = answer.next;
  }
  expect(pages.toSorted()).toEqual(['WORK-0001', 'WORK-0002', 'WORK-0003']);
  expect((await house.call('GET', '/workshop/orders?cursor=bm9uZQ')).body).toMatchObject({ code: 'INPUT_INVALID' });
  expect((await house.call('GET', '/workshop/orders?limit=501')).status).toBe(400);
});

test('a part that was taken out lies in its drawer until it is fitted, once', async () => {
  const [open = { id: '' }, dead = { id: '' }] = (
    z.array(workOrderView).parse(JSON.parse((await list(true, { json: true })).out)) ?? []
  )
    .filter(({ serial }) => serial !== 'WORK-0002')
    .toSorted((one, other) => (one.serial < other.serial ? -1 : 1));
  const parts = async (lying: boolean, lang = 'en') =>
    (await run((all) => listParts(all, { part: 'BAT-2600', lying }), { lang })).out
      .trimEnd()
      .split('\n')
      .slice(1)
      .map((line) =>
        line
          .trim()
          .split(/ {2,}/)
          .filter((cell) => !/^\d{4}-/.test(cell)),
      );
  expect((await note(dead.id, 'part-harvested', { part: 'BAT-2600' })).code).toBe(0);
  expect((await note(dead.id, 'part-harvested', { part: 'PRH-58' })).code).toBe(0);
  expect(await parts(true)).toEqual([['BAT-2600', 'WORK-0003', 'in its drawer']]);
  const fit = { part: 'BAT-2600', costYen: 0, from: 'WORK-0003' };
  expect((await note(open.id, 'part-fitted', fit)).code).toBe(0);
  expect((await note(open.id, 'part-fitted', fit)).err).toContain('WORK_PART_UNKNOWN: ');
  expect(await parts(true)).toEqual([]);
  expect(await parts(false, 'ja')).toEqual([['BAT-2600', 'WORK-0003', 'WORK-0001']]);
});

test('bought parts are counted: received, fitted, counted, adjusted, and never below zero', async () => {
  await takeIn('WORK-0020');
  const { id } = await order('WORK-0020', { intake: 'fault' });
  const stock = (kind: string, options: StockOptions, how = {}) =>
    run((all) => noteStock(all, 'FUSE-1', kind, options), how);
  const fit = () => note(id, 'part-fitted', { part: 'FUSE-1', costYen: 80 });
  for (const lang of ['en', 'ja']) {
    const refused = await run((all) => noteWork(all, id, 'part-fitted', { part: 'FUSE-1', costYen: 80 }), { lang });
    expect(refused.err).toMatch(/^STOCK_BELOW_ZERO: [^]+part=FUSE-1[^]+lying=0[^]+tsunagu workshop stock note/);
    expect(kana.test(refused.err)).toBe(lang === 'ja');
  }
  expect((await run((all) => showStock(all, 'FUSE-1'))).err).toContain('STOCK_UNKNOWN: ');
  expect((await stock('minimum', { minimum: 2 })).out).toMatch(/FUSE-1: 0 lie there, minimum 2\n.*below its minimum/);
  expect((await stock('received', { count: 3, receipt: 'D-5' })).out).toBe('FUSE-1: 3 lie there, minimum 2\n');
  expect((await fit()).code).toBe(0);
  expect((await stock('counted', { count: 1 }, { lang: 'ja' })).out).toMatch(
    /在庫 1、最低数 2\n.*最低数を下回っています/,
  );
  expect((await stock('adjusted', { change: -2, reason: 'broken' })).err).toContain('STOCK_BELOW_ZERO: ');
  expect((await stock('adjusted', { change: 0, reason: 'broken' })).err).toContain('STOCK_UNCHANGED: ');
  expect((await stock('received', { count: 100_000, receipt: 'D-6' })).err).toContain('STOCK_TOO_LARGE: ');
  for (const [kind, options] of [
    ['adjusted', { change: -1 }],
    ['received', { count: 1 }],
    ['received', { count: 0, receipt: 'D-7' }],
    ['counted', { count: -1 }],
    ['stolen', { count: 1 }],
    ['minimum', {}],
  ] as const)
    expect((await stock(kind, options)).err, kind).toContain('OPTION_INVALID: ');
  expect((await run((all) => noteStock(all, 'fuse 1', 'counted', { count: 1 }))).err).toContain('OPTION_INVALID: ');
  expect((await stock('adjusted', { change: -1, reason: 'broken' })).out).toContain('FUSE-1: 0 lie there');
  expect((await fit()).err).toContain('STOCK_BELOW_ZERO: ');
  const moves = (await run((all) => showStock(all, 'FUSE-1'))).out.trimEnd().split('\n').slice(1);
  expect(moves.map((line) => line.split(/ {2,}/).slice(2))).toEqual([
    ['adjusted', '-1', '0', 'broken'],
    ['counted', '-1', '1'],
    ['fitted', '-1', '2', 'WORK-0020'],
    ['received', '+3', '3', 'D-5'],
    ['minimum set', '0', '0', '2'],
  ]);
  await run((all) => noteStock(all, 'FUSE-2', 'received', { count: 9, receipt: 'D-8' }));
  const listed = async (low: boolean) =>
    z
      .array(partStockView)
      .parse(JSON.parse((await run((all) => listStock(all, low), { json: true })).out))
      .map(({ part, count, isLow }) => [part, count, isLow]);
  expect(await listed(false)).toEqual([
    ['FUSE-1', 0, true],
    ['FUSE-2', 9, false],
  ]);
  expect(await listed(true)).toEqual([['FUSE-1', 0, true]]);
});

test('a bought part that falls below its minimum is told on the timeline of the terminal that it went into, once', async () => {
  await takeIn('WORK-0078');
  const { id } = await order('WORK-0078', { intake: 'fault' });
  const move = (kind: string, options: object) => run((all) => noteStock(all, 'FUSE-78', kind, options));
  expect((await move('received', { count: 3, receipt: 'D-9' })).out).toContain('FUSE-78: 3 lie there');
  expect((await move('minimum', { minimum: 2 })).out).toContain('minimum 2');
  const told: number[] = [];
  for (let turn = 0; turn < 3; turn++) {
    expect((await run((all) => noteWork(all, id, 'part-fitted', { part: 'FUSE-78', costYen: 1 }))).code).toBe(0);
    const { body } = await house.call('GET', '/terminals/WORK-0078/timeline');
    told.push(JSON.stringify(body).match(/"code":"STOCK_LOW","part":"FUSE-78","count":1,"minimum":2/g)?.length ?? 0);
  }
  expect(told, JSON.stringify((await house.call('GET', '/terminals/WORK-0078/timeline')).body)).toEqual([0, 1, 1]);
});

test('what a vendor sent instead comes on the inventory, and what it kept ends with a certificate of death', async () => {
  const api = { api: { url: house.house.managementUrl }, token };
  const [mori, sato] = [await signedIn(api, 'mori', ['operator']), await signedIn(api, 'sato', ['admin'])];
  const made = await mori.call('POST', '/tokens', { name: 'bench', roles: ['operator'] });
  const own = openClient({ url: house.house.managementUrl, token: String(made.body.token) }, house.world, patientMs);
  const [old, fresh] = ['WORK-0030', 'WORK-0031'];
  await takeIn(old);
  const { id } = await order(old, { intake: 'fault', fault: 'SW-BOOT' });
  expect((await note(id, 'rma-in', { outcome: 'replaced', costYen: 0, replacement: fresh })).err).toContain('rma-out');
  expect((await note(id, 'rma-out', { vendor: 'Toshiba TEC', number: 'R-30' })).code).toBe(0);
  writeFileSync(join(folder, 'letter.jpg'), 'what the vendor wrote');
  const proof = {
    destroyed: 'crushed',
    destroyedAt: '2026-01-02T00:00:00Z',
    photo: join(folder, 'letter.jpg'),
    owedDeclared: 'its board was burnt; the journal is whole',
    silentSince: '2026-01-01T00:00:00Z',
  };
  const back = (options: NoteOptions, lang = 'en') =>
    run((all) => noteWork({ ...all, client: own }, id, 'rma-in', { outcome: 'replaced', costYen: 9_000, ...options }), {
      lang,
    });
  for (const lang of ['en', 'ja'])
    for (const [expected, options] of [
      ['WORK_REPLACEMENT_UNNAMED', proof],
      ['WORK_REPLACEMENT_UNNAMED', { ...proof, outcome: 'repaired', replacement: fresh }],
      ['LIFECYCLE_EVIDENCE_MISSING', { replacement: fresh }],
      ['LIFECYCLE_EVIDENCE_MISSING', { ...proof, owedDeclared: undefined, replacement: fresh }],
      ['TERMINAL_EXISTS', { ...proof, replacement: old }],
      ['TERMINAL_EXISTS', { ...proof, replacement: 'WORK-0001' }],
      ['MODEL_UNKNOWN', { ...proof, replacement: fresh, replacementModel: 'CT-9' }],
      ['OPTION_INVALID', { ...proof, replacement: '!' }],
    ] as const) {
      const refused = await back(Object.fromEntries(Object.entries(options).filter(([, value]) => value)), lang);
      expect(refused.err, refused.out).toContain(`${expected}: `);
      expect(kana.test(refused.err.replaceAll(/"[^"]*"/g, ''))).toBe(lang === 'ja');
    }
  // Nothing of what was refused is there.
  expect((await house.call('GET', `/terminals/${fresh}`)).status).toBe(404);
  const done = await back({ ...proof, replacement: fresh });
  expect([done.code, done.err]).toEqual([5, '']);
  expect(done.out).toMatch(
    /replaced by its vendor[^]+→ WORK-0031[^]+WORK-0031 is on the inventory as ordered[^]+approve/,
  );
  expect((await house.call('GET', `/terminals/${fresh}`)).body).toMatchObject({
    model: 'CT-5100',
    lifecycle: 'ordered',
    replaces: old,
    replacedBy: null,
  });
  expect((await house.call('GET', `/terminals/${old}`)).body).toMatchObject({ replaces: null, replacedBy: fresh });
  expect((await note(id, 'labour', { minutes: 1, costYen: 0 })).err).toContain('WORK_CLOSED: ');
  expect((await run((all) => showDeath(all, old))).err).toContain('DEATH_UNKNOWN: ');
  const { pending } = lifecycleView.parse((await house.call('GET', `/terminals/${old}/lifecycle`)).body);
  const decided = await sato.call('POST', `/approvals/${pending?.approval}/decisions`, { verdict: 'approved' });
  expect(decided.status).toBe(200);

  const died = await run((all) => showDeath(all, old));
  expect(died.out).toMatch(
    /Certificate of death[^]+crushed[^]+Its vendor sent instead {2}WORK-0031[^]+Toshiba TEC R-30/,
  );
  expect(died.out).toContain('materials were not weighed');
  expect((await run((all) => showDeath(all, old), { lang: 'ja' })).out).toMatch(
    /端末廃棄証明書[^]+圧壊[^]+材料は未計量/,
  );
  const file = join(folder, 'death.json');
  expect((await run((all) => showDeath(all, old, file))).out).toBe(`${file}\n`);
  expect((await run((all) => showDeath(all, old, file))).err).toContain('FILE_EXISTS: ');
  const verified = await run(({ console, json }) => verifyRecord(console, json, file));
  expect([verified.code, verified.out]).toEqual([0, expect.stringContaining('Certificate of death')]);
  const forged = join(folder, 'forged.json');
  writeFileSync(forged, readFileSync(file, 'utf8').replace('R-30', 'R-31'));
  expect((await run(({ console, json }) => verifyRecord(console, json, forged))).err).toContain('KEY_RECORD_INVALID: ');
  const paper = join(folder, 'death.pdf');
  expect((await run((all) => showDeath(all, old, paper), { lang: 'ja' })).code).toBe(0);
  expect(readFileSync(paper).subarray(0, 5).toString('latin1')).toBe('%PDF-');
  // What is dead shows no keys, and says why.
  for (const [lang, says] of [
    ['en', 'destroyed'],
    ['ja', '破棄済'],
  ] as const) {
    const row = (await run((all) => listTerminals(all, old), { lang })).out;
    expect(row).toContain(says);
    expect((await run((all) => listTerminals(all, 'WORK-0001'), { lang })).out).not.toContain(says);
    expect((await run((all) => showTerminal(all, old), { lang })).out).toContain(says);
  }
  const figures = z
    .object({ finished: z.number() })
    .parse(JSON.parse((await run((all) => showFigures(all, untilNow()), { json: true })).out));
  expect(figures.finished).toBeGreaterThan(0);
});

test('what is wrong with a step is said in both languages, with what to do about it', async () => {
  await takeIn('WORK-0009');
  const { id } = await order('WORK-0009', { intake: 'fault' });
  const nowhere = crypto.randomUUID();
  writeFileSync(join(folder, 'nonsense.json'), '{}');
  for (const [expected, work] of [
    ['TERMINAL_UNKNOWN', (all) => openWorkOrder(all, 'NOBODY-0001', { intake: 'fault' })],
    ['OPTION_INVALID', (all) => openWorkOrder(all, '!', { intake: 'fault' })],
    ['OPTION_INVALID', (all) => openWorkOrder(all, 'WORK-0009', { intake: 'whim' })],
    ['OPTION_INVALID', (all) => openWorkOrder(all, 'WORK-0009', { intake: 'fault', fault: 'GHOST' })],
    ['OPTION_INVALID', (all) => openWorkOrder(all, 'WORK-0009', { intake: 'fault', warrantyUntil: 'soon' })],
    ['WORK_OPEN', (all) => openWorkOrder(all, 'WORK-0009', { intake: 'fault' })],
    ['WORK_UNKNOWN', (all) => showWork(all, nowhere)],
    ['WORK_UNKNOWN', (all) => showWork(all, '../terminals')],
    ['WORK_UNKNOWN', (all) => noteWork(all, nowhere, 'labour', { minutes: 1, costYen: 0 })],
    ['OPTION_INVALID', (all) => noteWork(all, id, 'hammered', {})],
    ['OPTION_INVALID', (all) => noteWork(all, id, 'labour', { minutes: 0, costYen: 0 })],
    ['OPTION_INVALID', (all) => noteWork(all, id, 'labour', { minutes: 1 })],
    ['OPTION_INVALID', (all) => noteWork(all, id, 'labour', { minutes: 1, costYen: 0, part: 'BAT-2600' })],
    ['OPTION_INVALID', (all) => noteWork(all, id, 'labour', { minutes: 1, costYen: 0, from: 'WORK-0009' })],
    ['OPTION_INVALID', (all) => noteWork(all, id, 'diagnosed', { fault: 'GHOST' })],
    ['FILE_UNREADABLE', (all) => noteWork(all, id, 'bench-test', { attestation: join(folder, 'none') })],
    ['ATTESTATION_INVALID', (all) => noteWork(all, id, 'bench-test', { attestation: join(folder, 'nonsense.json') })],
    ['WORK_NOT_READY', (all) => noteWork(all, id, 'closed', { outcome: 'repaired', grade: 'A' })],
    ['INPUT_INVALID', (all) => showFigures(all, { from: '2026-02-01', to: '2026-01-01' })],
    ['DEATH_UNKNOWN', (all) => showDeath(all, 'WORK-0009')],
    ['INPUT_INVALID', (all) => showFigures(all, { from: 'yesterday', to: '2026-01-01' })],
  ] satisfies readonly (readonly [string, (context: Context) => Promise<number>])[])
    for (const lang of ['en', 'ja']) {
      const ran = await run(work, { lang });
      expect(ran.err, `${lang} ${expected} ${String(work)}`).toContain(`${expected}: `);
      expect([ran.code === 0, ran.out]).toEqual([false, '']);
      expect(kana.test(ran.err.replaceAll(/"[^"]*"/g, '')), ran.err).toBe(lang === 'ja');
    }
});

test('a value that is refused is refused with what would be taken', async () => {
  const fault = await run((all) => openWorkOrder(all, 'WORK-0009', { intake: 'fault', fault: 'GHOST' }));
  expect(fault.err).toContain('(--fault, wants=RD-CONTACT | RD-STRIPE | ');
  const date = await run((all) => openWorkOrder(all, 'WORK-0009', { intake: 'fault', warrantyUntil: 'soon' }));
  expect(date.err).toContain('wants=YYYY-MM-DD');
  const out = join(folder, 'no-claim.json');
  const more = { model: 'CT-5100', merchant: 'm', shop: 's', lane: '', state: 'ordered', out, seal: ['S1'] };
  const seal = await run((all) => registerTerminal(all, 'WORK-0010', more));
  // The option that was typed, and an example; no name of a field, and no pattern.
  expect(seal.err).toContain('(--seal)');
  expect(seal.err).toContain('For example: --seal SEAL-0001');
  expect(seal.err).not.toMatch(/seals\.0|\^\[/);
  await takeIn('WORK-0077');
  const { id } = await order('WORK-0077', { intake: 'fault' });
  const cost = await run((all) => noteWork(all, id, 'labour', { minutes: 1 }));
  expect(cost.err).toContain('(--cost-yen)');
  expect(cost.err).toContain('--cost-yen 1200');
  const early = await run((all) => noteWork(all, id, 'closed', { outcome: 'repaired', grade: 'none' }));
  for (const wanted of ['diagnosed --fault CODE', 'bench-test --attestation FILE', '--grade A'])
    expect(early.err).toContain(wanted);
  expect(existsSync(out)).toBe(false);
});

test('a terminal is registered from the command line, and its claim is never lost between server and file', async () => {
  const out = join(folder, 'claim.json');
  const options = { model: 'CT-5100', merchant: 'm', shop: 's', lane: '', state: 'ordered', out };
  const more = { seal: ['S-1001'], connections: 2 };
  const done = await run((all) => registerTerminal(all, 'REG-0001', { ...options, ...more }));
  expect(done, done.err).toMatchObject({ code: 0, err: '' });
  expect(claimBundle.parse(JSON.parse(readFileSync(out, 'utf8')))).toMatchObject({ serial: 'REG-0001' });
  expect(statSync(out).mode & 0o777).toBe(0o600);
  expect((await house.call('GET', '/terminals/REG-0001/lifecycle')).body).toMatchObject({
    state: 'ordered',
    standing: { seals: ['S-1001'], connections: 2 },
  });
  const nowhere = join(folder, 'no', 'folder', 'claim.json');
  const fresh = join(folder, 'fresh.json');
  for (const [expected, serial, change] of [
    ['OPTION_INVALID', 'reg 2', {}],
    ['OPTION_INVALID', 'REG-0002', { state: 'scrap' }],
    ['OPTION_INVALID', 'REG-0002', { seal: ['!'] }],
    ['MODEL_UNKNOWN', 'REG-0002', { model: 'PDP-11' }],
    ['TERMINAL_EXISTS', 'REG-0001', {}],
    ['FILE_UNWRITABLE', 'REG-0002', { out: nowhere }],
  ] as const)
    for (const lang of ['en', 'ja']) {
      const ran = await run((all) => registerTerminal(all, serial, { ...options, out: fresh, ...change }), { lang });
      expect(ran.err, expected).toContain(`${expected}: `);
      expect([ran.code === 0, ran.out, kana.test(ran.err)]).toEqual([false, '', lang === 'ja']);
      // A refusal leaves no file behind, and a file that cannot be written registers nobody.
      expect(existsSync(fresh)).toBe(false);
      expect((await house.call('GET', '/terminals/REG-0002')).status).toBe(404);
    }
  const before = readFileSync(out, 'utf8');
  expect((await run((all) => reissueClaim(all, 'REG-0001', nowhere))).err).toContain('FILE_UNWRITABLE: ');
  expect((await run((all) => reissueClaim(all, 'NOBODY-01', out))).err).toContain('TERMINAL_UNKNOWN: ');
  expect(readFileSync(out, 'utf8')).toBe(before);
  expect((await run((all) => reissueClaim(all, 'REG-0001', out))).code).toBe(0);
  expect(readFileSync(out, 'utf8')).not.toBe(before);
});
