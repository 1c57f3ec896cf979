import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { keepTrust, readTrust } from '@tsunagu/firmware-bridge/enrolment/index';
import { directNetwork, secureNetwork } from '@tsunagu/firmware-bridge/link/index';
import { openSealedStore } from '@tsunagu/firmware-bridge/sealed-store/index';
import {
  type AuthoritiesView,
  authoritiesView,
  certificatesOf,
  devicePaths,
  renewalAnswer,
  serialSchema,
  tenantSchema,
  type Trust,
} from '@tsunagu/protocols/fleet';
import { unwrap } from '@tsunagu/protocols/kit';
import { buildCertificateRequest } from '@tsunagu/protocols/x509';
import { afterAll, afterEach, beforeEach, expect, it } from 'vitest';
import { MemoryFiles } from '../agent/memory-files.ts';
import {
  device,
  enrol,
  lateClock,
  newFolder,
  newKey,
  pemOf,
  removeFolder,
  type TestHouse,
  testHouse,
  TestLink,
  type TestTerminal,
  until,
} from './support.ts';

let folder: string;
let house: TestHouse;
const folders: string[] = [];
const dayMs = 86_400_000;
/** A house begins six days ago: when its clock is put right, more than half of what it made has passed. */
const certificateLifeMs = 10 * dayMs;
let clock: ReturnType<typeof lateClock>;
const open = async (more: { certificateLifeMs?: number } = { certificateLifeMs }): Promise<void> => {
  house = await testHouse(folder, { ...more, around: clock.around });
};
/** The server dies and comes back; the ports are others. */
const restart = async (): Promise<void> => {
  await house.house.close();
  await open();
};
beforeEach(async () => {
  folder = newFolder();
  folders.push(folder);
  clock = lateClock(6 * dayMs);
  await open();
});
afterEach(() => house.house.close());
afterAll(() => folders.forEach(removeFolder));

const view = async (): Promise<AuthoritiesView> =>
  authoritiesView.parse((await house.call('GET', '/authorities')).body);
const of = async (kind: 'root' | 'issuing') => (await view()).authorities.filter((one) => one.kind === kind);
/** The id of the authority above a chain's leaf is told by the name of its issuer. */
const issuerOf = (terminal: TestTerminal): string | undefined =>
  new X509Certificate(terminal.answer.certificateChain).issuer.split('\n').at(-1);
const canConnect = async (terminal: TestTerminal): Promise<boolean> => {
  try {
    await (await TestLink.open(house, terminal)).close();
    return true;
  } catch {
    return false;
  }
};
/** Renews, now that the certificate is half used up. */
async function renewed(terminal: TestTerminal): Promise<TestTerminal> {
  const { claim, key, answer } = terminal;
  clock.late.behindMs = 0;
  const next = newKey();
  const answered = await device(
    house.house.ports.device ?? 0,
    claim.rootCertificate,
    'POST',
    devicePaths.certificates,
    {
      cert: answer.certificateChain,
      key: pemOf(key),
      body: JSON.stringify({ csr: Buffer.from(buildCertificateRequest(claim.serial, next)).toString('base64') }),
    },
  );
  const { certificateChain } = renewalAnswer.parse(answered.json());
  return { ...terminal, key: next, answer: { ...answer, certificateChain } };
}
const serverIssuer = (ca: string): Promise<string> =>
  new Promise((resolve, reject) => {
    const socket = connectTls({ host: '127.0.0.1', port: house.house.ports.device ?? 0, ca }, () => {
      resolve(String(socket.getPeerX509Certificate()?.issuer.split('\n').at(-1)));
      socket.destroy();
    });
    socket.on('error', reject);
  });
const openssl = (...args: string[]): string => {
  try {
    return execFileSync('openssl', args, { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  } catch (error) {
    return String((error as { stderr?: string }).stderr);
  }
};

it('a new issuing CA takes over while the old one counts; each has its own list, and OpenSSL takes both', async () => {
  const old = await enrol(house, await house.register('ROTATE-0001'));
  const revoked = await enrol(house, await house.register('ROTATE-0002'));
  expect((await house.call('DELETE', '/terminals/ROTATE-0002/certificate')).status).toBe(200);
  const [first] = await of('issuing');
  expect((await house.call('POST', '/authorities/rotations', { kind: 'issuing' })).status).toBe(200);
  const [second] = await of('issuing');
  expect(second?.id).not.toBe(first?.id);
  const early = await enrol(house, await house.register('ROTATE-0004'));
  for (const one of [old, early]) expect(await canConnect(one)).toBe(true);
  await restart();

  for (const one of [old, early]) expect(await canConnect(one)).toBe(true);
  const young = await enrol(house, await house.register('ROTATE-0003'));
  expect([issuerOf(old), issuerOf(young)]).toEqual(['CN=Tsunagu issuing demo', 'CN=Tsunagu issuing demo 2']);
  // The server shows a certificate of the new one at once: both stand below the root that everybody knows.
  expect(await serverIssuer(old.claim.rootCertificate)).toBe('CN=Tsunagu issuing demo 2');
  // It cannot be ended while something hangs on it, and says what.
  const refused = await house.call('DELETE', `/authorities/${first?.id}`);
  expect([refused.status, refused.body.code]).toEqual([409, 'AUTHORITY_IN_USE']);
  expect((await of('issuing')).find(({ id }) => id === first?.id)).toMatchObject({
    state: 'superseded',
    terminals: { count: 1, first: ['ROTATE-0001'] },
  });

  // A list of each, which OpenSSL checks: signature, dates, and who is on it.
  writeFileSync(join(folder, 'root.crt'), old.claim.rootCertificate);
  const port = house.house.ports.device ?? 0;
  for (const [index, { terminal, issuing }] of [
    { terminal: revoked, issuing: first },
    { terminal: young, issuing: second },
  ].entries()) {
    const list = await device(port, old.claim.rootCertificate, 'GET', `${devicePaths.revocations}/${issuing?.id}`);
    expect(list.status).toBe(200);
    const [leaf = '', above = ''] = certificatesOf(terminal.answer.certificateChain);
    writeFileSync(join(folder, `list${index}.der`), list.bytes);
    openssl('crl', '-inform', 'DER', '-in', `list${index}.der`, '-out', `list${index}.pem`);
    writeFileSync(join(folder, 'leaf.crt'), leaf);
    writeFileSync(join(folder, 'above.crt'), above);
    const text = openssl('crl', '-in', `list${index}.pem`, '-CAfile', 'above.crt', '-noout', '-text');
    expect(text).toMatch(/Next Update: \w+ /);
    const verdict = openssl(
      'verify',
      '-CAfile',
      'root.crt',
      '-untrusted',
      'above.crt',
      '-crl_check',
      '-CRLfile',
      `list${index}.pem`,
      'leaf.crt',
    );
    expect(verdict).toMatch(index === 0 ? /certificate revoked/ : /leaf\.crt: OK/);
    // The list of the other one says nothing about it.
  }
  const unknown = await device(port, old.claim.rootCertificate, 'GET', `${devicePaths.revocations}/${'0'.repeat(16)}`);
  expect(unknown.json().code).toBe('AUTHORITY_UNKNOWN');

  // The last certificate below it goes, and then it may.
  const next = await renewed(old);
  expect(issuerOf(next)).toBe('CN=Tsunagu issuing demo 2');
  expect(await canConnect(next)).toBe(true);
  expect((await house.call('DELETE', `/authorities/${first?.id}`)).status).toBe(200);
  expect((await of('issuing')).find(({ id }) => id === first?.id)?.state).toBe('retired');
  expect(await canConnect(next)).toBe(true);
}, 120_000);

/** A terminal's own memory of whom it trusts, and its way to learn of others. */
async function trusting(terminal: TestTerminal, files: MemoryFiles) {
  const store = unwrap(await openSealedStore(files, house.world));
  const first = unwrap(await readTrust(store, terminal.claim));
  const ports = { host: '127.0.0.1', fleet: 1, acquiring: 1, device: house.house.ports.device ?? 0 };
  const network = secureNetwork(
    directNetwork(ports, house.world.timers),
    house.world.timers,
    { host: '127.0.0.1', rootCertificate: first.anchors.join('') },
    { certificateChain: terminal.answer.certificateChain, privateKey: terminal.key },
  );
  const { tenant, endpoints } = terminal.claim;
  return keepTrust({
    world: house.world,
    store,
    claim: { tenant, endpoints },
    network,
    first,
    changed: () => undefined,
  });
}
const withTrust = (terminal: TestTerminal, pem: string): TestTerminal => ({
  ...terminal,
  claim: { ...terminal.claim, rootCertificate: pem },
});

it('a new root is announced by the old one; nothing stands below it for a terminal that does not know it, whatever dies meanwhile', async () => {
  const slow = await enrol(house, await house.register('ROOT-0001'));
  const quick = await enrol(house, await house.register('ROOT-0002'));
  const oldRoot = quick.claim.rootCertificate;
  expect((await house.call('POST', '/authorities/rotations', { kind: 'root' })).status).toBe(200);
  await restart();
  // Neither has heard of it: both connect, and the server shows what they know.
  expect([await canConnect(slow), await canConnect(quick)]).toEqual([true, true]);
  expect(await serverIssuer(oldRoot)).toBe('CN=Tsunagu issuing demo');

  // One says hello, is told, and takes it up; power fails at each of its writes first.
  const link = await TestLink.open(house, quick);
  await link.hello();
  const notified = await until('a notice of roots', () => link.last('/dn/notify'));
  expect(notified.body).toMatchObject({ trust: 2 });
  await link.close();
  let files = new MemoryFiles();
  for (let failAt = 1; ; failAt++) {
    const broken = files.afterPowerLoss(false, failAt);
    const trust = await trusting(quick, broken).catch(() => undefined);
    trust?.wake(2);
    await trust?.idle();
    files = broken.afterPowerLoss(failAt % 2 === 0);
    // Whatever was written: it trusts the old root, or both, and the server that is there.
    const after = await trusting(quick, files);
    expect([1, 2]).toContain(after.version);
    expect(await canConnect(withTrust(quick, after.pem))).toBe(true);
    if (after.version === 2) break;
    expect(failAt).toBeLessThan(40);
  }
  const learned = await trusting(quick, files);
  expect(certificatesOf(learned.pem)).toHaveLength(2);
  const again = await TestLink.open(house, withTrust(quick, learned.pem), 2);
  await again.hello({ trust: 2 });
  await until('the server to know', async () => (await view()).behind === 1);
  await again.close();

  // It gets its next certificate below the new root; the one that does not know it, below the old one.
  const [nextQuick, nextSlow] = await Promise.all([renewed(quick), renewed(slow)]);
  expect([issuerOf(nextQuick), issuerOf(nextSlow)]).toEqual(['CN=Tsunagu issuing demo 2', 'CN=Tsunagu issuing demo']);
  expect([await canConnect(nextQuick), await canConnect(nextSlow)]).toEqual([true, true]);
  // The server's own certificate waits for the slowest.
  expect(await serverIssuer(oldRoot)).toBe('CN=Tsunagu issuing demo');
  const old = (await of('root')).find(({ state }) => state === 'superseded');
  expect(old?.terminals).toEqual({ count: 1, first: ['ROOT-0001'] });
  expect((await house.call('DELETE', `/authorities/${old?.id}`)).body.code).toBe('AUTHORITY_IN_USE');

  // The last one hears of it: the server moves while it runs, and both still come.
  const late = await TestLink.open(house, nextSlow);
  await late.hello();
  const slowTrust = await trusting(nextSlow, new MemoryFiles());
  slowTrust.wake(2);
  await slowTrust.idle();
  expect(slowTrust.version).toBe(2);
  await late.hello({ trust: 2 });
  await late.close();
  await until('the server to move', async () => (await serverIssuer(learned.pem)) === 'CN=Tsunagu issuing demo 2');
  await expect(serverIssuer(oldRoot)).rejects.toThrow();
  expect(await canConnect(withTrust(nextSlow, slowTrust.pem))).toBe(true);
  expect(await canConnect(withTrust(nextQuick, learned.pem))).toBe(true);
}, 180_000);

it('documents about roots count only when a root that is trusted now has signed, in their order', async () => {
  const terminal = await enrol(house, await house.register('ROOT-0003'));
  expect((await house.call('POST', '/authorities/rotations', { kind: 'root' })).status).toBe(200);
  const port = house.house.ports.device ?? 0;
  const answer = await device(port, terminal.claim.rootCertificate, 'GET', `${devicePaths.trust}/2`);
  expect(answer.status).toBe(200);
  const document = answer.json();
  const payload = JSON.parse(String(document['payload'])) as Trust & { tenant: string };
  const forged = { ...document, payload: JSON.stringify({ ...payload, version: 3 }) };
  for (const [body, code] of [
    [document, 'TRUST_DOCUMENT_INVALID'],
    [forged, 'TRUST_DOCUMENT_INVALID'],
  ] as const)
    expect((await house.call('POST', '/authorities/trust', body)).body.code).toBe(code);
  expect((await view()).trust.version).toBe(2);
  expect(serialSchema.safeParse(terminal.claim.serial).success && tenantSchema.safeParse(payload.tenant).success).toBe(
    true,
  );
});
