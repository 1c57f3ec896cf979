import { type NegativeKeyRotation, permits, type RotationLack, type Serial } from '@tsunagu/protocols/fleet';
import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import type { Transaction } from 'kysely';
import { isUnmarked } from '../negative/index.ts';
import { type Database, isoTime, type Queryable, type Store } from '../store/index.ts';
import { eraseSubject, loadSubject } from './rules.ts';
import { slotOfTagKey, type TagRotation, type TagRotationRow } from './tag-rotation.ts';

/** As many terminals as are named. */
const lackingShown = 100;

/** The rotation of the key of negative lists, as people order it and look at it. */
export interface TagRotations {
  /** KEY_ROTATION_NONE: the key never gave way to another. */
  progress(): Promise<Result<NegativeKeyRotation, 'KEY_ROTATION_NONE'>>;
  /**
   * Puts every list under the key that was spread. NEGATIVE_CARDS_UNTAGGED: cards whose numbers did not come again; KEY_ROTATION_LACKING: terminals
   * that do not hold it, unless they are left behind: they approve nothing offline until they do.
   */
  switchTo(key: string, leaveBehind: boolean): Promise<Result<NegativeKeyRotation>>;
}

export function openTagRotations(store: Store, tags: TagRotation, retag: () => Promise<void>): TagRotations {
  /** Terminals that proved a key, and not the other one. */
  const holding = (on: Queryable, key: string, without: string) =>
    on
      .selectFrom('key_ledger as held')
      .where('held.parent_key', '=', key)
      .where('held.state', '=', 'loaded')
      .where((all) =>
        all.not(
          all.exists(
            all
              .selectFrom('key_ledger as other')
              .select('other.id')
              .whereRef('other.serial', '=', 'held.serial')
              .where('other.parent_key', '=', without)
              .where('other.state', '=', 'loaded'),
          ),
        ),
      );
  const countOf = async (query: ReturnType<typeof holding>): Promise<number> => {
    const { count } = await query
      .select((all) => all.fn.count<number>('held.serial').distinct().as('count'))
      .executeTakeFirstOrThrow();
    return Number(count);
  };
  const proven = (on: Queryable, key: string) => holding(on, key, '');

  /** Cards and exceptions whose numbers did not come since the rotation began, by list and source. */
  async function untagged(on: Queryable, from: string) {
    const cards = await on
      .selectFrom('negative_cards')
      .innerJoin('negative_lists', 'negative_lists.list', 'negative_cards.list')
      .select((all) => ['negative_cards.list', 'source', all.fn.countAll<number>().as('cards')])
      .where('tag_key', '=', from)
      .where(isUnmarked)
      .groupBy(['negative_cards.list', 'source'])
      .orderBy('negative_cards.list')
      .orderBy('source')
      .execute();
    const exceptions = await on
      .selectFrom('negative_exceptions')
      .innerJoin('negative_lists', 'negative_lists.list', 'negative_exceptions.list')
      .leftJoin('negative_cards', (join) =>
        join
          .onRef('negative_cards.list', '=', 'negative_exceptions.list')
          .onRef('negative_cards.token', '=', 'negative_exceptions.token'),
      )
      .select((all) => ['negative_exceptions.list', all.fn.countAll<number>().as('cards')])
      .where('tag_key', '=', from)
      .where('next_second', 'is', null)
      // Whoever is listed is no exception.
      .where('negative_cards.id', 'is', null)
      .groupBy('negative_exceptions.list')
      .execute();
    return { cards, exceptions };
  }

  /** Why terminals have not come along: those of the first, which lack the key; or, once lists are under it, those which still hold the old one. */
  async function lacking({ key, from_key, begun_at, switched_at }: TagRotationRow, isSwitched: boolean) {
    const slot = slotOfTagKey(isSwitched ? from_key : key);
    const subject = isSwitched ? eraseSubject(slot) : loadSubject(slot);
    const rows = await (isSwitched ? proven(store.db, from_key) : holding(store.db, from_key, key))
      .innerJoin('terminals', 'terminals.serial', 'held.serial')
      .leftJoin('presence', 'presence.serial', 'held.serial')
      .leftJoin('protection_keys', 'protection_keys.serial', 'held.serial')
      .select(['held.serial', 'lifecycle', 'presence.state as link', 'presence.since', 'protection_keys.vault_key'])
      .distinct()
      .orderBy('held.serial')
      .limit(lackingShown)
      .execute();
    const lacks: RotationLack[] = [];
    for (const { serial, lifecycle, link, since, vault_key } of rows) {
      const job = await store.db
        .selectFrom('jobs')
        .select(['state', 'fault'])
        .where('serial', '=', serial)
        .where('subject', '=', subject)
        .where('created_at', '>=', isSwitched ? (switched_at ?? begun_at) : begun_at)
        .orderBy('created_at', 'desc')
        .executeTakeFirst();
      const isOpen = job !== undefined && ['queued', 'offered', 'running'].includes(job.state);
      const why: RotationLack['why'] = !permits(lifecycle, 'beKeyed')
        ? 'state'
        : vault_key === null
          ? 'unprotected'
          : link !== 'ready'
            ? 'away'
            : isOpen
              ? 'under-way'
              : job?.fault
                ? 'refused'
                : 'next-contact';
      const detail = why === 'state' ? lifecycle : why === 'refused' ? (job?.fault ?? null) : null;
      lacks.push({ serial, why, detail, since: link !== 'ready' && since !== null ? isoTime(since) : null });
    }
    return lacks;
  }

  async function progress(): Promise<Result<NegativeKeyRotation, 'KEY_ROTATION_NONE'>> {
    const row = await tags.last(store.db);
    if (!row) return fail('KEY_ROTATION_NONE');
    const { key, from_key: from, begun_at, switched_at } = row;
    const lists = await store.db
      .selectFrom('negative_lists')
      .leftJoin('negative_pending', 'negative_pending.list', 'negative_lists.list')
      .select(['negative_lists.list', 'tag_key', 'version', 'negative_pending.list as pending'])
      .orderBy('negative_lists.list')
      .execute();
    const isSwitched = lists.every(({ tag_key }) => tag_key !== from);
    const left = await untagged(store.db, from);
    const ready = await countOf(proven(store.db, key));
    const lackingCount = await countOf(isSwitched ? proven(store.db, from) : holding(store.db, from, key));
    return ok({
      key,
      from,
      state: switched_at === null ? 'spreading' : !isSwitched ? 'switching' : lackingCount > 0 ? 'erasing' : 'over',
      begunAt: isoTime(begun_at),
      switchedAt: switched_at === null ? null : isoTime(switched_at),
      ready,
      lacking: lackingCount,
      terminals: await lacking(row, isSwitched),
      lists: lists.map(({ list, tag_key, version, pending }) => ({
        list,
        key: tag_key,
        version,
        awaitsSignatures: pending !== null,
        untagged: left.cards
          .filter((each) => each.list === list)
          .map(({ source, cards }) => ({ source, cards: Number(cards) })),
        exceptions: Number(left.exceptions.find((each) => each.list === list)?.cards ?? 0),
      })),
    });
  }

  const mayTakeOver =
    (from: string, key: string, leaveBehind: boolean) =>
    async (tx: Transaction<Database>): Promise<Result<void>> => {
      const { cards, exceptions } = await untagged(tx, from);
      const sum = (rows: readonly { readonly cards: number }[]) =>
        rows.reduce((all, each) => all + Number(each.cards), 0);
      if (cards.length + exceptions.length > 0)
        return fail('NEGATIVE_CARDS_UNTAGGED', { facts: { cards: sum(cards), exceptions: sum(exceptions) } });
      const terminals = await countOf(holding(tx, from, key));
      return terminals > 0 && !leaveBehind ? fail('KEY_ROTATION_LACKING', { facts: { terminals } }) : ok(undefined);
    };

  return {
    progress,
    async switchTo(key, leaveBehind) {
      const switched = await tags.switchTo(key, mayTakeOver(tags.wanted, key, leaveBehind));
      if (!switched.ok) return switched;
      await retag();
      return await progress();
    },
  };
}

/** Whether every list that a terminal told of is the one made with the key that the newest is made with. */
export async function haveAllMoved(tx: Transaction<Database>, serial: Serial): Promise<boolean> {
  const behind = await tx
    .selectFrom('negative_lists')
    .leftJoin('negative_applied', (join) =>
      join.onRef('negative_applied.list', '=', 'negative_lists.list').on('negative_applied.serial', '=', serial),
    )
    .leftJoin('negative_versions', (join) =>
      join
        .onRef('negative_versions.list', '=', 'negative_lists.list')
        .onRef('negative_versions.version', '=', 'negative_applied.version'),
    )
    .select('negative_lists.list')
    .where((all) =>
      all.or([
        all('negative_versions.tag_key', 'is', null),
        all('negative_versions.tag_key', '!=', all.ref('negative_lists.tag_key')),
      ]),
    )
    .executeTakeFirst();
  return behind === undefined;
}
