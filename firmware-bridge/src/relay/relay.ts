import { createServer, type Socket } from 'node:net';
import type { Serial } from '@tsunagu/protocols/fleet';
import { type Fault, fail, ok, type Result } from '@tsunagu/protocols/kit';
import type { World } from '@tsunagu/protocols/world';
import type { Network } from '../link/index.ts';
import type { ArtefactCache } from './artefact-cache.ts';
import { readRequest, takeLine } from './handshake.ts';

export interface RelayOptions {
  readonly world: World;
  readonly host: string;
  readonly port: number;
  /** The children this parent carries. */
  readonly children: readonly Serial[];
  /** The parent's own way to the server. */
  readonly network: Network;
  /** What it keeps for them, if it does. */
  readonly cache?: Pick<ArtefactCache, 'serve'>;
  readonly requestTimeoutMs?: number;
}

/** A parent's listener for its children. */
export interface Relay {
  readonly port: number;
  close(): Promise<void>;
}

/** What one child may have open at a time: fleet, device, acquiring, cache, and one of each while it reconnects. */
const connectionsPerChildMax = 8;
const dialTimeoutMs = 10_000;
/** Both MQTT (keep-alive) and the switch (idle limit) speak or close long before. */
const idleMs = 600_000;

/** Opens the relay; PORT_TAKEN when somebody else listens there. */
export async function openRelay(options: RelayOptions): Promise<Result<Relay, 'PORT_TAKEN'>> {
  const relay = new ChildRelay(options);
  const listening = await relay.listen();
  return listening.ok ? ok(relay) : listening;
}

class ChildRelay implements Relay {
  readonly #options: RelayOptions;
  readonly #server;
  readonly #sockets = new Set<Socket>();
  readonly #carried = new Map<Serial, number>();

  constructor(options: RelayOptions) {
    this.#options = options;
    this.#server = createServer({ pauseOnConnect: true, noDelay: true }, (socket) => void this.#serve(socket));
    this.#server.maxConnections = (options.children.length + 1) * connectionsPerChildMax;
  }

  get port(): number {
    const address = this.#server.address();
    return typeof address === 'object' ? (address?.port ?? 0) : 0;
  }

  listen(): Promise<Result<void, 'PORT_TAKEN'>> {
    const { host, port } = this.#options;
    return new Promise((resolve) => {
      this.#server.once('error', (cause) => resolve(fail('PORT_TAKEN', { facts: { port, name: 'relay' }, cause })));
      this.#server.listen(port, host, () => {
        this.#server.on('error', (cause) =>
          this.#options.world.log('error', 'relayFailed', { message: String(cause) }),
        );
        resolve(ok(undefined));
      });
    });
  }

  async #serve(child: Socket): Promise<void> {
    this.#sockets.add(child);
    child.once('close', () => this.#sockets.delete(child));
    child.on('error', () => child.destroy());
    const { world, requestTimeoutMs = 5_000 } = this.#options;
    const line = await takeLine(child, requestTimeoutMs, world.timers);
    if (!line.ok) return this.#refuse(child, line.fault);
    const request = readRequest(line.value);
    if (!request.ok) return this.#refuse(child, request.fault);
    const { serial, service } = request.value;
    if (!this.#options.children.includes(serial)) return this.#refuse(child, fail('RELAY_CHILD_UNKNOWN').fault, serial);
    const carried = this.#carried.get(serial) ?? 0;
    if (carried >= connectionsPerChildMax) return this.#refuse(child, fail('RELAY_FULL').fault, serial);
    this.#carried.set(serial, carried + 1);
    child.once('close', () => this.#carried.set(serial, (this.#carried.get(serial) ?? 1) - 1));
    if (service === 'cache') {
      const { cache } = this.#options;
      if (!cache) return this.#refuse(child, fail('RELAY_UNAVAILABLE').fault, serial);
      child.write('OK\n');
      return cache.serve(child);
    }
    const server = await this.#options.network.open(service, dialTimeoutMs);
    if (!server.ok) return this.#refuse(child, fail('RELAY_UNAVAILABLE', { cause: server.fault }).fault, serial);
    if (child.destroyed) {
      server.value.destroy();
      return;
    }
    world.log('info', 'childRelayed', { child: serial, service });
    child.write('OK\n');
    this.#join(child, server.value);
  }

  #refuse(child: Socket, fault: Fault, serial?: Serial): void {
    this.#options.world.log('warn', 'childRefused', { fault, ...(serial !== undefined && { child: serial }) });
    if (!child.destroyed) child.end(`NO ${fault.code}\n`, () => child.destroy());
  }

  /** Carries bytes both ways; a side that stops reading holds the other back, and the end of one is the end of both. */
  #join(child: Socket, server: Socket): void {
    this.#sockets.add(server);
    server.once('close', () => this.#sockets.delete(server));
    const end = (): void => {
      child.destroy();
      server.destroy();
    };
    for (const socket of [child, server]) {
      socket.on('error', end);
      socket.on('close', end);
      socket.setTimeout(idleMs, end);
    }
    child.pipe(server);
    server.pipe(child);
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
      for (const socket of this.#sockets) socket.destroy();
    });
  }
}
