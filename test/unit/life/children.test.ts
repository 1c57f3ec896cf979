import { generateKeyPairSync } from 'node:crypto';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { buildCertificate, toPem } from '@tsunagu/protocols/x509';
import { upTopic } from '@tsunagu/protocols/fleet';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import {
  enrol,
  newFolder,
  removeFolder,
  type TestHouse,
  testHouse,
  TestLink,
  type TestTerminal,
  until,
} from '../core/support.ts';

/** What a parent does with the records of the TLS session that it carries for its child, once it turns bad. */
type Deed = 'alters' | 'drops' | 'replays' | 'reorders' | 'cuts short';
const deeds: Readonly<Record<Deed, (records: readonly Buffer[]) => readonly Buffer[]>> = {
  alters: ([first = Buffer.alloc(0), ...rest]) => [flipped(first), ...rest],
  drops: ([, ...rest]) => rest,
  replays: ([first = Buffer.alloc(0), ...rest]) => [first, first, ...rest],
  reorders: ([one = Buffer.alloc(0), two = Buffer.alloc(0), ...rest]) => [two, one, ...rest],
  'cuts short': ([first = Buffer.alloc(0), ...rest]) => [first.subarray(0, -1), ...rest],
};
const flipped = (record: Buffer): Buffer => {
  const copy = Buffer.from(record);
  copy[copy.length - 1] = (copy.at(-1) ?? 0) ^ 1;
  return copy;
};

/** Parts bytes into TLS records (RFC 8446, 5.1). */
function recordsOf(bytes: Buffer): { readonly whole: readonly Buffer[]; readonly rest: Buffer } {
  const whole: Buffer[] = [];
  let at = 0;
  for (; at + 5 <= bytes.length; ) {
    const end = at + 5 + bytes.readUInt16BE(at + 3);
    if (end > bytes.length) break;
    whole.push(bytes.subarray(at, end));
    at = end;
  }
  return { whole, rest: bytes.subarray(at) };
}

/** A parent that has its child's bytes in its hands. It carries them until `turn`; then it waits for two records of that way, and does its deed. */
class Parent {
  readonly carried: Buffer[] = [];
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #deed: { readonly does: Deed; readonly way: 'up' | 'down' } | undefined;

  constructor(target: number) {
    this.#server = createServer({ noDelay: true }, (child) => {
      const up = connect({ host: '127.0.0.1', port: target, noDelay: true });
      this.#carry(child, up, 'up');
      this.#carry(up, child, 'down');
    });
  }

  async listen(): Promise<number> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    const address = this.#server.address();
    return typeof address === 'object' ? (address?.port ?? 0) : 0;
  }

  turn(does: Deed, way: 'up' | 'down'): void {
    this.#deed = { does, way };
  }

  #carry(from: Socket, to: Socket, way: 'up' | 'down'): void {
    this.#sockets.add(from);
    let rest: Buffer = Buffer.alloc(0);
    let held: Buffer[] = [];
    from.on('data', (bytes: Buffer) => {
      if (way === 'up') this.carried.push(bytes);
      const read = recordsOf(Buffer.concat([rest, bytes]));
      rest = read.rest;
      held.push(...read.whole);
      if (this.#deed?.way === way) {
        if (held.length < 2) return;
        held = [...deeds[this.#deed.does](held)];
        this.#deed = undefined;
      }
      for (const record of held.splice(0)) to.write(record);
    });
    from.on('error', () => to.destroy());
    from.on('close', () => to.destroy());
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

const folder = newFolder();
const parents: Parent[] = [];
let house: TestHouse;
let child: TestTerminal;
beforeAll(async () => {
  house = await testHouse(folder);
  child = await enrol(house, await house.register('CHILD-0001', 'JT-C07'));
});
afterEach(async () => {
  for (const parent of parents.splice(0)) await parent.close();
});
afterAll(async () => {
  await house?.house.close();
  removeFolder(folder);
});

/** The house as a child sees it that knows its parent only. */
const throughPort = (port: number): TestHouse =>
  ({ ...house, house: { ports: { ...house.house.ports, fleet: port, device: port } } }) as unknown as TestHouse;
async function through(service: 'fleet' | 'device') {
  const parent = new Parent(house.house.ports[service] ?? 0);
  parents.push(parent);
  return { parent, seen: throughPort(await parent.listen()) };
}
const version = (count: number): string => `2.0.${count}`;
const say = (link: TestLink, count: number) => link.hello({ software: { version: version(count), slot: 'A' } });
const believed = async (): Promise<string> => {
  const { body } = await house.call('GET', '/terminals/CHILD-0001');
  return (body as unknown as { software: { version: string } | null }).software?.version ?? '';
};
const ended = (link: TestLink): Promise<void> => new Promise((resolve) => link.client.once('close', () => resolve()));

let count = 0;
let boot = 0;
/** A link of the child; each is a boot of its own. */
const linkOf = (seen: TestHouse): Promise<TestLink> => TestLink.open(seen, child, (boot += 1));
it.each((Object.keys(deeds) as Deed[]).flatMap((does) => (['up', 'down'] as const).map((way) => [does, way] as const)))(
  'a parent that %s what goes %s is noticed, and nothing of it counts',
  async (does, way) => {
    const { parent, seen } = await through('fleet');
    const link = await linkOf(seen);
    const good = (count += 1);
    await say(link, good);
    await until('what was carried honestly', async () => (await believed()) === version(good));
    const noticed = ended(link);
    parent.turn(does, way);
    // What the child says from now on, and what it is told, is in bad hands.
    const talking = setInterval(() => void say(link, (count += 1)).catch(() => undefined), 5);
    await noticed;
    clearInterval(talking);
    await link.close();
    // On the way down only the answers were touched, and of what came twice the first is genuine; else nothing behind the deed came in.
    const mayHaveComeIn = way === 'down' || does === 'replays' ? count - good : 0;
    expect(Array.from({ length: mayHaveComeIn + 1 }, (_, more) => version(good + more))).toContain(await believed());
    // An honest parent carries the same child again, and nothing is lost.
    const { seen: honest } = await through('fleet');
    const again = await linkOf(honest);
    await say(again, (count += 1));
    await until('what is said again', async () => (await believed()) === version(count));
    await again.close();
  },
);

it('a parent that keeps a session cannot have it again', async () => {
  const { parent, seen } = await through('fleet');
  const link = await linkOf(seen);
  await say(link, (count += 1));
  await until('the first', async () => (await believed()) === version(count));
  const kept = Buffer.concat(parent.carried);
  await link.close();
  const { seen: honest } = await through('fleet');
  const next = await linkOf(honest);
  await say(next, (count += 1));
  await until('the second', async () => (await believed()) === version(count));
  await new Promise<void>((resolve) => {
    const socket = connect(house.house.ports.fleet ?? 0, '127.0.0.1', () => socket.write(kept));
    socket.on('error', () => undefined).on('close', () => resolve());
    socket.resume();
  });
  expect(await believed()).toBe(version(count));
  await next.close();
});

it('a parent cannot be the server for its child, enrol in its place, or speak in its name', async () => {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const subject = { commonName: '127.0.0.1' };
  const [notBefore, notAfter] = [Date.now() - 60_000, Date.now() + 3_600_000];
  const use = { kind: 'leaf', purposes: ['serverAuth'], names: [{ ip: '127.0.0.1' }] } as const;
  const own = buildCertificate(
    { serialNumber: Uint8Array.of(1), subject, publicKey, notBefore, notAfter, use },
    { name: subject, privateKey },
  );
  let heard = 0;
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' });
  const impostor = createTlsServer({ key, cert: toPem('CERTIFICATE', own) }, (socket) => {
    socket.on('data', () => (heard += 1));
  });
  impostor.on('tlsClientError', () => undefined);
  await new Promise<void>((resolve) => impostor.listen(0, '127.0.0.1', resolve));
  const address = impostor.address();
  const seen = throughPort(typeof address === 'object' ? (address?.port ?? 0) : 0);
  await expect(linkOf(seen)).rejects.toThrow();
  const claim = await house.register('CHILD-0002', 'JT-C07');
  await expect(enrol(seen, claim)).rejects.toThrow();
  expect(heard).toBe(0);
  await new Promise((resolve) => impostor.close(resolve));

  // A claim that went through its hands altered is none, and is not used up by that.
  const { parent, seen: bad } = await through('device');
  parent.turn('alters', 'up');
  await expect(enrol(bad, claim)).rejects.toThrow();
  const { seen: honest } = await through('device');
  expect((await enrol(honest, claim)).answer.certificateChain).toContain('CERTIFICATE');

  const itself = await TestLink.open(house, await enrol(house, await house.register('PARENT-0001', 'CT-3100')));
  const before = await believed();
  const refused = ended(itself);
  const topic = upTopic(child.claim.tenant, child.claim.serial, { kind: 'hello' });
  void itself.client.publishAsync(topic, Buffer.from('{}'), { qos: 1 }).catch(() => undefined);
  await refused;
  expect(await believed()).toBe(before);
  await itself.close();
});
