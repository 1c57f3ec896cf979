import { createHash, createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { type House, type HouseOptions, openHouse } from '@tsunagu/fleet-server/house';
import {
  agreeKeyBlockProtectionKey,
  certificatesOf,
  type ClaimBundle,
  claimProof,
  devicePaths,
  type EnrolmentAnswer,
  type Envelope,
  encodeEnvelope,
  enrolmentAnswer,
  type Hello,
  type MessageName,
  parseEnvelope,
  registeredTerminal,
  type Response,
  response,
  tenantSchema,
  terminalFilters,
  type UpTopic,
  upTopic,
} from '@tsunagu/protocols/fleet';
import { Secret, unwrap } from '@tsunagu/protocols/kit';
import {
  acceptHead,
  acceptOverlay,
  decodeHead,
  decodeSigned,
  initialTrust,
  openFirstRoot,
} from '@tsunagu/protocols/negative/authority';
import { systemWorld, type World } from '@tsunagu/protocols/world';
import { buildCertificateRequest } from '@tsunagu/protocols/x509';
import { MqttClient } from 'mqtt';
import { layEmptyStore } from '../../empty-store.ts';

/** A log line as it was written. */
export interface Line {
  readonly event: string;
  readonly code: string | undefined;
}

/** A world that keeps its log. */
export function watchedWorld() {
  const lines: Line[] = [];
  const world = systemWorld((_level, event, facts) => {
    const fault = facts.fault;
    lines.push({
      event,
      code: typeof fault === 'object' && fault !== null && 'code' in fault ? fault.code : undefined,
    });
  });
  return { world, lines };
}

/** The end of a wait, which is for what hangs: a busy machine is no fault. */
export const patientMs = 60_000;

/** Waits until something holds; fails with `what` after `limitMs`. */
export async function until<T>(
  what: string,
  look: () => T | undefined | false | Promise<T | undefined | false>,
  limitMs = patientMs,
): Promise<T> {
  const end = Date.now() + limitMs;
  for (;;) {
    const found = await look();
    if (found) return found;
    if (Date.now() > end) throw new Error(`waited in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

export const newFolder = (): string => mkdtempSync(join(tmpdir(), 'tsunagu-core-'));
export const removeFolder = (path: string): void => rmSync(path, { recursive: true, force: true });

/** A house on ports of its own, and the management API as its owner uses it. */
export async function testHouse(
  dataDir: string,
  {
    around = (world) => world,
    ...more
  }: Pick<
    Partial<HouseOptions>,
    'certificateLifeMs' | 'saleSettleMs' | 'lives' | 'portBase' | 'webDir' | 'webhookAllow'
  > & {
    /** What of the world is otherwise. */
    readonly around?: (world: World) => World;
  } = {},
) {
  const { world: watched, lines } = watchedWorld();
  const world = around(watched);
  await layEmptyStore(join(dataDir, 'server', 'store.sqlite'));
  const house: House = unwrap(
    await openHouse({ world, dataDir, host: '127.0.0.1', portBase: 0, tenant: tenantSchema.parse('demo'), ...more }),
  );
  const { token } = JSON.parse(readFileSync(join(dataDir, 'access.json'), 'utf8')) as { token: string };
  const call = async (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) => {
    const answer = await fetch(`${house.managementUrl}/api/v1${path}`, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body !== undefined && { 'content-type': 'application/json', 'idempotency-key': crypto.randomUUID() }),
        ...headers,
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    return { status: answer.status, body: (await answer.json()) as Record<string, never> & { code?: string } };
  };
  const register = async (serial: string, model = 'CT-5100'): Promise<ClaimBundle> => {
    const place = { merchant: '喫茶つなぐ', shop: '本店', lane: '1' };
    const answer = await call('POST', '/terminals', { serial, model, place });
    return registeredTerminal.parse(answer.body).claim;
  };
  return { house, lines, call, register, world };
}
export type TestHouse = Awaited<ReturnType<typeof testHouse>>;

type Post = (path: string, body: unknown) => Promise<Record<string, unknown> & { readonly code?: string }>;

/** Signs in a person whom the owner of the house let in unless told who did, and calls as such. */
export async function signedIn(
  house: TestHouse,
  name: string,
  role: 'operator' | 'admin',
  letIn: Post = async (path, body) => (await house.call('POST', path, body)).body,
): Promise<Post> {
  const made = await letIn('/people', { name, roles: [role] });
  const link = await letIn(`/people/${String(made['id'])}/sign-ins`, {});
  const [address = '', token = ''] = String(link['url']).split('#');
  const { origin } = new URL(address);
  const signed = await fetch(`${origin}/api/v1/sessions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', origin },
    body: JSON.stringify({ token }),
  });
  const cookie = (signed.headers.get('set-cookie') ?? '').split(';')[0] ?? '';
  return async (path: string, body: unknown) => {
    const answer = await fetch(`${origin}/api/v1${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', origin, cookie },
      body: JSON.stringify(body),
    });
    return (await answer.json()) as Awaited<ReturnType<Post>>;
  };
}

const seconds = new WeakMap<TestHouse, Post>();
/** A second person gives the second signature to the version of the regular list that waits for it. */
export async function secondOf(house: TestHouse) {
  // After a restart on the same data there is a second person already: each is somebody else.
  const second = seconds.get(house) ?? (await signedIn(house, `second-${crypto.randomUUID().slice(0, 8)}`, 'operator'));
  seconds.set(house, second);
  return await second('/negative/versions', { secondSignature: true });
}

export interface Answered {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly bytes: Buffer;
  readonly json: () => Record<string, unknown>;
}

/** One request to the device API. */
export const device = (
  port: number,
  ca: string,
  method: string,
  path: string,
  more: { body?: string; headers?: Record<string, string>; cert?: string; key?: string } = {},
): Promise<Answered> =>
  new Promise((resolve, reject) => {
    const { body, headers = {}, cert, key } = more;
    const asked = request(
      { host: '127.0.0.1', port, path, method, ca, agent: false, headers, ...(cert && key && { cert, key }) },
      (answer) => {
        const parts: Buffer[] = [];
        answer.on('data', (part: Buffer) => parts.push(part));
        answer.on('end', () => {
          const bytes = Buffer.concat(parts);
          resolve({
            status: answer.statusCode ?? 0,
            headers: answer.headers,
            bytes,
            json: () => JSON.parse(bytes.toString('utf8')) as Record<string, unknown>,
          });
        });
      },
    );
    asked.on('error', reject);
    asked.end(body);
  });

/** The factory's and the terminal's part of an enrolment, with a flaw where a test wants one. */
export function enrolmentOf(
  claim: ClaimBundle,
  key: KeyObject,
  flaw: { secret?: Uint8Array; serial?: string; csr?: string; agreementKey?: string; name?: string } = {},
) {
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const agreementKey = flaw.agreementKey ?? pair.publicKey.export({ format: 'der', type: 'spki' }).toString('base64');
  const csr = flaw.csr ?? Buffer.from(buildCertificateRequest(flaw.name ?? claim.serial, key)).toString('base64');
  const serial = (flaw.serial ?? claim.serial) as ClaimBundle['serial'];
  const secret = Secret.take('claim', flaw.secret ?? Uint8Array.from(Buffer.from(claim.claimSecret, 'base64')));
  const proof = Buffer.from(claimProof(secret, { serial, csr, agreementKey })).toString('base64');
  const { tenant, model } = claim;
  return { request: { tenant, serial, model, csr, agreementKey, proof }, own: pair.privateKey };
}

export const newKey = (): KeyObject => generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;

export const pemOf = (key: KeyObject): string => String(key.export({ format: 'pem', type: 'pkcs8' }));

/** A terminal with its certificate, as far as these tests need one. */
export interface TestTerminal {
  readonly claim: ClaimBundle;
  readonly key: KeyObject;
  readonly answer: EnrolmentAnswer;
  readonly kbpk: Secret<'key'>;
}

export async function enrol(house: TestHouse, claim: ClaimBundle, key = newKey()): Promise<TestTerminal> {
  const { request: body, own } = enrolmentOf(claim, key);
  const answered = await device(house.house.ports.device ?? 0, claim.rootCertificate, 'POST', devicePaths.enrolments, {
    body: JSON.stringify(body),
  });
  if (answered.status !== 200) throw new Error(String(answered.json().code));
  const answer = enrolmentAnswer.parse(answered.json());
  const kbpk = agreeKeyBlockProtectionKey(
    own,
    answer.agreementKey,
    body.agreementKey,
    answer.agreementKey,
    claim.serial,
  );
  return { claim, key, answer, kbpk };
}

/** A terminal's end of W1. */
export class TestLink {
  readonly client: MqttClient;
  readonly received: { readonly topic: string; readonly message: Envelope }[] = [];
  readonly terminal: TestTerminal;
  readonly boot: number;
  /** How far its clock is before that of the house. */
  aheadMs = 0;
  readonly #house: Pick<TestHouse, 'world'>;
  #seq = 0;
  #negative: Uint8Array | undefined;

  private constructor(house: Pick<TestHouse, 'world'>, terminal: TestTerminal, client: MqttClient, boot: number) {
    this.#house = house;
    this.terminal = terminal;
    this.client = client;
    this.boot = boot;
    client.on('message', (topic, payload) => {
      if (topic.includes('/bc/neg/')) this.#negative = Uint8Array.from(payload);
      else this.received.push({ topic, message: unwrap(parseEnvelope(payload)) });
    });
    client.on('error', () => undefined);
  }

  static async open(house: TestHouse, terminal: TestTerminal, boot = 1): Promise<TestLink> {
    const { claim, answer, key } = terminal;
    const client = new MqttClient(
      () =>
        connectTls({
          host: '127.0.0.1',
          port: house.house.ports.fleet ?? 0,
          ca: claim.rootCertificate,
          // As terminals do: the house knows the CAs above it.
          cert: certificatesOf(answer.certificateChain)[0],
          key: pemOf(key),
        }),
      { protocolVersion: 4, clientId: claim.serial, clean: true, keepalive: 30, reconnectPeriod: 0 },
    );
    const link = new TestLink(house, terminal, client, boot);
    await new Promise<void>((resolve, reject) => {
      client.once('connect', () => resolve());
      client.once('error', reject);
      client.once('close', () => reject(new Error('closed')));
    });
    await client.subscribeAsync([...terminalFilters(claim.tenant, claim.serial)], { qos: 1 });
    return link;
  }

  async say(topic: UpTopic, ct: MessageName, body: unknown, corr?: string, id = crypto.randomUUID()): Promise<void> {
    this.#seq += 1;
    const iat = Math.round(this.#house.world.clock.now() + this.aheadMs);
    const message = { v: 1, id, iat, boot: this.boot, seq: this.#seq, ct, body } as const;
    const { tenant, serial } = this.terminal.claim;
    await this.client.publishAsync(
      upTopic(tenant, serial, topic),
      encodeEnvelope({ ...message, ...(corr !== undefined && { corr }) }),
      { qos: 1 },
    );
  }

  async ask(topic: UpTopic | 'pull', ct: MessageName, body: unknown): Promise<Response> {
    const corr = crypto.randomUUID();
    await this.say(topic === 'pull' ? { kind: 'request', corr } : topic, ct, body, corr);
    const answer = await until(`an answer to ${ct}`, () =>
      this.received.find(({ topic: name }) => name.endsWith(corr)),
    );
    return response.parse(answer.message.body);
  }

  hello(more: Partial<Hello> = {}): Promise<void> {
    return this.say({ kind: 'hello' }, 'hello', {
      model: this.terminal.claim.model,
      software: { version: '1.0.0', slot: 'A' },
      configuration: { version: 0, hash: '' },
      keys: [],
      negative: [],
      cards: [],
      ...more,
    });
  }

  /** The last message on a topic that ends so. */
  last(end: string): Envelope | undefined {
    return this.received.findLast(({ topic }) => topic.endsWith(end))?.message;
  }

  /** The head of the negative list that came last, and its overlay, whose signatures lead to the root of the enrolment. */
  negativeHead() {
    if (!this.#negative) return undefined;
    const root = unwrap(
      openFirstRoot(unwrap(decodeSigned(Buffer.from(this.terminal.answer.negativeRoot, 'base64'))).document),
    );
    const head = unwrap(decodeSigned(this.#negative));
    const overlay = unwrap(decodeSigned(this.#negative, head.end));
    const trust = unwrap(acceptHead(initialTrust('regular', root), head.document, Math.floor(Date.now() / 1_000)));
    const { overlay: entries } = unwrap(acceptOverlay(trust, overlay.document, Math.floor(Date.now() / 1_000)));
    return { ...unwrap(decodeHead(head.document.payload)), entries, bytes: this.#negative };
  }

  async close(): Promise<void> {
    await this.client.endAsync(true);
  }
}

export const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
export const keyFromPem = (pem: string): KeyObject => createPrivateKey(pem);

/** A clock that is behind by `behindMs`: what is made by it is near its end when the clock is put right. */
export function lateClock(behindMs: number) {
  const late = { behindMs };
  return {
    late,
    around: (world: World): World => ({
      ...world,
      clock: { ...world.clock, now: () => world.clock.now() - late.behindMs },
    }),
  };
}
