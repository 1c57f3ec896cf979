import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Api, type ApiOptions, openApi } from '@tsunagu/fleet-server/api/index';
import { unwrap } from '@tsunagu/protocols/kit';
import { type LogFacts, systemWorld, type World } from '@tsunagu/protocols/world';
import { type FixtureRooms, fixtureRooms } from './fixture-rooms.ts';

/** An API on a free port of the loopback, with fixture rooms behind it and its log at hand. */
export interface OpenedApi {
  readonly api: Api;
  readonly rooms: FixtureRooms;
  readonly dataDir: string;
  readonly token: string;
  readonly lines: { readonly event: string; readonly facts: LogFacts }[];
  /** A request with the admin token, unless other headers are given. */
  readonly ask: (path: string, init?: RequestInit) => Promise<Response>;
}

export interface OpenedOptions extends Partial<Omit<ApiOptions, 'rooms' | 'world'>> {
  readonly count?: number;
  readonly ringMax?: number;
  /** Added to the clock of the world. */
  readonly aheadMs?: () => number;
}

export async function openedApi({
  count = 8,
  ringMax = 200,
  aheadMs = () => 0,
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
  const api = unwrap(await openApi({ host: '127.0.0.1', port: 0, ...options, world, rooms, dataDir }));
  const { token }: { token: string } = JSON.parse(readFileSync(join(dataDir, 'access.json'), 'utf8'));
  return {
    api,
    rooms,
    dataDir,
    token,
    lines,
    ask: (path, init = {}) =>
      fetch(`${api.url}${path}`, { ...init, headers: { authorization: `Bearer ${token}`, ...init.headers } }),
  };
}
