import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { startTerminal } from '@tsunagu/firmware-bridge/agent/index';
import { openCardSide } from '@tsunagu/firmware-bridge/payment/index';
import { deathPdf } from '@tsunagu/fleet-server/refurbish/index';
import {
  type DeathCertificate,
  deathInWords,
  flawOf,
  job,
  keyRecord,
  terminalDetail,
  verifyKeyRecord,
} from '@tsunagu/protocols/fleet';
import { unwrap } from '@tsunagu/protocols/kit';
import { systemWorld } from '@tsunagu/protocols/world';
import { openClient } from 'tsunagu/client/index';
import { writePack } from 'tsunagu/commands/evidence';
import { openConsole } from 'tsunagu/console/index';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { MemoryFiles } from '../agent/memory-files.ts';
import { signedIn } from '../audit/support.ts';
import { newFolder, patientMs, removeFolder, type TestHouse, testHouse, until } from '../core/support.ts';
import { textOf } from '../slips/pdf-reader.ts';

const folder = newFolder();
const serial = 'CT5100-0001';
const dayMs = 86_400_000;
let aheadMs = 0;
let house: TestHouse;

beforeAll(async () => {
  house = await testHouse(folder, {
    // The house lives ahead of us, and looks often at what it may forget.
    around: (world) => ({
      ...world,
      clock: { ...world.clock, now: () => world.clock.now() + aheadMs },
      timers: { ...world.timers, every: (ms, work) => world.timers.every(Math.min(ms, 500), work) },
    }),
  });
});
afterAll(async () => {
  await house?.house.close();
  removeFolder(folder);
});

it('what a terminal swore to when it was wiped outlives its job, and is evidence for its end and for an assessor', async () => {
  const { token } = JSON.parse(readFileSync(join(folder, 'access.json'), 'utf8')) as { token: string };
  const api = { api: { url: house.house.managementUrl }, token };
  const signIn = async (one: string, other: string) =>
    [await signedIn(api, one, ['operator']), await signedIn(api, other, ['admin'])] as const;
  let [mori, sato] = await signIn('mori', 'sato');
  const claim = await house.register(serial);
  const files = new MemoryFiles(
    new Map([
      [
        'claim.json',
        Buffer.from(JSON.stringify({ ...claim, endpoints: { ...claim.endpoints, ...house.house.ports } })),
      ],
    ]),
  );
  const terminal = unwrap(await startTerminal({ world: systemWorld(() => undefined), files, openCardSide }));
  unwrap(await terminal.connected);
  const detail = async () => terminalDetail.parse((await house.call('GET', `/terminals/${serial}`)).body);
  await until('keys', async () => (await detail()).keys.length === 2);

  const ordered = await mori.call('POST', `/terminals/${serial}/jobs`, { job: { type: 'terminal.wipe', params: {} } });
  const { id } = job.parse(ordered.body);
  expect((await sato.call('POST', `/jobs/${id}/approval`, {})).status).toBe(202);
  const certificateNow = () => house.call('GET', `/terminals/${serial}/wipe-certificate`);
  await until('the certificate', async () => (await certificateNow()).status === 200);
  await terminal.stop();
  const before = (await certificateNow()).body;
  expect(before).toMatchObject({ serial, job: id, orderedBy: 'mori', approvedBy: 'sato' });

  // It lies on a shelf for half a year.
  aheadMs = 180 * dayMs;
  await until('its job to be forgotten', async () => (await house.call('GET', `/jobs/${id}`)).status === 404);
  expect((await certificateNow()).body).toEqual(before);

  [mori, sato] = await signIn('kato', 'abe');
  const photo = 'ab'.repeat(32);
  const wipe = { by: 'job', job: id };
  const move = async (to: string, evidence: object) => {
    const moved = await mori.call('POST', `/terminals/${serial}/lifecycle`, { to, reason: 'worn out', evidence });
    expect(moved.status, JSON.stringify(moved.body)).toBe(200);
    const { pending } = moved.body as unknown as { pending: { approval: string } | null };
    if (pending === null) return;
    const decided = await sato.call('POST', `/approvals/${pending.approval}/decisions`, { verdict: 'approved' });
    expect(decided.status, JSON.stringify(decided.body)).toBe(200);
  };
  await move('returned', { nothingOwed: wipe, bagNumber: 'BAG-0001' });
  await move('inspected', { bagNumber: 'BAG-0001', photo, seals: ['S-1001'], connections: 0 });
  await move('wipe', {});
  const recycling = { recycler: 'Eco', receipt: 'R-77', batteryGrams: 0 };
  const another = { by: 'job', job: crypto.randomUUID() };
  for (const [wipeProof, nothingOwed] of [
    [another, wipe],
    [wipe, another],
  ] as const) {
    const evidence = { wipeProof, nothingOwed, recycling };
    const refused = await mori.call('POST', `/terminals/${serial}/lifecycle`, {
      to: 'scrap',
      reason: 'worn',
      evidence,
    });
    expect(refused.body.code).toBe('LIFECYCLE_EVIDENCE_UNPROVEN');
  }
  await move('scrap', { wipeProof: wipe, nothingOwed: wipe, recycling });

  aheadMs = 800 * dayMs;
  const { model: _, ...sworn } = before as Record<string, unknown>;
  expect((await house.call('GET', `/terminals/${serial}/death-certificate`)).body).toMatchObject({
    liveKeys: 0,
    wipe,
    wipeRecord: sworn,
  });
  // Each key that it had is named, with what ended it: also the one that the others travelled under.
  const record = keyRecord.parse((await house.call('GET', `/terminals/${serial}/death-certificate/record`)).body);
  const verified = unwrap(verifyKeyRecord(record));
  if (verified.record !== 'death') throw new Error('no certificate of death');
  const { death } = verified;
  // A hello between the wipe and its report has keys made that never came.
  const held = death.keys.filter(({ loadedAt }) => loadedAt !== null);
  const named = held.map(({ slot, usage, end, job: by }) => [slot, usage, end, by]);
  expect(named.toSorted(([one = ''], [other = '']) => ((one ?? '') < (other ?? '') ? -1 : 1))).toEqual([
    ['dukpt', 'B1', 'wipe', id],
    ['negative', 'M6', 'wipe', id],
    ['protection', 'K1', 'wipe', id],
  ]);
  expect(death.keys.every(({ kcv, endedAt }) => /^[0-9A-F]{10}$/.test(kcv) && endedAt !== null)).toBe(true);
  expect(flawOf(death)).toBeUndefined();
  const other = { ...death.wipeRecord, statement: death.wipeRecord?.statement.replace('"removed":', '"removed":1') };
  for (const [flaw, changed] of [
    ['wipeRecord', { wipeRecord: null }],
    ['wipeRecord', { wipeRecord: other }],
    ['wipeRecord', { wipeRecord: { ...death.wipeRecord, job: another.job } }],
    ['approvedBy', { approvedBy: null }],
    ['approvedBy', { approvedBy: death.by }],
    ['massBalance', { massBalance: null }],
    ['massBalance', { recycling: { ...recycling, batteryGrams: 1 } }],
  ] as const)
    expect(flawOf({ ...death, ...changed } as DeathCertificate), flaw).toBe(flaw);
  for (const [language, title] of [
    ['ja', '端末廃棄証明書'],
    ['en', 'Certificate of death'],
  ] as const) {
    const words = deathInWords(death, record.document.kid, language);
    expect([words.title, words.keys.length]).toEqual([title, death.keys.length]);
    const printed = textOf(await deathPdf(death, record.document.kid, language));
    for (const said of [title, serial, id, ...words.keys.flat(), ...words.masses.flat(), record.document.kid])
      expect(printed.replaceAll(/\s/g, '')).toContain(said.replaceAll(/\s/g, ''));
  }
  const out = join(folder, 'pack');
  const console = openConsole({ env: {}, stdout: { write: () => undefined }, stderr: { write: () => undefined } });
  const client = openClient({ url: house.house.managementUrl, token }, house.world, patientMs);
  const day = (ms: number) => new Date(Date.now() + ms).toISOString().slice(0, 10);
  const range = { from: day(-dayMs), to: day(900 * dayMs), out };
  expect(await writePack({ world: house.world, console, client, json: false }, range)).toBe(0);
  // Beside this process, whose house may end a kept connection meanwhile.
  const verify = async () => {
    const child = spawn(process.execPath, [join(out, 'verify.mjs')], {
      cwd: tmpdir(),
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [stdout, [status]] = await Promise.all([text(child.stdout), once(child, 'close') as Promise<[number]>]);
    return { status, stdout };
  };
  expect(await verify()).toMatchObject({
    status: 0,
    stdout: expect.stringContaining('1 wipes, 1 certificates of death'),
  });
  const wipes = readFileSync(join(out, 'wipes.jsonl'), 'utf8');
  for (const [bent, finding] of [
    [wipes.replace('\\"removed\\":', '\\"removed\\":1'), 'not signed by its terminal'],
    [wipes.replace(`"job":"${id}"`, `"job":"${another.job}"`), 'is not what the terminal swore to'],
    ['', 'no terminal swore to this wipe'],
  ] as const) {
    writeFileSync(join(out, 'wipes.jsonl'), bent);
    expect(await verify()).toMatchObject({ status: 1, stdout: expect.stringContaining(finding) });
  }
  // Heard of again, by whatever way, it is not dead any more: nothing is certified.
  const seen = await house.call('POST', `/terminals/${serial}/lifecycle`, { to: 'quarantined', reason: 'seen' });
  expect(seen.status).toBe(200);
  expect((await house.call('GET', `/terminals/${serial}/death-certificate/record`)).body.code).toBe('DEATH_IN_DOUBT');
}, 180_000);
