import { asBuffer, lastFour, type Secret } from '@tsunagu/protocols/kit';
import {
  entryOf,
  hashTag,
  type NegativeCodec,
  overlayBits,
  overlayMax,
  type PermutedPan,
  sortEntries,
} from '@tsunagu/protocols/negative';
import type { Transaction } from 'kysely';
import { personOf } from '../audit/index.ts';
import { type Database, isoTime, type Queryable } from '../store/index.ts';
import type { Actor, ListParts } from './ports.ts';
import { numberOf } from './rules.ts';

/** A card as it is stored: no number of it is there. */
export interface StoredCard {
  readonly tag: Uint8Array;
  readonly place: Uint8Array | null;
  readonly token: string;
  readonly last_four: string;
  readonly reason: string;
}

/** The rows of cards, and the journal of who came and went. */
export type Cards = ReturnType<typeof openCards>;

/** Opens the rows of a list's cards. */
export function openCards({ rooms: { world, vault }, list, macOf, placeOf }: ListParts) {
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
  function cardOf(pan: Secret<'pan'>, reason: string, codec: NegativeCodec): StoredCard | undefined {
    const place = codec === 'KP' ? placeOf(pan) : undefined;
    if (codec === 'KP' && !place) return undefined;
    return {
      tag: macOf(pan),
      place: place ? placeBytes(place) : null,
      token: vault.panToken(pan),
      last_four: lastFour(pan),
      reason,
    };
  }

  return { overlayEntries, insert, drop, cardOf };
}

/** A place in an exact list as it is stored: partition (3 bytes), place in it (7). */
function placeBytes({ partition, tag }: PermutedPan): Uint8Array {
  const bytes = Buffer.alloc(10);
  bytes.writeUIntBE(partition, 0, 3);
  bytes.writeUIntBE(Math.floor(tag / 2 ** 32), 3, 3);
  bytes.writeUInt32BE(tag % 2 ** 32, 6);
  return Uint8Array.from(bytes);
}

/** The way back. */
export function placeIn(bytes: Uint8Array): PermutedPan {
  const view = asBuffer(bytes);
  return { partition: view.readUIntBE(0, 3), tag: view.readUIntBE(3, 3) * 2 ** 32 + view.readUInt32BE(6) };
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
