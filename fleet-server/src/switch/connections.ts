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
 * `strangersMax` comes, one is ended that has been unknown for longest among those of the address with the most of them: who opens many ends their own,
 * and whoever dials from elsewhere has the time of a handshake. Those who are known stay.
 */
export function limitConnections(
  world: Pick<World, 'log'>,
  server: Server,
  port: string,
  { strangersMax, admittedMax }: ConnectionLimits,
): Connections {
  // By address, in the order in which they came.
  const strangers = new Map<string, Map<string, Socket>>();
  let count = 0;
  function forget(address: string, name: string): void {
    const there = strangers.get(address);
    if (!there?.delete(name)) return;
    count -= 1;
    if (there.size === 0) strangers.delete(address);
  }
  let admitted = 0;
  let isTold = false;
  const tell = (): void => {
    if (!isTold) world.log('warn', 'connectionRefused', { fault: { code: 'CONNECTION_LIMIT' }, port });
    isTold = true;
  };
  server.on('connection', (socket: Socket) => {
    // Of a socket that is closed nobody knows any more where it came from.
    const [address, name] = [socket.remoteAddress ?? '', nameOf(socket)];
    const there = strangers.get(address) ?? new Map<string, Socket>();
    strangers.set(address, there.set(name, socket));
    count += 1;
    socket.once('close', () => {
      forget(address, name);
      if (count < strangersMax / 2) isTold = false;
    });
    if (count <= strangersMax) return;
    let most = { address, there };
    for (const [from, each] of strangers) if (each.size > most.there.size) most = { address: from, there: each };
    const [oldest] = most.there;
    if (!oldest) return;
    forget(most.address, oldest[0]);
    tell();
    oldest[1].destroy();
  });
  return {
    admit(socket) {
      forget(socket.remoteAddress ?? '', nameOf(socket));
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
