import { type Role, roleConflict } from '@tsunagu/protocols/fleet';
import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import type { World } from '@tsunagu/protocols/world';
import type { Selectable, Transaction } from 'kysely';
import { type Actor, type Audit, letIn, personOf } from '../../audit/index.ts';
import type { Database, Store } from '../../store/index.ts';
import { readRoles } from './caller.ts';
import { isPassphrase, keepPassphrase } from './secrets.ts';
import type { AccessTables } from './tables.ts';

const peopleMax = 1_000;

/** Somebody who may sign in. */
export interface Person {
  readonly id: string;
  readonly name: string;
  readonly roles: readonly Role[];
  readonly hasPassphrase: boolean;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  readonly endedAt: number | null;
  readonly version: number;
}

type Row = Selectable<AccessTables['people']>;

export interface People {
  list(): readonly Person[];
  find(id: string): Person | undefined;
  create(name: string, roles: readonly Role[], by: Actor): Promise<Result<Person, 'PERSON_EXISTS' | PersonCode>>;
  /** Changes roles or ends somebody, over the version that was read. */
  change(
    id: string,
    version: number,
    patch: { readonly roles?: readonly Role[] | undefined; readonly ended?: boolean | undefined },
    by: Actor,
  ): Promise<Result<Person, 'PERSON_UNKNOWN' | 'VERSION_CONFLICT' | PersonCode>>;
  /** One's own passphrase. */
  setPassphrase(id: string, passphrase: string, by: Actor): Promise<Result<Person, 'PERSON_UNKNOWN'>>;
  /** Who signs in with this name and passphrase. */
  recognise(name: string, passphrase: string): Promise<Person | undefined>;
  /** Keeps that `by` made a sign-in link for somebody, and could be them. */
  noteLink(id: string, by: Actor): Promise<void>;
}
type PersonCode = 'ROLES_CONFLICT' | 'ROLES_OWN' | 'PEOPLE_FULL';

const personOfRow = (row: Row): Person => ({
  id: row.id,
  name: row.name,
  roles: readRoles(row.roles),
  hasPassphrase: row.passphrase !== null,
  createdAt: row.created_at,
  endedAt: row.ended_at,
  version: row.version,
});

/** What of a person is hashed into the log: nothing of the passphrase. */
const stateOf = ({ name, roles, endedAt, version }: Person) => ({ name, roles, endedAt, version });

function refuseConflict(roles: readonly Role[]): Result<void, 'ROLES_CONFLICT'> {
  const conflict = roleConflict(roles);
  return conflict
    ? fail('ROLES_CONFLICT', {
        field: 'roles',
        facts: { roles: conflict.roles.join(' + '), duties: conflict.duties.join(' + ') },
      })
    : ok(undefined);
}

/** Names under which the house itself acts, and the owner of the machine. */
const reserved: readonly string[] = ['admin', 'house', 'server', 'tsunagu', 'campaign', 'wipe'];

/** Opens the people of a store. `ended` takes part in the transaction that ends somebody. */
export async function openPeople(
  world: World,
  store: Store,
  audit: Audit,
  ended: (tx: Transaction<Database>, id: string, by: Actor) => Promise<void>,
): Promise<People> {
  const rows = new Map<string, Row>();
  for (const row of await store.db.selectFrom('people').selectAll().limit(peopleMax).execute()) rows.set(row.id, row);

  return {
    list: () => [...rows.values()].map(personOfRow).sort((a, b) => (a.name < b.name ? -1 : 1)),
    find: (id) => {
      const row = rows.get(id);
      return row && personOfRow(row);
    },

    async create(name, roles, by) {
      const conflict = refuseConflict(roles);
      if (!conflict.ok) return conflict;
      if (rows.size >= peopleMax) return fail('PEOPLE_FULL');
      if (reserved.includes(name.trim().toLowerCase())) return fail('PERSON_EXISTS', { field: 'name' });
      const row: Row = {
        id: world.id(),
        name,
        roles: JSON.stringify(roles),
        passphrase: null,
        created_at: world.clock.now(),
        ended_at: null,
        version: 1,
      };
      const person = personOfRow(row);
      const isNew = await store.write(async (tx) => {
        const made = await tx
          .insertInto('people')
          .values(row)
          .onConflict((conflicting) => conflicting.doNothing())
          .executeTakeFirst();
        if (made.numInsertedOrUpdatedRows !== 1n) return false;
        await letIn(tx, row.id, by);
        await audit.note(tx, {
          actor: by,
          action: 'people.create',
          subject: `person/${row.id}`,
          after: stateOf(person),
          facts: { name, roles: roles.join(' ') },
        });
        return true;
      });
      if (!isNew) return fail('PERSON_EXISTS', { field: 'name' });
      rows.set(row.id, row);
      return ok(person);
    },

    async change(id, version, { roles, ended: isEnded }, by) {
      const conflict = refuseConflict(roles ?? []);
      if (!conflict.ok) return conflict;
      if (personOf(by) === id) return fail('ROLES_OWN');
      const changed = await store.write(async (tx): Promise<Result<Row, 'PERSON_UNKNOWN' | 'VERSION_CONFLICT'>> => {
        const old = await tx.selectFrom('people').selectAll().where('id', '=', id).executeTakeFirst();
        if (!old) return fail('PERSON_UNKNOWN');
        if (old.version !== version) return fail('VERSION_CONFLICT', { facts: { newest: old.version } });
        const row: Row = {
          ...old,
          ...(roles && { roles: JSON.stringify(roles) }),
          ...(isEnded !== undefined && { ended_at: isEnded ? (old.ended_at ?? world.clock.now()) : null }),
          version: version + 1,
        };
        await tx.updateTable('people').set(row).where('id', '=', id).execute();
        if (isEnded) {
          await tx.deleteFrom('sessions').where('person', '=', id).execute();
          await ended(tx, id, by);
        }
        await audit.note(tx, {
          actor: by,
          action: isEnded ? 'people.end' : 'people.change',
          subject: `person/${id}`,
          before: stateOf(personOfRow(old)),
          after: stateOf(personOfRow(row)),
          facts: { name: row.name, roles: readRoles(row.roles).join(' ') },
        });
        return ok(row);
      });
      if (!changed.ok) return changed;
      rows.set(id, changed.value);
      return ok(personOfRow(changed.value));
    },

    async setPassphrase(id, passphrase, by) {
      const kept = await keepPassphrase(world, passphrase);
      const row = rows.get(id);
      if (!row || row.ended_at !== null) return fail('PERSON_UNKNOWN');
      const changed = { ...row, passphrase: kept, version: row.version + 1 };
      await store.write(async (tx) => {
        await tx
          .updateTable('people')
          .set({ passphrase: kept, version: changed.version })
          .where('id', '=', id)
          .execute();
        await audit.note(tx, { actor: by, action: 'people.set-passphrase', subject: `person/${id}` });
      });
      rows.set(id, changed);
      return ok(personOfRow(changed));
    },

    async noteLink(id, by) {
      await store.write(async (tx) => {
        await letIn(tx, id, by);
        await audit.note(tx, { actor: by, action: 'people.sign-in-link', subject: `person/${id}` });
      });
    },

    async recognise(name, passphrase) {
      const row = [...rows.values()].find((each) => each.name === name && each.ended_at === null);
      const isRight = await isPassphrase(row?.passphrase ?? null, passphrase);
      return row && isRight ? personOfRow(row) : undefined;
    },
  };
}
