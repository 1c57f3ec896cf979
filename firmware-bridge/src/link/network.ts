import { connect, type Socket } from 'node:net';
import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import type { Timers } from '@tsunagu/protocols/world';

/** What a terminal dials. */
export const services = ['fleet', 'device', 'acquiring'] as const;
export type Service = (typeof services)[number];

export type NetworkFault = 'LINK_DOWN' | 'RELAY_UNAVAILABLE';

/** The way to the server's services, as bare bytes (paused): TLS is end to end above it, whoever carries the bytes. */
export interface Network {
  open(service: Service, timeoutMs: number): Promise<Result<Socket, NetworkFault>>;
}

/** Where the services stand. */
export interface Endpoints extends Readonly<Record<Service, number>> {
  readonly host: string;
}

/** The network of a terminal with a line of its own. */
export const directNetwork = (endpoints: Endpoints, timers: Timers): Network => ({
  open: (service, timeoutMs) => dial(endpoints.host, endpoints[service], timeoutMs, timers),
});

/** Another way to the fleet server, where a configuration names one; empty and 0 are the way of the claim. */
export interface FleetRoute {
  readonly fleetHost: string;
  readonly fleetPort: number;
}

/** A network whose way to the fleet server is looked up anew for each connection. */
export const reroutedNetwork = (
  network: Network,
  endpoints: Endpoints,
  timers: Timers,
  route: () => FleetRoute | undefined,
): Network => ({
  open(service, timeoutMs) {
    const { fleetHost = '', fleetPort = 0 } = route() ?? {};
    if (service !== 'fleet' || (fleetHost === '' && fleetPort === 0)) return network.open(service, timeoutMs);
    return dial(fleetHost || endpoints.host, fleetPort || endpoints.fleet, timeoutMs, timers);
  },
});

/** Opens a TCP connection, or gives up after `timeoutMs`. */
export const dial = (
  host: string,
  port: number,
  timeoutMs: number,
  timers: Timers,
): Promise<Result<Socket, 'LINK_DOWN'>> =>
  new Promise((resolve) => {
    const socket = connect({ host, port, noDelay: true });
    const end = (cause: unknown): void => {
      timer.cancel();
      socket.destroy();
      resolve(fail('LINK_DOWN', { facts: { host, port }, cause }));
    };
    const timer = timers.after(timeoutMs, () => end('timeout'));
    socket.once('error', end);
    socket.once('connect', () => {
      timer.cancel();
      socket.removeListener('error', end);
      resolve(ok(socket));
    });
  });
