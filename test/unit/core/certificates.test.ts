import { execFileSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Identity, keepRenewed, renewalDue } from '@tsunagu/firmware-bridge/enrolment/index';
import { directNetwork, secureNetwork } from '@tsunagu/firmware-bridge/link/index';
import { openSealedStore } from '@tsunagu/firmware-bridge/sealed-store/index';
import { openStore } from '@tsunagu/fleet-server/store/index';
import { migrations } from '@tsunagu/fleet-server/store/migrations';
import { devicePaths, jobIdSchema, registeredTerminal, renewalAnswer } from '@tsunagu/protocols/fleet';
import { unwrap } from '@tsunagu/protocols/kit';
import { systemWorld, type World } from '@tsunagu/protocols/world';
import { buildCertificateRequest } from '@tsunagu/protocols/x509';
import { X509Certificate } from 'node:crypto';
import { type AddressInfo, connect, createServer } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { MemoryFiles } from '../agent/memory-files.ts';
import {
  device,
  enrol,
  enrolmentOf,
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

const folder = newFolder();
const dayMs = 86_400_000;
const certificateLifeMs = 10 * dayMs;
/** The house begins six days ago: of what it makes then more than half has passed when its clock is put right, however long a test takes. */
const clock = lateClock(6 * dayMs);
/** So long horizons wait for what else touches them, and those that wait now. */
const horizonSettleMs = 2_000;
const settling = new Set<unknown>();
let house: TestHouse;
let port: number;
beforeAll(async () => {
  house = await testHouse(folder, {
    certificateLifeMs,
    around(world) {
      const late = clock.around(world);
      const after: World['timers']['after'] = (delayMs, work) => {
        if (delayMs !== horizonSettleMs) return late.timers.after(delayMs, work);
        const timer = late.timers.after(delayMs, () => {
          settling.delete(timer);
          work();
        });
        settling.add(timer);
        return timer;
      };
      return { ...late, timers: { ...late.timers, after } };
    },
  });
  port = house.house.ports.device ?? 0;
  clock.late.behindMs = 0;
});
afterAll(async () => {
  await house.house.close();
  removeFolder(folder);
});

/** Asks for the next certificate. */
const renew = ({ claim, key, answer }: TestTerminal, next = newKey(), name: string = claim.serial) =>
  device(port, claim.rootCertificate, 'POST', devicePaths.certificates, {
    cert: answer.certificateChain,
    key: pemOf(key),
    body: JSON.stringify({ csr: Buffer.from(buildCertificateRequest(name, next)).toString('base64') }),
  });
/** A terminal whose certificate is half used up. */
async function agedTerminal(serial: string): Promise<TestTerminal> {
  const claim = await house.register(serial);
  clock.late.behindMs = 6 * dayMs;
  const terminal = await enrol(house, claim);
  clock.late.behindMs = 0;
  return terminal;
}
/** Asks for a certificate again, with the key and the claim that it had. */
async function statusOfEnrolment({ claim, key }: TestTerminal): Promise<unknown[]> {
  const body = JSON.stringify(enrolmentOf(claim, key).request);
  const answer = await device(port, claim.rootCertificate, 'POST', devicePaths.enrolments, { body });
  return [answer.status, answer.json()['code']];
}
const serialOf = (chain: string): string => new X509Certificate(chain).serialNumber.toLowerCase();
/** The revocation list of the issuing CA, hexadecimal. */
const listed = async ({ claim }: TestTerminal): Promise<string> =>
  (await device(port, claim.rootCertificate, 'GET', devicePaths.revocations)).bytes.toString('hex');
const isAdmitted = async (terminal: TestTerminal): Promise<boolean> => {
  const { claim, key, answer } = terminal;
  const asked = await device(port, claim.rootCertificate, 'GET', `${devicePaths.artefacts}/${'0'.repeat(64)}`, {
    cert: answer.certificateChain,
    key: pemOf(key),
  });
  return asked.status === 404;
};

it('renews a certificate; both count until the next one is shown, whatever answers were lost', async () => {
  const young = await enrol(house, await house.register('RENEW-0001'));
  expect((await renew(young)).json().code).toBe('RENEWAL_TOO_EARLY');

  const terminal = await agedTerminal('RENEW-0002');
  expect((await renew(terminal, newKey(), 'RENEW-0001')).json().code).toBe('CSR_INVALID');
  const next = newKey();
  // The first answer is lost; the same key asks again.
  await renew(terminal, next);
  const answered = await renew(terminal, next);
  expect(answered.status).toBe(200);
  const { certificateChain } = renewalAnswer.parse(answered.json());
  expect(await isAdmitted(terminal)).toBe(true);
  expect(await listed(terminal)).not.toContain(serialOf(terminal.answer.certificateChain));
  const renewed: TestTerminal = { ...terminal, key: next, answer: { ...terminal.answer, certificateChain } };
  expect(await isAdmitted(renewed)).toBe(true);
  expect(await isAdmitted(terminal)).toBe(false);
  expect(await isAdmitted(renewed)).toBe(true);
  // Brokers elsewhere learn of it by the list of the CA.
  const list = await listed(terminal);
  expect(list).toContain(serialOf(terminal.answer.certificateChain));
  expect(list).not.toContain(serialOf(certificateChain));
});

it('hands the same key the same next certificate however many answers are lost, and never shuts a terminal out', async () => {
  const terminal = await agedTerminal('RENEW-0003');
  const next = newKey();
  const chains = new Set<unknown>();
  for (let count = 0; count < 3; count++) chains.add((await renew(terminal, next)).json()['certificateChain']);
  expect(chains.size).toBe(1);
  // Ever other keys end the oldest answer that nobody showed, and not the certificate that works.
  const statuses: number[] = [];
  for (let count = 0; count < 9; count++) statuses.push((await renew(terminal)).status);
  expect(new Set(statuses)).toEqual(new Set([200]));
});

it('a terminal renews by itself before its time, over a line that breaks behind its request and again behind the answer', async () => {
  const terminal = await agedTerminal('RENEW-0004');
  const { claim, key, answer } = terminal;
  const system = systemWorld(() => undefined);
  // Its clock goes on by what it waits for its time, which takes none.
  let nowMs = Date.parse(new X509Certificate(answer.certificateChain).validFrom);
  const pauses = { firstMs: 20, maxMs: 40 };
  const world: World = {
    ...system,
    clock: { ...system.clock, now: () => nowMs },
    timers: {
      ...system.timers,
      async sleep(ms, signal) {
        nowMs += ms;
        if (ms <= pauses.maxMs) await system.timers.sleep(ms, signal);
      },
    },
  };
  const dueMs = renewalDue(answer.certificateChain, claim.serial);
  expect(dueMs - nowMs).toBeGreaterThan(certificateLifeMs * 0.4);
  const store = unwrap(await openSealedStore(new MemoryFiles(), world));
  const made = (): number => house.lines.filter(({ event }) => event === 'certificateRenewed').length;
  const madeBefore = made();
  let answersLost = 0;
  const askedAt: number[] = [];
  // The server has made the certificate, and not a byte of its answer arrives.
  const line = createServer((near) => {
    askedAt.push(nowMs);
    const far = connect(port, '127.0.0.1');
    near.on('data', (bytes) => far.write(bytes)).on('close', () => far.destroy());
    far.on('close', () => near.destroy());
    for (const socket of [near, far]) socket.on('error', () => undefined);
    far.on('data', (bytes) => {
      if (made() === madeBefore || answersLost >= 2) return void near.write(bytes);
      answersLost += 1;
      far.destroy();
    });
  });
  await new Promise<void>((resolve) => line.listen(0, '127.0.0.1', resolve));
  const { port: linePort } = line.address() as AddressInfo;
  const network = secureNetwork(
    directNetwork({ host: '127.0.0.1', fleet: 1, acquiring: 1, device: linePort }, world.timers),
    world.timers,
    { host: '127.0.0.1', rootCertificate: claim.rootCertificate },
    { certificateChain: answer.certificateChain, privateKey: key },
  );
  const stop = new AbortController();
  const { jobKey, negativeRoot } = answer;
  const identity = { certificateChain: answer.certificateChain, privateKey: key, jobKey, negativeRoot };
  const renewed: Identity[] = [];
  const keeping = keepRenewed({
    world,
    store,
    claim,
    network,
    identity,
    signal: stop.signal,
    // Power fails here: the next certificate is on the medium, and nobody has seen it.
    renewed(next) {
      renewed.push(next);
      stop.abort();
    },
    pauses,
  });
  await until('a renewal', () => renewed.length > 0);
  await keeping.ended;
  line.close();
  expect(askedAt.length).toBeGreaterThan(0);
  expect(Math.min(...askedAt)).toBeGreaterThanOrEqual(dueMs);
  expect(answersLost).toBe(2);
  // However often it asked there is one next certificate, and by either of the two it would get in.
  expect(made() - madeBefore).toBe(1);
  expect(await isAdmitted(terminal)).toBe(true);
  const [next] = renewed;
  if (!next) throw new Error('there is no next certificate');
  const { certificateChain, privateKey } = next;
  expect(await isAdmitted({ ...terminal, key: privateKey, answer: { ...answer, certificateChain } })).toBe(true);
  expect(await isAdmitted(terminal)).toBe(false);
  expect(nowMs).toBeLessThan(Date.parse(new X509Certificate(answer.certificateChain).validTo));
  expect(Date.parse(new X509Certificate(certificateChain).validTo)).toBeGreaterThan(
    Date.parse(new X509Certificate(answer.certificateChain).validTo),
  );
  const { body } = await house.call('GET', `/terminals/${claim.serial}/timeline`);
  expect(JSON.stringify(body)).toContain('certificate-renewed');
});

it('renews before its time for an order, once however often the order comes, and says by what right not otherwise', async () => {
  const terminal = await enrol(house, await house.register('RENEW-0005'));
  const { claim, key, answer } = terminal;
  const world = systemWorld(() => undefined);
  const store = unwrap(await openSealedStore(new MemoryFiles(), world));
  const network = secureNetwork(
    directNetwork({ host: '127.0.0.1', fleet: 1, acquiring: 1, device: port }, world.timers),
    world.timers,
    { host: '127.0.0.1', rootCertificate: claim.rootCertificate },
    { certificateChain: answer.certificateChain, privateKey: key },
  );
  const stop = new AbortController();
  const renewals = keepRenewed({
    world,
    store,
    claim,
    network,
    identity: { ...answer, privateKey: key },
    signal: stop.signal,
    renewed: (next) => network.show(next),
  });
  const link = await TestLink.open(house, terminal);
  await link.hello();
  const refused = await renewals.now({ job: jobIdSchema.parse('0'.repeat(36)), attempt: 1 });
  expect(refused).toMatchObject({ ok: false, fault: { code: 'RENEWAL_TOO_EARLY' } });
  const ordered = await house.call('POST', `/terminals/${claim.serial}/jobs`, {
    job: { type: 'certificate.renew', params: {} },
    priority: 'emergency',
  });
  expect(ordered.status).toBe(202);
  const { order } = (await link.ask('pull', 'request', { pull: 'job' })) as { order: { payload: string } };
  const { job, type, attempt } = JSON.parse(order.payload) as { job: never; type: string; attempt: number };
  expect(type).toBe('certificate.renew');
  const certificate = unwrap(await renewals.now({ job, attempt }));
  const before = new X509Certificate(answer.certificateChain).fingerprint256.replaceAll(':', '').toLowerCase();
  expect(certificate.fingerprint).toMatch(/^[0-9a-f]{64}$/);
  expect(certificate.fingerprint).not.toBe(before);
  // It was cut off before it could tell: the order comes again.
  expect(unwrap(await renewals.now({ job, attempt }))).toEqual(certificate);
  await link.ask({ kind: 'job', job }, 'job', { attempt, state: 'succeeded', certificate });
  expect((await house.call('GET', `/jobs/${job}`)).body).toMatchObject({
    state: 'succeeded',
    result: { certificate },
  });
  expect((await renew(terminal)).json().code).toBe('RENEWAL_TOO_EARLY');
  stop.abort();
  await renewals.ended;
  await link.close();
});

async function levelOf(serial: string): Promise<string | undefined> {
  const { items } = (await house.call('GET', '/expiry?limit=100')).body as unknown as {
    items: { serial: string; level: string }[];
  };
  return items.find((one) => one.serial === serial)?.level;
}

it('a revoked terminal is cut off at once on every wire, stays out, and is on the list', async () => {
  const terminal = await enrol(house, await house.register('REVOKED-0001'));
  const link = await TestLink.open(house, terminal);
  await link.hello();
  const { claim, key, answer } = terminal;
  const acquiring = connectTls({
    host: '127.0.0.1',
    port: house.house.ports.acquiring ?? 0,
    ca: claim.rootCertificate,
    cert: answer.certificateChain,
    key: pemOf(key),
  });
  await new Promise<void>((resolve) => acquiring.once('secureConnect', () => resolve()));
  let closed = 0;
  link.client.once('close', () => (closed += 1));
  acquiring.once('close', () => (closed += 1)).on('error', () => undefined);
  expect((await house.call('DELETE', '/terminals/REVOKED-0001/certificate')).status).toBe(200);
  await until('both connections to end', () => closed === 2);
  expect(await isAdmitted(terminal)).toBe(false);
  await until('its link to be lost', async () => {
    const { body } = await house.call('GET', '/terminals/REVOKED-0001');
    return (body['link'] as unknown as { state: string }).state === 'lost';
  });
  // One act, one entry: that its connections end is the house's own doing.
  const log = (await house.call('GET', '/audit?subject=terminal/REVOKED-0001')).body['items'] as unknown as {
    action: string;
  }[];
  expect(log.map(({ action }) => action)).toEqual(['terminal.revoke', 'POST /api/v1/terminals']);
  expect((await house.call('DELETE', '/terminals/NOBODY-0001/certificate')).body.code).toBe('TERMINAL_UNKNOWN');
  // Nobody means to save it from afar: it hides nobody else's last day.
  await until('its horizon to be gone', async () => (await levelOf('REVOKED-0001')) === undefined);
  // What it holds gives it no certificate any more, until its claim is issued again.
  expect(await statusOfEnrolment(terminal)).toEqual([403, 'CLAIM_ENDED']);
  // Nobody is left waiting for what it will not do; what may wait for a new claim is taken.
  const slip = { type: 'sale.test', params: { amountMinor: 100, card: 'visa-contactless' } };
  const orders = await Promise.all(
    [slip, { type: 'log.pull', params: {} }].map((job) => house.call('POST', '/terminals/REVOKED-0001/jobs', { job })),
  );
  expect(orders.map(({ status, body }) => [status, body.code])).toEqual([
    [409, 'TERMINAL_REVOKED'],
    [202, undefined],
  ]);
  // What it was when it was heard last says nothing of what it has.
  const wanted = { target: { kind: 'software', version: '1.0.0' }, serials: ['REVOKED-0001'] };
  const why = (await house.call('POST', '/why', wanted)).body as unknown as { items: { causes: { code: string }[] }[] };
  expect(why.items[0]?.causes[0]?.code).toBe('CERTIFICATE_ENDED');
  expect((await house.call('POST', '/terminals/REVOKED-0001/claim')).status).toBe(201);
  expect(await statusOfEnrolment(terminal)).toEqual([403, 'CLAIM_INVALID']);
  // The new claim is not in the terminal yet: nobody is left waiting for that either.
  const again = await house.call('POST', '/terminals/REVOKED-0001/test-sales', {
    amountMinor: 100,
    card: 'visa-contact',
  });
  expect([again.status, again.body.code]).toEqual([409, 'TERMINAL_NOT_ENROLLED']);

  const list = await device(port, claim.rootCertificate, 'GET', devicePaths.revocations);
  expect(list.headers['content-type']).toBe('application/pkix-crl');
  if (!existsSync('/usr/bin/openssl')) return;
  const [, issuing = ''] = answer.certificateChain.split(/(?<=-----END CERTIFICATE-----\n)/);
  writeFileSync(join(folder, 'list.der'), list.bytes);
  writeFileSync(join(folder, 'issuing.pem'), issuing);
  const read = execFileSync(
    'openssl',
    [
      'crl',
      '-inform',
      'DER',
      '-in',
      join(folder, 'list.der'),
      '-CAfile',
      join(folder, 'issuing.pem'),
      '-noout',
      '-text',
    ],
    { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] },
  );
  expect(read.replaceAll(/[^0-9A-F]/g, '')).toContain(new X509Certificate(answer.certificateChain).serialNumber);
  // It waits for its new claim as one does that is new, and whoever asks is told why.
  await until('its horizon', async () => (await levelOf(terminal.claim.serial)) === 'fine');
  const asked = { target: { kind: 'configuration' }, serials: [terminal.claim.serial] };
  const { items: answers } = (await house.call('POST', '/why', asked)).body as unknown as {
    items: { causes: { code: string }[] }[];
  };
  expect(answers[0]?.causes.map(({ code }) => code)).toContain('CERTIFICATE_ENDED');
});

it('who was revoked has a horizon again as soon as its claim is issued anew, though nothing else is heard of it', async () => {
  const { serial } = await house.register('REVOKED-0003');
  expect((await house.call('DELETE', `/terminals/${serial}/certificate`)).status).toBe(200);
  await until('its horizon to be gone', async () => (await levelOf(serial)) === undefined);
  await until('what was touched to be reckoned', () => settling.size === 0);
  expect((await house.call('POST', `/terminals/${serial}/claim`)).status).toBe(201);
  await until('its horizon', async () => (await levelOf(serial)) === 'fine');
});

it('whoever enrols anew with another key leaves no certificate that a broker elsewhere would take', async () => {
  const first = await enrol(house, await house.register('ANEW-0001'));
  // The answer was lost: the same device asks again.
  const again = await enrol(house, first.claim, first.key);
  const { claim } = registeredTerminal.parse((await house.call('POST', '/terminals/ANEW-0001/claim', {})).body);
  const other = await enrol(house, claim);
  const list = await listed(first);
  expect(list).toContain(serialOf(first.answer.certificateChain));
  expect(list).toContain(serialOf(again.answer.certificateChain));
  expect(list).not.toContain(serialOf(other.answer.certificateChain));
});

it('keeps nobody waiting for a terminal whose claim is not there, and issues it anew', async () => {
  const { serial } = await house.register('REVOKED-0002');
  const store = unwrap(await openStore(join(folder, 'server', 'store.sqlite'), migrations, house.world.clock));
  await store.write((tx) => tx.deleteFrom('claims').where('serial', '=', serial).execute());
  await store.close();
  const sale = { amountMinor: 100, card: 'visa-contact' };
  const refused = await house.call('POST', `/terminals/${serial}/test-sales`, sale);
  expect([refused.status, refused.body.code]).toEqual([409, 'TERMINAL_NOT_ENROLLED']);
  const issued = await house.call('POST', `/terminals/${serial}/claim`);
  expect(issued.status).toBe(201);
  await enrol(house, registeredTerminal.parse(issued.body).claim);
});
