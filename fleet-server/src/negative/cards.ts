import { lastFour, type Secret } from '@tsunagu/protocols/kit';
import { entryOf, hashTag, overlayBits, overlayMax, sortEntries } from '@tsunagu/protocols/negative';
import type { Transaction } from 'kysely';
import { type Database, isoTime, type Queryable } from '../store/index.ts';
import type { Actor, ListParts } from './ports.ts';
import { numberOf } from './rules.ts';

/** A card as it is stored: no number of it is there. */
export interface StoredCard {
  readonly tag: Uint8Array;
  readonly token: string;
  readonly last_four: string;
  readonly reason: string;
}

/** The rows of cards, and the journal of who came and went. */
export type Cards = ReturnType<typeof openCards>;

/** Opens the rows of a list's cards. */
export function openCards({ rooms: { world, vault }, list, macOf }: ListParts) {
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

  /** Notes a card for a source; undefined when the source lists it already. */
  async function insert(tx: Transaction<Database>, card: StoredCard, source: string, by: Actor) {
    const held = await tx
      .selectFrom('negative_cards')
      .select('version')
      .where('list', '=', list)
      .where('token', '=', card.token)
      .orderBy('version')
      .executeTakeFirst();
    const at = world.clock.now();
    const inserted = await tx
      .insertInto('negative_cards')
      .values({ list, source, ...card, added_at: at, version: held?.version ?? null })
      .onConflict((conflict) => conflict.columns(['list', 'token', 'source']).doNothing())
      .returningAll()
      .executeTakeFirst();
    if (!inserted) return undefined;
    const { token, last_four, reason } = card;
    await tx
      .insertInto('negative_changes')
      .values({ list, token, last_four, kind: 'listed', source, reason, at, by: by.subject })
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
        .values({ list, token, last_four, kind: 'unlisted', source, reason, at, by: by.subject })
        .execute();
    }
  }

  const cardOf = (pan: Secret<'pan'>, reason: string): StoredCard => ({
    tag: macOf(pan),
    token: vault.panToken(pan),
    last_four: lastFour(pan),
    reason,
  });

  return { overlayEntries, insert, drop, cardOf };
}

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
