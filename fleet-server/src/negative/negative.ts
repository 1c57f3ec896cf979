import { readFile } from 'node:fs/promises';
import {
  type addNegative,
  type addNegativeRange,
  type Hello,
  type importNegative,
  type NegativeAdded,
  type negativeDiff,
  type NegativeExplanation,
  type NegativeImported,
  negativeNames,
  type negativeOverview,
  type NegativePublished,
  type NegativeStateView,
  type Serial,
} from '@tsunagu/protocols/fleet';
import { modelOf } from '@tsunagu/protocols/catalogue';
import { concat, fail, lastFour, ok, type Result, type Secret, secretPan, unwrap } from '@tsunagu/protocols/kit';
import {
  encodeOverlay,
  entryOf,
  hashBitsFor,
  hashTag,
  negativeReasons,
  openContainer,
  overlayBits,
  overlayMax,
  sortEntries,
} from '@tsunagu/protocols/negative';
import {
  documentDigest,
  encodeHead,
  encodeOverlayDocument,
  encodeSigned,
  overlayDigestBytes,
} from '@tsunagu/protocols/negative/authority';
import { encodeClaim, type NegativeProof, proveIn } from '@tsunagu/protocols/negative/proof';
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
import { readImportFile } from './import-file.ts';
import { openPublishing } from './publishing.ts';
import {
  hasCheckDigit,
  headLifeMs,
  headRenewBeforeMs,
  manifestRenewBeforeMs,
  manifestLifeMs,
  shrinks,
} from './rules.ts';
import { openSigning } from './signing.ts';

/** The one list that terminals hold: what all sources list together. */
export const regularList = 'regular';
const checkMs = 60_000;
/** What hashes are wide enough for, with 24 bits of fingerprint. */
const cardsPlanned = 1_000_000;
const behindShown = 100;

/** What the negative file needs of the rooms around it. */
export interface NegativeRooms {
  readonly world: World;
  readonly store: Store;
  readonly vault: Vault;
  readonly artefacts: Artefacts;
  readonly tagKey: string;
  /** Puts a head and its overlay before all terminals, at once and for those who come later. Called after they are on disk. */
  publish(list: string, bytes: Uint8Array): void;
  /** The list changed. */
  announce(): void;
  /** Up to how much a terminal may approve by itself, minor units; 0: nothing. */
  floorLimitMinor(): number;
}

/** What is known of a list in short. */
export interface NegativeState {
  readonly list: string;
  readonly version: number;
  readonly overlaySeq: number;
}

interface Actor {
  readonly subject: string;
}
type Reason = z.infer<typeof addNegative>['reason'];

/** The list of cards that terminals refuse. */
export interface Negative {
  readonly state: NegativeState;
  entries(): Promise<number>;
  overview(page: PageRequest): Promise<Result<z.infer<typeof negativeOverview>, 'INPUT_INVALID'>>;
  details(): Promise<NegativeStateView>;
  /** Adds a card at once. When it resolves the entry is on disk and its head is on the way to every connected terminal. */
  add(pan: Secret<'pan'>, reason: Reason, by: Actor, source?: string): Promise<Result<NegativeAdded, 'PAN_INVALID'>>;
  /** Takes a card off for one source, in a new version. */
  remove(
    pan: Secret<'pan'>,
    source: string,
    by: Actor,
    isSignedTwice: boolean,
  ): Promise<Result<NegativePublished, 'NEGATIVE_ENTRY_UNKNOWN'>>;
  /** Takes an issuer's list in, in a new version. */
  importList(file: z.infer<typeof importNegative>, by: Actor): Promise<NegativeImported>;
  addRange(range: z.infer<typeof addNegativeRange>, by: Actor): Promise<Result<NegativePublished, 'INPUT_INVALID'>>;
  /** Makes a new version out of all entries, with an empty overlay. */
  publishVersion(isSignedTwice: boolean): Promise<NegativePublished>;
  diff(from: number, to: number): Promise<Result<z.infer<typeof negativeDiff>, 'NEGATIVE_VERSION_UNKNOWN'>>;
  explain(pan: Secret<'pan'>): Promise<NegativeExplanation>;
  /** Whether a card was blocked on a terminal at a time, provably. */
  prove(pan: Secret<'pan'>, serial: Serial, at: number): Promise<Result<NegativeProof, 'NEGATIVE_PROOF_UNAVAILABLE'>>;
  /** Whether a card is on the list now. */
  isListed(pan: Secret<'pan'>): Promise<boolean>;
  /** Stores what a terminal says it applies. Returns whether that changed. */
  observe(tx: Transaction<Database>, serial: Serial, applied: Hello['negative']): Promise<boolean>;
  /** The artefact that a name of the device API stands for. */
  locate(name: string): Promise<string | undefined>;
  /** The first root of the authority, for terminals that enrol. */
  root(): Promise<Uint8Array>;
  /** Puts the newest head out again: after the broker started. */
  republish(): Promise<void>;
  close(): void;
}

/** Opens the list. On the first start version 1, without entries, comes into being. */
export async function openNegative(rooms: NegativeRooms): Promise<Negative> {
  const { world, store, vault } = rooms;
  const list = regularList;
  const signing = await openSigning(world, store, vault, list);
  const keyCheck = Buffer.from(vault.find(rooms.tagKey)?.checkValue ?? '', 'hex').subarray(0, 3);
  const publishing = openPublishing(world, store, rooms.artefacts, signing, Uint8Array.from(keyCheck));
  const macOf = (pan: Secret<'pan'>): Uint8Array => unwrap(vault.negativeTag(rooms.tagKey, pan));

  const row = (on: Queryable) =>
    on.selectFrom('negative_lists').selectAll().where('list', '=', list).executeTakeFirst();
  const versionRow = (version: number) =>
    store.db
      .selectFrom('negative_versions')
      .selectAll()
      .where('list', '=', list)
      .where('version', '=', version)
      .executeTakeFirst();

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

  /** Signs the state of the list as it stands in this transaction, and stores the head. */
  async function signHead(tx: Transaction<Database>): Promise<SignedHead> {
    const now = world.clock.now();
    const state = await tx.selectFrom('negative_lists').selectAll().where('list', '=', list).executeTakeFirstOrThrow();
    const made = await tx
      .selectFrom('negative_versions')
      .select('manifest')
      .where('list', '=', list)
      .where('epoch', '=', state.epoch)
      .where('version', '=', state.version)
      .executeTakeFirstOrThrow();
    const { version, epoch, overlay_seq: seq } = state;
    const issuedAt = Math.floor(now / 1_000);
    const said = { list, epoch, version, seq, issuedAt };
    const overlay = signing.sign(
      'overlay',
      // The same overlay is signed to the same bytes: a renewed head changes nothing else.
      encodeOverlayDocument({ ...said, issuedAt: 0, overlay: encodeOverlay(await overlayEntries(tx)) }),
    );
    const head = signing.sign(
      'head',
      encodeHead({
        ...said,
        manifest: Uint8Array.from(Buffer.from(made.manifest, 'hex')),
        overlay: documentDigest(overlay).slice(0, overlayDigestBytes),
        rootVersion: signing.root.version,
        notAfter: issuedAt + headLifeMs / 1_000,
      }),
    );
    const bytes = concat(encodeSigned(head), encodeSigned(overlay));
    const text = Buffer.from(bytes).toString('base64');
    await tx
      .updateTable('negative_lists')
      .set({ head: text, not_after: now + headLifeMs })
      .where('list', '=', list)
      .execute();
    const known = await tx
      .selectFrom('negative_heads')
      .select('id')
      .where('list', '=', list)
      .where('version', '=', version)
      .where('overlay_seq', '=', seq)
      .executeTakeFirst();
    if (!known)
      await tx
        .insertInto('negative_heads')
        .values({ list, version, overlay_seq: seq, head: text, issued_at: now })
        .execute();
    return { bytes, state: { list, version, overlaySeq: seq } };
  }

  /** Puts a head out that is on disk. One that was overtaken by a newer one meanwhile is not worth sending. */
  function publish({ bytes, state }: SignedHead): void {
    const isOlder =
      state.version < latest.version || (state.version === latest.version && state.overlaySeq < latest.overlaySeq);
    if (isOlder) return;
    latest = state;
    rooms.publish(list, bytes);
  }

  async function publishNow(isSignedTwice: boolean): Promise<NegativePublished> {
    const known = await row(store.db);
    const epoch = known?.epoch ?? 1;
    const hashBits = known?.hash_bits ?? hashBitsFor(cardsPlanned, 24);
    const version = (known?.version ?? 0) + 1;
    const cards = await store.db
      .selectFrom('negative_cards')
      .select(['id', 'tag', 'reason'])
      .where('list', '=', list)
      .execute();
    const nowSeconds = Math.floor(world.clock.now() / 1_000);
    const ranges = await store.db
      .selectFrom('negative_ranges')
      .selectAll()
      .where('list', '=', list)
      .where('not_after', '>=', nowSeconds)
      .execute();
    const beside = {
      ranges: ranges.map(({ digits, low, high, not_after: notAfter }) => ({ digits, low, high, notAfter })),
      exceptions: [],
    };
    const count = new Set(cards.map(({ tag }) => hashTag(tag, hashBits))).size;
    const floor = known?.count_floor ?? 0;
    if (shrinks(count, floor) && !isSignedTwice) {
      world.log('warn', 'negativeNotPublished', { fault: fail('NEGATIVE_SHRINKS', { facts: { count, floor } }).fault });
      return { version: known?.version ?? 0, count, published: false, needsSecondSignature: true };
    }
    // Terminals may be at any base: whoever was there before the list shrank needs both signatures too.
    const largest = await store.db
      .selectFrom('negative_versions')
      .select((all) => all.fn.max<number | null>('count').as('count'))
      .where('list', '=', list)
      .where('epoch', '=', epoch)
      .executeTakeFirst();
    const needsTwo = shrinks(count, Number(largest?.count ?? 0));
    const made = await publishing.make({ list, epoch, version, hashBits, cards, beside, isSignedTwice: needsTwo });
    const lastId = cards.reduce((max, { id }) => Math.max(max, id), 0);
    const head = await store.write(async (tx) => {
      const facts = { version, digest: made.container, size: made.size, epoch, hash_bits: hashBits };
      const count_floor = isSignedTwice ? made.count : Math.max(floor, made.count);
      await tx
        .insertInto('negative_lists')
        .values({ list, ...facts, count_floor, overlay_seq: 0, head: '', not_after: 0 })
        .onConflict((conflict) => conflict.column('list').doUpdateSet({ ...facts, count_floor }))
        .execute();
      const { root, container, steps, manifest, size } = made;
      await tx
        .insertInto('negative_versions')
        .values({
          list,
          epoch,
          version,
          root,
          container,
          steps,
          manifest,
          count: made.count,
          size,
          issued_at: world.clock.now(),
        })
        .execute();
      // Entries that came while the files were written stay in the overlay.
      await tx
        .updateTable('negative_cards')
        .set({ version })
        .where('list', '=', list)
        .where('version', 'is', null)
        .where('id', '<=', lastId)
        .execute();
      return await signHead(tx);
    });
    world.log('info', 'negativeListPublished', { list, version, root: made.root, count: made.count, size: made.size });
    publish(head);
    rooms.announce();
    return { version, count: made.count, published: true, needsSecondSignature: false };
  }

  let publishingNow: Promise<unknown> = Promise.resolve();
  function publishVersion(isSignedTwice: boolean): Promise<NegativePublished> {
    const turn = publishingNow.then(
      () => publishNow(isSignedTwice),
      () => publishNow(isSignedTwice),
    );
    publishingNow = turn.catch(() => undefined);
    return turn;
  }

  let latest: NegativeState = { list, version: 0, overlaySeq: 0 };
  const found = await row(store.db);
  if (found) latest = { list, version: found.version, overlaySeq: found.overlay_seq };
  if (!found || !(await versionRow(found.version))) await publishVersion(false);

  const later = (work: Promise<unknown>): void => {
    work.catch((cause: unknown) => world.log('error', 'negativePublishFailed', { fault: { code: 'INTERNAL', cause } }));
  };

  async function renew(): Promise<void> {
    const known = await row(store.db);
    const version = known && (await versionRow(known.version));
    if (!known || !version) return;
    const now = world.clock.now();
    if (version.issued_at + manifestLifeMs - now < manifestRenewBeforeMs) {
      await publishVersion(false);
      return;
    }
    if (known.not_after - now > headRenewBeforeMs) return;
    const head = await store.write(signHead);
    world.log('info', 'negativeHeadRenewed', { list, version: known.version });
    publish(head);
  }
  const renewing = world.timers.every(checkMs, () => later(renew()));

  /** Notes a card for a source; undefined when the source lists it already. */
  async function insert(
    tx: Transaction<Database>,
    card: { readonly tag: Uint8Array; readonly token: string; readonly last_four: string; readonly reason: string },
    source: string,
    by: Actor,
  ) {
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

  const cardOf = (pan: Secret<'pan'>, reason: string) => ({
    tag: macOf(pan),
    token: vault.panToken(pan),
    last_four: lastFour(pan),
    reason,
  });

  return {
    get state() {
      return latest;
    },
    async entries() {
      const { count } = await store.db
        .selectFrom('negative_cards')
        .select((all) => all.fn.count<number>('token').distinct().as('count'))
        .where('list', '=', list)
        .executeTakeFirstOrThrow();
      return Number(count);
    },
    async overview(page) {
      const after = numberOfCursor(page.cursor);
      if (!after.ok) return after;
      const limit = boundedLimit(page.limit);
      let query = store.db.selectFrom('negative_cards').selectAll().where('list', '=', list);
      if (after.value !== undefined) query = query.where('id', '<', after.value);
      const rows = await query
        .orderBy('id', 'desc')
        .limit(limit + 1)
        .execute();
      const { items, next } = pageOf(rows, limit, ({ id }) => id, entryView);
      const { version, overlaySeq } = latest;
      return ok({ list, version, overlaySeq, entries: [...items], next, terminals: await countTerminals() });
    },
    async add(pan, reason, by, source = 'manual') {
      if (!pan.use(hasCheckDigit)) return fail('PAN_INVALID', { field: 'pan' });
      const card = cardOf(pan, reason);
      // A full overlay becomes a version first: an emergency never waits for a person.
      if ((await overlayEntries(store.db)).length >= overlayMax) await publishVersion(false);
      const added = await store.write(async (tx) => {
        const inserted = await insert(tx, card, source, by);
        if (!inserted) {
          const entry = await tx
            .selectFrom('negative_cards')
            .selectAll()
            .where('list', '=', list)
            .where('token', '=', card.token)
            .where('source', '=', source)
            .executeTakeFirstOrThrow();
          return { entry, already: true };
        }
        if (!inserted.isNew) return { entry: inserted.row, already: false };
        await tx
          .updateTable('negative_lists')
          .set((all) => ({ overlay_seq: all('overlay_seq', '+', 1) }))
          .where('list', '=', list)
          .execute();
        return { entry: inserted.row, already: false, head: await signHead(tx) };
      });
      if (added.head) {
        publish(added.head);
        world.log('info', 'negativeEntryAdded', {
          list,
          overlaySeq: latest.overlaySeq,
          token: card.token,
          by: by.subject,
        });
        rooms.announce();
      }
      const { version, overlaySeq } = latest;
      return ok({ entry: entryView(added.entry), version, overlaySeq, already: added.already });
    },
    async remove(pan, source, by, isSignedTwice) {
      const rows = await store.db
        .selectFrom('negative_cards')
        .select('id')
        .where('list', '=', list)
        .where('token', '=', vault.panToken(pan))
        .where('source', '=', source)
        .execute();
      if (rows.length === 0) return fail('NEGATIVE_ENTRY_UNKNOWN');
      await store.write((tx) =>
        drop(
          tx,
          rows.map(({ id }) => id),
          by,
        ),
      );
      return ok(await publishVersion(isSignedTwice));
    },
    async importList({ source, mode, text, secondSignature }, by) {
      const file = readImportFile(text);
      const before = await store.db
        .selectFrom('negative_cards')
        .select(['id', 'token'])
        .where('list', '=', list)
        .where('source', '=', source)
        .execute();
      const known = new Map(before.map(({ token, id }) => [token, id]));
      const named = new Set<string>();
      let added = 0;
      // In parts, so that an emergency entry never waits for a long transaction.
      for (let start = 0; start < file.cards.length; start += importBatch) {
        const cards = file.cards
          .slice(start, start + importBatch)
          .map(({ pan, reason }) => cardOf(secretPan(pan), reason));
        for (const { token } of cards) named.add(token);
        const fresh = cards.filter(({ token }) => !known.has(token));
        added += fresh.length;
        if (fresh.length > 0)
          await store.write(async (tx) => {
            for (const card of fresh) await insert(tx, card, source, by);
          });
      }
      const gone = mode === 'replace' ? [...known].filter(([token]) => !named.has(token)).map(([, id]) => id) : [];
      for (let start = 0; start < gone.length; start += importBatch)
        await store.write((tx) => drop(tx, gone.slice(start, start + importBatch), by));
      world.log('info', 'negativeListImported', {
        source,
        added,
        removed: gone.length,
        refused: file.refused.length,
        by: by.subject,
      });
      const published = await publishVersion(secondSignature);
      return { ...published, added, removed: gone.length, kept: known.size - gone.length, refused: [...file.refused] };
    },
    async addRange({ low, high, until }, by) {
      if (low.length !== high.length || low > high) return fail('INPUT_INVALID', { field: 'high' });
      const range = {
        digits: low.length,
        low: Number(low),
        high: Number(high),
        not_after: Math.floor(Date.parse(until) / 1_000),
      };
      await store.db
        .insertInto('negative_ranges')
        .values({ list, ...range })
        .execute();
      world.log('info', 'negativeRangeAdded', { low, high, until, by: by.subject });
      return ok(await publishVersion(false));
    },
    publishVersion,
    async diff(from, to) {
      const [base, head] = [await versionRow(from), await versionRow(to)];
      if (!base || !head) return fail('NEGATIVE_VERSION_UNKNOWN');
      const name = await publishing.locate(negativeNames.delta(base.root, head.root));
      const delta = name === undefined ? undefined : await rooms.artefacts.find(name);
      if (!delta) return fail('NEGATIVE_VERSION_UNKNOWN');
      const bytes = await readFile(delta.path);
      return ok({
        from,
        to,
        added: bytes.readUIntBE(12, 3),
        removed: bytes.readUIntBE(15, 3),
        deltaBytes: delta.size,
        snapshotBytes: head.size,
      });
    },
    async explain(pan) {
      const token = vault.panToken(pan);
      const entries = await store.db
        .selectFrom('negative_cards')
        .selectAll()
        .where('list', '=', list)
        .where('token', '=', token)
        .execute();
      const changes = await store.db
        .selectFrom('negative_changes')
        .selectAll()
        .where('list', '=', list)
        .where('token', '=', token)
        .orderBy('id', 'desc')
        .limit(100)
        .execute();
      return {
        listed: entries.length > 0,
        lastFour: lastFour(pan),
        token,
        entries: entries.map((entry) => ({ ...entryView(entry), version: entry.version })),
        changes: changes.map(({ at, kind, source, reason, by }) => ({ at: isoTime(at), kind, source, reason, by })),
      };
    },
    async prove(pan, serial, at) {
      const applied = await store.db
        .selectFrom('negative_applied_log')
        .selectAll()
        .where('serial', '=', serial)
        .where('list', '=', list)
        .where('at', '<=', at)
        .orderBy('id', 'desc')
        .executeTakeFirst();
      if (!applied) return fail('NEGATIVE_PROOF_UNAVAILABLE', { field: 'at' });
      const head = await store.db
        .selectFrom('negative_heads')
        .selectAll()
        .where('list', '=', list)
        .where('version', '=', applied.version)
        .where('overlay_seq', '=', applied.overlay_seq)
        .executeTakeFirst();
      const version = await versionRow(applied.version);
      const [container, manifest, root] = [
        version && (await rooms.artefacts.find(version.container)),
        version && (await rooms.artefacts.find(version.manifest)),
        await signing.rootDocument(signing.root.version),
      ];
      if (!head || !container || !manifest || !root) return fail('NEGATIVE_PROOF_UNAVAILABLE', { field: 'version' });
      const mac = macOf(pan);
      const opened = openContainer(Uint8Array.from(await readFile(container.path)));
      if (!opened.ok) return fail('NEGATIVE_PROOF_UNAVAILABLE', { cause: opened.fault });
      const claim = encodeClaim({
        serial,
        at: isoTime(at),
        lastFour: lastFour(pan),
        mac: Buffer.from(mac).toString('base64'),
        leadingDigits: pan.use((digits) => Buffer.from(digits.subarray(0, 6)).toString('latin1')),
        terminal: { version: applied.version, overlaySeq: applied.overlay_seq, saidAt: isoTime(applied.at) },
      });
      return ok({
        format: 'tsunagu-negative-proof-v1',
        claim: Buffer.from(encodeSigned(signing.sign('claim', claim))).toString('base64'),
        root: Buffer.from(root).toString('base64'),
        head: head.head,
        manifest: (await readFile(manifest.path)).toString('base64'),
        ...proveIn(opened.value, mac),
      });
    },
    async isListed(pan) {
      const hit = await store.db
        .selectFrom('negative_cards')
        .select('id')
        .where('list', '=', list)
        .where('token', '=', vault.panToken(pan))
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
      const isNew = said.version > 0 && (before?.version !== now.version || before.overlay_seq !== now.overlay_seq);
      if (isNew)
        await tx
          .insertInto('negative_applied_log')
          .values({ serial, list, version: said.version, overlay_seq: said.overlaySeq, at: world.clock.now() })
          .execute();
      return isNew;
    },
    locate: (name) => publishing.locate(name),
    async root() {
      return (await signing.rootDocument(signing.root.version)) ?? new Uint8Array(0);
    },
    details,
    async republish() {
      await renew();
      const known = await row(store.db);
      if (known) rooms.publish(list, Uint8Array.from(Buffer.from(known.head, 'base64')));
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

  /** What one terminal that is behind may approve until it hears of the newest head: by signed policy and desired floor limit. */
  function exposureOf(model: string): number {
    if (modelOf(model)?.offline !== true) return 0;
    const { offlineCountMax, offlineAmountMaxMinor } = signing.root.policy;
    return Math.min(offlineAmountMaxMinor, offlineCountMax * rooms.floorLimitMinor());
  }

  async function details(): Promise<NegativeStateView> {
    const state = await store.db
      .selectFrom('negative_lists')
      .selectAll()
      .where('list', '=', list)
      .executeTakeFirstOrThrow();
    const versions = await store.db
      .selectFrom('negative_versions')
      .selectAll()
      .where('list', '=', list)
      .orderBy('version', 'desc')
      .limit(20)
      .execute();
    const sources = await store.db
      .selectFrom('negative_cards')
      .select((all) => ['source', all.fn.countAll<number>().as('cards')])
      .where('list', '=', list)
      .groupBy('source')
      .orderBy('source')
      .execute();
    const terminals = await store.db
      .selectFrom('terminals')
      .leftJoin('negative_applied', (join) =>
        join.onRef('negative_applied.serial', '=', 'terminals.serial').on('negative_applied.list', '=', list),
      )
      .select(['terminals.serial', 'terminals.model', 'version', 'overlay_seq', 'fresh_at'])
      .execute();
    const behind = terminals
      .filter(({ version, overlay_seq }) => version !== state.version || overlay_seq !== state.overlay_seq)
      .map(({ serial, model, version, overlay_seq, fresh_at }) => ({
        serial,
        version: version ?? 0,
        overlaySeq: overlay_seq ?? 0,
        freshAt: fresh_at ? isoTime(fresh_at) : null,
        exposureMinor: exposureOf(model),
      }))
      .sort((a, b) => b.exposureMinor - a.exposureMinor);
    const head = await store.db
      .selectFrom('negative_heads')
      .select('issued_at')
      .where('list', '=', list)
      .where('version', '=', state.version)
      .where('overlay_seq', '=', state.overlay_seq)
      .executeTakeFirst();
    const last = await store.db
      .selectFrom('negative_applied_log')
      .select((all) => all.fn.max<number | null>('at').as('at'))
      .where('list', '=', list)
      .where('version', '=', state.version)
      .where('overlay_seq', '=', state.overlay_seq)
      .executeTakeFirst();
    return {
      list,
      epoch: state.epoch,
      version: state.version,
      overlaySeq: state.overlay_seq,
      cards: versions[0]?.count ?? 0,
      sizeBytes: state.size,
      headIssuedAt: isoTime(state.not_after - headLifeMs),
      headNotAfter: isoTime(state.not_after),
      versions: versions.map(({ version, count, size, issued_at }) => ({
        version,
        count,
        sizeBytes: size,
        issuedAt: isoTime(issued_at),
      })),
      sources: sources.map(({ source, cards }) => ({ source, cards: Number(cards) })),
      spread: {
        reached: terminals.length - behind.length,
        total: terminals.length,
        lastMs: head && last?.at ? Math.max(0, Number(last.at) - head.issued_at) : null,
      },
      exposureMinor: behind.reduce((sum, { exposureMinor }) => sum + exposureMinor, 0),
      behind: behind.slice(0, behindShown),
    };
  }
}

const importBatch = 500;

/** Head and overlay as they were stored, and what they say in short. */
interface SignedHead {
  readonly bytes: Uint8Array;
  readonly state: NegativeState;
}

const numberOf = (reason: string): number =>
  Math.max(
    0,
    negativeReasons.findIndex((known) => known === reason),
  );

const entryView = (row: {
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
