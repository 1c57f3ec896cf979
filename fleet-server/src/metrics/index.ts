import { createServer } from 'node:http';
import { isErrorCode } from '@tsunagu/protocols/errors';
import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import type { ExpirySummary, LinkState, Overview } from '@tsunagu/protocols/fleet';
import type { World } from '@tsunagu/protocols/world';
import { collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import type { AlarmCount } from '../alarms/index.ts';
import type { SwitchFigures } from '../switch/index.ts';
import { type Meters, makeMeters } from './meters.ts';

export {
  type BrokerMeter,
  type HttpMeter,
  type IssuerMeter,
  type JobMeter,
  type Meters,
  noMeter,
  type SaleMeter,
} from './meters.ts';

/** What is counted anew at each scrape. */
export interface Gauged {
  /** Terminals by model and state of their link. */
  terminals(): Promise<readonly { readonly model: string; readonly link: LinkState; readonly count: number }[]>;
  /** Links to card companies. */
  links(): Promise<Overview['links']>;
  /** Links of the switch, what waits for their far ends, and alarms that nobody has seen. */
  switched(): Promise<SwitchFigures>;
  /** Alarms of terminals that nobody has seen. */
  alarms(): Promise<readonly AlarmCount[]>;
  /** Version, size and overlay of the negative list. */
  negative(): Promise<Overview['negative']>;
  /** Messages that wait for terminals at the broker. */
  downlinks(): number;
  /** Open live streams of the API. */
  streams(): number;
  /** How many bought parts there are too few of. */
  lowStock(): Promise<number>;
  /** The expiry horizon of the fleet. */
  expiry(): Promise<ExpirySummary>;
}

/** Meters to hand to the rooms, and the registry they count into. Build it before the rooms. */
export interface Metrics {
  readonly meters: Meters;
  /** Everything in the Prometheus text format. */
  text(): Promise<string>;
  /** Says where the figures of a scrape come from, once the rooms stand. */
  gauge(from: Gauged): void;
  /** Opens `/metrics` on its own port. PORT_TAKEN: somebody else listens there. */
  listen(host: string, port: number): Promise<Result<MetricsListener, 'PORT_TAKEN'>>;
}

/** The running metrics listener. */
export interface MetricsListener {
  readonly url: string;
  close(): Promise<void>;
}

/** Makes a registry of its own (none is shared by the process) with the process's own figures in it. */
export function makeMetrics(world: World): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, prefix: 'tsunagu_' });
  const meters = makeMeters(registry);

  return {
    meters,
    text: () => registry.metrics(),
    gauge: (from) => addGauges(registry, from),
    listen: async (host, port) => {
      const server = createServer(
        { requestTimeout: 10_000, headersTimeout: 10_000, connectionsCheckingInterval: 1_000 },
        (request, response) => {
          if (request.method !== 'GET' || request.url?.split('?')[0] !== '/metrics') {
            response.writeHead(404, { 'content-type': 'text/plain' }).end('ROUTE_UNKNOWN\n');
            return;
          }
          registry.metrics().then(
            (text) => response.writeHead(200, { 'content-type': registry.contentType }).end(text),
            (error: unknown) => {
              world.log('error', 'metrics failed', {
                code: 'INTERNAL',
                stack: error instanceof Error ? (error.stack ?? '') : '',
              });
              response.writeHead(500, { 'content-type': 'text/plain' }).end('INTERNAL\n');
            },
          );
        },
      );
      server.maxConnections = 64;
      server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
        world.log('warn', 'bytes refused', {
          code: 'HTTP_MALFORMED',
          reason: error.code ?? error.name,
          listener: 'metrics',
        });
        if (socket.writable) socket.end('HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n');
        else socket.destroy();
      });
      const error = await new Promise<NodeJS.ErrnoException | undefined>((resolve) => {
        server.once('error', resolve);
        server.listen(port, host, () => resolve(undefined));
      });
      if (error?.code === 'EADDRINUSE') return fail('PORT_TAKEN', { facts: { port, name: 'metrics' } });
      if (error) throw error;
      const address = server.address();
      const taken = typeof address === 'object' && address ? address.port : port;
      return ok({
        url: `http://${host.includes(':') ? `[${host}]` : host}:${taken}/metrics`,
        close: () =>
          new Promise((resolve) => {
            server.close(() => resolve());
            server.closeAllConnections();
          }),
      });
    },
  };
}

function addGauges(registry: Registry, from: Gauged): void {
  const registers = [registry];
  new Gauge({
    name: 'tsunagu_terminals',
    help: 'Terminals by model and state of their link',
    labelNames: ['model', 'link'],
    registers,
    async collect() {
      this.reset();
      for (const { model, link, count } of await from.terminals()) this.set({ model, link }, count);
    },
  });
  new Gauge({
    name: 'tsunagu_issuer_link_up',
    help: 'Links to card companies: 1 signed on, 0.5 connected, 0 down',
    labelNames: ['link'],
    registers,
    async collect() {
      this.reset();
      for (const { id, state } of await from.links())
        this.set({ link: id }, state === 'signed-on' ? 1 : state === 'up' ? 0.5 : 0);
    },
  });
  const ofLink = (name: string, help: string, figure: (link: SwitchFigures['links'][number]) => number): void =>
    void new Gauge({
      name,
      help,
      labelNames: ['link'],
      registers,
      async collect() {
        this.reset();
        for (const link of (await from.switched()).links) this.set({ link: link.id }, figure(link));
      },
    });
  ofLink('tsunagu_switch_link_in_flight', 'Requests that wait for an answer on a link', ({ inFlight }) => inFlight);
  ofLink(
    'tsunagu_switch_advices_queued',
    'Advices and reversals that a far end still has to take',
    ({ queued }) => queued,
  );
  ofLink('tsunagu_switch_advices_dead', 'Those that a person has to look at: retry or settle them', ({ dead }) => dead);
  ofLink('tsunagu_switch_link_up', 'Links of the switch: 1 signed on, 0.5 connected, 0 down', ({ state }) =>
    state === 'signed-on' ? 1 : state === 'up' ? 0.5 : 0,
  );
  new Gauge({
    name: 'tsunagu_switch_alarms_unseen',
    help: 'Alarms of the switch that nobody has seen yet',
    registers,
    async collect() {
      this.set((await from.switched()).alarmsUnseen.reduce((sum, { count }) => sum + count, 0));
    },
  });
  new Gauge({
    name: 'tsunagu_alarms_unseen',
    help: 'Alarms that nobody has seen yet, by whose they are and code',
    labelNames: ['of', 'code'],
    registers,
    async collect() {
      this.reset();
      const lists = { terminals: await from.alarms(), switch: (await from.switched()).alarmsUnseen };
      // A terminal may say any code: those of the error table are told apart, so that there are never more.
      for (const [of, counts] of Object.entries(lists))
        for (const { code, count } of counts) this.inc({ of, code: isErrorCode(code) ? code : 'other' }, count);
    },
  });
  const ofList = (name: string, help: string, figure: (negative: Overview['negative']) => number): void =>
    void new Gauge({
      name,
      help,
      labelNames: ['list'],
      registers,
      async collect() {
        const negative = await from.negative();
        this.set({ list: negative.list }, figure(negative));
      },
    });
  ofList('tsunagu_negative_version', 'Version of the negative list', ({ version }) => version);
  ofList('tsunagu_negative_overlay_sequence', 'Sequence of its overlay', ({ overlaySeq }) => overlaySeq);
  ofList('tsunagu_negative_entries', 'Cards on the negative list', ({ entries }) => entries);
  new Gauge({
    name: 'tsunagu_expiry_terminals',
    help: 'Terminals by how near the last day is on which they can be saved from afar',
    labelNames: ['level'],
    registers,
    async collect() {
      const { near, urgent, passed } = await from.expiry();
      for (const [level, count] of Object.entries({ near, urgent, passed })) this.set({ level }, count);
    },
  });
  new Gauge({
    name: 'tsunagu_expiry_last_day_timestamp_seconds',
    help: 'End of the last day on which the first terminal can be saved from afar',
    registers,
    async collect() {
      this.reset();
      const { earliest } = await from.expiry();
      if (earliest) this.set(Date.parse(earliest.lastDay) / 1_000 + 86_400);
    },
  });
  new Gauge({
    name: 'tsunagu_stock_low_parts',
    help: 'Bought parts of the workshop of which fewer lie there than the minimum',
    registers,
    async collect() {
      this.set(await from.lowStock());
    },
  });
  new Gauge({
    name: 'tsunagu_broker_downlinks_waiting',
    help: 'Messages that wait for terminals which have not taken those before them',
    registers,
    collect() {
      this.set(from.downlinks());
    },
  });
  new Gauge({
    name: 'tsunagu_live_streams',
    help: 'Open live streams of the management API',
    registers,
    collect() {
      this.set(from.streams());
    },
  });
}
