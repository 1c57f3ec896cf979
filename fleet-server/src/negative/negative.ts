import {
  type addNegative,
  type Hello,
  type NegativeAdded,
  type negativeOverview,
  type Serial,
  type SignedDocument,
} from '@tsunagu/protocols/fleet';
import { fail, lastFour, ok, type Result, type Secret, unwrap } from '@tsunagu/protocols/kit';
import { encodeSnapshot } from '@tsunagu/protocols/negative';
import type { World } from '@tsunagu/protocols/world';
import type { Transaction } from 'kysely';
import type { z } from 'zod';
import type { Artefacts } from '../artefacts/index.ts';
import {
  boundedLimit,
  type Database,
  isoTime,
  numberOfCursor,
  type PageRequest,
  pageOf,
  type Queryable,
  type Store,
} from '../store/index.ts';
import type { Vault } from '../vault/index.ts';
import { hasCheckDigit, headOf, headRenewBeforeMs, overlayMax } from './rules.ts';

/** The one list there is for now. */
export const regularList = 'regular';
/** The most emergency entries an overlay may hold: what fits into one head. */
const overlayLimit = 2_000;
const checkMs = 60_000;

/** What the negative file needs of the rooms around it. */
export interface NegativeRooms {
  readonly world: World;
  readonly store: Store;
  readonly vault: Vault;
  readonly artefacts: Artefacts;
  readonly tagKey: string;
  readonly sign: (payload: string) => SignedDocument;
  /** Puts a head before all terminals, at once and for those who come later. Called after it is on disk. */
  publish(list: string, head: SignedDocument): void;
  /** The list changed. */
  announce(): void;
}

/** What is known of a list in short. */
export interface NegativeState {
  readonly list: string;
  readonly version: number;
  readonly overlaySeq: number;
}

/** The list of cards that terminals refuse. */
export interface Negative {
  readonly state: NegativeState;
  entries(): Promise<number>;
  overview(page: PageRequest): Promise<Result<z.infer<typeof negativeOverview>, 'INPUT_INVALID'>>;
  /** Adds a card at once. When it resolves the entry is on disk and its head is on the way to every connected terminal. */
  add(
    pan: Secret<'pan'>,
    reason: z.infer<typeof addNegative>['reason'],
    by: { readonly subject: string },
  ): Promise<Result<NegativeAdded, 'PAN_INVALID' | 'NEGATIVE_LIST_FULL'>>;
  /** Whether a card is on the list now. */
  isListed(pan: Secret<'pan'>): Promise<boolean>;
  /** Stores what a terminal says it applies. Returns whether that changed. */
  observe(tx: Transaction<Database>, serial: Serial, applied: Hello['negative']): Promise<boolean>;
  /** Makes a new version out of all entries, with an empty overlay. */
  fold(): Promise<void>;
  /** Puts the newest head out again: after the broker started. */
  republish(): Promise<void>;
  close(): void;
}

/** Opens the list. On the first start version 1, without entries, comes into being. */
export async function openNegative(rooms: NegativeRooms): Promise<Negative> {
  const { world, store, vault } = rooms;
  const list = regularList;

  const row = (on: Queryable) =>
    on.selectFrom('negative_lists').selectAll().where('list', '=', list).executeTakeFirst();

  async function overlayTags(on: Queryable): Promise<readonly Uint8Array[]> {
    const rows = await on
      .selectFrom('negative_entries')
      .select('tag')
      .where('list', '=', list)
      .where('version', 'is', null)
      .orderBy('id')
      .execute();
    return rows.map(({ tag }) => Uint8Array.from(tag));
  }

  /** Signs the state of the list as it stands in this transaction, and stores the head. */
  async function signHead(tx: Transaction<Database>): Promise<SignedHead> {
    const now = world.clock.now();
    const state = await tx.selectFrom('negative_lists').selectAll().where('list', '=', list).executeTakeFirstOrThrow();
    const { version, digest, size, overlay_seq: overlaySeq } = state;
    const head = headOf({ list, version, digest, size, overlaySeq, overlayTags: await overlayTags(tx) }, now);
    const signed = rooms.sign(JSON.stringify(head));
    await tx
      .updateTable('negative_lists')
      .set({ head: JSON.stringify(signed), not_after: head.notAfter })
      .where('list', '=', list)
      .execute();
    return { signed, state: { list, version, overlaySeq } };
  }

  /** Puts a head out that is on disk. One that was overtaken by a newer one meanwhile is not worth sending. */
  function publish({ signed, state }: SignedHead): void {
    const isOlder =
      state.version < latest.version || (state.version === latest.version && state.overlaySeq < latest.overlaySeq);
    if (isOlder) return;
    latest = state;
    rooms.publish(list, signed);
  }

  async function foldNow(): Promise<void> {
    const known = await row(store.db);
    const version = (known?.version ?? 0) + 1;
    const tags = await store.db.selectFrom('negative_entries').select(['id', 'tag']).where('list', '=', list).execute();
    const lastId = tags.reduce((max, { id }) => Math.max(max, id), 0);
    // The file first: a head never names a snapshot that is not there.
    const { digest, size } = await rooms.artefacts.put(
      encodeSnapshot(
        list,
        version,
        tags.map(({ tag }) => Uint8Array.from(tag)),
      ),
    );
    const head = await store.write(async (tx) => {
      await tx
        .insertInto('negative_lists')
        .values({ list, version, digest, size, overlay_seq: 0, head: '', not_after: 0 })
        .onConflict((conflict) => conflict.column('list').doUpdateSet({ version, digest, size }))
        .execute();
      // Entries that came while the file was written stay in the overlay.
      await tx
        .updateTable('negative_entries')
        .set({ version })
        .where('list', '=', list)
        .where('version', 'is', null)
        .where('id', '<=', lastId)
        .execute();
      return await signHead(tx);
    });
    world.log('info', 'negativeListPublished', { list, version, digest, entries: tags.length });
    publish(head);
    rooms.announce();
  }

  let latest: NegativeState = { list, version: 0, overlaySeq: 0 };
  const found = await row(store.db);
  if (found) latest = { list, version: found.version, overlaySeq: found.overlay_seq };
  else await foldNow();

  let folding: Promise<void> | undefined;
  function fold(): Promise<void> {
    folding ??= foldNow().finally(() => {
      folding = undefined;
    });
    return folding;
  }
  function foldWhenLarge(size: number): void {
    if (size <= overlayMax) return;
    fold().catch((cause: unknown) => world.log('error', 'negativeFoldFailed', { fault: { code: 'INTERNAL', cause } }));
  }

  async function renew(): Promise<void> {
    const known = await row(store.db);
    if (!known || known.not_after - world.clock.now() > headRenewBeforeMs) return;
    const head = await store.write(signHead);
    world.log('info', 'negativeHeadRenewed', { list, version: known.version });
    publish(head);
  }
  const renewing = world.timers.every(checkMs, () => {
    renew().catch((cause: unknown) =>
      world.log('error', 'negativeRenewFailed', { fault: { code: 'INTERNAL', cause } }),
    );
  });

  return {
    get state() {
      return latest;
    },
    async entries() {
      const { count } = await store.db
        .selectFrom('negative_entries')
        .select((all) => all.fn.countAll<number>().as('count'))
        .where('list', '=', list)
        .executeTakeFirstOrThrow();
      return Number(count);
    },
    async overview(page) {
      const after = numberOfCursor(page.cursor);
      if (!after.ok) return after;
      const limit = boundedLimit(page.limit);
      let query = store.db.selectFrom('negative_entries').selectAll().where('list', '=', list);
      if (after.value !== undefined) query = query.where('id', '<', after.value);
      const rows = await query
        .orderBy('id', 'desc')
        .limit(limit + 1)
        .execute();
      const { items, next } = pageOf(rows, limit, ({ id }) => id, entryOf);
      const { version, overlaySeq } = latest;
      return ok({ list, version, overlaySeq, entries: [...items], next, terminals: await countTerminals() });
    },
    async add(pan, reason, by) {
      if (!pan.use(hasCheckDigit)) return fail('PAN_INVALID', { field: 'pan' });
      const tag = unwrap(vault.negativeTag(rooms.tagKey, pan));
      const token = vault.panToken(pan);
      const added = await store
        .write(async (tx) => {
          const overlay = await overlayTags(tx);
          const values = {
            list,
            tag,
            token,
            last_four: lastFour(pan),
            reason,
            added_at: world.clock.now(),
            version: null,
          };
          const inserted = await tx
            .insertInto('negative_entries')
            .values(values)
            .onConflict((conflict) => conflict.columns(['list', 'tag']).doNothing())
            .returningAll()
            .executeTakeFirst();
          if (!inserted) {
            const entry = await tx
              .selectFrom('negative_entries')
              .selectAll()
              .where('list', '=', list)
              .where('tag', '=', tag)
              .executeTakeFirstOrThrow();
            return { entry, already: true, overlay: overlay.length };
          }
          if (overlay.length >= overlayLimit) throw new OverlayFull();
          await tx
            .updateTable('negative_lists')
            .set((all) => ({ overlay_seq: all('overlay_seq', '+', 1) }))
            .where('list', '=', list)
            .execute();
          return { entry: inserted, already: false, overlay: overlay.length + 1, head: await signHead(tx) };
        })
        .catch((error: unknown) => {
          if (error instanceof OverlayFull) return undefined;
          throw error;
        });
      if (!added) return fail('NEGATIVE_LIST_FULL');
      if (added.head) {
        publish(added.head);
        world.log('info', 'negativeEntryAdded', { list, overlaySeq: latest.overlaySeq, token, by: by.subject });
        rooms.announce();
        foldWhenLarge(added.overlay);
      }
      const { version, overlaySeq } = latest;
      return ok({ entry: entryOf(added.entry), version, overlaySeq, already: added.already });
    },
    async isListed(pan) {
      const tag = unwrap(vault.negativeTag(rooms.tagKey, pan));
      const hit = await store.db
        .selectFrom('negative_entries')
        .select('id')
        .where('list', '=', list)
        .where('tag', '=', tag)
        .executeTakeFirst();
      return hit !== undefined;
    },
    async observe(tx, serial, applied) {
      const said = applied.find((each) => each.list === list);
      if (!said) return false;
      const before = await tx
        .selectFrom('negative_applied')
        .select(['version', 'overlay_seq'])
        .where('list', '=', list)
        .where('serial', '=', serial)
        .executeTakeFirst();
      const now = { version: said.version, overlay_seq: said.overlaySeq, fresh_at: said.freshAt };
      await tx
        .insertInto('negative_applied')
        .values({ serial, list, ...now })
        .onConflict((conflict) => conflict.columns(['list', 'serial']).doUpdateSet(now))
        .execute();
      return said.version > 0 && (before?.version !== now.version || before.overlay_seq !== now.overlay_seq);
    },
    fold,
    async republish() {
      await renew();
      const known = await row(store.db);
      if (known) rooms.publish(list, JSON.parse(known.head) as SignedDocument);
    },
    close: () => renewing.cancel(),
  };

  async function countTerminals(): Promise<{ current: number; behind: number }> {
    const { total, current } = await store.db
      .selectFrom('terminals')
      .leftJoin('negative_applied', (join) =>
        join
          .onRef('negative_applied.serial', '=', 'terminals.serial')
          .on('negative_applied.list', '=', list)
          .on('negative_applied.version', '=', latest.version)
          .on('negative_applied.overlay_seq', '=', latest.overlaySeq),
      )
      .select((all) => [
        all.fn.count<number>('terminals.serial').as('total'),
        all.fn.count<number>('negative_applied.serial').as('current'),
      ])
      .executeTakeFirstOrThrow();
    return { current: Number(current), behind: Number(total) - Number(current) };
  }
}

/** A head as it was stored, and what it says in short. */
interface SignedHead {
  readonly signed: SignedDocument;
  readonly state: NegativeState;
}

class OverlayFull extends Error {}

const entryOf = (row: { last_four: string; reason: string; added_at: number; token: string }) => ({
  lastFour: row.last_four,
  reason: row.reason,
  addedAt: isoTime(row.added_at),
  token: row.token,
});
