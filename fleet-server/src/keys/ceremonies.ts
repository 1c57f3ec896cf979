import { createHash } from 'node:crypto';
import {
  type BeginCeremony,
  type CeremonyState,
  type CeremonyStep,
  ceremonyStep,
  keyIdOf,
  type KeyRecord,
  nextLink,
  signDocumentBy,
  stateOf,
  takeCeremonyStep,
} from '@tsunagu/protocols/fleet';
import { fail, ok, type Result, type Secret, unwrap } from '@tsunagu/protocols/kit';
import type { World } from '@tsunagu/protocols/world';
import { z } from 'zod';
import type { Actor } from '../audit/index.ts';
import { areApart, personOf } from '../audit/index.ts';
import {
  isoTime,
  newestFirst,
  type Page,
  type PageRequest,
  type Queryable,
  type Store,
  pageOn,
  viewPage,
} from '../store/index.ts';
import type { Vault } from '../vault/index.ts';

/** Who comes with a component: the person, and the session or token that they came with. */
export type Custodian = Actor & { readonly id: string };

/** A ceremony as it is now. */
export interface Ceremony extends CeremonyState {
  readonly id: string;
  readonly steps: readonly CeremonyStep[];
}

const recordKey = 'sign/key-records';

/**
 * Key ceremonies. Each step is one transaction; components are sealed by the vault before they are stored, and gone when the ceremony ends.
 *
 * | state | power fails | abort |
 * |---|---|---|
 * | entering | goes on with the next component | components are forgotten |
 * | confirming | goes on; a key that is in the vault already is the one that was confirmed | components are forgotten |
 * | done, aborted | – | – |
 */
export interface KeyCeremonies {
  /** Begins one; custodians by id. APPROVAL_NOT_APART: two of those who order and enter may be one person. */
  begin(wanted: BeginCeremony, by: Actor): Promise<Result<Ceremony>>;
  /** Newest first; with `isOpen` those alone that are not over. */
  list(page: PageRequest & { readonly isOpen?: boolean }): Promise<Result<Page<Ceremony>, 'INPUT_INVALID'>>;
  get(id: string): Promise<Result<Ceremony, 'KEY_CEREMONY_UNKNOWN'>>;
  /** Takes the component of the custodian who comes. The answer has its check value, to be compared with the paper. */
  enter(id: string, component: Secret<'key'>, by: Custodian): Promise<Result<Ceremony>>;
  /** Joins the components when the check value of the whole is the given one. */
  confirm(id: string, kcv: string, by: Custodian): Promise<Result<Ceremony>>;
  abort(id: string, reason: string, by: Actor): Promise<Result<Ceremony>>;
  /** @param people names of the people in it by id, as they are today: they stand in the record beside the ids. */
  record(id: string, people?: Readonly<Record<string, string>>): Promise<Result<KeyRecord, 'KEY_CEREMONY_UNKNOWN'>>;
}

/** Signs records with the vault's key for them. */
export async function openRecordSigner(vault: Vault): Promise<(payload: object) => KeyRecord> {
  await vault.ensure(recordKey, 'key-record-signing');
  const spki = unwrap(vault.publicKey(recordKey)).export({ format: 'der', type: 'spki' });
  return (payload) => ({
    document: signDocumentBy('tsunagu-key-record-v1', JSON.stringify(payload), keyIdOf(spki), (bytes) =>
      vault.sign(recordKey, 'key-record-signing', bytes),
    ),
    publicKey: spki.toString('base64'),
  });
}

export function openKeyCeremonies(
  world: Pick<World, 'clock' | 'id'>,
  store: Store,
  vault: Vault,
  sign: (payload: object) => KeyRecord,
): KeyCeremonies {
  async function read(on: Queryable, id: string): Promise<Ceremony | undefined> {
    const row = await on.selectFrom('key_ceremonies').select('steps').where('id', '=', id).executeTakeFirst();
    return row && ceremonyOf(id, row.steps);
  }
  const head = (by: Actor) => ({ at: isoTime(world.clock.now()), by: personOf(by) });
  const contextOf = (id: string, index: number): string => `ceremony/${id}/${index}`;

  /** Takes a step after those that are there when it is written down: a step that came between makes it fail. */
  async function take(
    id: string,
    make: (before: Ceremony) => CeremonyStep,
    sealed?: Uint8Array,
  ): Promise<Result<Ceremony>> {
    return await store.write(async (tx): Promise<Result<Ceremony>> => {
      const before = await read(tx, id);
      if (!before) return fail('KEY_CEREMONY_UNKNOWN');
      const step = make(before);
      const taken = takeCeremonyStep(before.steps, step);
      if (!taken.ok) return taken;
      const steps = [...before.steps, step];
      await tx
        .updateTable('key_ceremonies')
        .set({ steps: JSON.stringify(steps), state: taken.value.state })
        .where('id', '=', id)
        .execute();
      if (step.what === 'component' && sealed)
        await tx
          .insertInto('key_components')
          .values({ ceremony: id, index: step.index, kcv: step.kcv, sealed: Buffer.from(sealed) })
          .execute();
      if (taken.value.state === 'done' || taken.value.state === 'aborted')
        await tx.deleteFrom('key_components').where('ceremony', '=', id).execute();
      return ok({ id, steps, ...taken.value });
    });
  }

  return {
    async begin(wanted, by) {
      const id = world.id();
      const kcvDigits = wanted.use === 'dukpt-base-tdes' ? 6 : 10;
      if (wanted.kcv !== undefined && wanted.kcv.length !== kcvDigits)
        return fail('INPUT_INVALID', { field: 'kcv', facts: { wants: `/^[0-9A-F]{${kcvDigits}}$/` } });
      const step: CeremonyStep = { ...nextLink([]), ...head(by), what: 'begun', ...wanted };
      const taken = takeCeremonyStep([], step);
      if (!taken.ok) return taken;
      const marked = store.db.selectFrom('key_marks').select('key').where('key', '=', wanted.key);
      if (vault.find(wanted.key) || (await marked.executeTakeFirst())) return fail('KEY_IN_USE', { field: 'key' });
      const parts = [step.by, ...wanted.custodians];
      for (const [index, one] of parts.entries())
        for (const other of parts.slice(index + 1))
          if (!(await areApart(store.db, one, other))) return fail('APPROVAL_NOT_APART', { field: 'custodians' });
      await store.write(async (tx) => {
        await tx
          .insertInto('key_ceremonies')
          .values({ id, state: taken.value.state, steps: JSON.stringify([step]), begun_at: world.clock.now() })
          .execute();
      });
      return ok({ id, steps: [step], ...taken.value });
    },

    async list({ isOpen = false, ...page }) {
      const query = store.db
        .selectFrom('key_ceremonies')
        .select(['id', 'steps', 'begun_at'])
        .$if(isOpen, (all) => all.where('state', 'in', ['entering', 'confirming']));
      const found = await pageOn(query, newestFirst('begun_at', 'id'), page);
      return viewPage(found, ({ id, steps }) => ceremonyOf(id, steps));
    },

    async get(id) {
      const found = await read(store.db, id);
      return found ? ok(found) : fail('KEY_CEREMONY_UNKNOWN');
    },

    async enter(id, component, by) {
      const found = await read(store.db, id);
      if (!found) return fail('KEY_CEREMONY_UNKNOWN');
      const index = found.custodians.indexOf(personOf(by));
      const sealed = vault.sealComponent(contextOf(id, index), found.use, component);
      component.wipe();
      if (!sealed.ok) return sealed;
      const { kcv } = sealed.value;
      return await take(
        id,
        ({ steps }) => ({
          ...nextLink(steps),
          ...head(by),
          what: 'component',
          index: Math.max(0, index),
          kcv,
          session: sessionOf(id, by),
        }),
        sealed.value.sealed,
      );
    },

    async confirm(id, kcv, by) {
      const found = await read(store.db, id);
      if (!found) return fail('KEY_CEREMONY_UNKNOWN');
      const step = ({ steps }: Ceremony): CeremonyStep => ({
        ...nextLink(steps),
        ...head(by),
        what: 'confirmed',
        kcv,
        session: sessionOf(id, by),
      });
      const may = takeCeremonyStep(found.steps, step(found));
      if (!may.ok) return may;
      // In the vault already: power failed between the key and its step.
      const there = vault.find(found.key);
      if (there && (there.use !== found.use || there.checkValue !== kcv)) return fail('KEY_IN_USE', { field: 'key' });
      if (!there) {
        const rows = await store.db
          .selectFrom('key_components')
          .selectAll()
          .where('ceremony', '=', id)
          .orderBy('index')
          .execute();
        const components = rows.map((row) => ({
          context: contextOf(id, row.index),
          sealed: Uint8Array.from(row.sealed),
          kcv: row.kcv,
        }));
        const joined = await vault.combine(found.key, found.use, components, kcv);
        if (!joined.ok)
          return joined.fault.code === 'KCV_MISMATCH' ? fail('KEY_CEREMONY_KCV_DIFFERS', { field: 'kcv' }) : joined;
      }
      return await take(id, step);
    },

    abort: (id, reason, by) => take(id, ({ steps }) => ({ ...nextLink(steps), ...head(by), what: 'aborted', reason })),

    async record(id, people) {
      const found = await read(store.db, id);
      return found
        ? ok(sign({ record: 'ceremony', id, steps: found.steps, ...(people && { people }) }))
        : fail('KEY_CEREMONY_UNKNOWN');
    },
  };
}

function ceremonyOf(id: string, text: string): Ceremony {
  const steps = z.array(ceremonyStep).parse(JSON.parse(text));
  const state = stateOf(steps);
  if (!state) throw new Error('a ceremony without a beginning is stored');
  return { id, steps, ...state };
}

/** Tells sessions of one ceremony apart. */
const sessionOf = (ceremony: string, { id }: Custodian): string =>
  createHash('sha256').update(`${ceremony}\n${id}`).digest('hex').slice(0, 32);
