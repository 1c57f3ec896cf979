import { readFile } from 'node:fs/promises';
import { negativeNames, type NegativePublished } from '@tsunagu/protocols/fleet';
import { fail, ok } from '@tsunagu/protocols/kit';
import { exceptionsMax, hashBitsFor, hashTag } from '@tsunagu/protocols/negative';
import type { Queryable } from '../store/index.ts';
import type { Heads } from './heads.ts';
import type { ListParts, Negative } from './ports.ts';
import { headRenewBeforeMs, manifestLifeMs, manifestRenewBeforeMs, shrinks } from './rules.ts';

/** What hashes are wide enough for, with 24 bits of fingerprint. */
const cardsPlanned = 1_000_000;

/** The versions of a list. */
export type Versions = ReturnType<typeof openVersions>;

/** What is stored of a list, and of its versions. */
export function openRows({ rooms: { store }, list }: ListParts) {
  const row = (on: Queryable) =>
    on.selectFrom('negative_lists').selectAll().where('list', '=', list).executeTakeFirst();
  const versionRow = (version: number) =>
    store.db
      .selectFrom('negative_versions')
      .selectAll()
      .where('list', '=', list)
      .where('version', '=', version)
      .executeTakeFirst();
  return { row, versionRow };
}

/** Opens the making of versions. One at a time. */
export function openVersions(parts: ListParts, heads: Heads) {
  const { rooms, list, publishing } = parts;
  const { world, store } = rooms;
  const { row, versionRow } = openRows(parts);

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
    // Whoever is listed meanwhile is no exception any more.
    const exceptions = await store.db
      .selectFrom('negative_exceptions')
      .leftJoin('negative_cards', (join) =>
        join
          .onRef('negative_cards.list', '=', 'negative_exceptions.list')
          .onRef('negative_cards.token', '=', 'negative_exceptions.token'),
      )
      .select('second')
      .where('negative_exceptions.list', '=', list)
      .where('negative_cards.id', 'is', null)
      .distinct()
      .orderBy('second')
      .limit(exceptionsMax)
      .execute();
    const beside = {
      ranges: ranges.map(({ digits, low, high, not_after: notAfter }) => ({ digits, low, high, notAfter })),
      exceptions: exceptions.map(({ second }) => second),
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
      return await heads.sign(tx);
    });
    world.log('info', 'negativeListPublished', { list, version, root: made.root, count: made.count, size: made.size });
    heads.publish(head);
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

  /** Signs a new head, or publishes a new version, before the old one ends. */
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
    const head = await store.write(heads.sign);
    world.log('info', 'negativeHeadRenewed', { list, version: known.version });
    heads.publish(head);
  }

  async function diff(from: number, to: number): ReturnType<Negative['diff']> {
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
  }

  return { publish: publishVersion, renew, diff };
}
