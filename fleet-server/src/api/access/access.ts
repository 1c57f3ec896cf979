import { join } from 'node:path';
import type { World } from '@tsunagu/protocols/world';
import type { Audit } from '../../audit/index.ts';
import type { Store } from '../../store/index.ts';
import type { Caller } from './caller.ts';
import { adoptFile, readPublished, writePrivate } from './legacy-file.ts';
import { openPeople, type People } from './people.ts';
import { freshToken } from './secrets.ts';
import { openSessions, type Sessions } from './sessions.ts';
import { openTokens, type Tokens } from './tokens.ts';

/** Who may use the management API: people with their sessions, and bearer tokens. */
export interface Access {
  readonly people: People;
  readonly tokens: Tokens;
  readonly sessions: Sessions;
  /** Whether what a caller came with still holds, and may still look. */
  isGood(caller: Caller): boolean;
  /** Writes `access.json` for the command line on this machine: the address and the admin token. */
  publish(url: string): void;
  close(): Promise<void>;
}

/**
 * Opens what the store holds of people, tokens and sessions (hashes only) and makes the admin token at the first start. The
 * clear admin token stands in `DIR/access.json`, which only its owner can read; when that file is gone, a new token takes the
 * old one's place. What an earlier version kept in `DIR/server/access.json` is taken over once.
 */
export async function openAccess(world: World, store: Store, audit: Audit, dataDir: string): Promise<Access> {
  await adoptFile(store, join(dataDir, 'server', 'access.json'), { id: () => world.id(), now: world.clock.now() });
  let tokens: Tokens | undefined;
  const people = await openPeople(world, store, audit, async (tx, id, by) => tokens?.endOf(tx, id, by));
  tokens = await openTokens(world, store, audit, people);
  const held = tokens;
  const sessions = await openSessions(world, store, audit, people);
  const publishedPath = join(dataDir, 'access.json');
  let adminToken = readPublished(publishedPath);
  if (adminToken === undefined || !tokens.isKnown(adminToken)) {
    adminToken = freshToken(world);
    await tokens.own(adminToken);
  }
  const clearToken = adminToken;
  return {
    people,
    tokens,
    sessions,
    isGood: ({ via, id }) => (via === 'token' ? held.holds(id) : sessions.list().some((session) => session.id === id)),
    publish: (url) => writePrivate(publishedPath, `${JSON.stringify({ url, token: clearToken }, undefined, 2)}\n`),
    close: () => held.close(),
  };
}
