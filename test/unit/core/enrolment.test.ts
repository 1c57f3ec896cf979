import { X509Certificate } from 'node:crypto';
import { connect as connectTls } from 'node:tls';
import { devicePaths, negativeNames } from '@tsunagu/protocols/fleet';
import { unwrap } from '@tsunagu/protocols/kit';
import { decodeContainer } from '@tsunagu/protocols/negative';
import { decodeManifest, decodeSigned } from '@tsunagu/protocols/negative/authority';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  device,
  enrol,
  enrolmentOf,
  newFolder,
  newKey,
  pemOf,
  removeFolder,
  sha256,
  type TestHouse,
  testHouse,
  TestLink,
  until,
} from './support.ts';

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

const logged = (code: string) => until(code, () => house.lines.some((line) => line.code === code));
const ask = async (
  claim: Parameters<typeof enrolmentOf>[0],
  key = newKey(),
  flaw?: Parameters<typeof enrolmentOf>[2],
) => {
  const { request } = enrolmentOf(claim, key, flaw);
  const answer = await device(port, claim.rootCertificate, 'POST', devicePaths.enrolments, {
    body: JSON.stringify(request),
  });
  return { status: answer.status, code: answer.json().code, type: answer.headers['content-type'] };
};

describe('enrolment', () => {
  it('gives a certificate in the name of the serial, issued below the pinned root', async () => {
    const { answer, claim } = await enrol(house, await house.register('ENROL-0001'));
    const [leaf, issuing] = answer.certificateChain
      .split(/(?<=-----END CERTIFICATE-----\n)/)
      .map((pem) => new X509Certificate(pem));
    expect(leaf?.subject).toBe('CN=ENROL-0001');
    expect(leaf?.subjectAltName).toBe('URI:urn:tsunagu:demo:terminal:ENROL-0001');
    const root = new X509Certificate(claim.rootCertificate);
    expect(issuing?.verify(root.publicKey)).toBe(true);
    expect(issuing && leaf?.verify(issuing.publicKey)).toBe(true);
  });

  it('answers the same key again, because an answer may be lost, and refuses another key', async () => {
    const claim = await house.register('ENROL-0002');
    const key = newKey();
    const first = await enrol(house, claim, key);
    const second = await enrol(house, claim, key);
    expect(second.answer.certificateChain).not.toBe(first.answer.certificateChain);
    expect(await ask(claim)).toMatchObject({ status: 409, code: 'CLAIM_USED', type: 'application/problem+json' });
    // The certificate that counts is the last one.
    await expect(TestLink.open(house, first)).rejects.toThrow();
    await (await TestLink.open(house, second)).close();
  });

  it('refuses a serial that is not on the inventory, a proof with another secret, and a request that is damaged or in another name', async () => {
    const claim = await house.register('ENROL-0003');
    // One answer to both: nobody finds out which serials are listed.
    const strange = await ask(claim, newKey(), { serial: 'ENROL-9999' });
    expect(strange).toMatchObject({ status: 403, code: 'CLAIM_INVALID' });
    expect(await ask(claim, newKey(), { secret: new Uint8Array(32) })).toEqual(strange);
    expect(await ask(claim, newKey(), { csr: 'AAAA' })).toMatchObject({ status: 400, code: 'CSR_INVALID' });
    expect(await ask(claim, newKey(), { name: 'ENROL-0001' })).toMatchObject({ status: 400, code: 'CSR_INVALID' });
    expect(await ask(claim, newKey(), { agreementKey: 'AAAA' })).toMatchObject({ code: 'AGREEMENT_KEY_INVALID' });
    // None of it used the claim up.
    await enrol(house, claim);
  });

  it('does not hand a claim secret out twice', async () => {
    await house.register('ENROL-0004');
    const again = await house.call('POST', '/terminals', {
      serial: 'ENROL-0004',
      model: 'CT-5100',
      place: { merchant: 'm', shop: 's' },
    });
    expect(again.body.code).toBe('TERMINAL_EXISTS');
  });
});

describe('the device port', () => {
  it('refuses what is too large, what is not JSON, and addresses it does not know, each with its code', async () => {
    const { rootCertificate } = await house.register('ENROL-0005');
    const post = (body: string) => device(port, rootCertificate, 'POST', devicePaths.enrolments, { body });
    expect((await post('x'.repeat(20_000))).json().code).toBe('BODY_TOO_LARGE');
    expect((await post('{"tenant":')).json().code).toBe('INPUT_INVALID');
    expect((await device(port, rootCertificate, 'GET', '/device/v1/nothing')).json().code).toBe('ROUTE_UNKNOWN');
  });

  it('ends a connection that sends garbage, and one that never finishes its request', async () => {
    const { rootCertificate: ca } = await house.register('ENROL-0006');
    const said = (bytes: string) =>
      new Promise<string>((resolve, reject) => {
        const socket = connectTls({ host: '127.0.0.1', port, ca }, () => socket.write(bytes));
        let text = '';
        socket.on('data', (part: Buffer) => (text += part.toString('latin1')));
        socket.on('close', () => resolve(text));
        socket.on('error', reject);
      });
    expect(await said('\x16\x03garbage\r\n\r\n')).toContain('INPUT_INVALID');
    expect(
      await said(`POST ${devicePaths.enrolments} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{"half`),
    ).toContain('408');
    await logged('INPUT_INVALID');
  });

  it('gives artefacts to terminals only: whole, in ranges, and not at all when they have it', async () => {
    const terminal = await enrol(house, await house.register('ENROL-0007'));
    const link = await TestLink.open(house, terminal);
    const head = await until('the head', () => link.negativeHead());
    await link.close();
    const ca = terminal.claim.rootCertificate;
    const digest = Buffer.from(head.manifest).toString('hex');
    const path = `${devicePaths.artefacts}/${digest}`;
    expect((await device(port, ca, 'GET', path)).json().code).toBe('CLIENT_CERTIFICATE_MISSING');
    const own = { cert: terminal.answer.certificateChain, key: pemOf(terminal.key) };
    const whole = await device(port, ca, 'GET', path, own);
    expect(sha256(whole.bytes)).toBe(digest);
    const manifest = unwrap(decodeManifest(unwrap(decodeSigned(whole.bytes)).document.payload));
    expect(manifest).toMatchObject({ list: 'regular', version: head.version });
    const part = await device(port, ca, 'GET', path, { ...own, headers: { range: 'bytes=4-7' } });
    expect([part.status, part.headers['content-range']]).toEqual([206, `bytes 4-7/${whole.bytes.length}`]);
    expect(part.bytes).toEqual(whole.bytes.subarray(4, 8));
    const beyond = await device(port, ca, 'GET', path, { ...own, headers: { range: 'bytes=9999-' } });
    expect(beyond.status).toBe(416);
    const same = await device(port, ca, 'GET', path, { ...own, headers: { 'if-none-match': `"${digest}"` } });
    expect([same.status, same.bytes.length]).toEqual([304, 0]);
    const unknown = await device(port, ca, 'GET', `${devicePaths.artefacts}/${'0'.repeat(64)}`, own);
    expect(unknown.json().code).toBe('ARTEFACT_UNKNOWN');
    const root = Buffer.from(manifest.root).toString('hex');
    const list = `${devicePaths.negative}/${negativeNames.container(root)}`;
    expect((await device(port, ca, 'GET', list)).json().code).toBe('CLIENT_CERTIFICATE_MISSING');
    const container = await device(port, ca, 'GET', list, own);
    expect(unwrap(decodeContainer(Uint8Array.from(container.bytes))).partitions).toHaveLength(1);
    const none = await device(
      port,
      ca,
      'GET',
      `${devicePaths.negative}/${negativeNames.delta(root, '0'.repeat(64))}`,
      own,
    );
    expect(none.json().code).toBe('ARTEFACT_UNKNOWN');
  });
});
