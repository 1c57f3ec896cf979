import { createServer as createHttpsServer } from 'node:https';
import { createServer, type Server, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { createServer as createTlsServer, type TlsOptions, TLSSocket } from 'node:tls';
import { fail, type Fault, ok, type Result } from '@tsunagu/protocols/kit';
import type { LogFacts, Timer, World } from '@tsunagu/protocols/world';
import { createWebSocketStream, WebSocketServer } from 'ws';
import { listen } from '../net/index.ts';
import { packetLengthMax } from './frame-guard.ts';
import { type Entry, Gate, type GateLimits, gateLimits } from './gate.ts';
import { clientAnchors, type ServerTls, type TlsMaterial } from '../identity/index.ts';
import { SilentConnections } from './silent.ts';
import { type TicketKeys, ticketLifeMs } from './ticket-keys.ts';

/** What terminals dial, before the first packet of MQTT. */
export interface FrontOptions {
  readonly world: World;
  readonly host: string;
  readonly ports: { readonly fleet: number; readonly fleetWebSocket: number };
  readonly tls: TlsMaterial & Partial<Pick<ServerTls, 'follow'>>;
  readonly tickets: TicketKeys;
  readonly limits?: Partial<GateLimits> | undefined;
  /** From the accept to the first bytes, from there to the end of the TLS handshake and, over WebSocket, of the upgrade. */
  readonly connectTimeoutMs: number;
  /** A connection whose certificate was verified: its bytes, its TLS socket, and its place at the gate. */
  readonly accept: (stream: Duplex, socket: TLSSocket, entry: Entry) => void;
  readonly refused: (event: string, facts: LogFacts & { readonly fault: Fault; readonly count?: number }) => void;
}

export interface Front {
  readonly ports: { readonly fleet: number; readonly fleetWebSocket: number };
  close(): Promise<void>;
}

/** In a storm there are thousands of refusals a second: one line tells of all of them. */
const refusalLineMs = 1_000;
/** Limits of the gate that silent connections have a part in. */
const isFull: ReadonlySet<string> = new Set(['halfOpen', 'atWork']);
/** The longest queue of connections that the kernel holds for us (and no longer than its own limit). */
const backlog = 4_096;

/** Opens the doors of W1: a gate at the accept, then TLS 1.3 with a client certificate, then MQTT or WebSocket. */
export async function openFront(options: FrontOptions): Promise<Result<Front, 'PORT_TAKEN'>> {
  const { world, tickets, connectTimeoutMs, refused } = options;
  const gate = new Gate({ ...gateLimits, ...options.limits }, world.clock);
  /** Places at the gate of those whose handshake runs, by the far end. */
  const entries = new Map<string, Entry>();
  /** Connections that nobody has taken yet. */
  const waiting = new Set<Socket>();
  /** Those of them that have not said a word. */
  const silent = new SilentConnections(world.clock);

  const tlsOptions = {
    cert: options.tls.cert,
    key: options.tls.key,
    ca: clientAnchors(options.tls.ca),
    minVersion: 'TLSv1.3',
    requestCert: true,
    rejectUnauthorized: true,
    handshakeTimeout: connectTimeoutMs,
    // A session carries the certificate that began it; whether that still counts is asked at each CONNECT.
    sessionIdContext: 'tsunagu-fleet',
    ticketKeys: tickets.current(),
    sessionTimeout: ticketLifeMs / 1_000,
  } satisfies TlsOptions;
  const tlsServer = createTlsServer(tlsOptions);
  const httpsServer = createHttpsServer({ ...tlsOptions, maxHeaderSize: 8_192 });
  // Certificates end before the process does. Tickets that are out are good under the next ones, too.
  options.tls.follow?.(({ cert, key, ca }) => {
    for (const server of [tlsServer, httpsServer])
      server.setSecureContext({ ...tlsOptions, cert, key, ca: clientAnchors(ca), ticketKeys: tickets.current() });
  });

  let rotating: Timer | undefined;
  const rotate = (): void => {
    rotating = world.timers.after(tickets.remainingMs() + 1, () => {
      for (const server of [tlsServer, httpsServer]) server.setTicketKeys(tickets.current());
      rotate();
    });
  };
  rotate();

  let unsaid = 0;
  let saying: Timer | undefined;
  const turnAway = (socket: Socket, fault: Fault): void => {
    socket.resetAndDestroy();
    unsaid += 1;
    saying ??= world.timers.after(refusalLineMs, () => {
      saying = undefined;
      refused('fleetConnectionsRefused', { fault, count: unsaid, halfOpen: gate.halfOpen });
      unsaid = 0;
    });
  };

  /** A place at the gate. Where the doors are full, whoever says nothing leaves for it. */
  const enter = (address: string): Result<Entry, 'CONNECTION_LIMIT'> => {
    const entered = gate.enter(address);
    if (entered.ok || !isFull.has(String(entered.fault.facts?.['limit']))) return entered;
    const leaves = silent.makeRoom(address, gate.halfOpen);
    if (leaves === undefined) return entered;
    leaves.entry.ended();
    turnAway(leaves.socket, fail('CONNECTION_LIMIT', { facts: { limit: 'silent' } }).fault);
    return gate.enter(address);
  };

  /** The gate stands before TLS: whoever is turned away costs no handshake. */
  const behindGate = (server: Server): Server => {
    const front = createServer({ noDelay: true }, (socket) => {
      const address = socket.remoteAddress ?? '';
      const entered = enter(address);
      if (!entered.ok) return turnAway(socket, entered.fault);
      const { value: entry } = entered;
      const end = farEnd(socket);
      entries.set(end, entry);
      waiting.add(socket);
      silent.add(socket, address, entry);
      socket.once('close', () => {
        waiting.delete(socket);
        silent.delete(socket);
        // By then another connection may have its far end.
        if (entries.get(end) === entry) entries.delete(end);
        entry.ended();
      });
      whenHeard(socket, () => server.emit('connection', socket));
    });
    return front;
  };
  /**
   * TLS begins when the other end has spoken. Node takes bytes that were read before it into a buffer of their length and goes on with that one;
   * otherwise it reads each connection into 64 KiB of its own for as long as that lasts, and V8, which counts these as its own, marks the heap for every thousand.
   */
  const whenHeard = (socket: Socket, begin: () => void): void => {
    const stop = (): void => {
      silent.delete(socket);
      socket.setTimeout(0);
      socket.off('timeout', timedOut).off('error', failed).off('readable', heard);
    };
    const failed = (error: Error): void => {
      stop();
      handshakeFailed(error, socket);
    };
    const timedOut = (): void => failed(silenceError('ERR_TLS_HANDSHAKE_TIMEOUT'));
    const heard = (): void => {
      if (socket.readableLength === 0) return failed(silenceError('ECONNRESET'));
      stop();
      begin();
    };
    socket.setTimeout(connectTimeoutMs).once('timeout', timedOut).once('error', failed).once('readable', heard);
  };
  const handshakeFailed = (error: Error, socket: Socket): void => {
    refused('fleetHandshakeFailed', { address: socket.remoteAddress, fault: handshakeFault(error) });
    // A handshake that ran out of time is only reported: the connection would stay.
    socket.destroy();
  };
  const take = (stream: Duplex, socket: TLSSocket): void => {
    const end = farEnd(socket);
    const entry = entries.get(end);
    entries.delete(end);
    // It was reset in the same moment.
    if (entry) options.accept(stream, socket, entry);
    else socket.destroy();
  };

  tlsServer.on('secureConnection', (socket) => take(socket, socket));
  const sockets = new WebSocketServer({ noServer: true, maxPayload: packetLengthMax + 5, perMessageDeflate: false });
  const upgrading = new WeakMap<object, Timer>();
  httpsServer.on('secureConnection', (socket) => {
    upgrading.set(
      socket,
      world.timers.after(connectTimeoutMs, () => socket.destroy()),
    );
    socket.once('close', () => upgrading.get(socket)?.cancel());
  });
  httpsServer.on('request', (_request, response) => response.writeHead(426, { connection: 'close' }).end());
  httpsServer.on('upgrade', (request, socket: Duplex, head: Buffer) => {
    const offered = String(request.headers['sec-websocket-protocol'] ?? '').split(/ *, */);
    if (!(socket instanceof TLSSocket) || !offered.includes('mqtt')) {
      socket.end('HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n');
      return;
    }
    upgrading.get(socket)?.cancel();
    sockets.handleUpgrade(request, socket, head, (opened) => take(createWebSocketStream(opened), socket));
  });
  for (const server of [tlsServer, httpsServer]) server.on('tlsClientError', handshakeFailed);

  const fronts = { fleet: behindGate(tlsServer), fleetWebSocket: behindGate(httpsServer) };
  const close = async (): Promise<void> => {
    rotating?.cancel();
    saying?.cancel();
    const ended = Object.values(fronts).map(closeServer);
    for (const socket of sockets.clients) socket.terminate();
    for (const socket of waiting) socket.destroy();
    await Promise.all(ended);
  };
  const fleet = await listen(fronts.fleet, options.host, options.ports.fleet, 'fleet', backlog);
  const fleetWebSocket = fleet.ok
    ? await listen(fronts.fleetWebSocket, options.host, options.ports.fleetWebSocket, 'fleetWebSocket', backlog)
    : fleet;
  if (!fleet.ok || !fleetWebSocket.ok) {
    await close();
    return fleet.ok ? (fleetWebSocket.ok ? fail('PORT_TAKEN') : fleetWebSocket) : fleet;
  }
  return ok({ ports: { fleet: fleet.value, fleetWebSocket: fleetWebSocket.value }, close });
}

const farEnd = ({ remoteAddress, remotePort, localPort }: Socket): string =>
  `${remoteAddress} ${remotePort} ${localPort}`;

const closeServer = (server: Server): Promise<void> =>
  new Promise((resolve) => {
    if (server.listening) server.close(() => resolve());
    else resolve();
  });

/** As Node has it of a handshake that does not begin. */
const silenceError = (code: 'ERR_TLS_HANDSHAKE_TIMEOUT' | 'ECONNRESET'): Error =>
  Object.assign(new Error('no TLS handshake'), { code });

function handshakeFault(error: Error): Fault {
  const code = 'code' in error ? String(error.code) : '';
  return code === 'ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE'
    ? fail('CLIENT_CERTIFICATE_MISSING').fault
    : fail('TLS_HANDSHAKE_FAILED', { facts: { error: code || 'unknown' } }).fault;
}
