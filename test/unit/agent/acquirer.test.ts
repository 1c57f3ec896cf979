import type { AddressInfo } from 'node:net';
import { createServer, type Server, type TLSSocket } from 'node:tls';
import { generateKeyPairSync } from 'node:crypto';
import { openAcquirer, openReversalStore, openStanCounter } from '@tsunagu/firmware-bridge/acquiring/index';
import { directNetwork, secureNetwork } from '@tsunagu/firmware-bridge/link/index';
import { cardVault } from '@tsunagu/firmware-bridge/secure/index';
import { openSealedStore } from '@tsunagu/firmware-bridge/sealed-store/index';
import {
  frameKeys,
  openFrame,
  readFrame,
  refusalFrame,
  sealFrame,
  terminalCodec,
  terminalFrame,
} from '@tsunagu/protocols/acquiring';
import {
  aesInitialKey,
  deriveAesTransactionKey,
  initialiseAesTerminal,
  parseAesKsn,
  takeAesTransactionKey,
} from '@tsunagu/protocols/dukpt';
import { FrameReader, type Message } from '@tsunagu/protocols/iso8583';
import { ok, Secret, secretPan, unwrap } from '@tsunagu/protocols/kit';
import { systemWorld } from '@tsunagu/protocols/world';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { MemoryFiles } from './memory-files.ts';
import { serial, TinyServer } from './tiny-server.ts';

const world = systemWorld(() => undefined);
const house = new TinyServer();
const initialKey = unwrap(aesInitialKey(Secret.copy('key', new Uint8Array(16).fill(3)), new Uint8Array(8).fill(1)));
let server: Server;
/** What the switch does with the next request. */
let act: (request: Message, reply: (message: Message) => Uint8Array, socket: TLSSocket, ksn: Uint8Array) => void;
const seen: { stan: unknown; ksn: string; from: unknown }[] = [];

beforeAll(async () => {
  server = createServer(house.tls, (socket) => {
    const reader = new FrameReader(terminalFrame);
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => {
      for (const { message } of reader.push(chunk).frames) {
        const frame = unwrap(readFrame(message));
        if (frame.kind !== 'request') throw new Error('not a request');
        const key = () => unwrap(deriveAesTransactionKey(initialKey, unwrap(parseAesKsn(frame.ksn)).counter));
        const request = unwrap(terminalCodec.decode(unwrap(openFrame(frame, frameKeys(key(), 'request')))));
        seen.push({
          stan: request.fields[11],
          ksn: Buffer.from(frame.ksn).toString('hex'),
          from: socket.getPeerCertificate().subject.CN,
        });
        const reply = (answer: Message) =>
          sealFrame('answer', frame.ksn, unwrap(terminalCodec.encode(answer)), frameKeys(key(), 'answer'));
        act(request, reply, socket, frame.ksn);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterAll(() => server.close());

function acquirer() {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const { port } = server.address() as AddressInfo;
  let state = initialiseAesTerminal({ ...initialKey, key: Secret.copy('key', new Uint8Array(16).fill(3)) });
  return openAcquirer({
    world,
    network: secureNetwork(
      directNetwork({ host: '127.0.0.1', fleet: 1, device: 1, acquiring: port }, world.timers),
      world.timers,
      { host: '127.0.0.1', rootCertificate: house.rootCertificate },
      { certificateChain: house.terminalCertificate(publicKey), privateKey },
    ),
    keys: {
      acquirerKeys: () => undefined,
      takeTransactionKey: async () => {
        const taken = unwrap(takeAesTransactionKey(state));
        state = taken.next;
        return ok(taken.transactionKey);
      },
    },
  });
}

const request = (stan: string): Message => ({
  mti: '1200',
  fields: { 2: secretPan('4761739001010010'), 3: '000000', 4: '000000001280', 11: stan, 12: '261123100000', 24: '200' },
});
const answerTo = ({ fields }: Message, actionCode = '000'): Message => ({
  mti: '1210',
  fields: { 3: '000000', 4: '000000001280', 11: fields[11] ?? '', 12: '261123100000', 39: actionCode },
});
const ask = (line: ReturnType<typeof acquirer>, stan: string, timeoutMs = 60_000) =>
  line.exchange(request(stan), { timeoutMs });

test('each request goes under a key of its own, on one connection, and gets its own answer', async () => {
  seen.length = 0;
  const late: (() => void)[] = [];
  act = (message, reply, socket) => {
    late.push(() => socket.write(reply(answerTo(message, message.fields[11] === '000001' ? '000' : '116'))));
    // Answers in the other order.
    if (late.length === 2) for (const send of late.reverse()) send();
  };
  const line = acquirer();
  const [first, second] = await Promise.all([
    ask(line, '000001'),
    new Promise((resolve) => setTimeout(resolve, 100)).then(() => ask(line, '000002')),
  ]);
  expect([unwrap(first).fields[39], unwrap(second).fields[39]]).toEqual(['000', '116']);
  expect(new Set(seen.map(({ ksn }) => ksn)).size).toBe(2);
  expect(seen.every(({ from }) => from === serial)).toBe(true);
  line.close();
});

test('no answer in time is a time-out, and the late answer is nobody’s', async () => {
  // It is connected before: the time is that of the answer alone.
  act = (message, reply, socket) => socket.write(reply(answerTo(message)));
  const line = acquirer();
  unwrap(await ask(line, '000014'));
  const asked = new Promise<() => void>((resolve) => {
    act = (message, reply, socket) => resolve(() => void socket.write(reply(answerTo(message))));
  });
  expect(await ask(line, '000003', 150)).toMatchObject({ fault: { code: 'ACQUIRER_TIMEOUT' } });
  const sendLate = await asked;
  sendLate();
  act = (message, reply, socket) => socket.write(reply(answerTo(message, '100')));
  expect(unwrap(await ask(line, '000004')).fields[39]).toBe('100');
  line.close();
});

test('a connection that breaks after the request leaves the outcome open, and the next sale connects anew', async () => {
  act = (_, __, socket) => socket.destroy();
  const line = acquirer();
  expect(await ask(line, '000005')).toMatchObject({ fault: { code: 'ACQUIRER_TIMEOUT' } });
  act = (message, reply, socket) => socket.write(reply(answerTo(message)));
  expect((await ask(line, '000006')).ok).toBe(true);
  line.close();
});

test('a refusal, a forged answer and garbage are unusable answers', async () => {
  const line = acquirer();
  act = (_, __, socket, ksn) => socket.write(refusalFrame('ACQUIRING_KSN_REUSED', ksn));
  expect(await ask(line, '000007')).toMatchObject({
    fault: { code: 'ACQUIRER_ANSWER_UNUSABLE', facts: { refusal: 'ACQUIRING_KSN_REUSED' } },
  });
  act = (message, reply, socket) => {
    const forged = reply(answerTo(message));
    forged[forged.length - 1] = (forged.at(-1) ?? 0) ^ 1;
    socket.write(forged);
  };
  expect(await ask(line, '000008')).toMatchObject({ fault: { code: 'ACQUIRER_ANSWER_UNUSABLE', field: 'mac' } });
  act = (_, __, socket) => socket.write(Buffer.from('0003ffffff', 'hex'));
  expect(await ask(line, '000009')).toMatchObject({ fault: { code: 'ACQUIRER_ANSWER_UNUSABLE', field: 'frame' } });
  act = (message, reply, socket) => socket.write(reply(answerTo(message)));
  expect((await ask(line, '000010')).ok).toBe(true);
  line.close();
});

test.each(['LIFECYCLE_FORBIDS', 'CLIENT_CERTIFICATE_REFUSED'] as const)(
  'a terminal that is turned away at the door (%s) knows it, and that nothing of it was read',
  async (code) => {
    const line = acquirer();
    act = (_, __, socket) => socket.end(refusalFrame(code));
    const refused = { fault: { code: 'ACQUIRER_REFUSES_TERMINAL', facts: { refusal: code } } };
    expect(await ask(line, '000012')).toMatchObject(refused);
    act = (message, reply, socket) => socket.write(reply(answerTo(message)));
    expect((await ask(line, '000013')).ok).toBe(true);
    line.close();
  },
);

test('a switch that is not there costs no key', async () => {
  let taken = 0;
  const line = openAcquirer({
    world,
    network: secureNetwork(
      directNetwork({ host: '127.0.0.1', fleet: 1, device: 1, acquiring: 1 }, world.timers),
      world.timers,
      { host: '127.0.0.1', rootCertificate: house.rootCertificate },
    ),
    keys: {
      acquirerKeys: () => undefined,
      takeTransactionKey: async () => {
        taken += 1;
        throw new Error('not to be called');
      },
    },
  });
  expect(await line.exchange(request('000011'), { timeoutMs: 500 })).toMatchObject({
    fault: { code: 'ACQUIRER_UNREACHABLE' },
  });
  expect(taken).toBe(0);
});

const vault = cardVault(Secret.take('key', new Uint8Array(32).fill(7)), world);
const image = (id: string, pan = '4761739001010010') => ({
  v: 2 as const,
  id,
  attempts: 0,
  card: vault.seal({ pan: secretPan(pan) }),
  stan: 7,
  transmissionTime: '1123100000',
  processingCode: '000000',
  amountMinor: 1_280,
  posDataCode: '510101511344',
  reason: '4021',
  terminalId: 'T1234567',
  merchantId: 'M1',
  original: { mti: '1200', stan: 6, localTime: '261123190000' },
});

test('reversals outlast a power failure in their order, with their cards, which no file shows', async () => {
  const files = new MemoryFiles();
  const queue = unwrap(await openReversalStore(unwrap(await openSealedStore(files, world))));
  unwrap(await queue.put(image('a')));
  unwrap(await queue.put(image('b', '378282246310005')));
  unwrap(await queue.put({ ...image('a'), attempts: 1 }));
  const after = unwrap(await openReversalStore(unwrap(await openSealedStore(files.afterPowerLoss(false), world))));
  const kept = await after.list();
  expect(kept.map((one) => [one.id, one.attempts, one.card.lastFour])).toEqual([
    ['a', 1, '0010'],
    ['b', 0, '0005'],
  ]);
  const [, second] = kept;
  const opened = unwrap(vault.open(second?.card ?? image('none').card));
  expect(opened.pan.use((digits) => Buffer.from(digits).toString())).toBe('378282246310005');
  expect(vault.open({ ...image('a').card, lastFour: '0000' })).toMatchObject({ fault: { code: 'CARD_BOX_BROKEN' } });
  unwrap(await after.remove('a'));
  unwrap(await after.remove('unheard-of'));
  expect((await after.list()).map((one) => one.id)).toEqual(['b']);
  for (const name of ['reversals.sealed']) {
    const bytes = Buffer.from((await files.read(name)) ?? []);
    expect(bytes.includes('4761739001010010')).toBe(false);
  }
});

test('whichever change the power fails at, a reversal is there or not, never half', async () => {
  const base = new MemoryFiles();
  const first = unwrap(await openReversalStore(unwrap(await openSealedStore(base, world))));
  unwrap(await first.put(image('a')));
  for (let failAt = 1; failAt <= 4; failAt++) {
    const files = base.afterPowerLoss(true, failAt);
    const queue = unwrap(await openReversalStore(unwrap(await openSealedStore(files, world))));
    const put = await queue.put(image('b', '378282246310005'));
    if (!put.ok) expect(put.fault.code).toBe('REVERSAL_NOT_STORED');
    const after = unwrap(
      await openReversalStore(unwrap(await openSealedStore(files.afterPowerLoss(failAt === 2), world))),
    );
    const ids = (await after.list()).map((one) => `${one.id}${one.card.lastFour}`);
    expect(put.ok ? [['a0010', 'b0005']] : [['a0010'], ['a0010', 'b0005']]).toContainEqual(ids);
  }
});

const stanCounter = async (files: MemoryFiles, used: readonly number[] = []) =>
  unwrap(await openStanCounter(unwrap(await openSealedStore(files, world)), world, used));

test('audit numbers are never given twice, and begin again after 999999', async () => {
  const files = new MemoryFiles();
  const counter = await stanCounter(files);
  const given = await Promise.all([counter.next(), counter.next(), counter.next()]);
  expect(given.map(unwrap)).toEqual([1, 2, 3]);
  const used = new Set([1, 2, 3]);
  for (let failAt = 1; failAt <= 6; failAt++) {
    const failing = files.afterPowerLoss(true, failAt);
    const before = await (await stanCounter(failing)).next();
    const after = unwrap(await (await stanCounter(failing.afterPowerLoss(false))).next());
    if (before.ok) expect(after).toBeGreaterThan(before.value);
    expect(used.has(after)).toBe(false);
  }
});

test.each([
  ['an empty', [123_456, 7, 99], 124_456],
  ['a damaged', [999_990, 3, 12], 1_012],
  ['a missing', [5], 1_005],
] as const)('with %s record of the counter no number comes again', async (kind, used, least) => {
  const files = new MemoryFiles();
  unwrap(await (await stanCounter(files)).next());
  if (kind === 'a missing') await files.remove('stan.sealed');
  else await files.write('stan.sealed', Buffer.from(kind === 'an empty' ? '' : 'TSS1 and nothing that was sealed'));
  expect(unwrap(await (await stanCounter(files, used)).next())).toBe(least + 1);
  // The record is whole again.
  expect(unwrap(await (await stanCounter(files)).next())).toBe(least + 2);
});

test('a damaged queue of reversals is kept aside and named: it never passes for one that was empty', async () => {
  const files = new MemoryFiles();
  const store = unwrap(await openSealedStore(files, world));
  unwrap(await unwrap(await openReversalStore(store)).put(image('a')));
  await files.write('reversals.sealed', Buffer.from('x'));
  unwrap(await openReversalStore(store));
  expect(unwrap(await store.setAside())).toMatchObject([{ record: 'reversals', code: 'REVERSAL_RECORD_SET_ASIDE' }]);
  const kept = (await files.list()).find((name) => /^reversals\.\d+\.damaged$/.test(name)) ?? '';
  expect(await files.read(kept)).toEqual(Uint8Array.from(Buffer.from('x')));
});
