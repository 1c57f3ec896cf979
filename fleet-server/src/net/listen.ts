import type { AddressInfo, Server } from 'node:net';
import { fail, ok, type Result } from '@tsunagu/protocols/kit';

/**
 * Starts a server. PORT_TAKEN names the port and what wanted it. Other failures are thrown. `port` 0 takes any free one.
 * @param backlog how many connections may wait for their accept; Node's 511 unless told
 */
export const listen = (
  server: Server,
  host: string,
  port: number,
  name: string,
  backlog = 511,
): Promise<Result<number, 'PORT_TAKEN'>> =>
  new Promise((resolve, reject) => {
    const failed = (error: NodeJS.ErrnoException): void =>
      error.code === 'EADDRINUSE' ? resolve(fail('PORT_TAKEN', { facts: { port, name } })) : reject(error);
    server.once('error', failed);
    server.listen({ port, host, backlog }, () => {
      server.off('error', failed);
      const address = server.address() as AddressInfo;
      resolve(ok(address.port));
    });
  });
