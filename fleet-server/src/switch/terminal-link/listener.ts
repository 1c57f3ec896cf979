import { createServer, type TLSSocket } from 'node:tls';
import { refusalFrame } from '@tsunagu/protocols/acquiring';
import type { Serial } from '@tsunagu/protocols/fleet';
import { asBuffer, fail, ok, type Result } from '@tsunagu/protocols/kit';
import type { World } from '@tsunagu/protocols/world';
import { followTls, type ServerTls, shownBy } from '../../identity/index.ts';
import { limitConnections } from '../connections.ts';
import type { KeyCounters } from '../journal/key-counters.ts';
import type { SwitchRooms } from '../ports.ts';
import type { Processing } from '../transaction/processing.ts';
import { TerminalConnection } from './connection.ts';

/** How the switch shows itself to terminals, and whose certificates it takes. PEM. */
export interface ServerCredentials {
  readonly certificateChain: string;
  readonly privateKey: string;
  /** Roots (and issuing authorities) that a terminal's chain has to end in. */
  readonly ca: string | readonly string[];
  /** Later credentials, where the server outlives these. */
  readonly follow?: ServerTls['follow'];
}

/** The listener for terminals. */
export interface TerminalListener {
  readonly port: number;
  /** Ends a terminal's connections. */
  disconnect(serial: Serial): void;
  close(): Promise<void>;
}

const connectionsMax = 4_096;
/** Connections of one terminal: the oldest gives way. */
const perTerminalMax = 4;
/** Connections whose far end is not known yet. */
const strangersMax = 1_024;
const handshakeMs = 5_000;
/** How long one that is not let in may take to read why. */
const turnAwayMs = 1_000;

/**
 * Tells who is not let in why, and ends its connection. What it sends meanwhile is thrown away unread: bytes that nobody takes would have the far end
 * lose the refusal with the connection (RST).
 */
function turnAway(world: World, socket: TLSSocket, code: 'LIFECYCLE_FORBIDS' | 'CLIENT_CERTIFICATE_REFUSED'): void {
  socket.resume();
  socket.end(asBuffer(refusalFrame(code)));
  const deadline = world.timers.after(turnAwayMs, () => socket.destroy());
  socket.once('close', () => deadline.cancel());
}

/** Opens the port for terminals: TLS 1.3 with client certificates. PORT_TAKEN when another process has it. */
export function listenForTerminals(
  world: World,
  rooms: SwitchRooms,
  counters: KeyCounters,
  processing: Processing,
  at: { readonly host: string; readonly port: number },
  credentials: ServerCredentials,
): Promise<Result<TerminalListener, 'PORT_TAKEN'>> {
  const sockets = new Set<TLSSocket>();
  const owners = new Map<TLSSocket, Serial>();
  const server = createServer({
    cert: credentials.certificateChain,
    key: credentials.privateKey,
    ca: typeof credentials.ca === 'string' ? credentials.ca : [...credentials.ca],
    requestCert: true,
    rejectUnauthorized: true,
    minVersion: 'TLSv1.3',
    handshakeTimeout: handshakeMs,
  });
  followTls(server, credentials.follow);
  const connections = limitConnections(world, server, 'acquiring', { strangersMax, admittedMax: connectionsMax });
  server.on('tlsClientError', (error, socket) => {
    const reason = 'code' in error && typeof error.code === 'string' ? error.code : error.name;
    const code = reason.includes('DID_NOT_RETURN_A_CERTIFICATE')
      ? 'CLIENT_CERTIFICATE_MISSING'
      : 'TLS_HANDSHAKE_FAILED';
    rooms.metrics.frameRefused(code);
    world.log('warn', 'connectionRefused', { fault: { code }, reason, port: 'acquiring', from: socket.remoteAddress });
    socket.destroy();
  });
  server.on('secureConnection', (socket) => {
    sockets.add(socket);
    rooms.metrics.connections(sockets.size);
    socket.setNoDelay(true);
    socket.on('error', (error) =>
      world.log('debug', 'connectionFailed', { port: 'acquiring', reason: error.name, from: socket.remoteAddress }),
    );
    socket.on('close', () => {
      sockets.delete(socket);
      owners.delete(socket);
      rooms.metrics.connections(sockets.size);
    });
    // Nothing is read until it is known who sends it.
    socket.pause();
    rooms
      .admit(shownBy(socket))
      .then((admitted) => {
        if (socket.destroyed) return;
        if (!admitted.ok) {
          rooms.metrics.frameRefused(admitted.fault.code);
          world.log('warn', 'connectionRefused', {
            fault: admitted.fault,
            port: 'acquiring',
            from: socket.remoteAddress,
          });
          turnAway(
            world,
            socket,
            admitted.fault.code === 'LIFECYCLE_FORBIDS' ? 'LIFECYCLE_FORBIDS' : 'CLIENT_CERTIFICATE_REFUSED',
          );
          return;
        }
        // One that dials again has lost the line before; a terminal that opens many takes no other's place.
        const held = [...owners].filter(([, owner]) => owner === admitted.value);
        if (held.length >= perTerminalMax) held[0]?.[0].destroy();
        if (!connections.admit(socket)) return;
        owners.set(socket, admitted.value);
        new TerminalConnection(world, rooms, counters, processing, socket, admitted.value);
        socket.resume();
      })
      .catch((cause: unknown) => {
        world.log('error', 'admissionFailed', { fault: { code: 'INTERNAL', cause }, port: 'acquiring' });
        socket.destroy();
      });
  });
  return new Promise((resolve) => {
    server.once('error', (cause: Error) =>
      resolve(fail('PORT_TAKEN', { facts: { port: at.port, name: 'acquiring' }, cause })),
    );
    server.listen(at.port, at.host, () => {
      const address = server.address();
      const port = typeof address === 'object' && address ? address.port : at.port;
      resolve(
        ok({
          port,
          disconnect(serial) {
            for (const [socket, owner] of owners) if (owner === serial) socket.destroy();
          },
          close: () =>
            new Promise<void>((closed) => {
              server.close(() => closed());
              for (const socket of sockets) socket.end();
              const deadline = world.timers.after(1_000, () => {
                for (const socket of sockets) socket.destroy();
              });
              server.once('close', () => deadline.cancel());
            }),
        }),
      );
    });
  });
}
