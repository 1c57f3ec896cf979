import { type Permission, permission, permissionsOf, type Role, roleConflict } from '@tsunagu/protocols/fleet';
import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import type { World } from '@tsunagu/protocols/world';
import type { Selectable, Transaction } from 'kysely';
import { z } from 'zod';
import { type Actor, type Audit, personOf } from '../../audit/index.ts';
import type { Database, Store } from '../../store/index.ts';
import { allowed, type Caller, readRoles, widest } from './caller.ts';
import type { People } from './people.ts';
import { digestOf, freshToken } from './secrets.ts';
import type { AccessTables } from './tables.ts';

const tokensMax = 1_000;
/** How long the time of the last use may be behind in the store. */
const flushMs = 30_000;
/** As much as an entry of the audit log takes. */
const subjectMax = 80;

type Row = Selectable<AccessTables['api_tokens']>;

/** A token as people see it; the token itself is shown once, when it is made. */
export interface ApiToken {
  readonly id: string;
  readonly name: string;
  readonly person: string;
  readonly roles: readonly Role[];
  readonly permissions: readonly Permission[] | null;
  readonly places: readonly string[] | null;
  readonly createdAt: number;
  readonly expiresAt: number | null;
  readonly revokedAt: number | null;
  readonly lastUsedAt: number | null;
}

export interface NewToken {
  readonly name: string;
  readonly roles: readonly Role[];
  readonly permissions?: readonly Permission[] | undefined;
  readonly places?: readonly string[] | undefined;
  readonly expiresAt?: number | undefined;
}

export interface Tokens {
  list(): readonly ApiToken[];
  /** Who a token stands for; undefined for one that is unknown, over, or revoked. */
  caller(token: string): Caller | undefined;
  /** Makes a token. Its roles cannot conflict, nor go beyond what its maker may do. */
  create(
    wanted: NewToken,
    by: Actor & { readonly permissions: ReadonlySet<Permission>; readonly places?: readonly string[] | undefined },
  ): Promise<
    Result<
      { readonly token: string; readonly made: ApiToken },
      'ROLES_CONFLICT' | 'SCOPE_TOO_WIDE' | 'TOKENS_FULL' | 'INPUT_INVALID'
    >
  >;
  revoke(id: string, by: Actor): Promise<Result<ApiToken, 'TOKEN_UNKNOWN'>>;
  /** Lets this token be that of the machine's owner: all other tokens of that name end. */
  own(token: string): Promise<void>;
  /** Ends the tokens of somebody who has ended, in the transaction that says so. */
  endOf(tx: Transaction<Database>, person: string, by: Actor): Promise<void>;
  isKnown(token: string): boolean;
  /** Whether the token with this id still holds. */
  holds(id: string): boolean;
  close(): Promise<void>;
}

/**
 * How a token is called in what it does: whose it is, then its own name. A token's own name is chosen by whoever makes it, and would say
 * nothing of who that was, or another's name.
 */
const subjectOf = (person: string, name: string): string => `${person}/${name}`.slice(0, subjectMax);

const tokenOf = (row: Row): ApiToken => ({
  id: row.id,
  name: row.name,
  person: row.person,
  roles: readRoles(row.roles),
  permissions: row.permissions === null ? null : z.array(permission).parse(JSON.parse(row.permissions)),
  places: row.places === null ? null : z.array(z.string()).parse(JSON.parse(row.places)),
  createdAt: row.created_at,
  expiresAt: row.expires_at,
  revokedAt: row.revoked_at,
  lastUsedAt: row.last_used_at,
});

export async function openTokens(
  world: World,
  store: Store,
  audit: Audit,
  people: Pick<People, 'find'>,
): Promise<Tokens> {
  const rows = new Map<string, Row>();
  for (const row of await store.db
    .selectFrom('api_tokens')
    .selectAll()
    .orderBy('created_at', 'desc')
    .limit(tokensMax)
    .execute())
    rows.set(row.hash, row);
  const used = new Set<string>();

  async function flush(): Promise<void> {
    if (used.size === 0) return;
    const hashes = [...used];
    used.clear();
    await store.write(async (tx) => {
      for (const hash of hashes)
        await tx
          .updateTable('api_tokens')
          .set({ last_used_at: rows.get(hash)?.last_used_at ?? null })
          .where('hash', '=', hash)
          .execute();
    });
  }
  const timer = world.timers.every(flushMs, () => {
    flush().catch((cause: unknown) => world.log('error', 'tokenUseNotKept', { fault: { code: 'INTERNAL', cause } }));
  });

  const isGood = (row: Row): boolean =>
    row.revoked_at === null &&
    (row.expires_at === null || row.expires_at > world.clock.now()) &&
    people.find(row.person)?.endedAt == null;

  /** What a token may do now: nothing that the person behind it may not do any more. */
  function rightsOf({ person, roles, permissions }: ApiToken): ReadonlySet<Permission> {
    const all = allowed(roles, permissions);
    const owner = people.find(person);
    if (!owner) return all;
    const own = permissionsOf(owner.roles);
    return new Set([...all].filter((each) => own.has(each)));
  }

  return {
    list: () => [...rows.values()].map(tokenOf).sort((one, other) => other.createdAt - one.createdAt),
    isKnown(token) {
      const row = rows.get(digestOf(token));
      return row !== undefined && isGood(row);
    },
    holds: (id) => [...rows.values()].some((row) => row.id === id && isGood(row)),
    caller(clear) {
      const hash = digestOf(clear);
      const row = rows.get(hash);
      if (!row || !isGood(row)) return undefined;
      rows.set(hash, { ...row, last_used_at: world.clock.now() });
      used.add(hash);
      const token = tokenOf(row);
      const { id, name, person, roles, places, expiresAt } = token;
      return {
        id,
        subject: name === person ? name : subjectOf(people.find(person)?.name ?? person, name),
        person,
        roles,
        role: widest(roles),
        permissions: rightsOf(token),
        places: places ?? undefined,
        expiresAt: expiresAt ?? undefined,
        via: 'token',
      };
    },

    async create(wanted, by) {
      const conflict = roleConflict(wanted.roles);
      if (conflict)
        return fail('ROLES_CONFLICT', {
          field: 'roles',
          facts: { roles: conflict.roles.join(' + '), duties: conflict.duties.join(' + ') },
        });
      const now = world.clock.now();
      if (wanted.expiresAt !== undefined && wanted.expiresAt <= now)
        return fail('INPUT_INVALID', { field: 'expiresAt' });
      // Nobody hands on what they do not have; and so an administrator makes no token that keeps keys.
      const permissions = allowed(wanted.roles, wanted.permissions ?? null);
      const beyond = [...permissions].find((each) => !by.permissions.has(each));
      const outside = by.places && (wanted.places ?? ['']).find((place) => !by.places?.includes(place));
      if (beyond !== undefined || outside !== undefined)
        return fail('SCOPE_TOO_WIDE', {
          field: beyond ? 'permissions' : 'places',
          facts: { beyond: beyond ?? outside ?? '' },
        });
      for (const [hash, row] of rows) if (rows.size >= tokensMax && !isGood(row)) rows.delete(hash);
      if (rows.size >= tokensMax) return fail('TOKENS_FULL');
      const token = `tsu_${freshToken(world)}`;
      const row: Row = {
        id: world.id(),
        name: wanted.name,
        hash: digestOf(token),
        person: personOf(by),
        roles: JSON.stringify(wanted.roles),
        permissions: wanted.permissions ? JSON.stringify([...permissions]) : null,
        places: wanted.places ? JSON.stringify(wanted.places) : null,
        created_at: now,
        expires_at: wanted.expiresAt ?? null,
        revoked_at: null,
        last_used_at: null,
      };
      await store.write(async (tx) => {
        await tx.insertInto('api_tokens').values(row).execute();
        await audit.note(tx, {
          actor: by,
          action: 'tokens.create',
          subject: `token/${row.id}`,
          facts: { name: row.name, roles: wanted.roles.join(' '), expiresAt: row.expires_at },
        });
      });
      rows.set(row.hash, row);
      return ok({ token, made: tokenOf(row) });
    },

    async revoke(id, by) {
      const row = [...rows.values()].find((each) => each.id === id);
      if (!row) return fail('TOKEN_UNKNOWN');
      if (row.revoked_at !== null) return ok(tokenOf(row));
      const revoked = { ...row, revoked_at: world.clock.now() };
      await store.write(async (tx) => {
        await tx.updateTable('api_tokens').set({ revoked_at: revoked.revoked_at }).where('id', '=', id).execute();
        await audit.note(tx, { actor: by, action: 'tokens.revoke', subject: `token/${id}`, facts: { name: row.name } });
      });
      rows.set(row.hash, revoked);
      return ok(tokenOf(revoked));
    },

    async endOf(tx, person, by) {
      const revoked_at = world.clock.now();
      for (const row of [...rows.values()].filter((each) => each.person === person && each.revoked_at === null)) {
        await tx.updateTable('api_tokens').set({ revoked_at }).where('id', '=', row.id).execute();
        await audit.note(tx, {
          actor: by,
          action: 'tokens.revoke',
          subject: `token/${row.id}`,
          facts: { name: row.name, person },
        });
        rows.set(row.hash, { ...row, revoked_at });
      }
    },

    async own(token) {
      const now = world.clock.now();
      const row: Row = {
        id: world.id(),
        name: 'admin',
        hash: digestOf(token),
        person: 'admin',
        roles: JSON.stringify(['admin']),
        permissions: null,
        places: null,
        created_at: now,
        expires_at: null,
        revoked_at: null,
        last_used_at: null,
      };
      const others = [...rows.values()].filter(
        ({ name, person, revoked_at }) => name === 'admin' && person === 'admin' && revoked_at === null,
      );
      await store.write(async (tx) => {
        for (const { id } of others)
          await tx.updateTable('api_tokens').set({ revoked_at: now }).where('id', '=', id).execute();
        await tx.insertInto('api_tokens').values(row).execute();
        await audit.note(tx, {
          actor: { subject: 'house', via: 'house' },
          action: 'tokens.create',
          subject: `token/${row.id}`,
          facts: { name: 'admin', roles: 'admin' },
        });
      });
      for (const other of others) rows.set(other.hash, { ...other, revoked_at: now });
      rows.set(row.hash, row);
    },

    async close() {
      timer.cancel();
      await flush();
    },
  };
}
