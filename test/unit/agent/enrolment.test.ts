import { identify, readClaim } from '@tsunagu/firmware-bridge/enrolment/index';
import { contactInMemory, directNetwork, openLink, secureNetwork } from '@tsunagu/firmware-bridge/link/index';
import { openSealedStore } from '@tsunagu/firmware-bridge/sealed-store/index';
import { defaultContact, downTopic } from '@tsunagu/protocols/fleet';
import { unwrap } from '@tsunagu/protocols/kit';
import { systemWorld } from '@tsunagu/protocols/world';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { MemoryFiles } from './memory-files.ts';
import { serial, tenant, TinyServer, until } from './tiny-server.ts';

const lines: string[] = [];
const world = systemWorld((level, event, facts) => lines.push(JSON.stringify([level, event, facts])));
const pauses = { firstMs: 10, maxMs: 20 };
let server: TinyServer;

beforeAll(async () => {
  server = await new TinyServer().start();
});
beforeEach(() => {
  server.enrolled.length = 0;
  server.beforeAnswer = () => true;
  lines.length = 0;
});
afterAll(() => server.stop());

const withClaim = (overrides = {}) =>
  new MemoryFiles(new Map([['claim.json', Buffer.from(JSON.stringify(server.claim(overrides)))]]));

async function enrol(files: MemoryFiles, signal = new AbortController().signal) {
  const store = await openSealedStore(files, world);
  if (!store.ok) return store;
  const claim = unwrap(await readClaim(files));
  const network = directNetwork(claim.endpoints, world.timers);
  return identify({ world, store: store.value, claim, network, signal, pauses });
}

test('a terminal enrols once and finds its identity again', async () => {
  const files = withClaim();
  const first = unwrap(await enrol(files));
  const second = unwrap(await enrol(files.afterPowerLoss(false)));
  expect(server.enrolled).toHaveLength(1);
  expect(second.certificateChain).toBe(first.certificateChain);
  expect(second.privateKey.equals(first.privateKey)).toBe(true);
});

test('a lost answer makes it ask again with the same key', async () => {
  let losses = 2;
  server.beforeAnswer = () => losses-- <= 0;
  unwrap(await enrol(withClaim()));
  expect(server.enrolled).toHaveLength(3);
  expect(new Set(server.enrolled).size).toBe(1);
});

test('whichever write the power fails at, the next boot ends enrolled with one key', async () => {
  for (let failAt = 1; ; failAt++) {
    server.enrolled.length = 0;
    const files = new MemoryFiles(new Map([['claim.json', Buffer.from(JSON.stringify(server.claim()))]]), failAt);
    const first = await enrol(files);
    const after = files.afterPowerLoss(failAt % 2 === 0);
    const second = unwrap(await enrol(after));
    expect(new Set(server.enrolled).size).toBe(1);
    const kept = unwrap(
      await unwrap(await openSealedStore(after, world)).read({
        name: 'kbpk',
        facts: (await import('zod')).z.object({}),
      }),
    );
    expect(kept?.secret?.use((bytes) => Buffer.from(bytes).toString('hex'))).toBe(
      server.keyBlockProtectionKey?.use((bytes) => Buffer.from(bytes).toString('hex')),
    );
    if (first.ok) {
      expect(second.certificateChain).toBe(first.value.certificateChain);
      break;
    }
    expect(first.fault.code).toBe('STORE_WRITE_FAILED');
  }
});

test('a wrong claim secret is refused, tried again with a pause, and never logged', async () => {
  const stop = new AbortController();
  const wrong = Buffer.alloc(32, 0x5a).toString('base64');
  const enrolling = enrol(withClaim({ claimSecret: wrong }), stop.signal);
  await until(() => lines.filter((line) => line.includes('CLAIM_INVALID')).length >= 2);
  stop.abort();
  expect(await enrolling).toMatchObject({ ok: false });
  expect(lines.join()).not.toContain(wrong);
});

test('a server of another root gets no enrolment', async () => {
  const stop = new AbortController();
  const stranger = new TinyServer();
  const enrolling = enrol(withClaim({ rootCertificate: stranger.rootCertificate }), stop.signal);
  await until(() => lines.some((line) => line.includes('LINK_REFUSED')));
  stop.abort();
  await enrolling;
  expect(server.enrolled).toHaveLength(0);
});

test('a claim bundle that is missing or not one is a fault of its own', async () => {
  expect(await readClaim(new MemoryFiles())).toMatchObject({ fault: { code: 'CLAIM_BUNDLE_INVALID' } });
  const broken = new MemoryFiles(new Map([['claim.json', Buffer.from('{')]]));
  expect(await readClaim(broken)).toMatchObject({ fault: { code: 'CLAIM_BUNDLE_INVALID' } });
});

const hello = {
  model: 'CT-5100',
  software: { version: '1', slot: 'A' as const },
  configuration: { version: 0, hash: '' },
  keys: [],
  negative: [],
  cards: [],
};

async function link(boot: number) {
  const files = withClaim();
  const identity = unwrap(await enrol(files));
  const claim = unwrap(await readClaim(files));
  const network = secureNetwork(
    directNetwork(claim.endpoints, world.timers),
    world.timers,
    { host: claim.endpoints.host, rootCertificate: claim.rootCertificate },
    identity,
  );
  const seen = { notified: [] as unknown[], heads: [] as unknown[], ups: 0 };
  const opened = openLink({
    world,
    tenant,
    serial,
    boot,
    network,
    contact: contactInMemory({ ...defaultContact, ...pauses }),
  });
  opened.start({
    hello: () => hello,
    up: () => {
      seen.ups += 1;
    },
    down: () => undefined,
    notified: (work) => seen.notified.push(work),
    negativeHead: (list, head) => seen.heads.push([list, head]),
  });
  return { link: opened, seen };
}

test('the link says hello on each connection, with one boot and rising numbers, and goodbye at the end', async () => {
  server.arrived.length = 0;
  const { link: opened, seen } = await link(7);
  await until(() => seen.ups === 1);
  server.dropConnections();
  await until(() => seen.ups === 2);
  await opened.stop();
  const kinds = server.arrived.map(({ topic, message }) =>
    topic.kind === 'presence' ? `presence ${(message.body as { state: string }).state}` : topic.kind,
  );
  expect(kinds.filter((kind) => kind === 'hello')).toHaveLength(2);
  expect(kinds.at(-1)).toBe('presence disconnected');
  const own = server.arrived.filter(({ message }) => (message.body as { state?: string }).state !== 'lost');
  expect(own.every(({ message }) => message.boot === 7)).toBe(true);
  const numbers = own.map(({ message }) => message.seq);
  expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
  expect(opened.isUp).toBe(false);
});

test('questions get their own answers, or a fault in time', async () => {
  server.answer = ({ message }) =>
    (message.body as { pull: string }).pull === 'time' ? { kind: 'time', now: 42 } : undefined;
  const { link: opened, seen } = await link(1);
  await until(() => seen.ups);
  const [time, nothing] = await Promise.all([
    opened.ask({ kind: 'pull' }, 'request', { pull: 'time' }),
    opened.ask({ kind: 'pull' }, 'request', { pull: 'job' }, 100),
  ]);
  expect(time).toEqual({ ok: true, value: { kind: 'time', now: 42 } });
  expect(nothing).toMatchObject({ fault: { code: 'ANSWER_TIMED_OUT' } });
  const waiting = opened.ask({ kind: 'pull' }, 'request', { pull: 'job' });
  server.dropConnections();
  expect(await waiting).toMatchObject({ fault: { code: 'LINK_DOWN' } });
  await opened.stop();
  server.answer = () => undefined;
});

test('bad, foreign and late messages are counted and disturb nothing', async () => {
  const { link: opened, seen } = await link(1);
  await until(() => seen.ups);
  const notify = downTopic(tenant, serial, { kind: 'notify' });
  server.sendBytes(notify, Buffer.from('no json'));
  server.sendBytes(notify, Buffer.alloc(70_000, 0x20));
  server.send(notify, 'notify', { jobs: 'many' });
  server.send(`tms/v1/demo/${serial}/dn/unheard/of`, 'notify', {});
  server.send(notify, 'notify', { jobs: 1 }, { exp: 1 });
  server.notify({ jobs: 3 });
  await until(() => seen.notified.length);
  expect(seen.notified).toEqual([{ jobs: 3 }]);
  expect(opened.dropped).toEqual({ MESSAGE_INVALID: 4, MESSAGE_EXPIRED: 1 });
  await opened.stop();
});
