import type { X509Certificate } from 'node:crypto';
import { createServer as createHttpsServer } from 'node:https';
import type { Server, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { createServer as createTlsServer, type TlsOptions, type TLSSocket, TLSSocket as TlsSocket } from 'node:tls';
import { negativeHeadTopic, parseUpTopic, type Serial, subtree, type TenantId } from '@tsunagu/protocols/fleet';
import { fail, type Fault, ok, type Result } from '@tsunagu/protocols/kit';
import type { LogFacts, World } from '@tsunagu/protocols/world';
import { Aedes, type AuthenticateError, type Client } from 'aedes';
import { createWebSocketStream, WebSocketServer } from 'ws';
import { type Admission, followTls, type ServerTls, type TlsMaterial } from '../identity/index.ts';
import { listen } from '../net/index.ts';
import { DownlinkQueue } from './downlink.ts';
import { FrameGuard, packetLengthMax } from './frame-guard.ts';
import type { Broker, BrokerHandlers } from './port.ts';

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
  readonly connectionsMax?: number;
  /** From the accepted connection to the end of the TLS handshake, and again to a whole CONNECT. */
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
  readonly queue: DownlinkQueue;
  /** Filters it subscribes to beyond its own subtree. */
  readonly lists: Set<string>;
  /** Its messages take effect in the order in which they came. */
  tail: Promise<void>;
  /** It has its CONNACK: messages may go down. */
  isReady: boolean;
}

const notAuthorized = 5;
const identifierRejected = 2;

/**
 * Opens W1 on aedes: MQTT 3.1.1 over TLS 1.3, and the same over WebSocket. Who somebody is, and what they may touch, comes
 * from their certificate alone.
 */
export async function openAedesBroker(options: BrokerOptions): Promise<Result<OpenBroker, 'PORT_TAKEN'>> {
  const { world, tenant, handlers, admit } = options;
  const { connectTimeoutMs = 5_000, drainTimeoutMs = 5_000, connectionsMax = 25_000 } = options;
  const { log } = world;
  const noteRefusal = (event: string, facts: LogFacts & { readonly fault: Fault }): void => {
    log('warn', event, facts);
    handlers.refused(facts.fault.code);
  };

  const peers = new WeakMap<Duplex, { readonly certificate: X509Certificate | undefined; readonly address: string }>();
  const faults = new WeakMap<Client, Fault>();
  const sessions = new Map<Client, Session>();
  const bySerial = new Map<Serial, Client>();
  const retained = new Map<string, Uint8Array>();

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

    authenticate(client, _username, _password, settle) {
      const peer = peers.get(client.conn);
      admit(peer?.certificate).then(
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
          const address = peer?.address ?? '';
          const before = bySerial.get(serial);
          if (before) handlers.cloneSuspected(serial, { before: sessions.get(before)?.address ?? '', now: address });
          const queue = new DownlinkQueue((message, written) => {
            if (client.closed) return written();
            client.publish(
              {
                cmd: 'publish',
                topic: message.topic,
                payload: Buffer.from(message.payload),
                qos: 1,
                dup: false,
                retain: message.retain,
              },
              () => written(),
            );
          });
          sessions.set(client, { serial, address, queue, lists: new Set(), tail: Promise.resolve(), isReady: false });
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
      session.tail = session.tail
        .then(() => handlers.received(session.serial, read.topic, payload))
        .then(
          () => settle(),
          (cause: unknown) => {
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
      if (!session || isReserved || subscription.qos > 1 || !(isOwn || isList)) {
        noteRefusal('subscriptionRefused', {
          fault: fail('MQTT_TOPIC_FORBIDDEN', { facts: { serial: session?.serial ?? '', isReserved } }).fault,
        });
        return done(null, null);
      }
      if (isList) session.lists.add(topic);
      done(null, subscription);
    },
  });

  aedes.on('clientReady', (client) => {
    const session = sessions.get(client);
    if (!session) return;
    session.isReady = true;
    handlers.connected(session.serial);
  });
  aedes.on('subscribe', (subscriptions, client) => {
    const session = sessions.get(client);
    for (const { topic: filter } of subscriptions)
      for (const [topic, payload] of retained)
        if (session && matches(filter, topic)) session.queue.push({ topic, payload, retain: true });
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
  const failed = (client: Client, error: Error): void => {
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
  function accept(stream: Duplex, socket: TLSSocket): void {
    const address = socket.remoteAddress ?? '';
    peers.set(stream, { certificate: socket.getPeerX509Certificate(), address });
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

  const tlsOptions = {
    cert: options.tls.cert,
    key: options.tls.key,
    ca: [...options.tls.ca],
    minVersion: 'TLSv1.3',
    requestCert: true,
    rejectUnauthorized: true,
    handshakeTimeout: connectTimeoutMs,
  } satisfies TlsOptions;
  const handshakeFailed = (error: Error, socket: TLSSocket): void => {
    noteRefusal('fleetHandshakeFailed', { address: socket.remoteAddress, fault: handshakeFault(error) });
    // A handshake that ran out of time is only reported: the connection would stay.
    socket.destroy();
  };
  const dropped = (): void => noteRefusal('fleetConnectionDropped', { fault: fail('CONNECTION_LIMIT').fault });

  const tlsServer = createTlsServer(tlsOptions, (socket) => accept(socket, socket));
  const httpsServer = createHttpsServer({
    ...tlsOptions,
    maxHeaderSize: 8_192,
    headersTimeout: connectTimeoutMs,
    requestTimeout: connectTimeoutMs,
    connectionsCheckingInterval: 1_000,
  });
  const sockets = new WebSocketServer({ noServer: true, maxPayload: packetLengthMax + 5, perMessageDeflate: false });
  httpsServer.on('request', (_request, response) => response.writeHead(426, { connection: 'close' }).end());
  httpsServer.on('upgrade', (request, socket: Duplex, head: Buffer) => {
    const offered = String(request.headers['sec-websocket-protocol'] ?? '').split(/ *, */);
    if (!(socket instanceof TlsSocket) || !offered.includes('mqtt')) {
      socket.end('HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n');
      return;
    }
    sockets.handleUpgrade(request, socket, head, (opened) => accept(createWebSocketStream(opened), socket));
  });
  for (const server of [tlsServer, httpsServer]) {
    followTls(server, options.tls.follow);
    server.maxConnections = connectionsMax;
    server.on('tlsClientError', handshakeFailed);
    server.on('drop', dropped);
  }

  const close = async (): Promise<void> => {
    const ended = [closeServer(tlsServer), closeServer(httpsServer)];
    await new Promise<void>((resolve) => aedes.close(() => resolve()));
    for (const socket of sockets.clients) socket.terminate();
    httpsServer.closeAllConnections();
    for (const socket of open) socket.destroy();
    await Promise.all(ended);
  };
  // Connections still in their handshake belong to nobody else.
  const open = new Set<Socket>();
  tlsServer.on('connection', (socket: Socket) => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
  });

  const fleet = await listen(tlsServer, options.host, options.ports.fleet, 'fleet');
  const fleetWebSocket = fleet.ok
    ? await listen(httpsServer, options.host, options.ports.fleetWebSocket, 'fleetWebSocket')
    : fleet;
  if (!fleet.ok || !fleetWebSocket.ok) {
    await close();
    return fleet.ok ? (fleetWebSocket.ok ? fail('PORT_TAKEN') : fleetWebSocket) : fleet;
  }

  return ok({
    ports: { fleet: fleet.value, fleetWebSocket: fleetWebSocket.value },
    send(serial, topic, payload) {
      const client = bySerial.get(serial);
      const session = client && sessions.get(client);
      if (session?.isReady && !session.queue.push({ topic, payload, retain: false }))
        log('warn', 'downlinkDropped', { serial, fault: fail('DOWNLINK_TIMEOUT').fault });
    },
    retain(topic, payload) {
      retained.set(topic, payload);
      for (const session of sessions.values())
        if ([...session.lists].some((filter) => matches(filter, topic)))
          session.queue.push({ topic, payload, retain: false });
    },
    isConnected: (serial) => bySerial.has(serial),
    get connections() {
      return bySerial.size;
    },
    serials: () => [...bySerial.keys()],
    disconnect(serial) {
      bySerial.get(serial)?.close();
    },
    close,
  });
}

const closeServer = (server: Server): Promise<void> =>
  new Promise((resolve) => {
    if (server.listening) server.close(() => resolve());
    else resolve();
  });

/** Whether a filter of ours (`+` for one level) matches a topic. */
function matches(filter: string, topic: string): boolean {
  const wanted = filter.split('/');
  const levels = topic.split('/');
  return wanted.length === levels.length && wanted.every((level, index) => level === '+' || level === levels[index]);
}

/** Our code for what aedes reports as text. */
function faultOf(error: Error): Fault {
  if (error.message === 'connect did not arrive in time') return fail('MQTT_CONNECT_TIMEOUT').fault;
  if (error.message === 'drain timeout') return fail('DOWNLINK_TIMEOUT').fault;
  if (/^MQTT_[A-Z_]+$/.test(error.message) && error.message === 'MQTT_PACKET_TOO_LARGE')
    return fail('MQTT_PACKET_TOO_LARGE').fault;
  if ('code' in error && typeof error.code === 'string' && /^E[A-Z]+$/.test(error.code))
    return fail('CONNECTION_ENDED', { facts: { error: error.code } }).fault;
  if (error.message === 'keep alive timeout') return fail('CONNECTION_ENDED', { facts: { error: 'keepalive' } }).fault;
  return fail('MQTT_PACKET_INVALID', { cause: error }).fault;
}

function handshakeFault(error: Error): Fault {
  const code = 'code' in error ? String(error.code) : '';
  return code === 'ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE'
    ? fail('CLIENT_CERTIFICATE_MISSING').fault
    : fail('TLS_HANDSHAKE_FAILED', { facts: { error: code || 'unknown' } }).fault;
}
