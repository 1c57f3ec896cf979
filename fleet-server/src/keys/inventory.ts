import {
  type CampaignSpec,
  campaignSpec,
  type FirstKeys,
  type KeyExposure,
  type KeyInventoryEntry,
} from '@tsunagu/protocols/fleet';
import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import { type DukptScheme, initialKeyIdsOf, runningOutAt } from '@tsunagu/protocols/dukpt';
import type { World } from '@tsunagu/protocols/world';
import { z } from 'zod';
import type { Actor } from '../audit/index.ts';
import { isoTime, pageLimitMax, type PageRequest, type Store } from '../store/index.ts';
import { baseUses, type Vault } from '../vault/index.ts';
import { keysBelow } from './exposure.ts';
import { initialKeysMade, type Keys } from './keys.ts';
import { tagKeyNumber } from './tag-rotation.ts';

/** Uses of keys that keys of terminals hang on. */
const parents = [
  'dukpt-base',
  'dukpt-base-tdes',
  'negative-tag',
  'acquirer-pin',
  'acquirer-mac',
  'acquirer-data',
] as const;
const yearMs = 31_557_600_000;
/** How long a key makes others before another takes over. NIST SP 800-57 part 1 rev. 5, 5.3.6: keys to derive or wrap by, a year; to authenticate by, two. */
const cryptoPeriodMs: Readonly<Record<(typeof parents)[number], number>> = {
  'dukpt-base': yearMs,
  'dukpt-base-tdes': yearMs,
  'negative-tag': 2 * yearMs,
  'acquirer-pin': yearMs,
  'acquirer-mac': 2 * yearMs,
  'acquirer-data': yearMs,
};
/** How base keys are called that nobody brought by a ceremony. */
const baseNames = { aes: /^bdk\/(\d+)$/, tdes: /^bdk-tdes\/(\d+)$/ } as const;
const schemeOfName = (key: string): DukptScheme | undefined =>
  baseNames.tdes.test(key) ? 'tdes' : baseNames.aes.test(key) ? 'aes' : undefined;
const schemeOfUse = (use: string | undefined): DukptScheme | undefined =>
  use === baseUses.aes ? 'aes' : use === baseUses.tdes ? 'tdes' : undefined;

type RotateFault = 'KEY_UNKNOWN' | 'KEY_NUMBER_NOT_NEXT' | 'KEY_NOT_BASE' | 'KEY_ROTATION_UNDER_WAY';

/** What keys there are above those of terminals, and how one is replaced, suspected and laid to rest. */
export interface KeyInventory {
  list(): Promise<readonly KeyInventoryEntry[]>;
  /** The rule by which terminals get their first keys. */
  readonly firstKeys: FirstKeys;
  /** What is below a key, page by page, with the windows in which transactions stood under it. */
  exposure(key: string, page?: PageRequest): Promise<Result<KeyExposure, 'KEY_UNKNOWN' | 'INPUT_INVALID'>>;
  /**
   * Another base key takes over: terminals get keys below it from now on, and those below the old one count on until they are replaced. Or another key
   * host of TR-34 (`tr34/kdh/2`): terminals that are bound to the old one are bound to it until they are rebound. KEY_NOT_BASE: it is neither, nor is
   * the name that of a base key (`bdk/2`, `bdk-tdes/2`). The key of negative lists (`negative/tags/2`) begins to be spread: see `TagRotation`.
   */
  rotate(key: string): Promise<Result<readonly KeyInventoryEntry[], RotateFault>>;
  /** A base key is suspect: another takes over at once, and a campaign that replaces all keys below it is proposed, for those terminals that hold them. */
  suspect(key: string, reason: string, by: Actor): Promise<Result<KeyExposure>>;
  /** Destroys a key that nothing hangs on any more. */
  retire(key: string): Promise<Result<readonly KeyInventoryEntry[], 'KEY_UNKNOWN' | 'KEY_NOT_BASE' | 'KEY_NEEDED'>>;
}

/** @param askAll has terminals that are connected show their keys */
export function openKeyInventory(
  world: Pick<World, 'clock'>,
  store: Store,
  vault: Vault,
  keys: Pick<Keys, 'base' | 'useBase' | 'hosts' | 'tags'>,
  propose: (spec: CampaignSpec, by: Actor) => Promise<Result<{ readonly id: string }>>,
  firstKeys: FirstKeys,
  askAll: () => void,
): KeyInventory {
  const marks = async () =>
    new Map((await store.db.selectFrom('key_marks').selectAll().execute()).map((row) => [row.key, row]));

  async function list(): Promise<readonly KeyInventoryEntry[]> {
    const rows = await store.db
      .selectFrom('key_ledger')
      .select((all) => ['parent_key', all.fn.count<number>('serial').distinct().as('terminals')])
      .where('state', 'in', ['allocated', 'loaded'])
      .groupBy('parent_key')
      .execute();
    const counts = new Map(rows.map((row) => [row.parent_key, Number(row.terminals)]));
    const used = await store.db
      .selectFrom('key_ledger')
      .select((all) => ['parent_key', all.fn.min<number>('allocated_at').as('first')])
      .groupBy('parent_key')
      .execute();
    const since = new Map(used.map((row) => [row.parent_key, Number(row.first)]));
    for (const row of await store.db.selectFrom('key_current').selectAll().execute())
      since.set(row.key, Math.min(row.since, since.get(row.key) ?? row.since));
    const marked = await marks();
    const tagKeys = new Set((await keys.tags.slots(store.db)).values());
    // A company's keys are as many as its terminals: they are seen terminal by terminal.
    const shown = parents
      .filter((use) => !use.startsWith('acquirer'))
      .flatMap((use) => vault.idsFor(use).map((id) => ({ id, use })));
    const made = new Map<string, KeyInventoryEntry['initialKeys']>();
    for (const { id, use } of shown) made.set(id, await initialKeysOf(id, schemeOfUse(use)));
    const entries = shown.map(({ id, use }): KeyInventoryEntry => {
      const from = since.get(id);
      const scheme = schemeOfUse(use);
      const initialKeys = made.get(id) ?? null;
      const numbersEnd = initialKeys?.isRunningOut ? world.clock.now() : Number.POSITIVE_INFINITY;
      const isCurrent = scheme === undefined ? tagKeys.has(id) : id === keys.base(scheme);
      return {
        id,
        use,
        checkValue: vault.find(id)?.checkValue ?? '',
        isCurrent,
        terminals: counts.get(id) ?? 0,
        state: marked.get(id)?.state ?? 'good',
        since: from === undefined ? null : isoTime(from),
        // Whichever comes first: its time, or its last numbers.
        rotationDue:
          from === undefined || !isCurrent ? null : isoTime(Math.min(numbersEnd, from + cryptoPeriodMs[use])),
        initialKeys,
        reason: marked.get(id)?.reason ?? null,
        campaign: marked.get(id)?.campaign ?? null,
      };
    });
    const gone = [...marked.values()]
      .filter(({ key, state }) => state === 'retired' && !vault.find(key))
      .map(({ key, use, check_value, reason, campaign }) => ({
        id: key,
        use,
        checkValue: check_value,
        isCurrent: false,
        terminals: 0,
        state: 'retired' as const,
        since: since.has(key) ? isoTime(since.get(key) ?? 0) : null,
        rotationDue: null,
        initialKeys: null,
        reason,
        campaign,
      }));
    const hosts = await keys.hosts.hosts();
    const hostEntries = hosts.map(
      ({ key, terminals }, index): KeyInventoryEntry => ({
        id: key,
        use: 'key-distribution',
        checkValue: vault.find(key)?.checkValue ?? '',
        isCurrent: index === hosts.length - 1,
        terminals,
        state: 'good',
        since: null,
        rotationDue: null,
        initialKeys: null,
        reason: null,
        campaign: null,
      }),
    );
    return [...entries, ...hostEntries, ...gone];
  }

  async function initialKeysOf(id: string, scheme: DukptScheme | undefined): Promise<KeyInventoryEntry['initialKeys']> {
    if (scheme === undefined) return null;
    const ids = initialKeyIdsOf(scheme, vault.find(id)?.checkValue ?? '');
    const made = await initialKeysMade(store.db, ids);
    return { made, most: ids.most, isRunningOut: made >= runningOutAt(ids) };
  }

  async function exposure(
    key: string,
    page: PageRequest = { limit: pageLimitMax },
  ): Promise<Result<KeyExposure, 'KEY_UNKNOWN' | 'INPUT_INVALID'>> {
    const mark = (await marks()).get(key);
    if (!vault.find(key) && !mark) return fail('KEY_UNKNOWN', { field: 'key' });
    const below = await keysBelow(store.db, key, page);
    return below.ok
      ? ok({ key, state: mark?.state ?? 'good', campaign: mark?.campaign ?? null, ...below.value })
      : below;
  }

  async function mark(key: string, state: 'suspect' | 'retired', more: { reason: string; campaign?: string }) {
    const facts = vault.find(key);
    const changes = {
      state,
      reason: more.reason,
      at: world.clock.now(),
      ...(more.campaign && { campaign: more.campaign }),
    };
    await store.write((tx) =>
      tx
        .insertInto('key_marks')
        .values({ key, use: facts?.use ?? '', check_value: facts?.checkValue ?? '', campaign: null, ...changes })
        .onConflict((conflict) => conflict.column('key').doUpdateSet(changes))
        .execute(),
    );
  }

  /** Names of keys that custodians are bringing. */
  async function awaited(): Promise<readonly string[]> {
    const rows = await store.db
      .selectFrom('key_ceremonies')
      .select('steps')
      .where('state', 'in', ['entering', 'confirming'])
      .execute();
    return rows.map(
      ({ steps }) => z.array(z.object({ key: z.string().optional() })).parse(JSON.parse(steps))[0]?.key ?? '',
    );
  }

  /** The number after the highest: `bdk/3` after `bdk/2`. A key that custodians are bringing has its number already. */
  async function nextBase(scheme: DukptScheme): Promise<string> {
    const names = [...vault.idsFor(baseUses[scheme]), ...(await marks()).keys(), ...(await awaited())];
    const numbers = names.map((id) => Number(baseNames[scheme].exec(id)?.[1] ?? 0));
    return `${scheme === 'aes' ? 'bdk' : 'bdk-tdes'}/${Math.max(0, ...numbers) + 1}`;
  }

  async function rotate(key: string): Promise<Result<readonly KeyInventoryEntry[], RotateFault>> {
    if (key.startsWith('tr34/')) {
      const taken = await keys.hosts.useHost(key);
      return taken.ok ? ok(await list()) : taken;
    }
    if (tagKeyNumber(key) !== undefined) {
      const begun = await keys.tags.begin(key);
      if (!begun.ok) return begun;
      askAll();
      return ok(await list());
    }
    const there = vault.find(key);
    const isRetired = (await marks()).has(key);
    const scheme = there ? schemeOfUse(there.use) : schemeOfName(key);
    if (scheme === undefined) return fail(isRetired ? 'KEY_UNKNOWN' : 'KEY_NOT_BASE', { field: 'key' });
    // The next one is made where nobody has brought it; any other name is a slip of the hand, or somebody's who is not there yet.
    const next = await nextBase(scheme);
    if (isRetired || (!there && key !== next)) return fail('KEY_NUMBER_NOT_NEXT', { field: 'key', facts: { next } });
    await vault.ensure(key, baseUses[scheme]);
    await store.write((tx) => keys.useBase(tx, scheme, key));
    return ok(await list());
  }

  return {
    list,
    firstKeys,
    exposure,
    rotate,

    async suspect(key, reason, by) {
      const there = vault.find(key);
      if (!there) return fail('KEY_UNKNOWN', { field: 'key' });
      const scheme = schemeOfUse(there.use);
      if (scheme === undefined) return fail('KEY_NOT_BASE', { field: 'key' });
      if (keys.base(scheme) === key) {
        const next = await rotate(await nextBase(scheme));
        if (!next.ok) return next;
      }
      const spec = campaignSpec.parse({
        name: `${key}: ${reason}`.slice(0, 80),
        target: `baseKey = "${key}"`,
        action: { kind: 'keys', slot: 'dukpt', below: key },
        gate: null,
      });
      const proposed = await propose(spec, by);
      // Where nothing hangs on it, it is suspect all the same, and there is nothing to replace.
      if (!proposed.ok && proposed.fault.code !== 'CAMPAIGN_COHORT_EMPTY') return proposed;
      await mark(key, 'suspect', { reason, ...(proposed.ok && { campaign: proposed.value.id }) });
      return await exposure(key);
    },

    async retire(key) {
      const entry = (await list()).find(({ id }) => id === key);
      if (!entry || entry.state === 'retired') return fail('KEY_UNKNOWN', { field: 'key' });
      if (schemeOfUse(entry.use) === undefined && entry.use !== 'negative-tag')
        return fail('KEY_NOT_BASE', { field: 'key' });
      if (entry.isCurrent || entry.terminals > 0)
        return fail('KEY_NEEDED', { facts: { terminals: entry.terminals, isCurrent: entry.isCurrent ? 1 : 0 } });
      // The mark first: a key without its mark would be forgotten unseen.
      await mark(key, 'retired', { reason: 'replaced' });
      await vault.destroy(key);
      return ok(await list());
    },
  };
}
