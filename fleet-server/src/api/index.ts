import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import { type Role, serialSchema } from '@tsunagu/protocols/fleet';
import type { World } from '@tsunagu/protocols/world';
import { type HttpMeter, noMeter } from '../metrics/index.ts';
import type { Approvals, Audit, Changes } from '../audit/index.ts';
import type { Store } from '../store/index.ts';
import type { Webhooks } from '../webhooks/index.ts';
import type { Vault } from '../vault/index.ts';
import { openAccess } from './access/index.ts';
import { buildApp } from './app.ts';
import { keepAnswers } from './idempotency.ts';
import { serveDashboard } from './dashboard.ts';
import { openLiveStreams } from './live-stream.ts';
import { describeApi } from './openapi.ts';
import type { ApiRooms } from './ports.ts';
import { approvalRoutes } from './routes/approvals.ts';
import { assessorRoutes } from './routes/assessor.ts';
import { auditRoutes } from './routes/audit.ts';
import { bulkRoutes } from './routes/bulk.ts';
import { campaignRoutes } from './routes/campaigns.ts';
import { configurationRoutes } from './routes/configuration.ts';
import { fleetRoutes } from './routes/fleet.ts';
import { jobRoutes } from './routes/jobs.ts';
import { healthRoutes } from './routes/health.ts';
import { custodyRoutes } from './routes/custody.ts';
import { inspectionRoutes } from './routes/inspections.ts';
import { lifecycleRoutes } from './routes/lifecycle.ts';
import { liveRoutes } from './routes/live.ts';
import { negativeRoutes } from './routes/negative.ts';
import { identityRoutes } from './routes/identity.ts';
import { keyRoutes } from './routes/keys.ts';
import { operationsRoutes } from './routes/operations.ts';
import { peopleRoutes } from './routes/people.ts';
import { softwareRoutes } from './routes/software.ts';
import { switchRuleRoutes } from './routes/switch-rules.ts';
import { switchRoutes } from './routes/switch.ts';
import { validityRoutes } from './routes/validity.ts';
import { webhookRoutes } from './routes/webhooks.ts';
import { sessionRoutes } from './routes/sessions.ts';
import { refurbishRoutes } from './routes/refurbish.ts';
import { swapRoutes } from './routes/swaps.ts';
import { tokenRoutes } from './routes/tokens.ts';

export type { Actor, ApiRooms, NegativeListRoom, LiveFeed, NumberedEvent, Page, PageRequest } from './ports.ts';

/** What the management API is opened with. */
export interface ApiOptions {
  readonly world: World;
  readonly rooms: ApiRooms;
  /** The store whose transactions carry `changes`. */
  readonly store: Store;
  readonly vault: Vault;
  readonly audit: Audit;
  readonly approvals: Approvals;
  readonly changes: Changes;
  readonly webhooks: Webhooks;
  /** The house's data folder: `access.json` is kept there. */
  readonly dataDir: string;
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  /** PEM. Needed to listen anywhere but on the loopback. */
  readonly tls?: { readonly certificate: string; readonly key: string };
  /** Further names under which browsers may reach it. */
  readonly hostNames?: readonly string[];
  /** Folder of the built dashboard. */
  readonly webDir?: string;
  readonly http?: HttpMeter;
  /** How long a request may take to arrive. */
  readonly requestTimeoutMs?: number;
  /** How long a live stream may take nothing before it is cut off. */
  readonly streamPatienceMs?: number;
}

/** The running management API. */
export interface Api {
  readonly url: string;
  readonly port: number;
  /** How many live streams are open. */
  readonly streams: number;
  /** A link that signs its first visitor in, within 15 minutes. */
  signInUrl(role?: Role): string;
  close(): Promise<void>;
}

const loopback = new Set(['127.0.0.1', '::1', 'localhost']);

/**
 * Opens W5, the management API and the dashboard. BIND_NEEDS_TLS: asked to leave the loopback in the clear;
 * PORT_TAKEN: somebody else listens there. Nothing is left open after a failure.
 */
export async function openApi(options: ApiOptions): Promise<Result<Api, 'BIND_NEEDS_TLS' | 'PORT_TAKEN'>> {
  const { world, rooms, host, port, tls } = options;
  if (!tls && !loopback.has(host)) return fail('BIND_NEEDS_TLS', { facts: { host } });

  const { store, audit } = options;
  const access = await openAccess(world, store, audit, options.dataDir);
  let url = '';
  const streams = openLiveStreams(world, rooms.live, options.streamPatienceMs);
  // Cookies are shared by all ports of a host; the name keeps two houses on one machine apart.
  const cookieName = `tsunagu_session_${port}`;
  let isReady = false;
  const app = await buildApp({
    world,
    access,
    audit,
    changes: options.changes,
    idempotency: await keepAnswers(world, store, options.vault),
    async serialOfJob(id) {
      const found = await rooms.jobs.job(id);
      return found.ok ? found.value.serial : undefined;
    },
    placeOf: async (serial) => {
      const known = serialSchema.safeParse(serial);
      const terminal = known.success ? await rooms.estate.terminal(known.data) : undefined;
      return terminal?.ok ? terminal.value.place : undefined;
    },
    hosts: [host, ...(options.hostNames ?? [])].map((name) => name.toLowerCase()),
    cookieName,
    tls,
    http: options.http ?? noMeter.http,
    requestTimeoutMs: options.requestTimeoutMs ?? 15_000,
  });
  await describeApi(app);
  sessionRoutes(app, { world, access, cookieName, isEncrypted: tls !== undefined });
  peopleRoutes(app, access, (token) => `${url}/sign-in#${token}`);
  tokenRoutes(app, access);
  approvalRoutes(app, options.approvals, access.people, rooms);
  auditRoutes(app, audit);
  webhookRoutes(app, options.webhooks);
  fleetRoutes(app, rooms, options.changes);
  jobRoutes(app, rooms);
  bulkRoutes(app, rooms, options.changes);
  identityRoutes(app, rooms);
  keyRoutes(app, access.people, rooms);
  lifecycleRoutes(app, rooms, options.changes);
  custodyRoutes(app, rooms);
  swapRoutes(app, rooms);
  inspectionRoutes(app, rooms);
  refurbishRoutes(app, rooms);
  assessorRoutes(app, rooms);
  negativeRoutes(app, rooms);
  operationsRoutes(app, rooms);
  configurationRoutes(app, rooms);
  switchRuleRoutes(app, rooms.switchRules, access.people);
  softwareRoutes(app, rooms);
  switchRoutes(app, rooms, options.changes);
  validityRoutes(app, rooms);
  campaignRoutes(app, rooms);
  liveRoutes(app, { streams, isGood: (caller) => access.isGood(caller) });
  healthRoutes(app, () => isReady);
  if (!(await serveDashboard(app, options.webDir)))
    world.log('warn', 'the dashboard is not built: only the API is served', {});

  try {
    await app.listen({ host, port });
  } catch (error) {
    await app.close();
    if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE')
      return fail('PORT_TAKEN', { facts: { port, name: 'management' } });
    throw error;
  }
  const address = app.server.address();
  const taken = typeof address === 'object' && address ? address.port : port;
  url = `${tls ? 'https' : 'http'}://${host.includes(':') ? `[${host}]` : host}:${taken}`;
  access.publish(url);
  isReady = true;
  world.log('info', 'management API listens', { url });

  return ok({
    url,
    port: taken,
    get streams() {
      return streams.count;
    },
    signInUrl: (role: Role = 'admin') => `${url}/sign-in#${access.sessions.issue({ role })}`,
    async close() {
      isReady = false;
      streams.close();
      await app.close();
      await access.close();
    },
  });
}
