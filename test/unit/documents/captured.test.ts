import { readFileSync } from 'node:fs';
import { startTerminal } from '@tsunagu/firmware-bridge/agent/index';
import { openCardSide } from '@tsunagu/firmware-bridge/payment/index';
import {
  type ClaimBundle,
  devicePaths,
  type EnrolmentAnswer,
  enrolmentRequest,
  envelope,
  type MessageName,
  messages,
  parseUpTopic,
} from '@tsunagu/protocols/fleet';
import { unwrap } from '@tsunagu/protocols/kit';
import { testCard } from '@tsunagu/protocols/test-cards';
import { MqttClient } from 'mqtt';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { MemoryFiles } from '../agent/memory-files.ts';
import {
  device,
  enrolmentOf,
  newFolder,
  newKey,
  removeFolder,
  type TestHouse,
  testHouse,
  until,
} from '../core/support.ts';
import { schemaJudge } from './validators.ts';

/** A message as it went over the wire. */
interface Captured {
  readonly topic: string;
  readonly message: { readonly ct: MessageName; readonly body: Record<string, unknown> };
}

const judge = schemaJudge();
const schemaOf = (name: string) =>
  judge.getSchema(`urn:tsunagu:schema:${name}`) ??
  judge.compile(
    JSON.parse(readFileSync(new URL(`../../../docs/wire/schemas/${name}.schema.json`, import.meta.url), 'utf8')),
  );

const captured: Captured[] = [];
const folder = newFolder();
let house: TestHouse;
let claimOfAnother: ClaimBundle;

/** A real server and a real terminal; what their MQTT client writes and reads is kept. */
beforeAll(async () => {
  const take = (topic: string, payload: string | Buffer): void => {
    // Heads of negative lists are signed bytes, not an envelope.
    if (!topic.includes('/bc/neg/')) captured.push({ topic, message: JSON.parse(payload.toString()) });
  };
  const publish = vi.spyOn(MqttClient.prototype, 'publishAsync');
  const emit = vi.spyOn(MqttClient.prototype, 'emit');
  house = await testHouse(folder);
  const given = await house.register('CT5100-0001');
  claimOfAnother = await house.register('CT5100-0002');
  // This house took any free ports.
  const { fleet = 0, device: devicePort = 0, acquiring = 0 } = house.house.ports;
  const claim = { ...given, endpoints: { ...given.endpoints, fleet, device: devicePort, acquiring } };
  const files = new MemoryFiles(new Map([['claim.json', Buffer.from(JSON.stringify(claim))]]));
  const shopper = { seed: '7', meanSeconds: 3_600 };
  const terminal = unwrap(await startTerminal({ world: house.world, files, openCardSide, shopper }));
  unwrap(await terminal.connected);
  const saw = (ct: MessageName, isIt: (body: Record<string, unknown>) => unknown = () => true) =>
    until(ct, () => {
      for (const [topic, payload] of publish.mock.calls.splice(0)) take(topic, payload);
      for (const [event, ...values] of emit.mock.calls.splice(0)) {
        const [topic, payload] = values as unknown[];
        if (String(event) === 'message' && typeof topic === 'string' && Buffer.isBuffer(payload)) take(topic, payload);
      }
      return captured.some(({ message }) => message.ct === ct && isIt(message.body));
    });
  await saw('hello', ({ keys }) => Array.isArray(keys) && keys.length === 2);
  await house.call('PATCH', '/configuration', { amountMaxMinor: 9_000 }, { 'if-match': '"1"' });
  await saw('twin');
  const pan = testCard('visa-listed').pan.use((digits) => Buffer.from(digits).toString('latin1'));
  await house.call('POST', '/negative/entries', { pan, reason: 'stolen' });
  await house.call('POST', '/terminals/CT5100-0001/test-sales', { amountMinor: 500, card: 'visa-listed' });
  await saw('job', ({ state, sale }) => state === 'succeeded' && sale);
  await saw('sale');
  await terminal.stop();
  await saw('presence', ({ state }) => state === 'disconnected');
  vi.restoreAllMocks();
}, 180_000);
afterAll(async () => {
  await house.house.close();
  removeFolder(folder);
});

test('the real server and the real terminal said every message that a terminal without an alarm says', () => {
  const heard = new Set(captured.map(({ message }) => message.ct));
  expect([...heard].toSorted()).toEqual(
    Object.keys(messages)
      .filter((name) => name !== 'alarm')
      .toSorted(),
  );
});

test('what they said is accepted by the schemas, without zod', () => {
  for (const { message } of captured) {
    const whole = schemaOf('fleet-message');
    expect(whole(message), JSON.stringify([message, whole.errors])).toBe(true);
    const { ct } = message;
    expect(schemaOf(ct)(message.body), ct).toBe(true);
  }
});

test('what is inside a signed document is accepted by its own schema', () => {
  const orders = captured.filter(({ message }) => message.body['kind'] === 'job' && message.body['order']);
  expect(orders.length).toBeGreaterThan(0);
  const inside = (document: unknown): unknown => JSON.parse((document as { payload: string }).payload);
  for (const { message } of orders) expect(schemaOf('job-order')(inside(message.body['order']))).toBe(true);
});

/** Every way to break a value once: a property left out, or another type or extreme in the place of a value. */
function* broken(value: unknown): Generator<unknown> {
  for (const other of [null, true, -1, 0.5, 1e300, '', 'x'.repeat(70_000), [], {}]) yield other;
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) for (const worse of broken(item)) yield value.with(index, worse);
  } else if (typeof value === 'object' && value !== null) {
    for (const [key, item] of Object.entries(value)) {
      const { [key]: _gone, ...rest } = value as Record<string, unknown>;
      yield rest;
      for (const worse of broken(item)) yield { ...value, [key]: worse };
    }
    yield { ...value, unheardOf: 1 };
  }
}

test('a message that is broken anywhere is judged by the schema as the running code judges it', () => {
  let refused = 0;
  let accepted = 0;
  const once = new Map(captured.map(({ message }) => [`${message.ct} ${message.body['kind'] ?? ''}`, message]));
  for (const { ct, body } of once.values()) {
    const judged = schemaOf(ct);
    for (const worse of broken(body)) {
      const isAccepted = messages[ct].safeParse(worse).success;
      expect(judged(worse), JSON.stringify(worse)?.slice(0, 500)).toBe(isAccepted);
      if (isAccepted) accepted += 1;
      else refused += 1;
    }
  }
  expect(refused).toBeGreaterThan(500);
  expect(accepted).toBeGreaterThan(20);
  const [first] = captured;
  for (const worse of broken(first?.message)) {
    const isAccepted = envelope.safeParse(worse).success;
    expect(schemaOf('envelope')(worse), JSON.stringify(worse)?.slice(0, 500)).toBe(isAccepted);
  }
});

test('every topic that was used is in the table', () => {
  for (const { topic } of captured)
    expect(parseUpTopic(topic) !== undefined || /\/dn\/(notify|res\/[^/]+)$|\/bc\/neg\/[^/]+$/.test(topic), topic).toBe(
      true,
    );
});

test('an enrolment with the real server, its answer and its refusals are accepted by the schemas of W2', async () => {
  const claim = claimOfAnother;
  expect(schemaOf('claim-bundle')(claim)).toBe(true);
  const { request } = enrolmentOf(claim, newKey());
  const post = async (body: unknown) =>
    device(house.house.ports.device ?? 0, claim.rootCertificate, 'POST', devicePaths.enrolments, {
      body: JSON.stringify(body),
    });
  expect(schemaOf('enrolment-request')(request)).toBe(true);
  const answered = await post(request);
  expect(answered.status).toBe(200);
  expect(schemaOf('enrolment-answer')(answered.json() as unknown as EnrolmentAnswer)).toBe(true);
  const { csr: _csr, ...incomplete } = request;
  expect(schemaOf('enrolment-request')(incomplete)).toBe(false);
  const refused = await post(incomplete);
  expect(refused.status).toBe(400);
  expect(schemaOf('problem')(refused.json())).toBe(true);
  for (const worse of broken(request))
    expect(schemaOf('enrolment-request')(worse)).toBe(enrolmentRequest.safeParse(worse).success);
});
