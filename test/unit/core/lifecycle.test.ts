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
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  device,
  enrol,
  enrolmentOf,
  newFolder,
  newKey,
  pemOf,
  removeFolder,
  type TestHouse,
  testHouse,
  TestLink,
  until,
} from './support.ts';

describe('the table of lives', () => {
  it('reaches every state from a beginning, leads from nowhere to itself, and ends in scrap only', () => {
    const beginnings = lifecycleStates.filter((state) => 'begins' in lifecycle[state]);
    const reached = new Set(beginnings);
    for (const state of reached) for (const next of nextStates(state)) reached.add(next);
    expect([...reached].toSorted()).toEqual([...lifecycleStates].toSorted());
    expect(lifecycleEdges.filter(({ from, to }) => from === to)).toEqual([]);
    expect(lifecycleStates.filter((state) => nextStates(state).length === 0)).toEqual(['scrap']);
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
beforeAll(async () => {
  house = await testHouse(folder);
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
    expect((await move('LIFE-0001', 'warehouse')).status).toBe(200);
    expect((await ask(claim)).status).toBe(200);
  });

  it('moves along the edges of the table only, and says where it could go', async () => {
    await registerIn('LIFE-0002', 'warehouse');
    const refused = await move('LIFE-0002', 'deployed');
    expect([refused.status, refused.body.code]).toEqual([422, 'LIFECYCLE_EDGE_UNKNOWN']);
    const conflict = await move('LIFE-0002', 'keyed', { from: 'deployed' });
    expect([conflict.status, conflict.body.code]).toEqual([412, 'LIFECYCLE_STATE_CONFLICT']);
    for (const to of ['keyed', 'in-transit', 'deployed', 'swap', 'returned', 'inspected', 'wipe', 'scrap'])
      expect((await move('LIFE-0002', to)).status).toBe(200);
    expect((await move('LIFE-0002', 'lost')).body.code).toBe('LIFECYCLE_EDGE_UNKNOWN');
    const { body } = await house.call('GET', '/terminals/LIFE-0002/lifecycle');
    const view = lifecycleView.parse(body);
    expect(view.state).toBe('scrap');
    expect(view.history.map(({ from, to }) => `${from} ${to}`).toReversed()).toEqual([
      'null warehouse',
      'warehouse keyed',
      'keyed in-transit',
      'in-transit deployed',
      'deployed swap',
      'swap returned',
      'returned inspected',
      'inspected wipe',
      'wipe scrap',
    ]);
    expect((await move('NOBODY-0001', 'lost')).body.code).toBe('TERMINAL_UNKNOWN');
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
    await until('all connections to end', () => closed === 3, 2_000);

    await expect(TestLink.open(house, terminal)).rejects.toThrow();
    await until('the switch to refuse it', () =>
      house.lines.some(({ event, code }) => event === 'fleetConnectionFailed' && code === 'LIFECYCLE_FORBIDS'),
    );
    const again = connectTls({ host: '127.0.0.1', port: house.house.ports.acquiring ?? 0, ...own });
    again.on('error', () => undefined);
    await new Promise<void>((resolve) => again.once('close', () => resolve()));
    await until('the switch to refuse it', () =>
      house.lines.some(({ event, code }) => event === 'connectionRefused' && code === 'LIFECYCLE_FORBIDS'),
    );
    expect(await ask(claim, terminal.key)).toEqual({ status: 403, code: 'LIFECYCLE_FORBIDS' });
    // Cleared, it comes back with what it had.
    expect((await move('LIFE-0003', 'deployed')).status).toBe(200);
    await (await TestLink.open(house, terminal)).close();
  }, 30_000);

  it('gives no keys to a terminal in a state that permits none', async () => {
    const claim = await registerIn('LIFE-0004', 'deployed');
    const terminal = await enrol(house, claim);
    for (const to of ['returned', 'inspected']) await move('LIFE-0004', to);
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
    for (const to of ['deployed']) await move('MAKER-0001', to);
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
