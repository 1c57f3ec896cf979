import { type TagSlot, tagSlotOf } from '@tsunagu/protocols/fleet';
import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import type { World } from '@tsunagu/protocols/world';
import type { Transaction } from 'kysely';
import type { Database, Queryable, Store } from '../store/index.ts';
import { forgetNextTags } from '../negative/index.ts';
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
 * | break off | only before the switch: the tags under the next key are forgotten, with the row, in one transaction | the slot of the next key is emptied by `key.erase`; what they look up is under the old key all the time | the row says so; ordered again at the next hello |
 *
 * After the switch lists under the next key were signed, in an epoch that terminals never go back from: then the way out is another rotation.
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
   * KEY_ROTATION_UNDER_WAY: another takes over. KEY_NUMBER_NOT_NEXT: nobody brought it, it was destroyed, or its number falls into the slot of the
   * key that is in use; the fact `next` names the one that is made.
   */
  begin(key: string): Promise<Result<void, 'KEY_NUMBER_NOT_NEXT' | 'KEY_NOT_BASE' | 'KEY_ROTATION_UNDER_WAY'>>;
  /** Lists are made under it from now on. The caller has asked whether they can be. */
  switchTo(key: string, check: (tx: Transaction<Database>) => Promise<Result<void>>): Promise<Result<void>>;
  /** Whether the key's rotation can be broken off. KEY_ROTATION_NONE: it is none that is under way. KEY_ROTATION_SWITCHED: lists are under it, or go there. */
  mayBreakOff(
    on: Queryable,
    key: string,
  ): Promise<Result<TagRotationRow, 'KEY_ROTATION_NONE' | 'KEY_ROTATION_SWITCHED'>>;
  /** Breaks it off; to be followed by `settle` when that is on disk. The caller has asked `mayBreakOff` in this transaction. */
  breakOff(tx: Transaction<Database>, key: string): Promise<void>;
  /** Goes by what is on disk. */
  settle(): Promise<void>;
}

/** A rotation as it is stored. */
export interface TagRotationRow {
  readonly key: string;
  readonly from_key: string;
  readonly begun_at: number;
  readonly switched_at: number | null;
  readonly broken_off_at: number | null;
}

/** Opens the rotation where it was. */
export async function openTagRotation(world: Pick<World, 'clock'>, store: Store, vault: Vault): Promise<TagRotation> {
  const last = (on: Queryable): Promise<TagRotationRow | undefined> =>
    on.selectFrom('tag_rotations').selectAll().orderBy('begun_at', 'desc').limit(1).executeTakeFirst();
  let wanted = negativeTagKey;
  let next: string | undefined;
  async function settle(): Promise<TagRotationRow | undefined> {
    const known = await last(store.db);
    if (known) wanted = known.switched_at === null ? known.from_key : known.key;
    next = known && known.switched_at === null && known.broken_off_at === null ? known.key : undefined;
    return known;
  }
  // The first one is made once: after another took over it may have been laid to rest.
  if (!(await settle())) await vault.ensure(negativeTagKey, 'negative-tag');

  /** The key that is made where nobody brings one: the lowest number above that in use which falls into the other slot and was not destroyed. */
  async function following(): Promise<string> {
    const rows = await store.db.selectFrom('key_marks').select('key').where('key', 'like', 'negative/tags/%').execute();
    const gone = new Set(rows.map(({ key }) => key));
    let number = (tagKeyNumber(wanted) ?? 0) + 1;
    while (gone.has(`negative/tags/${number}`)) number += 2;
    return `negative/tags/${number}`;
  }

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
      const made = await following();
      const isFit = there ? there.use === 'negative-tag' && ahead > 0 && ahead % 2 === 1 : key === made;
      if (!isFit) return fail('KEY_NUMBER_NOT_NEXT', { field: 'key', facts: { next: made } });
      await vault.ensure(key, 'negative-tag');
      const row = { from_key: wanted, begun_at: world.clock.now(), switched_at: null, broken_off_at: null };
      await store.write(async (tx) => {
        await tx
          .insertInto('tag_rotations')
          .values({ key, ...row })
          // It was begun before, and broken off.
          .onConflict((conflict) => conflict.column('key').doUpdateSet(row))
          .execute();
        // Nothing that was tagged for another key is taken for one of this.
        await forgetNextTags(tx);
      });
      next = key;
      return ok(undefined);
    },
    async switchTo(key, check) {
      if (key === wanted) return ok(undefined);
      if (key !== next) return fail('KEY_UNKNOWN', { field: 'key' });
      const switched = await store.write(async (tx): Promise<Result<void>> => {
        // Broken off meanwhile.
        if ((await last(tx))?.broken_off_at !== null) return fail('KEY_UNKNOWN', { field: 'key' });
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
    async mayBreakOff(on, key) {
      const row = await last(on);
      if (!row || row.key !== key || row.broken_off_at !== null) return fail('KEY_ROTATION_NONE', { field: 'key' });
      return row.switched_at === null ? ok(row) : fail('KEY_ROTATION_SWITCHED', { field: 'key' });
    },
    async breakOff(tx, key) {
      await tx.updateTable('tag_rotations').set({ broken_off_at: world.clock.now() }).where('key', '=', key).execute();
      await forgetNextTags(tx);
    },
    async settle() {
      await settle();
    },
  };
}
