import { canonicalJson, sha256 } from '@tsunagu/protocols/audit';
import {
  type NegativeKeyRotation,
  permits,
  type RotationLack,
  type Serial,
  type TagSlot,
} from '@tsunagu/protocols/fleet';
import { fail, FaultError, ok, type Result } from '@tsunagu/protocols/kit';
import type { World } from '@tsunagu/protocols/world';
import type { Transaction } from 'kysely';
import type { Actor, Approvals } from '../audit/index.ts';
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
  /**
   * Asks that the rotation to a key be broken off; it is when a second person approves (`approvals`), if no list went under the key until then. Asked
   * again while that stands, nothing. KEY_ROTATION_NONE, KEY_ROTATION_SWITCHED, ROLE_INSUFFICIENT.
   */
  askBreakOff(key: string, reason: string, by: Actor): Promise<Result<NegativeKeyRotation>>;
}

/** What rotations need of the rooms around them. */
export interface TagRotationRooms {
  readonly world: Pick<World, 'clock'>;
  readonly store: Store;
  readonly tags: TagRotation;
  readonly approvals: Pick<Approvals, 'request' | 'get' | 'onDecided'>;
  /** Makes versions under the key that is wanted, of lists that are under another. */
  readonly retag: () => Promise<void>;
  /** Takes a job back. */
  readonly takeBack: (tx: Transaction<Database>, job: string) => Promise<void>;
  /** Has terminals that are connected show their keys. */
  readonly askAll: () => void;
}

/** Opens what people order of rotations. */
export function openTagRotations({
  world,
  store,
  tags,
  approvals,
  retag,
  takeBack,
  askAll,
}: TagRotationRooms): TagRotations {
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

  /** What terminals are still to do: `load` the key that takes over, or `erase` the one that gave way, or that was not to take over after all. */
  interface Left {
    readonly slot: TagSlot;
    readonly what: 'load' | 'erase';
    readonly terminals: ReturnType<typeof holding>;
    /** Since when it is asked of them. */
    readonly since: number;
  }
  function leftOf({ key, from_key, begun_at, switched_at, broken_off_at }: TagRotationRow, isSwitched: boolean): Left {
    if (broken_off_at !== null)
      return { slot: slotOfTagKey(key), what: 'erase', terminals: proven(store.db, key), since: broken_off_at };
    return isSwitched
      ? {
          slot: slotOfTagKey(from_key),
          what: 'erase',
          terminals: proven(store.db, from_key),
          since: switched_at ?? begun_at,
        }
      : { slot: slotOfTagKey(key), what: 'load', terminals: holding(store.db, from_key, key), since: begun_at };
  }

  /** Why terminals have not come along. */
  async function lacking({ slot, what, terminals, since: asked }: Left) {
    const subject = what === 'erase' ? eraseSubject(slot) : loadSubject(slot);
    const rows = await terminals
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
        .where('created_at', '>=', asked)
        .orderBy('created_at', 'desc')
        .executeTakeFirst();
      const isOpen = job !== undefined && ['queued', 'offered', 'running'].includes(job.state);
      const why: RotationLack['why'] =
        what === 'load' && !permits(lifecycle, 'beKeyed')
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
    const { key, from_key: from, begun_at, switched_at, broken_off_at } = row;
    const isBrokenOff = broken_off_at !== null;
    const lists = await store.db
      .selectFrom('negative_lists')
      .leftJoin('negative_pending', 'negative_pending.list', 'negative_lists.list')
      .select(['negative_lists.list', 'tag_key', 'version', 'negative_pending.list as pending'])
      .orderBy('negative_lists.list')
      .execute();
    const isSwitched = lists.every(({ tag_key }) => tag_key !== from);
    const cardsLeft = isBrokenOff ? { cards: [], exceptions: [] } : await untagged(store.db, from);
    const ready = await countOf(proven(store.db, key));
    const left = leftOf(row, isSwitched);
    const lackingCount = await countOf(left.terminals);
    const state = (): NegativeKeyRotation['state'] => {
      if (isBrokenOff) return lackingCount > 0 ? 'withdrawing' : 'withdrawn';
      if (switched_at === null) return 'spreading';
      if (!isSwitched) return 'switching';
      return lackingCount > 0 ? 'erasing' : 'over';
    };
    const asked = isBrokenOff ? undefined : await breakOffAsked(row);
    return ok({
      key,
      from,
      state: state(),
      begunAt: isoTime(begun_at),
      switchedAt: switched_at === null ? null : isoTime(switched_at),
      brokenOffAt: isBrokenOff ? isoTime(broken_off_at) : null,
      breakOff: asked
        ? {
            approval: asked.approval.id,
            by: asked.approval.requestedBy,
            reason: asked.reason,
            expiresAt: isoTime(asked.approval.expiresAt),
          }
        : null,
      ready,
      lacking: lackingCount,
      terminals: await lacking(left),
      lists: lists.map(({ list, tag_key, version, pending }) => ({
        list,
        key: tag_key,
        version,
        awaitsSignatures: pending !== null,
        untagged: cardsLeft.cards
          .filter((each) => each.list === list)
          .map(({ source, cards }) => ({ source, cards: Number(cards) })),
        exceptions: Number(cardsLeft.exceptions.find((each) => each.list === list)?.cards ?? 0),
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

  /** What is asked for: that exactly this rotation be broken off. */
  const digestOf = (key: string, begun_at: number, reason: string): string =>
    sha256(canonicalJson({ key, begunAt: begun_at, reason }));

  /** The request to break it off that nobody has decided on. */
  async function breakOffAsked({ key, begun_at }: TagRotationRow) {
    const row = await store.db
      .selectFrom('rotation_break_offs')
      .innerJoin('approvals', 'approvals.id', 'rotation_break_offs.approval')
      .select(['approval', 'rotation_break_offs.reason'])
      .where('key', '=', key)
      .where('begun_at', '=', begun_at)
      .orderBy('requested_at', 'desc')
      .executeTakeFirst();
    const found = row && (await approvals.get(row.approval));
    return row && found?.ok && found.value.state === 'requested'
      ? { approval: found.value, reason: row.reason }
      : undefined;
  }

  /** Nobody is sent the key any more; what was sent and never proven is void. An order that a terminal has in hand may come to its end: its slot is emptied then. */
  async function stopSpreading(tx: Transaction<Database>, key: string): Promise<void> {
    const open = tx
      .selectFrom('jobs')
      .where('subject', '=', loadSubject(slotOfTagKey(key)))
      .where('finished_at', 'is', null);
    for (const { id } of await open.select('id').execute()) await takeBack(tx, id);
    await tx
      .updateTable('key_ledger')
      .set({ state: 'replaced', replaced_at: world.clock.now() })
      .where('parent_key', '=', key)
      .where('state', '=', 'allocated')
      .where('serial', 'not in', open.select('serial'))
      .execute();
  }

  approvals.onDecided('rotation', async (tx, approval) => {
    if (approval.state !== 'approved') return undefined;
    const asked = await tx
      .selectFrom('rotation_break_offs')
      .selectAll()
      .where('approval', '=', approval.id)
      .executeTakeFirst();
    if (!asked || digestOf(asked.key, asked.begun_at, asked.reason) !== approval.digest)
      throw new FaultError({ code: 'INTERNAL' });
    // What was true when it was asked for has to be true still.
    const may = await tags.mayBreakOff(tx, asked.key);
    if (!may.ok) throw new FaultError(may.fault);
    if (may.value.begun_at !== asked.begun_at) throw new FaultError({ code: 'KEY_ROTATION_NONE' });
    await tags.breakOff(tx, asked.key);
    await stopSpreading(tx, asked.key);
    return async () => {
      await tags.settle();
      askAll();
    };
  });

  return {
    progress,
    async askBreakOff(key, reason, by) {
      const asked = await store.write(async (tx): Promise<Result<void>> => {
        const may = await tags.mayBreakOff(tx, key);
        if (!may.ok) return may;
        if (await breakOffAsked(may.value)) return ok(undefined);
        const { begun_at } = may.value;
        const digest = digestOf(key, begun_at, reason);
        const subject = `break off ${key}`;
        const facts = { key, reason };
        const request = await approvals.request(tx, { kind: 'rotation', subject, digest, facts, by });
        if (!request.ok) return request;
        const row = { approval: request.value.id, key, begun_at, reason };
        await tx.insertInto('rotation_break_offs').values(row).execute();
        return ok(undefined);
      });
      return asked.ok ? await progress() : asked;
    },
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
