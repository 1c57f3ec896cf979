import type { ShownCertificate } from '@tsunagu/fleet-server/identity/index';
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { createHook } from 'node:async_hooks';
import { type AddressInfo, connect as connectTcp, createServer } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { type GateLimits, type OpenBroker, openAedesBroker, packetLengthMax } from '@tsunagu/fleet-server/broker/index';
import {
  encodeEnvelope,
  parseTerminalUri,
  type Serial,
  serialSchema,
  tenantSchema,
  terminalUri,
} from '@tsunagu/protocols/fleet';
import { fail, ok, unwrap } from '@tsunagu/protocols/kit';
import { buildCertificate, toPem } from '@tsunagu/protocols/x509';
import { MqttClient } from 'mqtt';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket, createWebSocketStream } from 'ws';
import { type Line, pemOf, until, watchedWorld } from './support.ts';

const tenant = tenantSchema.parse('demo');
const hour = 3_600_000;
const authority = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const authorityName = { commonName: 'broker test root' };
const issuer = { name: authorityName, privateKey: authority.privateKey };
let count = 1;
function issue(
  commonName: string,
  publicKey: KeyObject,
  names: { uri: string }[] | { dns: string }[] | { ip: string }[],
): string {
  const purposes = ['serverAuth', 'clientAuth'] as const;
  const use = { kind: 'leaf', purposes, names } as const;
  const dates = { notBefore: Date.now() - hour, notAfter: Date.now() + hour };
  const serialNumber = Uint8Array.of(1, count++);
  return toPem(
    'CERTIFICATE',
    buildCertificate({ serialNumber, subject: { commonName }, publicKey, ...dates, use }, issuer),
  );
}
const root = toPem(
  'CERTIFICATE',
  buildCertificate(
    {
      serialNumber: Uint8Array.of(1),
      subject: authorityName,
      publicKey: authority.publicKey,
      notBefore: Date.now() - hour,
      notAfter: Date.now() + hour,
      use: { kind: 'authority', pathLength: 0 },
    },
    issuer,
  ),
);
const server = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const serverCertificate = issue('server', server.publicKey, [{ ip: '127.0.0.1' }]);

interface Holder {
  readonly serial: Serial;
  readonly cert: string;
  readonly key: string;
}
function holder(name: string): Holder {
  const serial = serialSchema.parse(name);
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return {
    serial,
    cert: issue(name, pair.publicKey, [{ uri: terminalUri(tenant, serial) }]),
    key: pemOf(pair.privateKey),
  };
}
const one = holder('BROKER-0001');
const other = holder('BROKER-0002');

const halfOpenMax = 12;

let broker: OpenBroker;
let lines: Line[];
const said: { serial: string; kind: string; text: string }[] = [];
let dropped = 0;
const refusals = new Map<string, number>();
const gone: string[] = [];
const clones: string[] = [];
const refusedSerials = new Set<string>();
/** What terminals say takes effect when this is over. */
let effect: Promise<void> = Promise.resolve();
const open = async (
  limits: Partial<GateLimits> = { halfOpenPerAddressMax: halfOpenMax },
  connectTimeoutMs = 60_000,
  isClockStopped = false,
  drainTimeoutMs = 1_000,
): Promise<OpenBroker> => {
  const watched = watchedWorld();
  lines = watched.lines;
  const stoppedMs = watched.world.clock.monotonicMs();
  const stopped = { now: () => watched.world.clock.now(), monotonicMs: () => stoppedMs };
  return unwrap(
    await openAedesBroker({
      world: isClockStopped ? { ...watched.world, clock: stopped } : watched.world,
      tenant,
      host: '127.0.0.1',
      ports: { fleet: 0, fleetWebSocket: 0 },
      tls: { cert: serverCertificate, key: pemOf(server.privateKey), ca: [root] },
      connectTimeoutMs,
      limits,
      drainTimeoutMs,
      admit: (certificate: ShownCertificate | undefined) => {
        const named = parseTerminalUri((certificate?.subjectAltName ?? '').replace('URI:', ''));
        return Promise.resolve(
          named && !refusedSerials.has(named.serial) ? ok(named.serial) : fail('CLIENT_CERTIFICATE_REFUSED'),
        );
      },
      handlers: {
        received: (serial, topic, payload) => {
          said.push({ serial, kind: topic.kind, text: Buffer.from(payload).toString() });
          return effect;
        },
        connected: () => undefined,
        disconnected: (serial) => gone.push(serial),
        refused: (code, count = 1) => refusals.set(code, (refusals.get(code) ?? 0) + count),
        dropped: () => (dropped += 1),
        cloneSuspected: (serial) => clones.push(serial),
      },
    }),
  );
};
beforeEach(async () => {
  said.length = gone.length = clones.length = 0;
  dropped = 0;
  refusals.clear();
  refusedSerials.clear();
  effect = Promise.resolve();
  broker = await open();
});
/** Those who say nothing are soon given up: for tests that wait for that, and for no other, on a machine that may be busy. */
const openImpatiently = async (): Promise<void> => {
  await broker.close();
  broker = await open({ halfOpenPerAddressMax: halfOpenMax }, 1_500);
};
const clients: MqttClient[] = [];
afterEach(async () => {
  for (const client of clients.splice(0)) client.end(true);
  await broker.close();
});

const dial = ({ cert, key, session }: { cert?: string; key?: string; session?: Buffer | undefined }): TLSSocket => {
  const own = { ...(cert !== undefined && key !== undefined && { cert, key }), ...(session && { session }) };
  const socket = connectTls({ host: '127.0.0.1', port: broker.ports.fleet, ca: root, ...own });
  socket.on('error', () => undefined);
  return socket;
};
async function connect(
  who: Holder,
  more: {
    clientId?: string;
    clean?: boolean;
    stream?: () => TLSSocket;
    lineage?: { boot: number; seq: number };
  } = {},
): Promise<MqttClient> {
  const client = new MqttClient(more.stream ?? (() => dial(who)), {
    protocolVersion: 4,
    clientId: more.clientId ?? who.serial,
    clean: more.clean ?? true,
    keepalive: 30,
    reconnectPeriod: 0,
    ...(more.lineage && {
      will: {
        topic: own(who, 'up/presence'),
        payload: encodeEnvelope({
          v: 1,
          id: 'will',
          iat: 0,
          ...more.lineage,
          ct: 'presence',
          body: { state: 'lost' },
        }),
        qos: 1,
        retain: false,
      },
    }),
  });
  clients.push(client);
  client.on('error', () => undefined);
  await new Promise<void>((resolve, reject) => {
    client.once('connect', () => resolve());
    client.once('error', reject);
    client.once('close', () => reject(new Error('closed')));
  });
  return client;
}
const closed = (client: MqttClient): Promise<void> => new Promise((resolve) => client.once('close', () => resolve()));
const ended = (socket: TLSSocket): Promise<void> => new Promise((resolve) => socket.once('close', () => resolve()));
const logged = (code: string): Promise<true> => until(code, () => lines.some((line) => line.code === code));
const own = (who: Holder, rest: string): string => `tms/v1/demo/${who.serial}/${rest}`;
/** A healthy terminal is not disturbed by what was done to the broker. */
async function stillWorks(client: MqttClient, who: Holder): Promise<void> {
  const before = said.length;
  await client.publishAsync(own(who, 'up/hello'), 'still here', { qos: 1 });
  expect(said.slice(before)).toEqual([{ serial: who.serial, kind: 'hello', text: 'still here' }]);
}

describe('the broker', () => {
  it('takes what a terminal says in its own subtree, and sends it what is for it', async () => {
    const client = await connect(one);
    const received: string[] = [];
    client.on('message', (topic, payload) => received.push(`${topic} ${payload.toString()}`));
    await client.subscribeAsync([own(one, 'dn/#'), 'tms/v1/demo/bc/neg/+'], { qos: 1 });
    await stillWorks(client, one);
    broker.send(one.serial, own(one, 'dn/notify'), Buffer.from('work'));
    broker.retain('tms/v1/demo/bc/neg/regular', Buffer.from('head'));
    await until('both messages', () => received.length === 2);
    expect(received.sort()).toEqual(['tms/v1/demo/BROKER-0001/dn/notify work', 'tms/v1/demo/bc/neg/regular head']);
  });

  it('speaks the same over WebSocket', async () => {
    const socket = new WebSocket(`wss://127.0.0.1:${broker.ports.fleetWebSocket}/`, ['mqtt'], {
      ca: root,
      cert: one.cert,
      key: one.key,
    });
    const client = await connect(one, { stream: () => createWebSocketStream(socket) as unknown as TLSSocket });
    await stillWorks(client, one);
  });

  it('lets nobody in without a certificate, nor with one of another house', async () => {
    const healthy = await connect(one);
    await ended(dial({}));
    await logged('CLIENT_CERTIFICATE_MISSING');
    const stranger = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const strange = buildCertificate(
      {
        serialNumber: Uint8Array.of(9),
        subject: { commonName: other.serial },
        publicKey: stranger.publicKey,
        notBefore: Date.now() - hour,
        notAfter: Date.now() + hour,
        use: { kind: 'leaf', purposes: ['clientAuth'], names: [{ uri: terminalUri(tenant, other.serial) }] },
      },
      { name: authorityName, privateKey: stranger.privateKey },
    );
    await ended(dial({ cert: toPem('CERTIFICATE', strange), key: pemOf(stranger.privateKey) }));
    await logged('TLS_HANDSHAKE_FAILED');
    await stillWorks(healthy, one);
  });

  it('refuses a client id that is not the serial, and a session that is to outlive its connection', async () => {
    await expect(connect(one, { clientId: other.serial })).rejects.toMatchObject({ code: 2 });
    await logged('MQTT_CLIENT_ID_MISMATCH');
    await expect(connect(one, { clean: false })).rejects.toMatchObject({ code: 2 });
  });

  it.each([
    ["another terminal's topic", own(other, 'up/hello')],
    ['its own downlink', own(one, 'dn/notify')],
    ['a negative list', 'tms/v1/demo/bc/neg/regular'],
    ["the broker's own topics", '$SYS/broker/x'],
    ['another tenant', `tms/v1/other/${one.serial}/up/hello`],
    ['a topic that is none of ours', own(one, 'up/nothing')],
  ])('ends the connection of a terminal that publishes on %s', async (_name, topic) => {
    const healthy = await connect(other);
    const client = await connect(one);
    const end = closed(client);
    client.publish(topic, 'x', { qos: 1 });
    await end;
    await logged('MQTT_TOPIC_FORBIDDEN');
    expect(said).toEqual([]);
    await stillWorks(healthy, other);
  });

  it.each([
    `$share/group/${own(one, 'dn/#')}`,
    '$SYS/#',
    '#',
    '+/v1/#',
    own(other, 'dn/#'),
    'tms/v1/demo/+/dn/#',
    own(one, 'up/#'),
    'tms/v1/demo/bc/#',
  ])('grants no subscription to %s', async (filter) => {
    const client = await connect(one);
    const granted = await client.subscribeAsync(filter, { qos: 1 }).catch((error: Error) => error.message);
    expect(JSON.stringify(granted)).toMatch(/128|Unspecified error|Subscribe error/);
    await logged('MQTT_TOPIC_FORBIDDEN');
  });

  it('ends a connection whose packet is larger than 64 KiB, before it holds it', async () => {
    const healthy = await connect(other);
    const client = await connect(one);
    const end = closed(client);
    client.publish(own(one, 'up/hello'), Buffer.alloc(packetLengthMax + 1), { qos: 1 });
    await end;
    await logged('MQTT_PACKET_TOO_LARGE');
    await stillWorks(healthy, other);
  });

  it('ends a connection that sends garbage instead of CONNECT', async () => {
    const healthy = await connect(other);
    const socket = dial(one);
    socket.write('GET / HTTP/1.1\r\n\r\n');
    await ended(socket);
    await logged('MQTT_PACKET_INVALID');
    await stillWorks(healthy, other);
  });

  it('ends a connection that sends half a CONNECT, and one that sends nothing', async () => {
    await openImpatiently();
    const healthy = await connect(other);
    const half = dial(one);
    half.write(Buffer.from('101a00044d5154', 'hex'));
    const silent = dial(one);
    await Promise.all([ended(half), ended(silent)]);
    await logged('MQTT_CONNECT_TIMEOUT');
    await stillWorks(healthy, other);
  });

  it('begins no TLS with one that is silent, and tells of it as of any handshake that failed', async () => {
    await openImpatiently();
    const failures = (): unknown[] =>
      lines.filter(({ event }) => event === 'fleetHandshakeFailed').map(({ code }) => code);
    let begun = 0;
    const watch = createHook({ init: (_id, type) => void (type === 'TLSWRAP' && begun++) }).enable();
    try {
      const silent = connectTcp(broker.ports.fleet, '127.0.0.1');
      await until('the silent one', () => failures().length === 1);
      const leaving = connectTcp(broker.ports.fleet, '127.0.0.1', () => leaving.end());
      await until('the one that left', () => failures().length === 2);
      expect(begun).toBe(0);
      await until('both ends', () => silent.closed && leaving.closed);
      expect(failures()).toEqual(['TLS_HANDSHAKE_FAILED', 'TLS_HANDSHAKE_FAILED']);
    } finally {
      watch.disable();
    }
    await stillWorks(await connect(one), one);
  });

  it('takes a handshake that comes in pieces', async () => {
    const relay = createServer((near) => {
      const far = connectTcp(broker.ports.fleet, '127.0.0.1');
      far.setNoDelay(true);
      far.pipe(near);
      const inPieces = async (hello: Buffer): Promise<void> => {
        near.pause();
        for (const piece of [hello.subarray(0, 1), hello.subarray(1, 7)]) {
          far.write(piece);
          await new Promise((resolve) => setTimeout(resolve, 30));
        }
        far.write(hello.subarray(7));
        near.pipe(far);
      };
      near.once('data', (hello: Buffer) => void inPieces(hello));
      for (const end of [near, far]) end.on('error', () => undefined);
    });
    await new Promise<void>((resolve) => relay.listen(0, '127.0.0.1', resolve));
    const { port } = relay.address() as AddressInfo;
    const { cert, key } = one;
    const client = await connect(one, {
      stream: () => connectTls({ host: '127.0.0.1', port, ca: root, cert, key }),
    });
    await stillWorks(client, one);
    client.end(true);
    await new Promise<void>((resolve) => relay.close(() => resolve()));
  });

  it('turns away at the accept what is over its limits, tells of it in one line, and goes on for those inside', async () => {
    await openImpatiently();
    const healthy = await connect(other);
    const silent = Array.from({ length: halfOpenMax + 6 }, () => connectTcp(broker.ports.fleet, '127.0.0.1'));
    let reset = 0;
    for (const socket of silent)
      socket.on('error', (error: NodeJS.ErrnoException) => error.code === 'ECONNRESET' && reset++);
    await until('six to be turned away', () => reset === 6);
    await stillWorks(healthy, other);
    // Those that never begin their handshake are cut off, and make room.
    await Promise.all(
      silent.map((socket) =>
        socket.closed ? Promise.resolve() : new Promise<void>((resolve) => socket.once('close', () => resolve())),
      ),
    );
    await stillWorks(await connect(one), one);
    await logged('CONNECTION_LIMIT');
    expect(lines.filter(({ event }) => event === 'fleetConnectionsRefused')).toHaveLength(1);
    // The line tells of all of them, and so do the metrics.
    expect(refusals.get('CONNECTION_LIMIT')).toBe(6);
  });

  /** A client inside that said something; it takes effect when it is told to. */
  const oneThatWaits = async () => {
    const first = await connect(one);
    let done = (): void => undefined;
    effect = new Promise((resolve) => {
      done = resolve;
    });
    const acknowledged = first.publishAsync(own(one, 'up/hello'), '{}', { qos: 1 });
    await until('hello', () => said.length === 1);
    const takeEffect = async (): Promise<void> => {
      done();
      await acknowledged;
    };
    return { first, takeEffect };
  };

  it('gives the places of those who say nothing to those who do', async () => {
    await broker.close();
    broker = await open({ halfOpenMin: 2, halfOpenMax: 2 }, 60_000);
    const silent = [1, 2].map(() => connectTcp(broker.ports.fleet, '127.0.0.1').on('error', () => undefined));
    await Promise.all(silent.map((socket) => new Promise((resolve) => socket.once('connect', resolve))));
    let client: MqttClient | undefined;
    await until('one that speaks', async () => {
      client ??= await connect(one).catch(() => undefined);
      return client !== undefined;
    });
    if (client) await stillWorks(client, one);
    // The other one, whose place nobody wanted, stays.
    expect(silent.filter(({ closed: isClosed }) => isClosed)).toHaveLength(1);
    for (const socket of silent) socket.destroy();
  });

  it('lets no address keep others out by saying nothing, however soon it comes again', async () => {
    await broker.close();
    // Nobody is silent for long where time stands still.
    broker = await open({ halfOpenMin: 3, halfOpenMax: 3 }, 60_000, true);
    const silent = [1, 2, 3].map(() =>
      connectTcp({ port: broker.ports.fleet, host: '127.0.0.1', localAddress: '127.0.0.2' }).on(
        'error',
        () => undefined,
      ),
    );
    await Promise.all(silent.map((socket) => new Promise((resolve) => socket.once('connect', resolve))));
    await stillWorks(await connect(one), one);
    await stillWorks(await connect(other), other);
    expect(silent.filter(({ closed: isClosed }) => isClosed)).toHaveLength(1);
    for (const socket of silent) socket.destroy();
  });

  it('gives the place of one who says nothing away also where those inside have most of them', async () => {
    await broker.close();
    broker = await open({ halfOpenMin: 2, halfOpenMax: 2 }, 60_000, true);
    const { takeEffect } = await oneThatWaits();
    const silent = connectTcp({ port: broker.ports.fleet, host: '127.0.0.1', localAddress: '127.0.0.2' });
    silent.on('error', () => undefined);
    await new Promise((resolve) => silent.once('connect', resolve));
    const second = await connect(other);
    await takeEffect();
    await stillWorks(second, other);
    expect(silent.closed).toBe(true);
  });

  it('lets nobody else in while those inside wait for what they said to take effect', async () => {
    await broker.close();
    broker = await open({ halfOpenMin: 1, halfOpenMax: 1 });
    const { first, takeEffect } = await oneThatWaits();
    await expect(connect(other)).rejects.toThrow();
    await takeEffect();
    await stillWorks(await connect(other), other);
    await stillWorks(first, one);
  });

  it('takes a fast reconnect for what it is, and ends the older connection', async () => {
    const first = await connect(one, { lineage: { boot: 4, seq: 1 } });
    const end = closed(first);
    const second = await connect(one, { lineage: { boot: 4, seq: 19 } });
    await end;
    const afterPowerCut = await connect(one, { lineage: { boot: 5, seq: 1 } });
    await closed(second);
    expect(clones).toEqual([]);
    expect(gone).toEqual([]);
    await stillWorks(afterPowerCut, one);
    expect(broker.isConnected(one.serial)).toBe(true);
  });

  it('raises one alarm when two devices act as one terminal, whoever of them comes first', async () => {
    await connect(one, { lineage: { boot: 4, seq: 30 } });
    // The copy has booted more often: that could be the terminal itself, after a power cut …
    const copy = await connect(one, { lineage: { boot: 6, seq: 1 } });
    expect(clones).toEqual([]);
    // … but then the terminal would not come back with an earlier boot.
    await connect(one, { lineage: { boot: 4, seq: 31 } });
    await closed(copy);
    expect(clones).toEqual([one.serial]);
    await connect(one, { lineage: { boot: 6, seq: 2 } });
    await connect(one, { lineage: { boot: 4, seq: 32 } });
    expect(clones).toEqual([one.serial]);
  });

  it('notices a copy that comes while the terminal is away, and forgets what a disconnection on purpose ended', async () => {
    const first = await connect(one, { lineage: { boot: 4, seq: 30 } });
    first.end(true);
    await until('it to be gone', () => !broker.isConnected(one.serial));
    await connect(one, { lineage: { boot: 4, seq: 3 } });
    expect(clones).toEqual([one.serial]);
    broker.disconnect(one.serial);
    await until('it to be gone again', () => !broker.isConnected(one.serial));
    await connect(one, { lineage: { boot: 1, seq: 1 } });
    expect(clones).toEqual([one.serial]);
  });

  it('raises an alarm for a second connection that does not say where it comes from', async () => {
    const first = await connect(one);
    await connect(one);
    await closed(first);
    expect(clones).toEqual([one.serial]);
  });

  it('resumes a TLS session, still knows whose it is, and asks again whether that one is admitted', async () => {
    let session: Buffer | undefined;
    const first = dial(one);
    first.on('session', (given: Buffer) => {
      session = given;
    });
    const client = await connect(one, { stream: () => first });
    await until('a ticket', () => session !== undefined);
    client.end(true);
    const again = dial({ ...one, session });
    const resumed = await connect(one, { stream: () => again });
    expect(again.isSessionReused()).toBe(true);
    await stillWorks(resumed, one);
    // A revocation ends the connection, and nobody is let in from memory after it.
    refusedSerials.add(one.serial);
    broker.disconnect(one.serial);
    await expect(connect(one, { stream: () => dial({ ...one, session }) })).rejects.toMatchObject({ code: 5 });
    await logged('CLIENT_CERTIFICATE_REFUSED');
  });

  it('sends on to a healthy terminal at once while another has stopped reading, and drops that one', async () => {
    await broker.close();
    broker = await open({ halfOpenPerAddressMax: halfOpenMax }, 60_000, false, 8_000);
    // It connects, and then reads nothing ever again.
    const frozen = dial(one);
    const name = Buffer.from(one.serial);
    const body = Buffer.concat([Buffer.from('00044d5154540402003c00', 'hex'), Buffer.of(name.length), name]);
    const filter = Buffer.from(own(one, 'dn/#'));
    const wanted = Buffer.concat([Buffer.from('0001', 'hex'), Buffer.of(0, filter.length), filter, Buffer.of(1)]);
    frozen.write(Buffer.concat([Buffer.of(0x10, body.length), body, Buffer.of(0x82, wanted.length), wanted]));
    await until('the frozen one to be connected', () => broker.isConnected(one.serial));
    const healthy = await connect(other);
    await healthy.subscribeAsync(own(other, 'dn/#'), { qos: 1 });
    frozen.pause();
    let arrived = 0;
    healthy.on('message', () => (arrived += 1));
    const big = Buffer.alloc(1024 * 1024);
    for (let index = 0; index < 60; index++) broker.send(one.serial, own(one, 'dn/notify'), big);
    for (let index = 0; index < 30; index++) broker.send(one.serial, own(one, 'dn/notify'), Buffer.from('x'));
    // It goes on speaking, and takes no acknowledgement either.
    const hello = Buffer.from(own(one, 'up/hello'));
    for (let index = 1; index <= 30; index++)
      frozen.write(Buffer.concat([Buffer.of(0x32, hello.length + 4, 0, hello.length), hello, Buffer.of(0, index)]));
    for (let index = 0; index < 20; index++) broker.send(other.serial, own(other, 'dn/notify'), Buffer.from('x'));
    await until('all twenty', () => arrived === 20);
    // Its queue holds 68: what came after that is dropped, which is told once.
    expect(lines.filter(({ event }) => event === 'downlinkDropped')).toHaveLength(1);
    // The metrics tell how many, and what of it waits.
    expect(dropped).toBe(90 - 68);
    expect(broker.waiting).toBe(64);
    // While the frozen one is still waited for: nobody was held up by it.
    expect(gone).not.toContain(one.serial);
    await until('the frozen one to be dropped', () => gone.includes(one.serial));
    await logged('DOWNLINK_TIMEOUT');
    await stillWorks(healthy, other);
    expect(lines.filter(({ event }) => event === 'fleetConnectionFailed')).toHaveLength(1);
    frozen.destroy();
  });
});
