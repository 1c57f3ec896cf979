import { execFileSync } from 'node:child_process';
import { createPrivateKey, generateKeyPairSync, sign } from 'node:crypto';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import {
  type ClaimBundle,
  claimBundle,
  devicePaths,
  importedMoves,
  jobOrder,
  lifecycle,
  lifecycleEdges,
  lifecycleStates,
  lifecycleView,
  manufacturerStatement,
  nextStates,
  permits,
  registeredTerminal,
} from '@tsunagu/protocols/fleet';
import { buildCertificate, newSerialNumber, toPem } from '@tsunagu/protocols/x509';
import { openClient } from 'tsunagu/client/index';
import { showLifecycle } from 'tsunagu/commands/lifecycle';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { signedIn } from '../audit/support.ts';
import {
  device,
  enrol,
  enrolmentOf,
  newFolder,
  newKey,
  patientMs,
  pemOf,
  removeFolder,
  type TestHouse,
  testHouse,
  TestLink,
  until,
} from './support.ts';
import { keptConsole } from '../cli/kept-console.ts';

describe('the table of lives', () => {
  it('reaches every state from a beginning, leads from nowhere to itself, and out of scrap into quarantine only', () => {
    const beginnings = lifecycleStates.filter((state) => 'begins' in lifecycle[state]);
    const reached = new Set(beginnings);
    for (const state of reached) for (const next of nextStates(state)) reached.add(next);
    expect([...reached].toSorted()).toEqual([...lifecycleStates].toSorted());
    expect(lifecycleEdges.filter(({ from, to }) => from === to)).toEqual([]);
    expect(lifecycleStates.filter((state) => nextStates(state).length === 0)).toEqual([]);
    expect(nextStates('scrap')).toEqual(['quarantined']);
    const pairs = lifecycleEdges.map(({ from, to }) => `${from}>${to}`);
    expect(new Set(pairs).size).toBe(pairs.length);
  });

  it('leads to quarantine and loss from everywhere, and sells in the field only', () => {
    for (const state of lifecycleStates.filter((one) => one !== 'scrap'))
      for (const to of ['quarantined', 'lost'] as const) if (state !== to) expect(nextStates(state)).toContain(to);
    expect(lifecycleStates.filter((state) => permits(state, 'pay'))).toEqual(['deployed']);
    for (const state of ['quarantined', 'lost', 'scrap', 'in-transit', 'ordered'] as const)
      expect(lifecycle[state].permits).toEqual([]);
    // Whoever may renew, sell or be keyed may connect: none of them happens otherwise.
    for (const state of lifecycleStates)
      for (const what of ['renew', 'pay', 'beKeyed'] as const)
        if (permits(state, what)) expect(permits(state, 'connect')).toBe(true);
  });
});

const folder = newFolder();
let house: TestHouse;
let port: number;
let ownerToken = '';
let aheadMs = 0;
type Person = Awaited<ReturnType<typeof signedIn>>;
let [mori, sato] = [] as unknown as [Person, Person];
beforeAll(async () => {
  house = await testHouse(folder, {
    around: (world) => ({ ...world, clock: { ...world.clock, now: () => world.clock.now() + aheadMs } }),
  });
  const { token } = JSON.parse(readFileSync(join(folder, 'access.json'), 'utf8')) as { token: string };
  ownerToken = token;
  const api = { api: { url: house.house.managementUrl }, token };
  mori = await signedIn(api, 'mori', ['operator']);
  sato = await signedIn(api, 'sato', ['admin']);
  port = house.house.ports.device ?? 0;
});
afterAll(async () => {
  await house.house.close();
  removeFolder(folder);
});

const registerIn = async (serial: string, state: string): Promise<ClaimBundle> => {
  const place = { merchant: '喫茶つなぐ', shop: '本店', lane: '1' };
  const answer = await house.call('POST', '/terminals', { serial, model: 'CT-5100', place, lifecycle: state });
  return registeredTerminal.parse(answer.body).claim;
};
const move = (serial: string, to: string, more: object = {}) =>
  house.call('POST', `/terminals/${serial}/lifecycle`, { to, reason: 'test', ...more });
const photo = 'ab'.repeat(32);
const look = { photo, seals: ['S-1001'], connections: 2 };
/** A step that a second person approves. */
const moveByTwo = async (serial: string, to: string, evidence: object): Promise<string> => {
  const asked = await mori.call('POST', `/terminals/${serial}/lifecycle`, { to, reason: 'test', evidence });
  expect(asked.body['pending']).toMatchObject({ to, by: expect.stringMatching(/mori|kato|ito/) });
  const { approval } = lifecycleView.parse(asked.body).pending ?? { approval: '' };
  expect((await sato.call('POST', `/approvals/${approval}/decisions`, { verdict: 'approved' })).status).toBe(200);
  return approval;
};
/** What waits for a second person about a terminal. */
const waitingFor = async (serial: string) =>
  ((await sato.call('GET', '/approvals?kind=lifecycle&state=requested')).body.items ?? []).filter(
    (one) => one['subject'] === `terminal/${serial}`,
  );
const stateOf = async (serial: string) =>
  lifecycleView.parse((await house.call('GET', `/terminals/${serial}/lifecycle`)).body);
const ask = async (claim: ClaimBundle, key = newKey()) => {
  const answer = await device(port, claim.rootCertificate, 'POST', devicePaths.enrolments, {
    body: JSON.stringify(enrolmentOf(claim, key).request),
  });
  return { status: answer.status, code: answer.json().code };
};

describe('a life', () => {
  it('permits an enrolment in the states that do, and in no other, with the right claim too', async () => {
    const claim = await registerIn('LIFE-0001', 'ordered');
    expect(await ask(claim)).toEqual({ status: 403, code: 'LIFECYCLE_FORBIDS' });
    expect((await move('LIFE-0001', 'warehouse', { evidence: { bagNumber: 'BAG-0001', ...look } })).status).toBe(200);
    expect((await ask(claim)).status).toBe(200);
  });

  it('moves along the edges of the table only, and says where it could go', async () => {
    await registerIn('LIFE-0002', 'warehouse');
    const refused = await move('LIFE-0002', 'deployed');
    expect([refused.status, refused.body.code]).toEqual([422, 'LIFECYCLE_EDGE_UNKNOWN']);
    const conflict = await move('LIFE-0002', 'keyed', { from: 'deployed' });
    expect([conflict.status, conflict.body.code]).toEqual([412, 'LIFECYCLE_STATE_CONFLICT']);
    expect((await move('NOBODY-0001', 'lost')).body.code).toBe('TERMINAL_UNKNOWN');
  });

  it('takes no edge without its evidence, names what is missing and the clause, and keeps what was handed in', async () => {
    const claim = await registerIn('LIFE-0005', 'warehouse');
    const terminal = await enrol(house, claim);
    // Nobody keyed it: its check values are compared with the ledger, which has none.
    const unkeyed = await mori.call('POST', '/terminals/LIFE-0005/lifecycle', {
      to: 'keyed',
      reason: 'test',
      evidence: { keyCheckValues: [{ slot: 'dukpt', kcv: 'ABCDEF1234' }] },
    });
    expect(unkeyed.body).toMatchObject({ code: 'LIFECYCLE_EVIDENCE_UNPROVEN', field: 'evidence.keyCheckValues' });
    const link = await TestLink.open(house, terminal);
    await link.hello();
    const loaded: { slot: 'dukpt' | 'negative'; kcv: string }[] = [];
    while (loaded.length < 2) {
      const pulled = await link.ask('pull', 'request', { pull: 'job' });
      if (pulled.kind !== 'job' || !pulled.order) continue;
      const order = jobOrder.parse(JSON.parse(pulled.order.payload));
      if (order.type !== 'key.load') throw new Error(order.type);
      const { slot, kcv } = order.params;
      const report = { attempt: order.attempt, state: 'succeeded', evidence: { slot, kcv } };
      await link.ask({ kind: 'job', job: order.job }, 'job', report);
      if (slot !== 'dukpt' && slot !== 'negative') throw new Error(slot);
      loaded.push({ slot, kcv });
    }
    await link.close();
    const keyCheckValues = loaded.map(({ slot, kcv }) => ({ slot, kcv }));
    // Who may order it is an operator, and who approves is somebody else.
    expect((await move('LIFE-0005', 'keyed', { evidence: { keyCheckValues } })).body.code).toBe('ROLE_INSUFFICIENT');
    const half = { evidence: { keyCheckValues: keyCheckValues.slice(1) } };
    expect((await move('LIFE-0005', 'keyed', half)).body.code).toBe('LIFECYCLE_EVIDENCE_DIFFERS');
    const approval = await moveByTwo('LIFE-0005', 'keyed', { keyCheckValues });
    expect(await stateOf('LIFE-0005')).toMatchObject({ state: 'keyed', pending: null });

    const missing = await move('LIFE-0005', 'in-transit');
    expect([missing.status, missing.body]).toEqual([
      422,
      expect.objectContaining({
        code: 'LIFECYCLE_EVIDENCE_MISSING',
        field: 'evidence.bagNumber',
        facts: { item: 'bagNumber', clause: 'PCI PIN 3.1, 30-1; P2PE FAQ 1347', also: 'seals' },
      }),
    ]);
    const sent = { bagNumber: 'BAG-0100', seals: ['S-1001'] };
    expect((await move('LIFE-0005', 'in-transit', { evidence: sent, dryRun: true })).body).toMatchObject({
      state: 'keyed',
    });
    expect((await move('LIFE-0005', 'in-transit', { evidence: sent })).body).toMatchObject({
      state: 'in-transit',
      standing: { bag: 'BAG-0100', seals: ['S-1001'], connections: null },
    });
    // Another bag, or another seal, at the other end.
    const arrive = (evidence: object) => move('LIFE-0005', 'deployed', { evidence });
    expect((await arrive({ bagNumber: 'BAG-0101', ...look })).body).toMatchObject({
      code: 'LIFECYCLE_EVIDENCE_DIFFERS',
      facts: { item: 'bagNumber' },
    });
    expect((await arrive({ bagNumber: 'BAG-0100', ...look, seals: ['S-9'.padEnd(6, '0')] })).body).toMatchObject({
      code: 'LIFECYCLE_EVIDENCE_DIFFERS',
      facts: { item: 'seals' },
    });
    expect((await arrive({ bagNumber: 'BAG-0100', ...look })).body).toMatchObject({ state: 'deployed' });
    const view = await stateOf('LIFE-0005');
    expect(view.history[0]).toMatchObject({ evidence: { bagNumber: 'BAG-0100', ...look } });
    expect(view.history.find(({ to }) => to === 'keyed')).toMatchObject({ by: 'mori', approvedBy: 'sato' });
    // A bag that was used is used up.
    const timeNow = () => new Date(house.world.clock.now() + aheadMs).toISOString();
    const owed = { by: 'declaration', words: 'the mains burnt its board', silentSince: timeNow() };
    const again = await mori.call('POST', '/terminals/LIFE-0005/lifecycle', {
      to: 'returned',
      reason: 'test',
      evidence: { bagNumber: 'BAG-0100', nothingOwed: owed },
    });
    expect(again.body).toMatchObject({ code: 'LIFECYCLE_EVIDENCE_DIFFERS', facts: { item: 'bagNumber' } });
    // A person's word alone needs a second one, who reads which step it is; asked for anew, the request before it waits for nobody.
    const evidence = { bagNumber: 'BAG-0102', nothingOwed: owed };
    await mori.call('POST', '/terminals/LIFE-0005/lifecycle', { to: 'returned', reason: 'first', evidence });
    const [first, ...none] = await waitingFor('LIFE-0005');
    expect([first, none]).toMatchObject([{ facts: { from: 'deployed', to: 'returned', reason: 'first' } }, []]);
    await moveByTwo('LIFE-0005', 'returned', evidence);
    expect(await waitingFor('LIFE-0005')).toEqual([]);
    expect(
      (await sato.call('POST', `/approvals/${String(first?.['id'])}/decisions`, { verdict: 'refused' })).body.code,
    ).toBe('APPROVAL_EXPIRED');
    expect((await stateOf('LIFE-0005')).state).toBe('returned');
    // A request that was decided is decided.
    expect((await sato.call('POST', `/approvals/${approval}/decisions`, { verdict: 'approved' })).body.code).toBe(
      'APPROVAL_CLOSED',
    );
    for (const [to, evidence] of [
      ['inspected', { bagNumber: 'BAG-0102', ...look }],
      ['wipe', {}],
    ] as const)
      expect((await move('LIFE-0005', to, { evidence })).body).toMatchObject({ state: to });
    const scrap = {
      nothingOwed: owed,
      recycling: { recycler: 'Eco', receipt: 'R-77', batteryGrams: 0, materialGrams: { plastic: 700 } },
    };
    // Its keys are alive as long as nobody destroyed them.
    const alive = { ...scrap, wipeProof: { by: 'job', job: '00000000-0000-4000-8000-000000000000' } };
    expect((await move('LIFE-0005', 'scrap', { evidence: alive })).body.code).toBe('LIFECYCLE_EVIDENCE_UNPROVEN');
    // It spoke minutes ago: two persons' word does not bury it.
    const destroyed = { by: 'destruction', method: 'shredded', photo, at: timeNow() };
    expect((await move('LIFE-0005', 'scrap', { evidence: { ...scrap, wipeProof: destroyed } })).body).toMatchObject({
      code: 'LIFECYCLE_STILL_SPEAKS',
      field: 'evidence.wipeProof',
      facts: { silentHoursWanted: 24 },
    });
    aheadMs = 25 * 3_600_000;
    const api = { api: { url: house.house.managementUrl }, token: ownerToken };
    [mori, sato] = [await signedIn(api, 'kato', ['operator']), await signedIn(api, 'abe', ['admin'])];
    await moveByTwo('LIFE-0005', 'scrap', {
      ...scrap,
      wipeProof: destroyed,
    });
    aheadMs = 0;
    [mori, sato] = [await signedIn(api, 'ito', ['operator']), await signedIn(api, 'ueda', ['admin'])];
    expect((await stateOf('LIFE-0005')).state).toBe('scrap');
    expect((await house.call('GET', '/terminals/LIFE-0005')).body).toMatchObject({ lifecycle: 'scrap' });
    expect((await move('LIFE-0005', 'lost')).body.code).toBe('LIFECYCLE_EDGE_UNKNOWN');
  });

  it('begins with the seals and cables that were read when it was registered, and compares the next look with them', async () => {
    const place = { merchant: '喫茶つなぐ', shop: '本店' };
    const register = (serial: string, more: object) =>
      house.call('POST', '/terminals', { serial, model: 'CT-5100', place, lifecycle: 'ordered', ...more });
    for (const [more, field] of [
      [{ seals: [] }, 'seals'],
      [{ seals: ['!'] }, 'seals.0'],
      [{ seals: ['S-1001'], connections: 33 }, 'connections'],
    ] as const)
      expect((await register('LIFE-0010', more)).body).toMatchObject({ code: 'INPUT_INVALID', field });
    expect((await register('LIFE-0010', { seals: ['S-1001', 'S-1002'], connections: 2 })).status).toBe(201);
    expect(await stateOf('LIFE-0010')).toMatchObject({
      standing: { bag: null, seals: ['S-1001', 'S-1002'], connections: 2 },
      history: [{ from: null, to: 'ordered' }],
    });
    const arrive = (more: object) =>
      move('LIFE-0010', 'warehouse', { evidence: { bagNumber: 'BAG-0110', ...look, ...more } });
    const known = { seals: ['S-1002', 'S-1001'] };
    expect((await arrive({ seals: ['S-1001', 'S-1003'] })).body).toMatchObject({
      code: 'LIFECYCLE_EVIDENCE_DIFFERS',
      facts: { item: 'seals' },
    });
    expect((await arrive({ ...known, connections: 3 })).body).toMatchObject({
      code: 'LIFECYCLE_EVIDENCE_DIFFERS',
      facts: { item: 'connections' },
    });
    expect((await arrive(known)).body).toMatchObject({ state: 'warehouse', standing: known });

    // Without them there is nothing to compare with, and whoever looks is told so.
    expect((await register('LIFE-0011', {})).status).toBe(201);
    expect(await stateOf('LIFE-0011')).toMatchObject({ standing: { seals: null, connections: null } });
    const client = openClient({ url: house.house.managementUrl, token: ownerToken }, house.world, patientMs);
    for (const [lang, says] of [
      ['en', 'none on record'],
      ['ja', '記録なし'],
    ] as const) {
      const { console, printed } = keptConsole(lang);
      for (const serial of ['LIFE-0010', 'LIFE-0011'])
        expect(await showLifecycle({ world: house.world, console, client, json: false }, serial)).toBe(0);
      const [sealed, bare] = printed().out.split('LIFE-0011');
      expect(sealed).toContain('S-100');
      expect(sealed).not.toContain(says);
      expect(bare).toContain(says);
    }
  });

  it('moves the terminals of a CSV file, each with its own outcome, and nothing in a dry run', async () => {
    await registerIn('LIFE-0006', 'ordered');
    await registerIn('LIFE-0007', 'ordered');
    const csv = [
      'serial,to,reason,bag,photo,seals,connections',
      `LIFE-0006,warehouse,delivery 7,BAG-0200,${photo},S1;S2,1`,
      `LIFE-0007,warehouse,delivery 7,BAG-0201,${photo},S-301;S-302,1`,
      'LIFE-0007,warehouse,delivery 7,,,,',
      'LIFE-0009,warehouse,delivery 7,,,,',
    ].join('\n');
    const load = async (dryRun: boolean) => (await house.call('POST', '/lifecycle/imports', { csv, dryRun })).body;
    const dry = importedMoves.parse(await load(true));
    expect(dry.items.map(({ ok, code, field }) => [ok, code, field])).toEqual([
      [false, 'INPUT_INVALID', 'evidence.seals.0'],
      [true, null, null],
      [false, 'LIFECYCLE_EVIDENCE_MISSING', 'evidence.bagNumber'],
      [false, 'TERMINAL_UNKNOWN', null],
    ]);
    expect((await stateOf('LIFE-0007')).state).toBe('ordered');
    const done = importedMoves.parse(await load(false));
    expect([done.succeeded, done.failed]).toEqual([1, 3]);
    expect(done.items[2]).toMatchObject({ code: 'LIFECYCLE_EDGE_UNKNOWN' });
    expect((await stateOf('LIFE-0007')).state).toBe('warehouse');
  });

  it('ends live connections on every wire when it comes to a state without them, and refuses new ones', async () => {
    const claim = await registerIn('LIFE-0003', 'deployed');
    const terminal = await enrol(house, claim);
    const link = await TestLink.open(house, terminal);
    await link.hello();
    const own = { cert: terminal.answer.certificateChain, key: pemOf(terminal.key), ca: claim.rootCertificate };
    const acquiring = connectTls({ host: '127.0.0.1', port: house.house.ports.acquiring ?? 0, ...own });
    await new Promise<void>((resolve) => acquiring.once('secureConnect', () => resolve()));
    const downloading = connectTls({ host: '127.0.0.1', port, ...own });
    await new Promise<void>((resolve) => downloading.once('secureConnect', () => resolve()));
    const head = await until('the head', () => link.negativeHead());
    const digest = Buffer.from(head.manifest).toString('hex');
    let received = '';
    downloading.on('data', (part: Buffer) => (received += part.toString('latin1')));
    downloading.write(`GET ${devicePaths.artefacts}/${digest} HTTP/1.1\r\nHost: x\r\n\r\n`);
    await until('an artefact over a connection that stays', () => received.startsWith('HTTP/1.1 200'));
    let closed = 0;
    link.client.once('close', () => (closed += 1));
    for (const socket of [acquiring, downloading])
      socket.once('close', () => (closed += 1)).on('error', () => undefined);
    expect((await move('LIFE-0003', 'quarantined')).status).toBe(200);
    await until('all connections to end', () => closed === 3);

    await expect(TestLink.open(house, terminal)).rejects.toThrow();
    await until('the switch to refuse it', () =>
      house.lines.some(({ event, code }) => event === 'fleetConnectionFailed' && code === 'LIFECYCLE_FORBIDS'),
    );
    const again = connectTls({ host: '127.0.0.1', port: house.house.ports.acquiring ?? 0, ...own });
    again.on('error', () => undefined).resume();
    await new Promise<void>((resolve) => again.once('close', () => resolve()));
    await until('the switch to refuse it', () =>
      house.lines.some(({ event, code }) => event === 'connectionRefused' && code === 'LIFECYCLE_FORBIDS'),
    );
    expect(await ask(claim, terminal.key)).toEqual({ status: 403, code: 'LIFECYCLE_FORBIDS' });
    // Cleared, it comes back with what it had.
    await moveByTwo('LIFE-0003', 'deployed', look);
    expect((await stateOf('LIFE-0003')).state).toBe('deployed');
    await (await TestLink.open(house, terminal)).close();
  });

  it('gives no keys to a terminal in a state that permits none', async () => {
    const claim = await registerIn('LIFE-0004', 'deployed');
    const terminal = await enrol(house, claim);
    expect((await move('LIFE-0004', 'swap')).status).toBe(200);
    const link = await TestLink.open(house, terminal);
    await link.hello();
    const notified = await until('an answer to hello', () => link.last('/dn/notify'));
    expect(notified.body).toMatchObject({ jobs: 0 });
    await link.close();
  });
});

it('a lost claim is issued again: the old one dies, and who did it is on the timeline', async () => {
  const claim = await registerIn('CLAIM-0001', 'deployed');
  const first = await enrol(house, claim);
  const again = await house.call('POST', '/terminals/CLAIM-0001/claim');
  expect(again.status).toBe(201);
  const next = claimBundle.parse(registeredTerminal.parse(again.body).claim);
  expect(next.claimSecret).not.toBe(claim.claimSecret);
  expect(await ask(claim)).toEqual({ status: 403, code: 'CLAIM_INVALID' });
  // Until somebody uses the new one, the terminal that is in the field goes on.
  await (await TestLink.open(house, first)).close();
  const second = await enrol(house, next);
  await expect(TestLink.open(house, first)).rejects.toThrow();
  await (await TestLink.open(house, second)).close();
  const { body } = await house.call('GET', '/terminals/CLAIM-0001/timeline');
  expect(JSON.stringify(body)).toMatch(/claim-reissued.*"by":"/);
});

describe("a maker's certificate", () => {
  const entropy = (lengthBytes: number) => Uint8Array.from(crypto.getRandomValues(new Uint8Array(lengthBytes)));
  const life = { notBefore: Date.now() - 1_000, notAfter: Date.now() + 86_400_000 };
  const maker = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const makerName = { commonName: 'Example Devices CA' };
  const makerPem = toPem(
    'CERTIFICATE',
    buildCertificate(
      {
        serialNumber: newSerialNumber(entropy),
        subject: makerName,
        publicKey: maker.publicKey,
        ...life,
        use: { kind: 'authority', pathLength: 0 },
      },
      { name: makerName, privateKey: maker.privateKey },
    ),
  );
  const deviceIdentity = (commonName: string, issuer = maker.privateKey, notAfter = life.notAfter) => {
    const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const der = buildCertificate(
      {
        serialNumber: newSerialNumber(entropy),
        subject: { commonName },
        publicKey: pair.publicKey,
        notBefore: life.notBefore,
        notAfter,
        use: { kind: 'leaf', purposes: ['clientAuth'], names: [] },
      },
      { name: makerName, privateKey: issuer },
    );
    return { chain: toPem('CERTIFICATE', der), key: pair.privateKey };
  };
  const enrolWith = async (
    claim: ClaimBundle,
    { chain, key }: { chain: string; key: ReturnType<typeof newKey> },
    own = newKey(),
  ) => {
    const { request } = enrolmentOf(claim, own);
    const { proof: _, ...bare } = request;
    const signature = sign('sha256', manufacturerStatement(bare), key).toString('base64');
    const answer = await device(port, claim.rootCertificate, 'POST', devicePaths.enrolments, {
      body: JSON.stringify({ ...bare, manufacturer: { chain, signature } }),
    });
    return [answer.status, answer.json().code];
  };

  it('proves a claim for the model whose maker is registered, for its own serial, with its own key', async () => {
    const claim = await registerIn('MAKER-0001', 'warehouse');
    const own = deviceIdentity('MAKER-0001');
    expect(await enrolWith(claim, own)).toEqual([403, 'MANUFACTURER_UNTRUSTED']);
    const added = await house.call('POST', '/manufacturers', { model: 'CT-5100', certificate: makerPem });
    expect(added.status).toBe(201);
    expect((await house.call('POST', '/manufacturers', { model: 'CT-5100', certificate: own.chain })).body.code).toBe(
      'MANUFACTURER_INVALID',
    );
    // Another serial, a stranger's authority, a key that is not shown, a certificate that is over.
    expect(await enrolWith(claim, deviceIdentity('MAKER-0002'))).toEqual([403, 'MANUFACTURER_UNTRUSTED']);
    expect(await enrolWith(claim, deviceIdentity('MAKER-0001', newKey()))).toEqual([403, 'MANUFACTURER_UNTRUSTED']);
    expect(await enrolWith(claim, { ...own, key: newKey() })).toEqual([403, 'MANUFACTURER_UNTRUSTED']);
    const over = deviceIdentity('MAKER-0001', maker.privateKey, Date.now() - 500);
    expect(await enrolWith(claim, over)).toEqual([403, 'MANUFACTURER_UNTRUSTED']);
    // Not on the inventory, and not in a state for it.
    expect(
      await enrolWith({ ...claim, serial: 'MAKER-0009' as ClaimBundle['serial'] }, deviceIdentity('MAKER-0009')),
    ).toEqual([403, 'TERMINAL_UNKNOWN']);
    await move('MAKER-0001', 'quarantined');
    expect(await enrolWith(claim, own)).toEqual([403, 'LIFECYCLE_FORBIDS']);
    await moveByTwo('MAKER-0001', 'deployed', look);
    const key = newKey();
    expect(await enrolWith(claim, own, key)).toEqual([200, undefined]);
    expect(await enrolWith(claim, own, key)).toEqual([200, undefined]);
    expect(await enrolWith(claim, own)).toEqual([409, 'CLAIM_USED']);
    const fingerprint = String(added.body['fingerprint']);
    expect((await house.call('DELETE', `/manufacturers/CT-5100/${fingerprint}`)).status).toBe(200);
    expect(await enrolWith(claim, own, key)).toEqual([403, 'MANUFACTURER_UNTRUSTED']);
  });

  it('takes chains that OpenSSL made: serialNumber in the subject, an intermediate, RSA', async () => {
    const place = mkdtempSync(join(tmpdir(), 'tsunagu-maker-'));
    const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: place, stdio: 'pipe' });
    const extensions = 'basicConstraints=critical,CA:true\nkeyUsage=critical,keyCertSign';
    writeFileSync(join(place, 'ca.ext'), extensions);
    openssl(
      'req',
      '-x509',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-keyout',
      'root.key',
      '-out',
      'root.pem',
      '-subj',
      '/O=Maker/CN=Root',
      '-days',
      '9',
    );
    openssl(
      'req',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-keyout',
      'mid.key',
      '-out',
      'mid.csr',
      '-subj',
      '/O=Maker/CN=Mid',
    );
    openssl(
      'x509',
      '-req',
      '-in',
      'mid.csr',
      '-CA',
      'root.pem',
      '-CAkey',
      'root.key',
      '-CAcreateserial',
      '-out',
      'mid.pem',
      '-days',
      '9',
      '-extfile',
      'ca.ext',
    );
    openssl(
      'req',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-keyout',
      'dev.key',
      '-out',
      'dev.csr',
      '-subj',
      '/O=Maker/CN=Model X/serialNumber=MAKER-0003',
    );
    openssl(
      'x509',
      '-req',
      '-in',
      'dev.csr',
      '-CA',
      'mid.pem',
      '-CAkey',
      'mid.key',
      '-CAcreateserial',
      '-out',
      'dev.pem',
      '-days',
      '9',
    );
    const read = (name: string): string => readFileSync(join(place, name), 'utf8');
    const claim = await registerIn('MAKER-0003', 'warehouse');
    await house.call('POST', '/manufacturers', { model: 'CT-5100', certificate: read('root.pem') });
    const shown = { chain: read('dev.pem') + read('mid.pem'), key: createPrivateKey(read('dev.key')) };
    expect(await enrolWith(claim, shown)).toEqual([200, undefined]);
    removeFolder(place);
  });
});
