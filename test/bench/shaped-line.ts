import { connect, createServer, type Server, type Socket } from 'node:net';

/** What crossed a line. */
export interface Crossed {
  up: number;
  down: number;
}

/**
 * One line of so many bits a second each way, with so long a way and a queue of one packet: everything that terminals open to any of the
 * ports crosses it in the order in which it came, as on a modem.
 */
export async function shapedLine(bitsPerSecond: number, latencyMs: number, ports: readonly number[]) {
  const crossed: Crossed = { up: 0, down: 0 };
  const bytesPerMs = bitsPerSecond / 8_000;
  const freeAt = { up: 0, down: 0 };
  const sockets = new Set<Socket>();

  /** Carries from one end to the other; while a packet is on the line nothing more is taken. */
  function carry(way: 'up' | 'down', from: Socket, to: Socket): void {
    from.on('data', (bytes) => {
      from.pause();
      let at = 0;
      const next = (): void => {
        if (to.destroyed) return;
        if (at >= bytes.length) return void from.resume();
        const packet = bytes.subarray(at, at + 1_400);
        at += packet.length;
        const now = performance.now();
        freeAt[way] = Math.max(now, freeAt[way]) + (packet.length + 40) / bytesPerMs;
        crossed[way] += packet.length;
        setTimeout(() => to.destroyed || to.write(packet), freeAt[way] - now + latencyMs);
        setTimeout(next, freeAt[way] - now);
      };
      next();
    });
    from.on('close', () => setTimeout(() => to.destroy(), latencyMs));
    from.on('error', () => to.destroy());
  }

  const servers: Server[] = [];
  const open: number[] = [];
  for (const port of ports) {
    const server = createServer({ noDelay: true, highWaterMark: 4_096 }, (near) => {
      const far = connect({ host: '127.0.0.1', port, noDelay: true });
      for (const socket of [near, far]) {
        sockets.add(socket);
        socket.once('close', () => sockets.delete(socket));
      }
      carry('up', near, far);
      carry('down', far, near);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    servers.push(server);
    const address = server.address();
    open.push(typeof address === 'object' ? (address?.port ?? 0) : 0);
  }
  return {
    ports: open,
    crossed,
    /** Everything that is open breaks. */
    cut() {
      for (const socket of sockets) socket.destroy();
    },
    close() {
      for (const socket of sockets) socket.destroy();
      for (const server of servers) server.close();
    },
  };
}
