import type { Server, Socket } from 'node:net';
import type { World } from '@tsunagu/protocols/world';

/** How many connections may be there before it is known who they are, and afterwards. */
export interface ConnectionLimits {
  readonly strangersMax: number;
  readonly admittedMax: number;
}

/** Keeps strangers from taking the place of those who are known. */
export interface Connections {
  /** Whoever is at the other end is known now. False: there are too many of them, and this one is ended. */
  admit(socket: Socket): boolean;
  /** Connections that are known. */
  readonly admitted: number;
}

/**
 * Counts the raw connections of a TLS server. Ten thousand that are opened and say nothing cost their own places only: when a stranger more than
 * `strangersMax` comes, the one that has been unknown for longest is ended, and those who are known stay.
 */
export function limitConnections(
  world: Pick<World, 'log'>,
  server: Server,
  port: string,
  { strangersMax, admittedMax }: ConnectionLimits,
): Connections {
  // In the order in which they came.
  const strangers = new Map<string, Socket>();
  let admitted = 0;
  let isTold = false;
  const tell = (): void => {
    if (!isTold) world.log('warn', 'connectionRefused', { fault: { code: 'CONNECTION_LIMIT' }, port });
    isTold = true;
  };
  server.on('connection', (socket: Socket) => {
    const name = nameOf(socket);
    strangers.set(name, socket);
    socket.once('close', () => {
      strangers.delete(name);
      if (strangers.size < strangersMax / 2) isTold = false;
    });
    if (strangers.size <= strangersMax) return;
    const [oldest] = strangers;
    if (!oldest) return;
    strangers.delete(oldest[0]);
    tell();
    oldest[1].destroy();
  });
  return {
    admit(socket) {
      strangers.delete(nameOf(socket));
      if (admitted >= admittedMax) {
        tell();
        socket.destroy();
        return false;
      }
      admitted += 1;
      socket.once('close', () => {
        admitted -= 1;
      });
      return true;
    },
    get admitted() {
      return admitted;
    },
  };
}

/** The far end of a connection: the same on the raw socket and on the one that TLS makes of it. */
const nameOf = (socket: Socket): string => `${socket.remoteAddress ?? ''}|${socket.remotePort ?? 0}`;
