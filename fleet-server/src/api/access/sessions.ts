import type { Role } from '@tsunagu/protocols/fleet';
import type { World } from '@tsunagu/protocols/world';
import type { Selectable } from 'kysely';
import { type Actor, type Audit, owner } from '../../audit/index.ts';
import type { Store } from '../../store/index.ts';
import { allowed, type Caller, readRoles, widest } from './caller.ts';
import type { People } from './people.ts';
import { digestOf, freshToken } from './secrets.ts';
import type { AccessTables } from './tables.ts';

const signInLifeMs = 15 * 60_000;
const sessionLifeMs = 12 * 3_600_000;
const signInsMax = 64;
const sessionsMax = 256;

type Row = Selectable<AccessTables['sessions']>;

/** A session as people see it. */
export interface OpenSession {
  readonly id: string;
  readonly subject: string;
  readonly person: string | null;
  readonly createdAt: number;
  readonly expiresAt: number;
}

/** Who signs in: a person, or a role from the link of the start. */
export type SignInAs = { readonly person: string } | { readonly role: Role };

/** One-time sign-in links, and the sessions made from them. */
export interface Sessions {
  /** The caller behind a session cookie; expired sessions are nobody's. */
  caller(cookie: string): Caller | undefined;
  /** Makes a sign-in token: good once, for 15 minutes, and not over a restart. */
  issue(as: SignInAs): string;
  /** Spends a sign-in token on a session; undefined when it is not good (any more). */
  exchange(token: string): Promise<{ readonly cookie: string; readonly caller: Caller } | undefined>;
  /** Opens a session for somebody who was recognised. */
  open(as: SignInAs): Promise<{ readonly cookie: string; readonly caller: Caller } | undefined>;
  list(): readonly OpenSession[];
  end(id: string, by: Actor): Promise<boolean>;
}

export async function openSessions(world: World, store: Store, audit: Audit, people: People): Promise<Sessions> {
  const isLive = ({ expires_at }: { readonly expires_at: number }): boolean => expires_at > world.clock.now();
  const rows = new Map<string, Row>();
  for (const row of await store.db.selectFrom('sessions').selectAll().orderBy('created_at').execute())
    if (isLive(row)) rows.set(row.hash, row);
  const signIns = new Map<string, { readonly as: SignInAs; readonly expires_at: number }>();

  function callerOf(row: Row): Caller | undefined {
    // A person's roles are what they are now, not what they were at the sign-in.
    const person = row.person === null ? undefined : people.find(row.person);
    if (row.person !== null && (!person || person.endedAt !== null)) return undefined;
    const roles = person?.roles ?? readRoles(row.roles);
    return {
      id: row.id,
      subject: person?.name ?? row.subject,
      // Whoever has the link of the start is the owner of the machine, as the admin token is.
      person: row.person ?? (roles.includes('admin') ? owner : row.subject),
      roles,
      role: widest(roles),
      permissions: allowed(roles, null),
      places: undefined,
      expiresAt: row.expires_at,
      via: 'session',
    };
  }

  async function open(as: SignInAs): ReturnType<Sessions['open']> {
    const cookie = freshToken(world);
    const now = world.clock.now();
    const person = 'person' in as ? people.find(as.person) : undefined;
    if ('person' in as && !person) return undefined;
    const row: Row = {
      id: world.id(),
      hash: digestOf(cookie),
      subject: 'role' in as ? `${as.role}@dashboard` : (person?.name ?? ''),
      person: person?.id ?? null,
      roles: JSON.stringify('role' in as ? [as.role] : []),
      created_at: now,
      expires_at: now + sessionLifeMs,
    };
    const caller = callerOf(row);
    if (!caller) return undefined;
    const over = [...rows.values()].filter((each) => !isLive(each));
    const oldest = [...rows.values()].filter(isLive).slice(0, Math.max(0, rows.size - over.length - sessionsMax + 1));
    await store.write(async (tx) => {
      for (const { id } of [...over, ...oldest]) await tx.deleteFrom('sessions').where('id', '=', id).execute();
      await tx.insertInto('sessions').values(row).execute();
      await audit.note(tx, { actor: caller, action: 'sessions.sign-in', subject: `session/${row.id}` });
    });
    for (const { hash } of [...over, ...oldest]) rows.delete(hash);
    rows.set(row.hash, row);
    return { cookie, caller };
  }

  return {
    open,
    caller(cookie) {
      const row = rows.get(digestOf(cookie));
      return row && isLive(row) ? callerOf(row) : undefined;
    },
    issue(as) {
      for (const [old, entry] of signIns) if (!isLive(entry) || signIns.size >= signInsMax) signIns.delete(old);
      const token = freshToken(world);
      signIns.set(digestOf(token), { as, expires_at: world.clock.now() + signInLifeMs });
      return token;
    },
    async exchange(token) {
      const key = digestOf(token);
      const entry = signIns.get(key);
      signIns.delete(key);
      return entry && isLive(entry) ? await open(entry.as) : undefined;
    },
    list: () =>
      [...rows.values()]
        .filter((row) => isLive(row) && callerOf(row) !== undefined)
        .map((row) => ({
          id: row.id,
          subject: callerOf(row)?.subject ?? row.subject,
          person: row.person,
          createdAt: row.created_at,
          expiresAt: row.expires_at,
        })),
    async end(id, by) {
      const row = [...rows.values()].find((each) => each.id === id);
      if (!row) return false;
      await store.write(async (tx) => {
        await tx.deleteFrom('sessions').where('id', '=', id).execute();
        await audit.note(tx, {
          actor: by,
          action: 'sessions.end',
          subject: `session/${id}`,
          facts: { of: row.subject },
        });
      });
      rows.delete(row.hash);
      return true;
    },
  };
}
