import { mkdirSync, mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Api, type ApiOptions, openApi } from '@tsunagu/fleet-server/api/index';
import {
  type Approvals,
  type Audit,
  commitParts,
  openApprovals,
  openAudit,
  openChanges,
} from '@tsunagu/fleet-server/audit/index';
import type { Store } from '@tsunagu/fleet-server/store/index';
import { addressRules, openWebhooks, type Webhooks } from '@tsunagu/fleet-server/webhooks/index';
import { openFileVault } from '@tsunagu/fleet-server/vault/index';
import { tenantSchema } from '@tsunagu/protocols/fleet';
import { unwrap } from '@tsunagu/protocols/kit';
import { type LogFacts, systemWorld, type World } from '@tsunagu/protocols/world';
import { openQuickly } from '../../empty-store.ts';
import { type FixtureRooms, fixtureRooms } from './fixture-rooms.ts';

/** An API on a free port of the loopback, with fixture rooms behind it and its log at hand. */
export interface OpenedApi {
  readonly api: Api;
  readonly rooms: FixtureRooms;
  readonly store: Store;
  readonly audit: Audit;
  readonly approvals: Approvals;
  readonly webhooks: Webhooks;
  readonly dataDir: string;
  readonly token: string;
  readonly lines: { readonly event: string; readonly facts: LogFacts }[];
  /** A request with the admin token, unless other headers are given. */
  readonly ask: (path: string, init?: RequestInit) => Promise<Response>;
}

export interface OpenedOptions
  extends Partial<Omit<ApiOptions, 'rooms' | 'world' | 'store' | 'vault' | 'audit' | 'approvals' | 'changes'>> {
  readonly count?: number;
  readonly tuning?: Tuning;
  readonly ringMax?: number;
  /** Added to the clock of the world. */
  readonly aheadMs?: () => number;
}

export async function openedApi({
  count = 8,
  ringMax = 200,
  aheadMs = () => 0,
  tuning = {},
  ...options
}: OpenedOptions = {}): Promise<OpenedApi> {
  const lines: OpenedApi['lines'] = [];
  const real = systemWorld((_level, event, facts) => lines.push({ event, facts }));
  const world: World = {
    ...real,
    clock: { now: () => real.clock.now() + aheadMs(), monotonicMs: () => real.clock.monotonicMs() },
  };
  const rooms = fixtureRooms(world, { count, ringMax });
  const dataDir = options.dataDir ?? mkdtempSync(join(tmpdir(), 'tsunagu-api-'));
  const parts = await openParts(world, dataDir, tuning);
  const { store, audit, approvals, webhooks } = parts;
  const opened = unwrap(await openApi({ host: '127.0.0.1', port: 0, ...options, world, rooms, dataDir, ...parts }));
  const api = Object.assign(opened, {
    close: closing(opened.close, async () => {
      await webhooks.close();
      await audit.close();
      await store.close();
      await parts.vault.close();
    }),
  });
  const { token }: { token: string } = JSON.parse(readFileSync(join(dataDir, 'access.json'), 'utf8'));
  return {
    api,
    rooms,
    store,
    audit,
    approvals,
    webhooks,
    dataDir,
    token,
    lines,
    ask: (path, init = {}) =>
      fetch(`${api.url}${path}`, { ...init, headers: { authorization: `Bearer ${token}`, ...init.headers } }),
  };
}

/** Shorter waits of webhooks. `timeoutMs` is for a receiver that never answers: a busy machine is no such one. */
export type Tuning = Pick<Parameters<typeof openWebhooks>[0], 'waitsMs' | 'pauseAfterMs' | 'timeoutMs'>;

/** What the API stands on: real ones, in this folder. */
export async function openParts(world: World, dataDir: string, tuning: Tuning = {}) {
  const folder = join(dataDir, 'server');
  mkdirSync(folder, { recursive: true });
  const vault = unwrap(await openFileVault(join(folder, 'vault.jsonl'), 'test', world));
  const plain = await openQuickly(join(folder, 'store.sqlite'), world.clock);
  const changes = openChanges();
  const audit = await openAudit({ world, store: plain, vault, tenant: tenantSchema.parse('demo'), changes });
  const store = changes.watch(plain, commitParts(audit));
  const addresses = addressRules(['127.0.0.1/32']);
  return {
    store,
    vault,
    audit,
    changes,
    approvals: openApprovals(world, store, audit.note),
    webhooks: openWebhooks({ world, store, vault, audit, addresses, ...tuning }),
  };
}

const closing = (first: () => Promise<void>, then: () => Promise<void>) => {
  let closed: Promise<void> | undefined;
  return () => (closed ??= first().then(then));
};
