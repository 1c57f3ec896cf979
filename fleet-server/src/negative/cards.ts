import { lastFour, type Secret } from '@tsunagu/protocols/kit';
import {
  entryOf,
  hashTag,
  type NegativeCodec,
  overlayBits,
  overlayMax,
  sortEntries,
} from '@tsunagu/protocols/negative';
import { sql, type Transaction } from 'kysely';
import { personOf } from '../audit/index.ts';
import { type Database, isoTime, type Queryable } from '../store/index.ts';
import type { Actor, ListParts } from './ports.ts';
import { placeBytes } from './place.ts';
import { numberOf } from './rules.ts';

/** What a card is under one tag key. */
interface Mark {
  readonly tagKey: string;
  readonly tag: Uint8Array;
  readonly place: Uint8Array | null;
}

/** A card as it comes to be stored: no number of it is there. */
export interface StoredCard {
  /** Under the key of the list in force, and under the one that takes over from it. */
  readonly marks: readonly Mark[];
  readonly token: string;
  readonly last_four: string;
  readonly reason: string;
}

/** The rows of cards, and the journal of who came and went. */
export type Cards = ReturnType<typeof openCards>;

/** Opens the rows of a list's cards. */
export function openCards({ rooms: { world, vault, tagKeys }, list, macOf, placeOf }: ListParts) {
  /** The key that the list in force is made with. */
  async function keyInForce(on: Queryable): Promise<string> {
    const row = await on.selectFrom('negative_lists').select('tag_key').where('list', '=', list).executeTakeFirst();
    return row?.tag_key ?? tagKeys.wanted;
  }

  /** The keys that a card gets tags under: of the list in force, and of the list that follows, where that is another. */
  const keysNow = async (on: Queryable): Promise<readonly string[]> => [
    ...new Set([await keyInForce(on), tagKeys.next ?? tagKeys.wanted]),
  ];

  /** Emergency entries: cards that no container holds yet. */
  async function overlayEntries(on: Queryable): Promise<Float64Array> {
    const rows = await on
      .selectFrom('negative_cards')
      .select(['tag', 'reason'])
      .where('list', '=', list)
      .where('version', 'is', null)
      .orderBy('id')
      .limit(overlayMax)
      .execute();
    const entries = rows.map(({ tag, reason }) => entryOf(hashTag(tag, overlayBits), numberOf(reason)));
    return sortEntries(Float64Array.from(entries));
  }

  /** A card's columns, as the list stands in this transaction: it may have gone under the next key since the card was marked. */
  function columnsOf({ marks }: Pick<StoredCard, 'marks'>, inForce: string) {
    const now = marks.find(({ tagKey }) => tagKey === inForce);
    if (!now) throw new Error('a card is marked under the key of the list in force');
    const following = tagKeys.next ?? tagKeys.wanted;
    const next = following === inForce ? undefined : marks.find(({ tagKey }) => tagKey === following);
    return { tag: now.tag, place: now.place, next_tag: next?.tag ?? null, next_place: next?.place ?? null };
  }

  /** Gives a card that is known its tag under the key that takes over, whoever lists it: its number came again. */
  async function markAgain(tx: Transaction<Database>, card: StoredCard, inForce: string): Promise<void> {
    const { next_tag, next_place } = columnsOf(card, inForce);
    if (next_tag === null) return;
    await tx
      .updateTable('negative_cards')
      .set({ next_tag, next_place })
      .where('list', '=', list)
      .where('token', '=', card.token)
      .where(isUnmarked)
      .execute();
  }

  /** Notes a card for a source; undefined when the source lists it already. */
  async function insert(tx: Transaction<Database>, card: StoredCard, source: string, by: Actor, inForce: string) {
    await markAgain(tx, card, inForce);
    const { token, last_four, reason } = card;
    const held = await tx
      .selectFrom('negative_cards')
      .select('version')
      .where('list', '=', list)
      .where('token', '=', token)
      .orderBy('version')
      .executeTakeFirst();
    const at = world.clock.now();
    const facts = { list, source, token, last_four, reason, added_at: at, version: held?.version ?? null };
    const inserted = await tx
      .insertInto('negative_cards')
      .values({ ...facts, ...columnsOf(card, inForce) })
      .onConflict((conflict) => conflict.columns(['list', 'token', 'source']).doNothing())
      .returningAll()
      .executeTakeFirst();
    if (!inserted) return undefined;
    await tx
      .insertInto('negative_changes')
      .values({ list, token, last_four, kind: 'listed', source, reason, at, by: by.subject, person: personOf(by) })
      .execute();
    return { row: inserted, isNew: held === undefined };
  }

  async function drop(tx: Transaction<Database>, ids: readonly number[], by: Actor): Promise<void> {
    const at = world.clock.now();
    for (const id of ids) {
      const gone = await tx.deleteFrom('negative_cards').where('id', '=', id).returningAll().executeTakeFirst();
      if (!gone) continue;
      const { token, last_four, source, reason } = gone;
      await tx
        .insertInto('negative_changes')
        .values({ list, token, last_four, kind: 'unlisted', source, reason, at, by: by.subject, person: personOf(by) })
        .execute();
    }
  }

  /** A card as this list stores it; undefined for a number that an exact list cannot hold. */
  function cardOf(
    pan: Secret<'pan'>,
    reason: string,
    codec: NegativeCodec,
    keys: readonly string[],
  ): StoredCard | undefined {
    const marks = keys.map((tagKey): Mark => {
      const place = codec === 'KP' ? placeOf(pan, tagKey) : undefined;
      return { tagKey, tag: macOf(pan, tagKey), place: place ? placeBytes(place) : null };
    });
    if (codec === 'KP' && marks.some(({ place }) => place === null)) return undefined;
    return {
      marks,
      token: vault.panToken(pan),
      last_four: lastFour(pan),
      reason,
    };
  }

  return { keyInForce, keysNow, overlayEntries, insert, markAgain, drop, cardOf };
}

/** A card whose number did not come since another key began to take over: nobody here can make its tag anew. */
export const isUnmarked = sql<boolean>`(next_tag is null or (place is not null and next_place is null))`;

/** A row as people see it. */
export const entryView = (row: {
  readonly last_four: string;
  readonly reason: string;
  readonly added_at: number;
  readonly token: string;
  readonly source: string;
}) => ({
  lastFour: row.last_four,
  reason: row.reason,
  addedAt: isoTime(row.added_at),
  token: row.token,
  source: row.source,
});
