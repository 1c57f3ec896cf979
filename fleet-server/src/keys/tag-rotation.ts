import { type TagSlot, tagSlotOf } from '@tsunagu/protocols/fleet';
import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import type { World } from '@tsunagu/protocols/world';
import type { Transaction } from 'kysely';
import type { Database, Queryable, Store } from '../store/index.ts';
import type { Vault } from '../vault/index.ts';

/** The first key that cards of negative lists are tagged under. */
export const negativeTagKey = 'negative/tags/1';
const tagKeyName = /^negative\/tags\/(\d{1,6})$/;
/** The number of a key of negative lists by its name; undefined for another name. */
export const tagKeyNumber = (key: string): number | undefined => {
  const digits = tagKeyName.exec(key)?.[1];
  return digits === undefined ? undefined : Number(digits);
};
/** Where terminals keep a key of negative lists. */
export const slotOfTagKey = (key: string): TagSlot => tagSlotOf(tagKeyNumber(key) ?? 1);

/**
 * How the key of negative lists gives way to the next one. Numbers of cards are nowhere here, so nothing but their coming again makes tags anew.
 *
 * | step | house | terminals | after a power cut |
 * |---|---|---|---|
 * | spread | every card that comes, new or again, gets a tag under both keys | the next key goes into the other slot, by `key.load` | the row says so |
 * | switch | one version in a new epoch, made under the next key, signed twice | a list is looked up under its own key; it takes the new one when it holds the key | the row is first, the version is made at the next start; cards and version move in one transaction |
 * | erase | – | the old slot is emptied by `key.erase`, once every list of the terminal is under the next key | ordered again at the next hello |
 */
export interface TagRotation {
  /** The key of every list's next version. */
  readonly wanted: string;
  /** The key that takes over from it; undefined while none does. */
  readonly next: string | undefined;
  /** The slots that terminals are to have filled now, and the key in each: the wanted one, the next one, and that of lists not made anew yet. */
  slots(on: Queryable): Promise<ReadonlyMap<TagSlot, string>>;
  /** The last rotation; undefined before the first. */
  last(on: Queryable): Promise<TagRotationRow | undefined>;
  /**
   * Begins to spread a key; again for the one that is being spread, nothing. It is made where nobody brought it, if its number is the next.
   * KEY_ROTATION_UNDER_WAY: another takes over. KEY_UNKNOWN: nobody brought it, or its number falls into the slot of the key that is in use.
   */
  begin(key: string): Promise<Result<void, 'KEY_UNKNOWN' | 'KEY_NOT_BASE' | 'KEY_ROTATION_UNDER_WAY'>>;
  /** Lists are made under it from now on. The caller has asked whether they can be. */
  switchTo(key: string, check: (tx: Transaction<Database>) => Promise<Result<void>>): Promise<Result<void>>;
}

/** A rotation as it is stored. */
export interface TagRotationRow {
  readonly key: string;
  readonly from_key: string;
  readonly begun_at: number;
  readonly switched_at: number | null;
}

/** Opens the rotation where it was. */
export async function openTagRotation(world: Pick<World, 'clock'>, store: Store, vault: Vault): Promise<TagRotation> {
  const last = (on: Queryable): Promise<TagRotationRow | undefined> =>
    on.selectFrom('tag_rotations').selectAll().orderBy('begun_at', 'desc').limit(1).executeTakeFirst();
  const known = await last(store.db);
  let wanted = known ? (known.switched_at === null ? known.from_key : known.key) : negativeTagKey;
  let next = known && known.switched_at === null ? known.key : undefined;
  // The first one is made once: after another took over it may have been laid to rest.
  if (!known) await vault.ensure(negativeTagKey, 'negative-tag');

  async function inForce(on: Queryable): Promise<readonly string[]> {
    const rows = await on.selectFrom('negative_lists').select('tag_key').distinct().execute();
    return rows.map(({ tag_key }) => tag_key);
  }

  return {
    get wanted() {
      return wanted;
    },
    get next() {
      return next;
    },
    async slots(on) {
      const live = new Set([...(await inForce(on)), wanted, ...(next === undefined ? [] : [next])]);
      return new Map([...live].map((key) => [slotOfTagKey(key), key]));
    },
    last,
    async begin(key) {
      const number = tagKeyNumber(key);
      if (number === undefined) return fail('KEY_NOT_BASE', { field: 'key' });
      if (next === key) return ok(undefined);
      const lists = await inForce(store.db);
      if (next !== undefined || lists.some((each) => each !== wanted))
        return fail('KEY_ROTATION_UNDER_WAY', { facts: { key: next ?? wanted } });
      const there = vault.find(key);
      const ahead = number - (tagKeyNumber(wanted) ?? 0);
      const isFit = there ? there.use === 'negative-tag' && ahead > 0 && ahead % 2 === 1 : ahead === 1;
      if (!isFit) return fail('KEY_UNKNOWN', { field: 'key' });
      await vault.ensure(key, 'negative-tag');
      const row = { key, from_key: wanted, begun_at: world.clock.now(), switched_at: null };
      await store.write((tx) => tx.insertInto('tag_rotations').values(row).execute());
      next = key;
      return ok(undefined);
    },
    async switchTo(key, check) {
      if (key === wanted) return ok(undefined);
      if (key !== next) return fail('KEY_UNKNOWN', { field: 'key' });
      const switched = await store.write(async (tx): Promise<Result<void>> => {
        const may = await check(tx);
        if (!may.ok) return may;
        await tx.updateTable('tag_rotations').set({ switched_at: world.clock.now() }).where('key', '=', key).execute();
        return ok(undefined);
      });
      if (!switched.ok) return switched;
      wanted = key;
      next = undefined;
      return switched;
    },
  };
}
