import { benchHolder, benchTest } from '../../bench-test.ts';
import { spawnSync } from 'node:child_process';
import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Holder } from '@tsunagu/protocols/custody';
import { keyRecord, verifyKeyRecord, workOrderView } from '@tsunagu/protocols/fleet';
import { unwrap } from '@tsunagu/protocols/kit';
import { inspection, signInspection } from '@tsunagu/protocols/inspection';
import { openClient } from 'tsunagu/client/index';
import { writePack } from 'tsunagu/commands/evidence';
import { openConsole } from 'tsunagu/console/index';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { signedIn } from '../audit/support.ts';
import { newFolder, patientMs, removeFolder, type TestHouse, testHouse } from '../core/support.ts';
import { chainOf, hand } from './hands.ts';

const folder = newFolder();
const out = join(tmpdir(), `tsunagu-pack-${process.pid}`);
const [depot, kato] = [hand('depot'), hand('kato')];
const photo = 'ab'.repeat(32);
let house: TestHouse;
beforeAll(async () => {
  house = await testHouse(folder);
});
afterAll(async () => {
  await house?.house.close();
  for (const each of [folder, out, `${out}-changed`, `${out}-bare`]) removeFolder(each);
});

const verify = (pack: string) => {
  const { status, stdout } = spawnSync(process.execPath, [join(pack, 'verify.mjs')], {
    cwd: tmpdir(),
    encoding: 'utf8',
  });
  return { status, stdout };
};

/** The day of this moment, as the house counts it. */
const dayNow = (): string => new Date().toISOString().slice(0, 10);

it('takes a terminal from return to scrap, and an assessor can check it without the house', async () => {
  const firstDay = dayNow();
  const { token } = JSON.parse(readFileSync(join(folder, 'access.json'), 'utf8')) as { token: string };
  const api = { api: { url: house.house.managementUrl }, token };
  const [mori, sato] = [await signedIn(api, 'mori', ['operator']), await signedIn(api, 'sato', ['admin'])];
  const serial = 'PACK-0001';
  await house.register(serial);
  for (const { holder } of [depot, kato])
    await house.call('POST', '/custody/holders', { name: holder.name, publicKey: holder.publicKey });
  expect((await house.call('POST', '/custody/handovers', chainOf(serial).next(kato, depot))).status).toBe(200);
  const seen = inspection.parse({
    v: 1,
    id: crypto.randomUUID(),
    serial,
    at: new Date().toISOString(),
    by: kato.holder.kid,
    surface: 'intact',
    seals: ['S-1001'],
    connections: 2,
    photo,
    words: '',
  });
  expect((await house.call('POST', '/inspections', signInspection(seen, kato))).status).toBe(200);

  const move = async (to: string, evidence: object, isByTwo = false) => {
    const moved = await mori.call('POST', `/terminals/${serial}/lifecycle`, { to, reason: 'worn out', evidence });
    expect(moved.status).toBe(200);
    if (!isByTwo) return;
    const pending = (moved.body as unknown as { pending: { approval: string } }).pending;
    expect((await sato.call('POST', `/approvals/${pending.approval}/decisions`, { verdict: 'approved' })).status).toBe(
      200,
    );
  };
  const silentSince = '2026-01-01T00:00:00Z';
  const nothingOwed = { by: 'declaration', words: 'its board was burnt', silentSince };
  const open = (intake: object) => house.call('POST', '/workshop/orders', intake);
  expect((await open({ serial, intake: 'fault' })).body.code).toBe('WORK_NOT_READY');
  await move('returned', { nothingOwed, bagNumber: 'BAG-0001' }, true);
  await move('inspected', { bagNumber: 'BAG-0001', photo, seals: ['S-1001'], connections: 0 });
  await move('refurbish', {});
  const work = workOrderView.parse((await open({ serial, intake: 'fault', reported: 'SW-BOOT' })).body);
  expect((await open({ serial, intake: 'fault' })).body.code).toBe('WORK_OPEN');
  expect((await house.call('GET', '/workshop/orders')).body).toMatchObject({ items: [{ id: work.id, serial }] });
  const next = { serial: 'CT5100-0900', model: 'CT-5100', place: { merchant: 'm', shop: 's' }, lifecycle: 'warehouse' };
  expect((await mori.call('POST', '/terminals', next)).status).toBeLessThan(300);
  const run = await mori.call('POST', '/keys/runs', { name: '春の注入', serials: [next.serial] });
  expect(run.status).toBeLessThan(300);
  const entry = (body: object) => house.call('POST', `/workshop/orders/${work.id}/entries`, body);
  expect((await entry({ kind: 'diagnosed', fault: 'SW-BOOT' })).status).toBe(200);
  expect((await entry({ kind: 'bench-test', attestation: 'nonsense' })).body.code).toBe('ATTESTATION_INVALID');
  // A test of another unit, and one that was noted before something was fitted, are none of what it is now.
  const tested = (order: string) => entry({ kind: 'bench-test', attestation: benchTest(1_767_225_600_000, order) });
  expect((await tested(work.id)).body).toMatchObject({ code: 'WORK_TEST_UNVOUCHED' });
  const bench = (await house.call('POST', '/custody/holders', benchHolder)).body as unknown as Holder;
  expect((await tested('another-order')).body).toMatchObject({ code: 'WORK_TEST_FOREIGN' });
  expect((await tested(work.id)).body).toMatchObject({ hasPassedTest: true });
  const fitted = { kind: 'part-fitted', part: 'BAT-2600', costYen: 900, from: null };
  const received = { kind: 'received', part: 'BAT-2600', count: 1, receipt: 'D-1' };
  expect((await house.call('POST', '/workshop/stock/moves', received)).body).toMatchObject({ count: 1 });
  expect((await entry(fitted)).body).toMatchObject({ hasPassedTest: false });
  expect((await tested(work.id)).body).toMatchObject({ code: 'WORK_TEST_FOREIGN' });
  // The key of a bench that was lost signs no more.
  const lost = await house.call('POST', `/custody/holders/${bench.kid}/revocation`, { reason: 'bench stolen' });
  expect(lost.status).toBe(200);
  const later = entry({ kind: 'bench-test', attestation: benchTest(1_767_225_700_000, work.id) });
  expect((await later).body).toMatchObject({ code: 'CUSTODY_HOLDER_REVOKED' });
  expect((await entry({ kind: 'closed', outcome: 'repaired', grade: 'A' })).body.code).toBe('WORK_NOT_READY');
  expect((await entry({ kind: 'closed', outcome: 'beyond-repair', grade: null })).body).toMatchObject({
    outcome: 'beyond-repair',
  });
  expect((await entry({ kind: 'part-harvested', part: 'BAT-2600' })).status).toBe(200);
  expect((await house.call('GET', `/terminals/${serial}/death-certificate`)).body.code).toBe('DEATH_UNKNOWN');
  const recycling = { recycler: 'Eco', receipt: 'R-77', batteryGrams: 0, materialGrams: { plastic: 700, boards: 300 } };
  const wipeProof = { by: 'destruction', method: 'shredded', photo, at: silentSince };
  await move('scrap', { wipeProof, nothingOwed, recycling }, true);
  expect((await house.call('GET', `/terminals/${serial}/death-certificate`)).body).toMatchObject({
    liveKeys: 0,
    by: 'mori',
    approvedBy: 'sato',
    recycling,
    massBalance: { receiptGrams: 1_000, modelGrams: 1_200, toleranceGrams: 180, verdict: 'short' },
    harvested: ['BAT-2600'],
    keys: [],
  });
  const record = keyRecord.parse((await house.call('GET', `/terminals/${serial}/death-certificate/record`)).body);
  expect(unwrap(verifyKeyRecord(record))).toMatchObject({ record: 'death', death: { serial, recycling } });
  const signedAnew = (from: string, to: string) => {
    const { payload } = record.document;
    return verifyKeyRecord({ ...record, document: { ...record.document, payload: payload.replace(from, to) } });
  };
  expect(signedAnew('R-77', 'R-78')).toMatchObject({ fault: { field: 'signature' } });
  const lastDay = dayNow();
  expect((await house.call('GET', `/workshop/figures?from=${firstDay}&to=${lastDay}`)).body).toMatchObject({
    finished: 1,
    reuseRate: 0,
  });

  const said: string[] = [];
  const console = openConsole({
    env: {},
    stdout: { write: (text: string) => said.push(text) },
    stderr: { write: (text: string) => said.push(text) },
  });
  const client = openClient({ url: house.house.managementUrl, token }, house.world, patientMs);
  const context = { world: house.world, console, client, json: false };
  // No period at all holds nothing that could be wrong: it is refused, here and at the server.
  expect(await writePack(context, { from: firstDay, to: '2020-01-01', out })).toBe(1);
  expect((await house.call('GET', `/assessor/pack?from=${firstDay}&to=2020-01-01`)).body.code).toBe('INPUT_INVALID');
  expect(await writePack(context, { from: firstDay, to: lastDay, out })).toBe(0);
  expect(readdirSync(out).toSorted()).toEqual(
    'audit.jsonl clauses.json custody.jsonl deaths.jsonl devices.jsonl edges.json house.jsonl inspections.jsonl keys.jsonl manifest.json releases.jsonl reports.jsonl runs.jsonl seal.json steps.jsonl verify.mjs wipes.jsonl'.split(
      ' ',
    ),
  );
  // Nothing can be said of a pack whose manifest is gone, and that much is said.
  cpSync(out, `${out}-bare`, { recursive: true });
  rmSync(join(`${out}-bare`, 'manifest.json'));
  expect(verify(`${out}-bare`)).toMatchObject({
    status: 1,
    stdout: expect.stringContaining('manifest.json: -: unreadable'),
  });
  expect(verify(out)).toEqual({
    status: 0,
    stdout: expect.stringMatching(
      /^note: .+30-3 not enforced[^]+6 steps, 1 hand-overs, 1 inspections, 1 injection runs, 0 releases from key hosts, 0 wipes, 1 certificates of death, \d+ audit entries: nothing is wrong/,
    ),
  });

  // Whatever is changed in a pack is found, also by somebody who mends the hashes of the manifest.
  for (const [name, from, to, finding] of [
    ['steps.jsonl', '"approvedBy":"sato"', '"approvedBy":null', 'secondPerson is missing'],
    ['steps.jsonl', '"receipt":"R-77"', '"receipt":"R-78"', 'changed after the pack was written'],
    ['steps.jsonl', '"recycling":', '"recycled":', 'recycling is missing'],
    ['deaths.jsonl', 'R-77', 'R-78', 'not signed by its house'],
    ['steps.jsonl', '"receipt":"R-77"', '"receipt":"R-79"', 'does not say what the step to its end says'],
    ['custody.jsonl', '倉庫', '店舗', 'not signed by both hands'],
    ['inspections.jsonl', 'intact', 'opened', 'not signed by its technician'],
    ['runs.jsonl', 'proposed', 'closed', 'not signed by its house'],
    ['audit.jsonl', '"outcome":"done"', '"outcome":"refused"', 'does not continue the chain'],
    [
      'keys.jsonl',
      '$',
      `{"kind":"key","serial":"${serial}","slot":"dukpt","state":"loaded"}\n`,
      'a live key in a scrapped unit',
    ],
  ] as const) {
    removeFolder(`${out}-changed`);
    cpSync(out, `${out}-changed`, { recursive: true });
    const path = join(`${out}-changed`, name);
    const text = readFileSync(path, 'utf8');
    writeFileSync(path, from === '$' ? text + to : text.replace(from, to));
    const { status, stdout } = verify(`${out}-changed`);
    expect([status, stdout]).toEqual([1, expect.stringContaining(finding)]);
  }
});
