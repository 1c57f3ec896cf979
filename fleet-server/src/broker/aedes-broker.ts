import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { negativeHeadTopic, parseUpTopic, type Serial, subtree, type TenantId } from '@tsunagu/protocols/fleet';
import { fail, type Fault, ok, type Result } from '@tsunagu/protocols/kit';
import type { LogFacts, World } from '@tsunagu/protocols/world';
import { Aedes, type AuthenticateError, type Client } from 'aedes';
import {
  type Admission,
  type ServerTls,
  fingerprintOf,
  type ShownCertificate,
  shownBy,
  type TlsMaterial,
} from '../identity/index.ts';
import { DownlinkQueue } from './downlink.ts';
import { FrameGuard } from './frame-guard.ts';
import { openFront } from './front.ts';
import type { Entry, GateLimits } from './gate.ts';
import { isSameDevice, type Lineage, lineageOf } from './lineage.ts';
import { Passes } from './passes.ts';
import type { Broker, BrokerHandlers } from './port.ts';
import { noEmitter, noPersistence } from './stateless.ts';
import { type TicketKeys, ticketKeys } from './ticket-keys.ts';

/** How the broker is opened. */
export interface BrokerOptions {
  readonly world: World;
  readonly tenant: TenantId;
  readonly host: string;
  /** 0 takes any free port. */
  readonly ports: { readonly fleet: number; readonly fleetWebSocket: number };
  /** The server's certificate and key, and whom clients' certificates must come from, PEM. */
  readonly tls: TlsMaterial & Partial<Pick<ServerTls, 'follow'>>;
  readonly admit: Admission;
  readonly handlers: BrokerHandlers;
  readonly limits?: Partial<GateLimits>;
  /** Without them tickets end with the process. */
  readonly tickets?: TicketKeys;
  /** From the accepted connection to its first bytes, again to the end of the TLS handshake, and again to a whole CONNECT. */
  readonly connectTimeoutMs?: number;
  /** How long a terminal may leave its receive window shut. */
  readonly drainTimeoutMs?: number;
}

/** The running broker, and where it listens. */
export interface OpenBroker extends Broker {
  readonly ports: { readonly fleet: number; readonly fleetWebSocket: number };
}

interface Session {
  readonly serial: Serial;
  readonly address: string;
  readonly fingerprint: string | undefined;
  readonly queue: DownlinkQueue;
  readonly lineage: Lineage | undefined;
  readonly entry: Entry;
  /** Filters that it subscribes to. */
  filters: readonly { readonly filter: string; readonly qos: 0 | 1 }[];
  /** Its messages take effect in the order in which they came. */
  tail: Promise<void>;
  /** It has its CONNACK: messages may go down. */
  isReady: boolean;
  /** Its queue was full when the last message came for it. */
  isBehind: boolean;
}

/** Who is at the other end of a connection. */
interface Peer {
  /** Until it was looked at. */
  certificate: ShownCertificate | undefined;
  lineage: Lineage | undefined;
  readonly address: string;
  readonly entry: Entry;
}

const notAuthorized = 5;
const identifierRejected = 2;
/** A terminal subscribes to two filters. */
const filtersMax = 8;
/** Two devices with one key push each other out again and again: one alarm tells it. */
const cloneAlarmMs = 60_000;

/**
 * Opens W1 on aedes: MQTT 3.1.1 over TLS 1.3, and the same over WebSocket. Who somebody is, and what they may touch, comes
 * from their certificate alone.
 */
export async function openAedesBroker(options: BrokerOptions): Promise<Result<OpenBroker, 'PORT_TAKEN'>> {
  const { world, tenant, handlers } = options;
  const { connectTimeoutMs = 5_000, drainTimeoutMs = 5_000 } = options;
  const { log } = world;
  const noteRefusal = (event: string, facts: LogFacts & { readonly fault: Fault; readonly count?: number }): void => {
    log('warn', event, facts);
    handlers.refused(facts.fault.code, facts.count);
  };

  const peers = new WeakMap<Duplex, Peer>();
  const faults = new WeakMap<Client, Fault>();
  const passes = new Passes(options.admit, world.clock);
  const sessions = new Map<Client, Session>();
  const bySerial = new Map<Serial, Client>();
  const retained = new Map<string, Uint8Array>();
  /** Where each terminal was when it last connected, and when an alarm was last raised for it. */
  const lineages = new Map<Serial, Lineage>();
  const alarmedMs = new Map<Serial, number>();

  /** Compares a connection with the one before it. */
  function watchForClones(serial: Serial, { address, lineage }: Peer, before: Client | undefined): void {
    const last = lineages.get(serial);
    if (lineage) lineages.set(serial, lineage);
    if (!before && !(last && lineage)) return;
    if (isSameDevice(last, lineage)) return;
    const now = world.clock.monotonicMs();
    if (now - (alarmedMs.get(serial) ?? -Infinity) < cloneAlarmMs) return;
    alarmedMs.set(serial, now);
    handlers.cloneSuspected(serial, { before: (before && sessions.get(before)?.address) ?? '', now: address });
  }

  const refuse = (client: Client, fault: Fault, returnCode: number): AuthenticateError => {
    faults.set(client, fault);
    return Object.assign(new Error(fault.code), { returnCode });
  };

  const aedes = await Aedes.createBroker({
    concurrency: 100,
    connectTimeout: connectTimeoutMs,
    drainTimeout: drainTimeoutMs,
    keepaliveLimit: 600,
    maxTopicLevels: 10,
    maxClientsIdLength: 32,
    queueLimit: 42,
    persistence: noPersistence,
    mq: noEmitter,

    preConnect(client, packet, settle) {
      const peer = peers.get(client.conn);
      if (peer) peer.lineage = lineageOf(packet.will);
      settle(null, true);
    },

    authenticate(client, _username, _password, settle) {
      const peer = peers.get(client.conn);
      if (!peer) return settle(refuse(client, fail('CLIENT_CERTIFICATE_MISSING').fault, notAuthorized), false);
      const { certificate } = peer;
      // Nobody needs it any more.
      peer.certificate = undefined;
      passes.admit(certificate, client.id).then(
        (admitted) => {
          if (!admitted.ok) return settle(refuse(client, admitted.fault, notAuthorized), false);
          const serial = admitted.value;
          if (client.id !== serial)
            return settle(
              refuse(client, fail('MQTT_CLIENT_ID_MISMATCH', { facts: { serial } }).fault, identifierRejected),
              false,
            );
          if (!client.clean)
            return settle(
              refuse(client, fail('MQTT_PACKET_INVALID', { field: 'cleanSession' }).fault, identifierRejected),
              false,
            );
          watchForClones(serial, peer, bySerial.get(serial));
          const { address, lineage, entry } = peer;
          sessions.set(client, {
            serial,
            address,
            fingerprint: certificate && fingerprintOf(certificate),
            lineage,
            entry,
            queue: queueTo(client),
            filters: [],
            tail: nothingBefore,
            isReady: false,
            isBehind: false,
          });
          // From here on the older connection no longer speaks for the terminal.
          bySerial.set(serial, client);
          settle(null, true);
        },
        (cause: unknown) => settle(refuse(client, fail('INTERNAL', { cause }).fault, 3), false),
      );
    },

    authorizePublish(client, packet, settle) {
      const session = client && sessions.get(client);
      const read = parseUpTopic(packet.topic);
      if (
        !client ||
        !session ||
        packet.topic.startsWith('$SYS') ||
        read?.tenant !== tenant ||
        read.serial !== session.serial
      ) {
        const fault = fail('MQTT_TOPIC_FORBIDDEN', { facts: { serial: session?.serial ?? '' } }).fault;
        if (client) faults.set(client, fault);
        return settle(new Error(fault.code));
      }
      // Presence is kept in the store: nothing that a terminal sends stays in the broker.
      packet.retain = false;
      const payload = Uint8Array.from(Buffer.from(packet.payload));
      const done = session.entry.heard();
      session.tail = session.tail
        .then(() => handlers.received(session.serial, read.topic, payload, session.fingerprint))
        .then(
          () => {
            done();
            settle();
          },
          (cause: unknown) => {
            done();
            const fault = fail('INTERNAL', { cause }).fault;
            faults.set(client, fault);
            settle(new Error(fault.code));
          },
        );
    },

    authorizeSubscribe(client, subscription, done) {
      const session = sessions.get(client);
      const { topic } = subscription;
      const own = session && `${subtree(tenant, session.serial)}/dn/`;
      const isOwn = own !== undefined && topic.startsWith(own);
      const isList = topic.startsWith(negativeHeadTopic(tenant, '')) && !topic.includes('#');
      const isReserved = topic.startsWith('$share/') || topic.startsWith('$SYS');
      const others = session?.filters.filter(({ filter }) => filter !== topic) ?? [];
      const isTooMany = others.length >= filtersMax;
      if (!session || isReserved || isTooMany || subscription.qos > 1 || !(isOwn || isList)) {
        noteRefusal('subscriptionRefused', {
          fault: fail('MQTT_TOPIC_FORBIDDEN', { facts: { serial: session?.serial ?? '', isReserved, isTooMany } })
            .fault,
        });
        return done(null, null);
      }
      // A spread leaves room for sixteen more.
      session.filters = others.concat({ filter: topic, qos: subscription.qos === 0 ? 0 : 1 });
      done(null, subscription);
    },
  });

  aedes.on('clientReady', (client) => {
    const session = sessions.get(client);
    if (!session) return;
    session.isReady = true;
    session.entry.opened();
    handlers.connected(session.serial);
  });
  aedes.on('subscribe', (subscriptions, client) => {
    const session = sessions.get(client);
    for (const { topic: filter } of subscriptions) {
      const granted = session?.filters.find((one) => one.filter === filter);
      if (!session || !granted) continue;
      for (const [topic, payload] of retained)
        if (matches(filter, topic) && !session.queue.push({ topic, payload, retain: true, qos: granted.qos }))
          handlers.dropped();
    }
  });
  aedes.on('unsubscribe', (filters, client) => {
    const session = sessions.get(client);
    if (session) session.filters = session.filters.filter(({ filter }) => !filters.includes(filter));
  });
  /** A connection is over. The terminal is gone, unless a newer connection has taken its place. */
  function forget(client: Client): void {
    const session = sessions.get(client);
    sessions.delete(client);
    if (!session || bySerial.get(session.serial) !== client) return;
    bySerial.delete(session.serial);
    handlers.disconnected(session.serial);
  }
  aedes.on('clientDisconnect', forget);
  const ended = new WeakSet<Client>();
  const failed = (client: Client, error: Error): void => {
    // aedes says it again for each packet that was under way.
    if (ended.has(client)) return;
    ended.add(client);
    const session = sessions.get(client);
    const fault = faults.get(client) ?? faultOf(error);
    const { address } = peers.get(client.conn) ?? {};
    noteRefusal('fleetConnectionFailed', { serial: session?.serial, address, fault });
    // One that was ready is announced by `clientDisconnect`, after its will.
    if (session?.isReady !== true) forget(client);
  };
  aedes.on('clientError', failed);
  aedes.on('connectionError', failed);

  /** Hands a connection to the broker, its packets guarded. */
  function accept(stream: Duplex, socket: TLSSocket, entry: Entry): void {
    const address = socket.remoteAddress ?? '';
    peers.set(stream, { certificate: shownBy(socket), lineage: undefined, address, entry });
    const guard = new FrameGuard();
    const read = stream.read.bind(stream);
    let client: Client | undefined;
    let brokenBy: Fault | undefined;
    // The broker takes its bytes by `read`: that is where they are looked at, without a copy or a second buffer.
    stream.read = (size?: number): unknown => {
      if (brokenBy) return null;
      const chunk: unknown = read(size);
      if (!(chunk instanceof Uint8Array)) return chunk;
      const checked = guard.accept(chunk);
      if (checked.ok) return chunk;
      brokenBy = checked.fault;
      if (client) faults.set(client, checked.fault);
      stream.destroy(new Error(checked.fault.code));
      return null;
    };
    client = aedes.handle(stream);
  }

  const front = await openFront({
    world,
    host: options.host,
    ports: options.ports,
    tls: options.tls,
    tickets: options.tickets ?? ticketKeys(world.entropy(32), world),
    limits: options.limits,
    connectTimeoutMs,
    accept,
    refused: noteRefusal,
  });
  const close = async (): Promise<void> => {
    const ended = front.ok ? front.value.close() : undefined;
    await new Promise<void>((resolve) => aedes.close(() => resolve()));
    await ended;
  };
  if (!front.ok) {
    await close();
    return front;
  }

  return ok({
    ports: front.value.ports,
    abilities: { clonesSeenAt: 'connect', acknowledged: 'effective' },
    send(serial, topic, payload) {
      const client = bySerial.get(serial);
      const session = client && sessions.get(client);
      if (!session?.isReady) return;
      const wasBehind = session.isBehind;
      session.isBehind = !deliver(session, topic, payload);
      if (session.isBehind) handlers.dropped();
      // One that asks and does not read may do so thousands of times.
      if (session.isBehind && !wasBehind)
        log('warn', 'downlinkDropped', { serial, fault: fail('DOWNLINK_TIMEOUT').fault });
    },
    retain(topic, payload) {
      retained.set(topic, payload);
      for (const session of sessions.values()) if (!deliver(session, topic, payload)) handlers.dropped();
    },
    isConnected: (serial) => bySerial.has(serial),
    get connections() {
      return bySerial.size;
    },
    get waiting() {
      let count = 0;
      for (const { queue } of sessions.values()) count += queue.waiting;
      return count;
    },
    serials: () => [...bySerial.keys()],
    disconnect(serial) {
      // Whoever comes next with this serial may be another device.
      lineages.delete(serial);
      passes.end(serial);
      bySerial.get(serial)?.close();
    },
    close,
  });
}

const nothingBefore = Promise.resolve();

/** The way down to a client. It lives as long as the connection: made inside of what admits the client, it would keep all that alive, too. */
const queueTo = (client: Client): DownlinkQueue =>
  new DownlinkQueue((message, written) => {
    if (client.closed) return written();
    client.publish(
      {
        cmd: 'publish',
        topic: message.topic,
        payload: Buffer.from(message.payload),
        qos: message.qos,
        dup: false,
        retain: message.retain,
      },
      () => written(),
    );
  });

/** Queues a message for a terminal that subscribes to it, once and at the best quality of its filters. False when its queue was full. */
function deliver({ filters, queue }: Session, topic: string, payload: Uint8Array): boolean {
  let qos: 0 | 1 | undefined;
  for (const granted of filters) if (matches(granted.filter, topic)) qos = granted.qos === 1 ? 1 : (qos ?? 0);
  return qos === undefined || queue.push({ topic, payload, retain: false, qos });
}

/** Whether a filter matches a topic. MQTT 3.1.1, 4.7.1. */
function matches(filter: string, topic: string): boolean {
  const wanted = filter.split('/');
  const levels = topic.split('/');
  const isOpen = wanted.at(-1) === '#';
  if (isOpen) wanted.pop();
  return (
    (isOpen ? levels.length >= wanted.length : levels.length === wanted.length) &&
    wanted.every((level, index) => level === '+' || level === levels[index])
  );
}

/** Our code for what aedes reports as text. */
function faultOf(error: Error): Fault {
  if (error.message === 'connect did not arrive in time') return fail('MQTT_CONNECT_TIMEOUT').fault;
  if (error.message === 'drain timeout') return fail('DOWNLINK_TIMEOUT').fault;
  if (/^MQTT_[A-Z_]+$/.test(error.message) && error.message === 'MQTT_PACKET_TOO_LARGE')
    return fail('MQTT_PACKET_TOO_LARGE').fault;
  if ('code' in error && typeof error.code === 'string' && /^E[A-Z]+$/.test(error.code))
    return fail('CONNECTION_ENDED', { facts: { error: error.code } }).fault;
  // The far side was gone before its acknowledgement.
  if (error.message === 'connection closed') return fail('CONNECTION_ENDED').fault;
  if (error.message === 'keep alive timeout') return fail('CONNECTION_ENDED', { facts: { error: 'keepalive' } }).fault;
  return fail('MQTT_PACKET_INVALID', { cause: error }).fault;
}
