import { createHash } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Role, role } from '@tsunagu/protocols/fleet';
import type { World } from '@tsunagu/protocols/world';
import { z } from 'zod';

/** Who a request comes from, and until when that holds. */
export interface Caller {
  readonly subject: string;
  readonly role: Role;
  /** Milliseconds since 1970; a bearer token has no end. */
  readonly expiresAt: number | undefined;
}

const signInLifeMs = 15 * 60_000;
const sessionLifeMs = 12 * 3_600_000;
const signInsMax = 64;
const sessionsMax = 256;

const hash = z.string().regex(/^[0-9a-f]{64}$/);
const stored = z.object({
  v: z.literal(1),
  tokens: z.array(z.object({ hash, subject: z.string(), role })).max(64),
  sessions: z.array(z.object({ hash, subject: z.string(), role, expiresAt: z.number() })).max(sessionsMax),
});
type Stored = z.infer<typeof stored>;

const published = z.object({ url: z.string(), token: z.string() });

/** Who may use the management API: bearer tokens, one-time sign-in tokens, and the sessions made from them. */
export interface Access {
  /** The caller behind a bearer token. */
  bearer(token: string): Caller | undefined;
  /** The caller behind a session cookie; expired sessions are nobody's. */
  session(cookie: string): Caller | undefined;
  /** Makes a sign-in token: good once, for 15 minutes, and not over a restart. */
  issueSignIn(role?: Role): string;
  /** Spends a sign-in token on a session; undefined when it is not good (any more). */
  exchange(signInToken: string): { readonly cookie: string; readonly caller: Caller } | undefined;
  /** Ends a session. */
  end(cookie: string): void;
  /** Writes `access.json` for the command line on this machine: the address and the admin token. */
  publish(url: string): void;
}

/**
 * Opens the access rules kept in `DIR/server/access.json` (hashes only) and makes the admin token at the first start.
 * Tokens are 256 random bits, so a plain SHA-256 of one cannot be turned back, and comparing hashes tells nothing of
 * how much of a guess was right. The clear admin token stands in `DIR/access.json`, which only its owner can read; when
 * that file is gone, a new token takes the old one's place.
 */
export function openAccess(world: World, dataDir: string): Access {
  const statePath = join(dataDir, 'server', 'access.json');
  const publishedPath = join(dataDir, 'access.json');
  let state: Stored = existsSync(statePath)
    ? stored.parse(JSON.parse(readFileSync(statePath, 'utf8')))
    : { v: 1, tokens: [], sessions: [] };
  const signIns = new Map<string, { readonly role: Role; readonly expiresAt: number }>();

  const fresh = (): string => Buffer.from(world.entropy(32)).toString('base64url');
  const save = (next: Stored): void => {
    state = next;
    writePrivate(statePath, JSON.stringify(state));
  };
  const isLive = ({ expiresAt }: { readonly expiresAt: number }): boolean => expiresAt > world.clock.now();

  const known = readPublished(publishedPath);
  let adminToken = known?.token;
  if (!adminToken || !state.tokens.some((token) => token.hash === digest(adminToken ?? ''))) {
    adminToken = fresh();
    const others = state.tokens.filter(({ subject }) => subject !== 'admin');
    save({ ...state, tokens: [...others, { hash: digest(adminToken), subject: 'admin', role: 'admin' }] });
  }
  const clearToken = adminToken;

  return {
    bearer(token) {
      const found = state.tokens.find((entry) => entry.hash === digest(token));
      return found && { subject: found.subject, role: found.role, expiresAt: undefined };
    },
    session(cookie) {
      const found = state.sessions.find((entry) => entry.hash === digest(cookie));
      return found && isLive(found) ? found : undefined;
    },
    issueSignIn(granted = 'admin') {
      for (const [old, entry] of signIns) if (!isLive(entry) || signIns.size >= signInsMax) signIns.delete(old);
      const token = fresh();
      signIns.set(digest(token), { role: granted, expiresAt: world.clock.now() + signInLifeMs });
      return token;
    },
    exchange(signInToken) {
      const key = digest(signInToken);
      const entry = signIns.get(key);
      signIns.delete(key);
      if (!entry || !isLive(entry)) return undefined;
      const cookie = fresh();
      const caller = {
        subject: `${entry.role}@dashboard`,
        role: entry.role,
        expiresAt: world.clock.now() + sessionLifeMs,
      };
      const sessions = state.sessions.filter(isLive).slice(-(sessionsMax - 1));
      save({ ...state, sessions: [...sessions, { hash: digest(cookie), ...caller }] });
      return { cookie, caller };
    },
    end(cookie) {
      const key = digest(cookie);
      save({ ...state, sessions: state.sessions.filter((entry) => entry.hash !== key && isLive(entry)) });
    },
    publish(url) {
      writePrivate(publishedPath, `${JSON.stringify({ url, token: clearToken }, undefined, 2)}\n`);
    },
  };
}

const digest = (token: string): string => createHash('sha256').update(token).digest('hex');

function readPublished(path: string): z.infer<typeof published> | undefined {
  if (!existsSync(path)) return undefined;
  try {
    return published.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch {
    return undefined; // damaged by hand: a new one is written over it
  }
}

/** Writes a file that only its owner reads, whole or not at all. */
function writePrivate(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  const temporary = `${path}.new`;
  writeFileSync(temporary, text, { mode: 0o600 });
  chmodSync(temporary, 0o600);
  renameSync(temporary, path);
}
