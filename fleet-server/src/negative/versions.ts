import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { negativeNames, type NegativePublished } from '@tsunagu/protocols/fleet';
import { fail, ok, type Result, unwrap } from '@tsunagu/protocols/kit';
import {
  type Beside,
  countOf,
  deltaCounts,
  encodeContainer,
  exceptionsMax,
  hashBitsFor,
  type NegativeSet,
} from '@tsunagu/protocols/negative';
import {
  countLetGo,
  decodeSigned,
  encodeSigned,
  genuineSigners,
  keysFor,
  lettingGo,
  type NegativeSignature,
  type SignedBytes,
  withSignature,
} from '@tsunagu/protocols/negative/authority';
import type { Selectable } from 'kysely';
import { z } from 'zod';
import { areApart, owner, personOf } from '../audit/index.ts';
import type { Queryable } from '../store/index.ts';
import type { NegativeTables } from './tables.ts';
import type { Heads } from './heads.ts';
import type { Actor, ListParts, Negative } from './ports.ts';
import { keepingAll, setOf } from './publishing.ts';
import { headRenewBeforeMs, manifestLifeMs, manifestRenewBeforeMs, shrinks } from './rules.ts';

/** What hashes are wide enough for, with 24 bits of fingerprint. */
const cardsPlanned = 1_000_000;

const hexDigest = z.string().regex(/^[0-9a-f]{64}$/);
const whole = z.number().int().nonnegative();
/** A version whose files are on disk and whose manifest wants signatures. */
export const preparedVersion = z.object({
  epoch: whole,
  version: whole,
  codec: z.enum(['KH', 'KP']).default('KH'),
  hashBits: whole,
  /** The key that it is made with; in what older servers prepared, the first. */
  tagKey: z.string().default('negative/tags/1'),
  root: hexDigest,
  container: hexDigest,
  steps: hexDigest,
  count: whole,
  size: whole,
  /** How many list keys have to sign it. */
  signers: z.union([z.literal(1), z.literal(2)]),
  /** The newest card that is in it. */
  lastId: whole,
  countFloor: whole,
  /** The newest change that it says; undefined where it holds some back. */
  settled: whole.optional(),
  /** What one signature has let go with it. */
  letGo: z.object({ cards: z.number().nonnegative(), at: whole }).default({ cards: 0, at: 0 }),
});
export type PreparedVersion = z.infer<typeof preparedVersion>;

/** SHA-256 of what a document says, hex: what a signature that is brought names it by. */
export const payloadDigest = ({ payload }: SignedBytes): string => createHash('sha256').update(payload).digest('hex');

/** The making of versions. */
export interface Versions {
  /**
   * A new version out of all entries; where list keys lie elsewhere it waits for their signatures, and takes the place of one that waited. A
   * list that lets more go than one signature may keeps what was taken off it until there are two; what is new on it goes out all the same.
   *
   * @param isDue a new version is wanted, whatever changed
   */
  publish(isDue?: boolean): Promise<NegativePublished>;
  /** The same, by whoever gives the second signature; nobody gives it to what they let go themselves. */
  publishBy: Negative['publishVersion'];
  pending(): Promise<{ readonly facts: PreparedVersion; readonly document: SignedBytes } | undefined>;
  addSignature(
    digest: string,
    signature: NegativeSignature,
  ): Promise<Result<NegativePublished, 'NEGATIVE_VERSION_UNKNOWN' | 'SIGNATURE_INVALID'>>;
  renew(): Promise<void>;
  /** Signs the head anew, whatever is left of it. */
  renewHead(): Promise<void>;
  /** A version under the key that is wanted, where the one in force is under another and none waits for its signatures. */
  retag(): Promise<void>;
  diff: Negative['diff'];
}

/** Whether a list of that codec can have a card: an exact one has those whose place is known. */
const isIn =
  ({ codec }: NegativeSet) =>
  ({ place }: { readonly place: Uint8Array | null }): boolean =>
    codec === 'KH' || place !== null;

/** A list, and what the version in force refuses beside it; undefined in another codec or width, where nobody can tell one card from another. */
const withWhatWentOff = (wanted: NegativeSet, base: NegativeSet | undefined): NegativeSet | undefined =>
  base?.codec === wanted.codec && base.hashBits === wanted.hashBits ? keepingAll(wanted, base) : undefined;

/** A card under the key that takes over. Nobody is asked to make a version before every card has its tag. */
const underNext = ({
  next_tag,
  next_place,
  reason,
}: Pick<Selectable<NegativeTables['negative_cards']>, 'next_tag' | 'next_place' | 'reason'>) => ({
  tag: next_tag ?? lost(),
  place: next_place,
  reason,
});
function lost(): never {
  throw new Error('a card or exception has no tag under the key that takes over');
}

const digestOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

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
export function openVersions(parts: ListParts, heads: Heads): Versions {
  const { rooms, list, publishing, signing } = parts;
  const { world, store } = rooms;
  const { row, versionRow } = openRows(parts);

  /** @param isDue a new version is wanted, changed or not */
  async function publishNow(second?: Actor, isDue = false): ReturnType<Negative['publishVersion']> {
    const known = await row(store.db);
    const newest = await store.db
      .selectFrom('negative_changes')
      .select((all) => all.fn.max<number | null>('id').as('id'))
      .where('list', '=', list)
      .executeTakeFirst();
    const settled = Number(newest?.id ?? 0);
    const codec = await parts.codec();
    const tagKey = rooms.tagKeys.wanted;
    const isRetagged = known !== undefined && known.tag_key !== tagKey;
    // Another codec or key is another epoch: no delta leads there.
    const epoch = known ? known.epoch + (known.codec === codec && !isRetagged ? 0 : 1) : 1;
    const hashBits = known?.hash_bits ?? hashBitsFor(cardsPlanned, 24);
    const version = (known?.version ?? 0) + 1;
    const cards = await store.db
      .selectFrom('negative_cards')
      .select(['id', 'tag', 'place', 'next_tag', 'next_place', 'reason'])
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
      .select(['second', 'next_second'])
      .where('negative_exceptions.list', '=', list)
      .where('negative_cards.id', 'is', null)
      .orderBy('second')
      .execute();
    const besideOf = (seconds: readonly number[]): Beside => ({
      ranges: ranges.map(({ digits, low, high, not_after: notAfter }) => ({ digits, low, high, notAfter })),
      exceptions: [...new Set(seconds)].sort((a, b) => a - b).slice(0, exceptionsMax),
    });
    const beside = besideOf(exceptions.map(({ second }) => second));
    const wanted = isRetagged
      ? setOf(
          codec,
          hashBits,
          cards.map(underNext),
          besideOf(exceptions.map(({ next_second }) => next_second ?? lost())),
        )
      : setOf(codec, hashBits, cards, beside);
    const floor = known?.count_floor ?? 0;
    const inForce = known && (await publishing.read(known.digest));
    const base = inForce?.ok ? inForce.value : undefined;
    const isOtherEpoch = base !== undefined && (countOf(base) > 0 || isRetagged) && epoch !== known?.epoch;
    // What goes is judged as the version in force has it, whatever codec comes.
    const alike = isOtherEpoch ? setOf(base.codec, base.hashBits, cards.filter(isIn(base)), beside) : wanted;
    const before = { cards: known?.let_go ?? 0, at: known?.let_go_at ?? 0 };
    const counted = (going: number) => countLetGo(before, base ? countOf(base) : 0, going, nowSeconds);
    const going = base ? lettingGo(base, alike, nowSeconds) : 0;
    const isTooMuch = shrinks(countOf(wanted), floor) || !counted(going);
    const isSecond = isTooMuch && second !== undefined;
    // Where both keys are here, it is people who are two; elsewhere their keepers are.
    if (isSecond && signing.holdsTwo(list)) {
      const refusal = await notSecond(second, known?.settled ?? 0);
      if (refusal) return refusal;
    }
    const isHeldBack = isTooMuch && !isSecond;
    const set = isHeldBack ? withWhatWentOff(wanted, isRetagged ? undefined : base) : wanted;
    const count = set ? countOf(set) : countOf(wanted);
    if (isHeldBack) {
      const { fault } = fail('NEGATIVE_SHRINKS', { facts: { count: countOf(wanted), floor, going } });
      world.log('warn', 'negativeNotPublished', { list, fault });
    }
    if (!set || (isHeldBack && !isDue && digestOf(encodeContainer(set)) === known?.digest)) {
      const said = { version: known?.version ?? 0, count, published: false };
      return ok({ ...said, needsSecondSignature: true, awaitsSignatures: false });
    }
    // Terminals may be at any base: whoever was there before the list shrank needs both signatures too.
    const largest = await store.db
      .selectFrom('negative_versions')
      .select((all) => all.fn.max<number | null>('count').as('count'))
      .where('list', '=', list)
      .where('epoch', '=', epoch)
      .executeTakeFirst();
    const needsTwo = isOtherEpoch || (isTooMuch && !isHeldBack) || shrinks(count, Number(largest?.count ?? 0));
    const { manifest, ...files } = await publishing.make({
      list,
      epoch,
      version,
      set,
      tagKey,
      isSignedTwice: needsTwo,
    });
    const prepared: PreparedVersion = {
      ...files,
      epoch,
      version,
      codec,
      hashBits,
      tagKey,
      signers: needsTwo ? 2 : 1,
      lastId: cards.reduce((max, { id }) => Math.max(max, id), 0),
      countFloor: isSecond ? files.count : Math.max(floor, files.count),
      ...(!isHeldBack && { settled }),
      letGo: counted(needsTwo || isHeldBack ? 0 : going) ?? before,
    };
    if (manifest.signatures.length >= prepared.signers)
      return ok({ ...(await complete(prepared, manifest)), needsSecondSignature: isHeldBack });
    const waiting = {
      document: Buffer.from(encodeSigned(manifest)).toString('base64'),
      facts: JSON.stringify(prepared),
    };
    await store.write((tx) =>
      tx
        .insertInto('negative_pending')
        .values({ list, ...waiting })
        .onConflict((conflict) => conflict.column('list').doUpdateSet(waiting))
        .execute(),
    );
    world.log('info', 'negativeVersionAwaitsSignatures', { list, version, signers: prepared.signers });
    const said = { version: known?.version ?? 0, count, published: false };
    return ok({ ...said, needsSecondSignature: isHeldBack, awaitsSignatures: true });
  }

  /** Why somebody cannot give the second signature: who let cards go since `settled` has given the first. */
  async function notSecond(
    by: Actor,
    settled: number,
  ): Promise<Result<never, 'APPROVAL_OWN' | 'APPROVAL_NOT_APART'> | undefined> {
    const firsts = await store.db
      .selectFrom('negative_changes')
      .select(['by', 'person'])
      .distinct()
      .where('list', '=', list)
      .where('id', '>', settled)
      .where('kind', 'in', ['unlisted', 'allowed'])
      .execute();
    const own = personOf(by);
    for (const first of firsts) {
      const person = first.person ?? first.by;
      if (person === own || first.by === by.subject) return fail('APPROVAL_OWN');
      // The owner has the keys at hand whoever else is asked, and is one person all the same.
      if (person !== owner && own !== owner && !(await areApart(store.db, person, own)))
        return fail('APPROVAL_NOT_APART');
    }
    return undefined;
  }

  /** Publishes a version whose manifest has its signatures; a root that waited for it comes into force with it. */
  async function complete(prepared: PreparedVersion, manifest: SignedBytes): Promise<NegativePublished> {
    const { version, epoch, codec, hashBits, root, container, steps, count, size, lastId, countFloor, letGo } =
      prepared;
    const { settled, tagKey } = prepared;
    const { digest } = await rooms.artefacts.put(encodeSigned(manifest));
    const head = await store.write(async (tx) => {
      const facts = {
        version,
        digest: container,
        size,
        epoch,
        codec,
        hash_bits: hashBits,
        tag_key: tagKey,
        count_floor: countFloor,
        let_go: letGo.cards,
        let_go_at: letGo.at,
        ...(settled !== undefined && { settled }),
      };
      const before = await row(tx);
      await tx
        .insertInto('negative_lists')
        .values({ list, settled: 0, ...facts, overlay_seq: 0, head: '', not_after: 0 })
        .onConflict((conflict) => conflict.column('list').doUpdateSet(facts))
        .execute();
      const issued_at = world.clock.now();
      await tx
        .insertInto('negative_versions')
        .values({
          list,
          epoch,
          version,
          root,
          container,
          steps,
          manifest: digest,
          count,
          size,
          issued_at,
          tag_key: tagKey,
        })
        .execute();
      // With the version every card and exception goes under its key, those too that came while the files were written.
      if (before && before.tag_key !== tagKey) {
        await tx
          .updateTable('negative_cards')
          .set((all) => ({
            tag: all.ref('next_tag').$notNull(),
            place: all.ref('next_place'),
            next_tag: null,
            next_place: null,
          }))
          .where('list', '=', list)
          .execute();
        // What is left without one is an exception for a card that is listed, and none.
        await tx.deleteFrom('negative_exceptions').where('list', '=', list).where('next_second', 'is', null).execute();
        await tx
          .updateTable('negative_exceptions')
          .set((all) => ({ second: all.ref('next_second').$notNull(), next_second: null }))
          .where('list', '=', list)
          .execute();
      }
      // Entries that came while the files were written stay in the overlay.
      await tx
        .updateTable('negative_cards')
        .set({ version })
        .where('list', '=', list)
        .where('version', 'is', null)
        .where('id', '<=', lastId)
        .execute();
      await tx.deleteFrom('negative_pending').where('list', '=', list).execute();
      await signing.adopt(tx);
      return await heads.sign(tx, signing.signingRoot.version);
    });
    const isRootNew = signing.next !== undefined;
    await signing.adopted();
    world.log('info', 'negativeListPublished', { list, version, root, count, size });
    heads.publish(head);
    // Under another root every list's head is signed anew.
    if (isRootNew) await parts.renewOthers();
    rooms.announce();
    return { version, count, published: true, needsSecondSignature: false, awaitsSignatures: false };
  }

  /** What waits for signatures; undefined when nothing does. */
  async function pending(): Promise<{ readonly facts: PreparedVersion; readonly document: SignedBytes } | undefined> {
    const row = await store.db.selectFrom('negative_pending').selectAll().where('list', '=', list).executeTakeFirst();
    if (!row) return undefined;
    const { document } = unwrap(decodeSigned(Uint8Array.from(Buffer.from(row.document, 'base64'))));
    return { facts: preparedVersion.parse(JSON.parse(row.facts)), document };
  }

  /** Takes a signature of the manifest that waits, and publishes when it was the last that was missing. */
  async function addSignature(digest: string, signature: NegativeSignature): ReturnType<Versions['addSignature']> {
    const waiting = await pending();
    if (!waiting || payloadDigest(waiting.document) !== digest)
      return fail('NEGATIVE_VERSION_UNKNOWN', { field: 'digest' });
    const signed = withSignature(waiting.document, signature);
    const keys = keysFor(signing.signingRoot, 'list', list, Math.floor(world.clock.now() / 1_000));
    const genuine = genuineSigners('manifest', signed, keys);
    if (genuine < signed.signatures.length) return fail('SIGNATURE_INVALID', { field: 'signature' });
    if (genuine >= waiting.facts.signers) return ok(await complete(waiting.facts, signed));
    const document = Buffer.from(encodeSigned(signed)).toString('base64');
    await store.write((tx) => tx.updateTable('negative_pending').set({ document }).where('list', '=', list).execute());
    const { version, count } = waiting.facts;
    return ok({ version: version - 1, count, published: false, needsSecondSignature: false, awaitsSignatures: true });
  }

  let publishingNow: Promise<unknown> = Promise.resolve();
  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = publishingNow.then(work, work);
    publishingNow = turn.catch(() => undefined);
    return turn;
  }
  const publishBy = (second?: Actor): ReturnType<Negative['publishVersion']> => inTurn(() => publishNow(second));
  const publish = (isDue = false): Promise<NegativePublished> =>
    inTurn(async () => unwrap(await publishNow(undefined, isDue)));

  /** Signs a new head, or publishes a new version, before the old one ends. */
  async function renew(): Promise<void> {
    const known = await row(store.db);
    const version = known && (await versionRow(known.version));
    if (!known || !version) return;
    const now = world.clock.now();
    // One that waits for its signatures is not made again and again; the head is signed meanwhile.
    if (version.issued_at + manifestLifeMs - now < manifestRenewBeforeMs && !(await pending())) {
      await publish(true);
      return;
    }
    if (known.not_after - now > headRenewBeforeMs) return;
    await renewHead();
  }

  async function retag(): Promise<void> {
    const known = await row(store.db);
    if (!known || known.tag_key === rooms.tagKeys.wanted || (await pending())) return;
    await publish(true);
  }

  async function renewHead(): Promise<void> {
    const known = await row(store.db);
    if (!known) return;
    const head = await store.write((tx) => heads.sign(tx));
    world.log('info', 'negativeHeadRenewed', { list, version: known.version });
    heads.publish(head);
  }

  async function diff(from: number, to: number): ReturnType<Negative['diff']> {
    const [base, head] = [await versionRow(from), await versionRow(to)];
    if (!base || !head) return fail('NEGATIVE_VERSION_UNKNOWN');
    const name = await publishing.locate(negativeNames.delta(base.root, head.root));
    const delta = name === undefined ? undefined : await rooms.artefacts.find(name);
    if (!delta) return fail('NEGATIVE_VERSION_UNKNOWN');
    const counts = deltaCounts(await readFile(delta.path));
    // One of an older server: the lists themselves are there, and who wants the delta makes it anew.
    if (!counts) return fail('NEGATIVE_VERSION_UNKNOWN');
    return ok({
      from,
      to,
      ...counts,
      deltaBytes: delta.size,
      snapshotBytes: head.size,
    });
  }

  return {
    publish,
    publishBy,
    pending,
    addSignature: (digest: string, signature: NegativeSignature) => inTurn(() => addSignature(digest, signature)),
    renew,
    renewHead,
    retag,
    diff,
  };
}
