import { spawnSync } from 'node:child_process';
import { createHash, generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { lifecycleEdges } from '@tsunagu/protocols/fleet';
import { buildCertificate, toPem } from '@tsunagu/protocols/x509';
import { afterAll, expect, test } from 'vitest';
import { newFolder, removeFolder } from '../core/support.ts';

// The verifier of the assessor's pack alone, on packs that no house wrote: all that terminals swore to about keys that are gone.
const folder = newFolder();
afterAll(() => removeFolder(folder));
const verifier = fileURLToPath(new URL('../../../cli/verifier/verify.mjs', import.meta.url));
const serial = 'JTC17-0001';
const job = 'job-1';
const at = '2026-05-01T00:00:00.000Z';
const gone = [{ slot: 'dukpt', kcv: 'AABBCCDDEE' }];

/** A terminal with a certificate, and its word. */
function terminal(name: string) {
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const certificate = toPem(
    'CERTIFICATE',
    buildCertificate(
      {
        serialNumber: randomBytes(8),
        subject: { commonName: name },
        publicKey: pair.publicKey,
        notBefore: Date.parse('2026-01-01'),
        notAfter: Date.parse('2027-01-01'),
        use: { kind: 'leaf', purposes: ['clientAuth'], names: [] },
      },
      { name: { commonName: 'ca' }, privateKey: pair.privateKey },
    ),
  );
  return (said: object) => {
    const statement = JSON.stringify(said);
    const signature = sign('sha256', Buffer.from(statement), pair.privateKey).toString('base64');
    return { statement, signature, certificate };
  };
}
const [own, stranger] = [terminal(serial), terminal('JTC17-0002')];

const said = { serial, job, at, host: 'a', next: null as string | null, protectionKey: 'CC', gone, left: 0 };
const release = (change: object = {}, swear = own, word: object = {}) => ({
  kind: 'release',
  serial,
  job,
  at,
  host: 'tr34/kdh',
  next: null,
  protectionKey: 'CC',
  gone,
  orderedBy: 'olga',
  approvedBy: 'anna',
  ...swear({ ...said, ...word }),
  ...change,
});
const key = (change: object = {}) => ({
  kind: 'key',
  id: 'k',
  serial,
  ...gone[0],
  initialKeyId: null,
  parent: 'bdk/1',
  state: 'destroyed',
  allocatedAt: '2026-04-01T00:00:00.000Z',
  loadedAt: null,
  ...change,
});
const wipe = (change: object = {}, swear = own, word: object = {}) => ({
  kind: 'wipe',
  serial,
  job,
  at,
  orderedBy: 'olga',
  approvedBy: 'anna',
  ...swear({ serial, job, attempt: 1, boot: 1, at, removed: 4, keys: 0, left: [], ...word }),
  ...change,
});
const report = (change: object = {}) => ({
  kind: 'report',
  job: 'test',
  serial,
  type: 'terminal.test',
  at,
  orderedBy: 'olga',
  report: { selfTest: [{ part: 'store', result: 'passed' }] },
  ...change,
});
const evidence = { wipeProof: { by: 'job', job }, tests: { by: 'job', job: 'test' } };
const step = (change: object = {}) => ({
  kind: 'step',
  id: 1,
  serial,
  at,
  from: 'wipe',
  to: 'redeploy',
  by: 'olga',
  approvedBy: null,
  reason: '',
  evidence,
  isInTime: true,
  ...change,
});

let packs = 0;
const house = generateKeyPairSync('ed25519');
const sum = (text: string) => createHash('sha256').update(text).digest('hex');
/** What a house signs. */
function recordOf(said: object, by = house) {
  const spki = by.publicKey.export({ format: 'der', type: 'spki' });
  const payload = JSON.stringify(said);
  const sig = sign(null, Buffer.from(`tsunagu-key-record-v1\n${payload}`), by.privateKey).toString('base64url');
  const kid = createHash('sha256').update(spki).digest('hex').slice(0, 16);
  return { document: { payload, kid, sig }, publicKey: spki.toString('base64') };
}
/** What a house that showed these files signs. */
function sealOf(files: Readonly<Record<string, string>>, more: object = {}) {
  const sums = Object.entries(files).map(([name, text]) => [name, { lines: 0, sha256: sum(text) }]);
  return recordOf({
    record: 'pack',
    from: '2026-01-01',
    to: '2027-01-01',
    at,
    files: Object.fromEntries(sums),
    ...more,
  });
}

/** `change`: what somebody does to a pack before they write its manifest anew. */
function verify(
  parts: Readonly<Record<string, readonly object[]>>,
  without: readonly string[] = [],
  change: (files: Record<string, string>) => void = () => undefined,
  args: readonly string[] = [],
) {
  const pack = join(folder, String((packs += 1)));
  mkdirSync(pack);
  const empty = 'devices steps inspections keys releases wipes deaths reports house runs custody audit'.split(' ');
  const files = Object.fromEntries([
    ...empty.map((name) => [`${name}.jsonl`, (parts[name] ?? []).map((line) => `${JSON.stringify(line)}\n`).join('')]),
    ['edges.json', JSON.stringify(lifecycleEdges)],
    ['clauses.json', '{}'],
    ['verify.mjs', readFileSync(verifier, 'utf8')],
  ]) as Record<string, string>;
  files['seal.json'] = JSON.stringify(sealOf(files));
  change(files);
  for (const name of without) delete files[name];
  for (const [name, text] of Object.entries(files)) writeFileSync(join(pack, name), text);
  const sums = Object.entries(files).map(([name, text]) => {
    return [name, { sha256: sum(text) }];
  });
  const manifest = { v: 1, from: '2026-01-01', to: '2027-01-01', files: Object.fromEntries(sums) };
  writeFileSync(join(pack, 'manifest.json'), JSON.stringify(manifest));
  const { status, stdout } = spawnSync(process.execPath, [join(pack, 'verify.mjs'), ...args], {
    cwd: tmpdir(),
    encoding: 'utf8',
  });
  return { status, findings: stdout.split('\n').filter((line) => /^\w+\.(?:jsonl?|txt): /.test(line)) };
}
const right = { status: 0, findings: [] };
const wrong = (...findings: readonly string[]) => ({
  status: 1,
  findings: findings.map((each) => expect.stringContaining(each)),
});

test('a key that a terminal swore to have destroyed does not count in the ledger', () => {
  expect(verify({ releases: [release()], keys: [key()] })).toEqual(right);
  for (const state of ['loaded', 'allocated'])
    expect(verify({ releases: [release()], keys: [key({ state })] }), state).toEqual(
      wrong('dukpt AABBCCDDEE is gone, and counts in the ledger'),
    );
  for (const [why, change] of [
    ['it was given after that', { allocatedAt: '2026-05-02T00:00:00.000Z' }],
    ['another key', { kcv: '0011223344' }],
    ['another slot', { slot: 'pin/a' }],
    ['another terminal', { serial: 'JTC17-0002' }],
  ] as const)
    expect(verify({ releases: [release()], keys: [key({ state: 'loaded', ...change })] }), why).toEqual(right);
  // Every terminal has the key of the negative list, and gets it again.
  const negative = [{ slot: 'negative', kcv: 'AABBCCDDEE' }];
  expect(
    verify({
      releases: [release({ gone: negative }, own, { gone: negative })],
      keys: [key({ state: 'loaded', slot: 'negative' })],
    }),
  ).toEqual(right);
  // Bound to another host it keeps its keys.
  expect(
    verify({ releases: [release({ next: 'tr34/kdh/2' }, own, { next: 'b' })], keys: [key({ state: 'loaded' })] }),
  ).toEqual(right);
}, 120_000);

test('a release is its terminal’s own word, whole, and was wanted by two', () => {
  for (const [finding, changed] of [
    ['not signed by its terminal', release({}, stranger)],
    ['not signed by its terminal', release({ statement: JSON.stringify({ ...said, left: 1 }) })],
    ['is not what the terminal swore to', release({}, own, { serial: 'JTC17-0002' })],
    ['is not what the terminal swore to', release({ job: 'job-2' })],
    ['is not what the terminal swore to', release({ protectionKey: 'DD' })],
    ['is not what the terminal swore to', release({ gone: [] })],
    ['is not what the terminal swore to', release({ next: 'tr34/kdh/2' })],
    ['unbound, and has keys left', release({}, own, { left: 1 })],
    ['ordered by one person alone', release({ approvedBy: null })],
    ['ordered by one person alone', release({ approvedBy: 'olga' })],
  ] as const)
    expect(verify({ releases: [changed] }), finding).toEqual(wrong(finding));
}, 120_000);

test('a wipe is its terminal’s own word, and no step stands on one that nobody swore to', () => {
  expect(verify({ wipes: [wipe()], reports: [report()], steps: [step()] })).toEqual(right);
  const unsworn = 'no terminal swore to this wipe';
  for (const [finding, changed] of [
    ['not signed by its terminal', wipe({}, stranger)],
    ['is not what the terminal swore to', wipe({}, own, { serial: 'JTC17-0002' })],
    ['is not what the terminal swore to', wipe({}, own, { job: 'job-2' })],
    ['is not what the terminal swore to', wipe({}, own, { keys: 1 })],
  ] as const)
    expect(verify({ wipes: [changed], reports: [report()], steps: [step()] }), finding).toEqual(
      wrong(finding, unsworn),
    );
  expect(verify({ reports: [report()], steps: [step()] })).toEqual(wrong(unsworn));
  const other = 'JTC17-0002';
  const reports = [report({ serial: other })];
  expect(verify({ wipes: [wipe()], reports, steps: [step({ serial: other })] })).toEqual(wrong(unsworn));
}, 120_000);

test('a step stands on what its own terminal reported, and on nothing else', () => {
  const untested = 'no report of a passed test';
  const steps = [step({ evidence: { ...evidence, wipeProof: { by: 'destruction' } }, approvedBy: 'anna' })];
  expect(verify({ reports: [report()], steps })).toEqual(right);
  for (const change of [
    { job: 'another' },
    { serial: 'JTC17-0002' },
    { type: 'terminal.diagnose' },
    { report: {} },
    { report: { selfTest: [{ part: 'store', result: 'failed' }] } },
  ])
    expect(verify({ reports: [report(change)], steps }), JSON.stringify(change)).toEqual(wrong(untested));
  expect(verify({ steps })).toEqual(wrong(untested));

  const returned = [
    step({ from: 'deployed', to: 'returned', evidence: { bagNumber: 'B', nothingOwed: { by: 'job', job: 'look' } } }),
  ];
  const look = (queues: object, change: object = {}) =>
    report({ job: 'look', type: 'terminal.diagnose', report: { diagnostics: { queues } }, ...change });
  const none = { reversals: 0, advices: 0, sales: 0, jobs: 2 };
  expect(verify({ reports: [look(none)], steps: returned })).toEqual(right);
  expect(verify({ wipes: [wipe({ job: 'look' }, own, { job: 'look' })], steps: returned })).toEqual(right);
  for (const [why, reports] of [
    ['a sale waits', [look({ ...none, sales: 1 })]],
    ['a reversal waits', [look({ ...none, reversals: 1 })]],
    ['an advice waits', [look({ ...none, advices: 1 })]],
    ['it says nothing of them', [look({})]],
    ['another terminal’s', [look(none, { serial: 'JTC17-0002' })]],
    ['a test', [look(none, { type: 'terminal.test' })]],
    ['none', []],
  ] as const)
    expect(verify({ reports, steps: returned }), why).toEqual(wrong('no report says that nothing waits in it'));
}, 120_000);

test('a certificate of death is the house’s own, and says what the rest of the pack says', () => {
  const wipeProof = { by: 'job', job };
  const nothingOwed = { by: 'job', job };
  const recycling = { recycler: 'Eco', receipt: 'R-77', batteryGrams: 40 };
  const end = { from: 'wipe', to: 'scrap', approvedBy: 'anna', evidence: { wipeProof, nothingOwed, recycling } };
  const certificate = {
    serial,
    at,
    by: 'olga',
    approvedBy: 'anna',
    keys: [{ id: 'k' }],
    earlierKeys: 0,
    wipe: wipeProof,
    wipeRecord: wipe(),
    nothingOwed,
    recycling,
  };
  const death = (change: object = {}, by = house, more: object = {}) => ({
    kind: 'death',
    serial,
    record: recordOf({ record: 'death', death: { ...certificate, ...change } }, by),
    ...more,
  });
  const parts = { wipes: [wipe()], keys: [key()], steps: [step(end)] };
  expect(verify({ ...parts, deaths: [death()] })).toEqual(right);
  const lacking = 'was scrapped, and has no certificate of death';
  const bent = death();
  const payload = bent.record.document.payload.replace('R-77', 'R-78');
  for (const [why, deaths, ...findings] of [
    ['none', [], lacking],
    [
      'a byte',
      [{ ...bent, record: { ...bent.record, document: { ...bent.record.document, payload } } }],
      'not signed by its house',
      lacking,
    ],
    ['another house', [death({}, generateKeyPairSync('ed25519'))], 'signed by another than sealed the pack'],
    ['another terminal', [death({ serial: 'JTC17-0002' })], 'is of another terminal', lacking],
    [
      'another record',
      [{ ...bent, record: recordOf({ record: 'run', death: certificate }) }],
      'no certificate',
      lacking,
    ],
    ['a key is left out', [death({ keys: [] })], 'does not name the key k of dukpt'],
    ['another wipe', [death({ wipe: { by: 'job', job: 'job-2' } })], 'no terminal swore to this wipe', 'does not say'],
    ['nobody swore', [death({ wipeRecord: null })], 'no terminal swore to this wipe'],
    ['one person', [death({ approvedBy: null })], 'does not say what the step to its end says'],
    ['another receipt', [death({ recycling: null })], 'does not say what the step to its end says'],
    ['another day', [death({ at: '2026-05-02T00:00:00.000Z' })], 'does not say what the step to its end says'],
  ] as const)
    expect(verify({ ...parts, deaths }), why).toEqual(wrong(...findings));
  const again = [step(end), step({ from: 'scrap', to: 'quarantined', evidence: {} })];
  expect(verify({ ...parts, steps: again, deaths: [death()] })).toEqual(wrong('was not scrapped'));
  expect(verify({ ...parts, steps: again })).toEqual(right);
}, 120_000);

test('nothing is taken out of a pack together with its hash', () => {
  for (const name of ['devices.jsonl', 'seal.json', 'wipes.jsonl', 'reports.jsonl', 'clauses.json']) {
    const { status, findings } = verify({}, [name]);
    expect([status, findings[0]], name).toEqual([1, `${name}: -: is not in the manifest`]);
  }
}, 120_000);

test('what the house showed is sealed: nothing comes in or goes out by a manifest that is written anew', () => {
  const parts = { steps: [step({ from: null, to: 'deployed', evidence: null })], keys: [key(), key({ id: 'l' })] };
  expect(verify(parts)).toEqual(right);
  const changed = (name: string, how: (text: string) => string) =>
    verify(parts, [], (files) => (files[name] = how(files[name] ?? '')));
  for (const [name, how] of [
    ['keys.jsonl', (text: string) => text.slice(text.indexOf('\n') + 1)],
    ['steps.jsonl', () => ''],
    ['devices.jsonl', () => '{"serial":"JTC17-0009"}\n'],
    ['custody.jsonl', (text: string) => `${text}\n`],
    ['edges.json', () => '[]'],
  ] as const)
    expect(changed(name, how), name).toEqual({
      status: 1,
      findings: expect.arrayContaining([`${name}: -: is not what the house signed`]),
    });
  // Two files that change places, a file too many, other days, and the seal of somebody else.
  const swapped = verify(parts, [], (files) => {
    [files['keys.jsonl'], files['steps.jsonl']] = [files['steps.jsonl'] ?? '', files['keys.jsonl'] ?? ''];
  });
  expect(swapped.findings).toEqual(expect.arrayContaining(['keys.jsonl: -: is not what the house signed']));
  const seal = (more: object) =>
    verify(parts, [], (files) => {
      const { 'seal.json': _seal, ...rest } = files;
      files['seal.json'] = JSON.stringify(sealOf(rest, more));
    });
  expect(seal({})).toEqual(right);
  expect(seal({ to: '2026-06-30' })).toEqual(wrong('seal.json: -: is of 2026-01-01 to 2026-06-30'));
  expect(seal({ record: 'run' })).toEqual(wrong('seal.json: -: is no seal of a pack'));
  expect(changed('seal.json', (text) => text.replace('2026-01-01', '2026-01-02'))).toEqual(
    wrong('seal.json: -: not signed by its house'),
  );
  expect(verify(parts, [], undefined, ['--signer', '0123456789abcdef'])).toEqual(wrong('is not the signer to trust'));
  expect(verify(parts, [], undefined, ['--signer', sealOf({}).document.kid])).toEqual(right);
}, 120_000);

test('a file that belongs to no pack is seen', () => {
  expect(verify({})).toEqual(right);
  const pack = join(folder, String(packs));
  writeFileSync(join(pack, 'more.jsonl'), '{}');
  const { status, stdout } = spawnSync(process.execPath, [join(pack, 'verify.mjs')], { encoding: 'utf8' });
  expect([status, stdout]).toEqual([1, expect.stringContaining('more.jsonl: -: is no part of the pack')]);
});
