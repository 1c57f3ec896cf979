// The cases of Eclipse Paho's `interoperability/client_test.py` (MQTT 3.1.1), by their names, written anew for this broker. That suite is in
// no package registry and could not be brought along; and it asks for what a fleet's broker refuses on purpose: free topics, kept sessions,
// QoS 2, empty client ids. Where it does, the case shows the refusal, and that it is the one MQTT has for it.
import type { ShownCertificate } from '@tsunagu/fleet-server/identity/index';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { type OpenBroker, openAedesBroker } from '@tsunagu/fleet-server/broker/index';
import { negativeHeadTopic, parseTerminalUri } from '@tsunagu/protocols/fleet';
import { fail, ok, unwrap } from '@tsunagu/protocols/kit';
import { systemWorld } from '@tsunagu/protocols/world';
import { generate, type IConnectPacket, type Packet, parser } from 'mqtt-packet';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type Holder, tenant, testAuthority } from './broker-pki.ts';

const authority = testAuthority();
const one = authority.terminal('PAHO-0001');
const other = authority.terminal('PAHO-0002');
const received: { serial: string; kind: string; text: string }[] = [];
const gone: string[] = [];
let holdUp: Promise<void> = Promise.resolve();
let broker: OpenBroker;

beforeAll(async () => {
  broker = unwrap(
    await openAedesBroker({
      world: systemWorld(() => undefined),
      tenant,
      host: '127.0.0.1',
      ports: { fleet: 0, fleetWebSocket: 0 },
      tls: { ...authority.server(), ca: [authority.root] },
      admit(certificate: ShownCertificate | undefined) {
        const named = parseTerminalUri((certificate?.subjectAltName ?? '').replace('URI:', ''));
        return Promise.resolve(named ? ok(named.serial) : fail('CLIENT_CERTIFICATE_REFUSED'));
      },
      handlers: {
        async received(serial, topic, payload) {
          await holdUp;
          received.push({ serial, kind: topic.kind, text: Buffer.from(payload).toString() });
        },
        connected: () => undefined,
        disconnected: (serial) => gone.push(serial),
        refused: () => undefined,
        dropped: () => undefined,
        cloneSuspected: () => undefined,
      },
    }),
  );
});
afterAll(() => broker.close());

/** A client that sends and shows packets, and does nothing by itself. */
class Raw {
  readonly packets: Packet[] = [];
  readonly socket: TLSSocket;
  isClosed = false;
  readonly #parser = parser({ protocolVersion: 4 });
  readonly #waiting: { isIt: (packet: Packet) => boolean; settle: (packet: Packet | 'closed') => void }[] = [];

  constructor(who: Holder) {
    this.socket = connectTls({
      host: '127.0.0.1',
      port: broker.ports.fleet,
      ca: authority.root,
      cert: who.cert,
      key: who.key,
    });
    this.#parser.on('packet', (packet) => {
      this.packets.push(packet);
      for (const waiting of this.#waiting) if (waiting.isIt(packet)) waiting.settle(packet);
    });
    this.socket.on('data', (bytes: Buffer) => this.#parser.parse(bytes));
    this.socket.on('error', () => undefined);
    this.socket.on('close', () => {
      this.isClosed = true;
      for (const waiting of this.#waiting) waiting.settle('closed');
    });
    raws.push(this);
  }

  send(packet: Packet): this {
    this.socket.write(generate(packet));
    return this;
  }

  /** The first packet of this kind that came or comes. */
  async next<C extends Packet['cmd']>(
    cmd: C,
    more: Partial<Packet> = {},
  ): Promise<Extract<Packet, { cmd: C }> | 'closed'> {
    const isIt = (packet: Packet): packet is Extract<Packet, { cmd: C }> =>
      packet.cmd === cmd && Object.entries(more).every(([key, value]) => Reflect.get(packet, key) === value);
    const already = this.packets.find(isIt);
    if (already) return already;
    if (this.isClosed) return 'closed';
    return await new Promise((resolve) =>
      this.#waiting.push({
        isIt,
        settle: (packet) => resolve(packet === 'closed' ? packet : (packet as Extract<Packet, { cmd: C }>)),
      }),
    );
  }

  closed(): Promise<void> {
    return this.isClosed ? Promise.resolve() : new Promise((resolve) => this.socket.once('close', () => resolve()));
  }

  async connect(more: Partial<IConnectPacket> & { clientId: string }): Promise<number | 'closed'> {
    this.send({ cmd: 'connect', protocolId: 'MQTT', protocolVersion: 4, clean: true, keepalive: 30, ...more });
    const connack = await this.next('connack');
    return connack === 'closed' ? connack : (connack.returnCode ?? -1);
  }
}
const raws: Raw[] = [];
afterEach(async () => {
  for (const raw of raws.splice(0)) raw.socket.destroy();
  holdUp = Promise.resolve();
  await until(() => broker.connections === 0);
  received.length = gone.length = 0;
});
const until = async (isSo: () => boolean): Promise<void> => {
  for (let tries = 0; !isSo(); tries++) {
    if (tries > 6_000) throw new Error('waited in vain');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
};
const own = (who: Holder, rest: string): string => `tms/v1/${tenant}/${who.serial}/${rest}`;
const publish = (topic: string, text: string, messageId: number, more: object = {}) =>
  ({ cmd: 'publish', topic, payload: text, qos: 1, dup: false, retain: false, messageId, ...more }) as const;
const subscribe = (messageId: number, ...topics: { topic: string; qos: 0 | 1 | 2 }[]) =>
  ({ cmd: 'subscribe', messageId, subscriptions: topics }) as const;

describe('MQTT 3.1.1, by the cases of the Paho suite', () => {
  test('basic test: connect, subscribe, publish both ways, unsubscribe, disconnect; a second CONNECT ends it [MQTT-3.1.0-2]', async () => {
    const client = new Raw(one);
    expect(await client.connect({ clientId: one.serial })).toBe(0);
    client.send(subscribe(2, { topic: own(one, 'dn/#'), qos: 1 }));
    expect(await client.next('suback')).toMatchObject({ messageId: 2, granted: [1] });
    client.send(publish(own(one, 'up/hello'), 'qos 0', 0, { qos: 0 })).send(publish(own(one, 'up/hello'), 'qos 1', 3));
    expect(await client.next('puback')).toMatchObject({ messageId: 3 });
    expect(received.map(({ text }) => text)).toEqual(['qos 0', 'qos 1']);
    broker.send(one.serial, own(one, 'dn/notify'), Buffer.from('down'));
    const down = await client.next('publish');
    expect(down).toMatchObject({ topic: own(one, 'dn/notify'), qos: 1, dup: false, retain: false });
    client.send({ cmd: 'unsubscribe', messageId: 4, unsubscriptions: [own(one, 'dn/#')] });
    expect(await client.next('unsuback')).toMatchObject({ messageId: 4 });
    client.send({ cmd: 'disconnect' });
    await client.closed();

    const twice = new Raw(one);
    expect(await twice.connect({ clientId: one.serial })).toBe(0);
    twice.send({
      cmd: 'connect',
      protocolId: 'MQTT',
      protocolVersion: 4,
      clean: true,
      clientId: one.serial,
      keepalive: 30,
    });
    await twice.closed();
    // A protocol name or level that it does not speak [MQTT-3.1.2-1, 3.1.2-2].
    expect(await new Raw(one).connect({ clientId: one.serial, protocolVersion: 5 })).not.toBe(0);
  });

  test('retained message test: what is for all is sent to who subscribes later, marked as retained; live it is not [MQTT-3.3.1-8, 3.3.1-9]', async () => {
    const topic = negativeHeadTopic(tenant, 'regular');
    const early = new Raw(one);
    await early.connect({ clientId: one.serial });
    early.send(subscribe(2, { topic: negativeHeadTopic(tenant, '+'), qos: 1 }));
    await early.next('suback');
    broker.retain(topic, Buffer.from('head'));
    expect(await early.next('publish')).toMatchObject({ topic, retain: false });
    const late = new Raw(other);
    await late.connect({ clientId: other.serial });
    late.send(subscribe(2, { topic: negativeHeadTopic(tenant, '+'), qos: 1 }));
    expect(await late.next('publish')).toMatchObject({ topic, retain: true });
    // What a terminal asks to be retained is taken, and kept in the store alone.
    late.send(publish(own(other, 'up/presence'), 'kept', 3, { retain: true }));
    expect(await late.next('puback')).toMatchObject({ messageId: 3 });
    expect(received.at(-1)).toMatchObject({ kind: 'presence', text: 'kept' });
  });

  test('offline message queueing test: a session that is to outlive its connection is refused by code, and nothing is queued', async () => {
    expect(await new Raw(one).connect({ clientId: one.serial, clean: false })).toBe(2);
    const client = new Raw(one);
    expect(await client.connect({ clientId: one.serial })).toBe(0);
    expect(await client.next('connack')).toMatchObject({ sessionPresent: false });
    client.send(subscribe(2, { topic: own(one, 'dn/#'), qos: 1 }));
    await client.next('suback');
    client.socket.destroy();
    await until(() => !broker.isConnected(one.serial));
    broker.send(one.serial, own(one, 'dn/notify'), Buffer.from('for nobody'));
    const again = new Raw(one);
    await again.connect({ clientId: one.serial });
    again.send(subscribe(2, { topic: own(one, 'dn/#'), qos: 1 }));
    await again.next('suback');
    again.send({ cmd: 'pingreq' });
    await again.next('pingresp');
    expect(again.packets.some(({ cmd }) => cmd === 'publish')).toBe(false);
  });

  test('will message test: it is published when the connection breaks, and not after DISCONNECT [MQTT-3.1.2-8, 3.1.2-10]', async () => {
    const will = { topic: own(one, 'up/presence'), payload: Buffer.from('last words'), qos: 1, retain: false } as const;
    const polite = new Raw(one);
    await polite.connect({ clientId: one.serial, will });
    polite.send({ cmd: 'disconnect' });
    await polite.closed();
    await until(() => gone.includes(one.serial));
    expect(received).toEqual([]);
    const broken = new Raw(one);
    await broken.connect({ clientId: one.serial, will });
    broken.socket.destroy();
    await until(() => received.length > 0);
    expect(received).toEqual([{ serial: one.serial, kind: 'presence', text: 'last words' }]);
    // A will on somebody else's topic says nothing.
    const rogue = new Raw(one);
    await rogue.connect({ clientId: one.serial, will: { ...will, topic: own(other, 'up/presence') } });
    rogue.socket.destroy();
    await until(() => gone.length === 3);
    expect(received).toHaveLength(1);
  });

  test('overlapping subscriptions test: one message for all filters that match [MQTT-3.3.5-1 leaves the choice]', async () => {
    const client = new Raw(one);
    await client.connect({ clientId: one.serial });
    client.send(
      subscribe(
        2,
        { topic: own(one, 'dn/#'), qos: 1 },
        { topic: own(one, 'dn/+'), qos: 0 },
        { topic: own(one, 'dn/notify'), qos: 1 },
      ),
    );
    expect(await client.next('suback')).toMatchObject({ granted: [1, 0, 1] });
    broker.send(one.serial, own(one, 'dn/notify'), Buffer.from('once'));
    await client.next('publish');
    client.send({ cmd: 'pingreq' });
    await client.next('pingresp');
    expect(client.packets.filter(({ cmd }) => cmd === 'publish')).toHaveLength(1);
  });

  test('keepalive test: silence for one and a half periods ends the connection and speaks the will [MQTT-3.1.2-24]', async () => {
    const client = new Raw(one);
    const will = { topic: own(one, 'up/presence'), payload: Buffer.from('silent'), qos: 1, retain: false } as const;
    expect(await client.connect({ clientId: one.serial, keepalive: 3, will })).toBe(0);
    const steady = new Raw(other);
    // Its own time would be over before the other's; it has five pings in hand, for a machine that is busy.
    await steady.connect({ clientId: other.serial, keepalive: 2 });
    const pings = setInterval(() => steady.send({ cmd: 'pingreq' }), 500);
    await client.closed();
    await until(() => received.some(({ text }) => text === 'silent'));
    clearInterval(pings);
    expect(steady.isClosed).toBe(false);
    // Without a keepalive a dead line would never be noticed: refused, as is one above ten minutes.
    expect(await new Raw(one).connect({ clientId: one.serial, keepalive: 0 })).toBe(6);
  });

  test('redelivery on reconnect test: what was not acknowledged is the sender’s to send again, and is taken again [MQTT-4.4.0-1]', async () => {
    let goOn = (): void => undefined;
    holdUp = new Promise((resolve) => (goOn = resolve));
    const cut = new Raw(one);
    await cut.connect({ clientId: one.serial });
    cut.send(publish(own(one, 'up/hello'), 'again', 7));
    await new Promise((resolve) => setTimeout(resolve, 100));
    cut.socket.destroy();
    goOn();
    await until(() => !broker.isConnected(one.serial));
    const back = new Raw(one);
    await back.connect({ clientId: one.serial });
    back.send(publish(own(one, 'up/hello'), 'again', 7, { dup: true }));
    expect(await back.next('puback')).toMatchObject({ messageId: 7 });
    // At least once: the id in the envelope is what the house tells a repetition by.
    expect(received.filter(({ text }) => text === 'again').length).toBeGreaterThanOrEqual(1);
    // Downwards nothing is sent again: clean sessions, and the terminal pulls.
    expect(back.packets.some(({ cmd }) => cmd === 'publish')).toBe(false);
  });

  test('zero length clientid test: refused by code 2, for who a terminal is comes from its certificate [MQTT-3.1.3-9]', async () => {
    expect(await new Raw(one).connect({ clientId: '' })).toBe(2);
    expect(await new Raw(one).connect({ clientId: other.serial })).toBe(2);
  });

  test('subscribe failure test: 0x80 for what it may not hear, and the rest of the same SUBSCRIBE is granted [MQTT-3.8.4-5]', async () => {
    const client = new Raw(one);
    await client.connect({ clientId: one.serial });
    client.send(
      subscribe(
        2,
        { topic: own(other, 'dn/#'), qos: 1 },
        { topic: own(one, 'dn/#'), qos: 1 },
        { topic: own(one, 'dn/notify'), qos: 2 },
        { topic: '#', qos: 0 },
      ),
    );
    expect(await client.next('suback')).toMatchObject({ granted: [128, 1, 128, 128] });
    // No more filters than a terminal needs.
    client.send(
      subscribe(3, ...Array.from({ length: 9 }, (_, index) => ({ topic: own(one, `dn/x${index}`), qos: 1 as const }))),
    );
    const suback = await client.next('suback', { messageId: 3 });
    expect(suback === 'closed' ? [] : suback.granted).toEqual([1, 1, 1, 1, 1, 1, 1, 128, 128]);
  });

  test('dollar topics test: nobody hears $SYS or joins a shared subscription, and a wildcard does not reach them [MQTT-4.7.2-1]', async () => {
    const client = new Raw(one);
    await client.connect({ clientId: one.serial });
    client.send(
      subscribe(
        2,
        { topic: '$SYS/#', qos: 0 },
        { topic: '+/#', qos: 0 },
        { topic: `$share/g/${own(one, 'dn/#')}`, qos: 1 },
      ),
    );
    expect(await client.next('suback')).toMatchObject({ granted: [128, 128, 128] });
    client.send(publish('$SYS/broker/x', 'x', 3));
    await client.closed();
    expect(client.packets.some(({ cmd }) => cmd === 'puback')).toBe(false);
  });

  test('unsubscribe test: what is no longer subscribed and is for all comes no more', async () => {
    const client = new Raw(one);
    await client.connect({ clientId: one.serial });
    client.send(subscribe(2, { topic: negativeHeadTopic(tenant, 'other'), qos: 1 }));
    await client.next('suback');
    client.send({ cmd: 'unsubscribe', messageId: 3, unsubscriptions: [negativeHeadTopic(tenant, 'other')] });
    await client.next('unsuback');
    broker.retain(negativeHeadTopic(tenant, 'other'), Buffer.from('head'));
    client.send({ cmd: 'pingreq' });
    await client.next('pingresp');
    expect(client.packets.some(({ cmd }) => cmd === 'publish')).toBe(false);
  });

  test('QoS 2 is not spoken: PUBLISH with it ends the connection before it is held', async () => {
    const client = new Raw(one);
    await client.connect({ clientId: one.serial });
    client.send(publish(own(one, 'up/hello'), 'x', 3, { qos: 2 }));
    await client.closed();
    expect(received).toEqual([]);
  });
});
