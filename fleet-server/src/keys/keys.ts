import type { AcquirerKeyReference } from '@tsunagu/protocols/acquiring';
import { dukptSchemeOf, type ProtectionScheme, protectionSchemeOf } from '@tsunagu/protocols/catalogue';
import {
  type DukptScheme,
  type InitialKeyIds,
  initialKeyIdAt,
  initialKeyIdsOf,
  numberOfInitialKeyId,
  parseKsn,
  runningOutAt,
} from '@tsunagu/protocols/dukpt';
import {
  type AcquirerKeyKind,
  acquirerSlots,
  type Hello,
  type JobBody,
  type JobReport,
  type KeyBind,
  type KeyBinding,
  type KeyErase,
  type KeyLoad,
  type KeyReceive,
  type KeyRelease,
  isTagSlot,
  type KeySlot,
  partsOfSlot,
  type ProtectionEvidence,
  type ReleaseProof,
  type Serial,
  tagSlots,
} from '@tsunagu/protocols/fleet';
import { fail, hex, ok, type Result, type Secret, toHex, unwrap } from '@tsunagu/protocols/kit';
import type { World } from '@tsunagu/protocols/world';
import type { Transaction } from 'kysely';
import { acquirersOf } from './acquirers.ts';
import type { Database, Queryable, Store } from '../store/index.ts';
import { baseUses, type DukptWorkingKeys, type Vault, type WrappedKey } from '../vault/index.ts';
import { type KeyDistribution, openKeyDistribution } from './distribution.ts';
import { decideSlot } from './rules.ts';
import { isInRun } from './runs.ts';
import { haveAllMoved } from './tag-progress.ts';
import { openTagRotation, type TagRotation } from './tag-rotation.ts';

/** The first base derivation keys. */
const firstBases = { aes: 'bdk/1', tdes: 'bdk-tdes/1' } as const satisfies Record<DukptScheme, string>;

/** The keys of one transaction, and whose terminal they belong to. */
export interface TransactionKeys {
  readonly serial: Serial;
  /** Its terminal swore to have destroyed them: whoever proves to have them lied, and nothing is done under them. */
  readonly areDestroyed: boolean;
  /** Wipe them when the transaction is over. */
  readonly keys: DukptWorkingKeys;
}

/** What follows from a hello. */
export interface Reconciled {
  readonly loads: readonly KeyLoad[];
  readonly loaded: readonly KeySlot[];
  readonly erases: readonly KeyErase[];
  readonly bind?: KeyBind;
  /** Check values that it shows and that never were of keys of its own. */
  readonly foreign?: readonly ForeignKey[];
}

/** A check value in a terminal that the house put into no slot of it. A hello proves no possession: anybody can name another's. */
export interface ForeignKey {
  readonly slot: KeySlot;
  readonly kcv: string;
  /** Whose key has this check value by the ledger, where it is somebody's. */
  readonly of?: string;
}

/** The key ledger: which keys each terminal has, was sent, and has proven to hold. */
export interface Keys {
  /** Stores under which key a terminal's keys travel. Keys wrapped for an earlier one are void. */
  protect(
    tx: Transaction<Database>,
    serial: Serial,
    protectionKey: string,
    checkValue: string,
    scheme?: ProtectionScheme,
  ): Promise<void>;
  /** Makes what a terminal's scheme needs before anything is decided about it in a transaction. */
  prepare(serial: Serial): Promise<void>;
  /** A terminal answered to a binding: the order that follows. */
  bound(tx: Transaction<Database>, serial: Serial, job: string, binding: KeyBinding): Promise<Result<KeyReceive>>;
  /**
   * A terminal proved that it holds the protection key of its token. It counts from now on, and every slot gets a key under it. undefined: it
   * is not the one that was sent.
   */
  received(
    tx: Transaction<Database>,
    serial: Serial,
    evidence: ProtectionEvidence,
  ): Promise<readonly KeyLoad[] | undefined>;
  /**
   * The order that brings a terminal another protection key: at once a token where one pass is enough and it is bound, else another binding, whose
   * answer the token follows. Call `prepare` before.
   */
  renewProtection(
    tx: Transaction<Database>,
    serial: Serial,
  ): Promise<
    Result<Extract<JobBody, { type: 'key.bind' | 'key.receive' }>, 'KEY_PROTECTION_AGREED' | 'KEY_PROTECTION_MISSING'>
  >;
  /** A terminal drew its random number: the word of its key host that unbinds or rebinds it. */
  release(
    tx: Transaction<Database>,
    serial: Serial,
    job: string,
    binding: KeyBinding,
    to: KeyRelease['to'],
  ): Promise<Result<KeyRelease>>;
  /**
   * A terminal swears that it is bound to nobody and its keys are gone, or to another host. From then on none of its keys counts, or it is bound anew
   * (`bind`), and every key follows. undefined: it is no proof, and nothing changed.
   */
  released(
    tx: Transaction<Database>,
    serial: Serial,
    job: string,
    proof: ReleaseProof,
  ): Promise<{ readonly bind?: KeyBind } | undefined>;
  /** The key hosts, and how another one takes over. */
  readonly hosts: Pick<KeyDistribution, 'hosts' | 'useHost'>;
  /** A terminal was wiped: no key of it is good any more. `by`: the job that it swore to, or `destruction`. */
  wiped(tx: Transaction<Database>, serial: Serial, by: string): Promise<void>;
  /**
   * Compares what a hello says with the ledger, and returns the loads that are needed now. `isOpen` tells whether a load into
   * a slot is under way. Slots whose key turned out to be loaded are in `loaded`; keys of negative lists that gave way and are not needed any more
   * in `erases`.
   */
  reconcile(
    tx: Transaction<Database>,
    serial: Serial,
    reported: Hello['keys'],
    isOpen: (slot: KeySlot) => boolean,
  ): Promise<Reconciled>;
  /** A terminal emptied a slot. */
  erased(tx: Transaction<Database>, serial: Serial, erased: KeyErase): Promise<void>;
  /** How the key of negative lists gives way to the next. */
  readonly tags: TagRotation;
  /** A fresh key for a slot, under the terminal's own key; undefined while there is none to carry it under. */
  rotate(tx: Transaction<Database>, serial: Serial, slot: KeySlot): Promise<KeyLoad | undefined>;
  /** A terminal proved by its check value that it holds a key. False when it is not the one that was sent. */
  proven(tx: Transaction<Database>, serial: Serial, evidence: NonNullable<JobReport['evidence']>): Promise<boolean>;
  /** The base key that keys of terminals are made of now: one for those that do AES DUKPT, one for those that do TDES only. */
  base(scheme: DukptScheme): string;
  /** Another takes over. */
  useBase(tx: Transaction<Database>, scheme: DukptScheme, key: string): Promise<void>;
  /** The check values of all slots that a terminal is to hold; undefined while one is not proven, or hangs on a key that is suspect. */
  held(tx: Transaction<Database>, serial: Serial): Promise<Readonly<Record<string, string>> | undefined>;
  /**
   * The working keys of the transaction with this KSN (12 bytes, or 10 for TDES), for the switch; where the frame is under keys of a card company,
   * those of the terminal that holds the initial key. VAULT_KEY_UNKNOWN: no terminal holds this initial key. ACQUIRING_ACQUIRER_KEY: it does not hold
   * these keys of the company. Whether the counter was used before is the switch's to know.
   */
  forTransaction(
    ksn: Uint8Array,
    under?: AcquirerKeyReference,
  ): Promise<
    Result<
      TransactionKeys,
      'VAULT_KEY_UNKNOWN' | 'KSN_LENGTH_INVALID' | 'DUKPT_COUNTER_INVALID' | 'ACQUIRING_ACQUIRER_KEY'
    >
  >;
  /** Whether a terminal has proven all keys of a card company. */
  holdsAcquirer(serial: Serial, acquirer: string): Promise<boolean>;
  /** Translates a PIN block of the transaction with this KSN to a link's PIN key, inside the vault. */
  translatePin(
    ksn: Uint8Array,
    to: string,
    block: Uint8Array,
    pan: Secret<'pan'>,
    under?: AcquirerKeyReference,
  ): Promise<ReturnType<Vault['translatePin']>>;
}

/** How many initial keys were made of a base key, whatever became of them. */
export async function initialKeysMade(on: Queryable, ids: InitialKeyIds): Promise<number> {
  const last = await on
    .selectFrom('key_ledger')
    .select((all) => all.fn.max('initial_key_id').as('id'))
    // A range, and not a pattern: its end is looked up in the index, however many there are.
    .where('initial_key_id', '>=', ids.prefix)
    .where('initial_key_id', '<', `${ids.prefix}G`)
    .executeTakeFirstOrThrow();
  return numberOfInitialKeyId(ids, last.id);
}

/** Whether the last that became of a terminal's binding is that it was ended. */
export async function wasUnbound(on: Queryable, serial: Serial): Promise<boolean> {
  const last = await on
    .selectFrom('key_releases')
    .select('next')
    .where('serial', '=', serial)
    .orderBy('at', 'desc')
    .executeTakeFirst();
  return last?.next === null;
}

/** Opens the ledger; base and tag key are made on the first start. Protection keys that no terminal has any more are forgotten. */
export async function openKeys(
  world: Pick<World, 'clock' | 'id' | 'entropy' | 'log'>,
  store: Store,
  vault: Vault,
): Promise<Keys> {
  const bases = new Map<DukptScheme, string>(Object.entries(firstBases) as [DukptScheme, string][]);
  for (const [scheme, use] of Object.entries(baseUses) as [DukptScheme, (typeof baseUses)[DukptScheme]][]) {
    const chosen = await store.db.selectFrom('key_current').select('key').where('use', '=', use).executeTakeFirst();
    if (chosen) bases.set(scheme, chosen.key);
    // The first one is made once: after another took over it may have been laid to rest, and is not made again under its name.
    else await vault.ensure(firstBases[scheme], use);
  }
  // Marked, and the power failed before it was destroyed.
  const retired = await store.db.selectFrom('key_marks').select('key').where('state', '=', 'retired').execute();
  for (const { key } of retired) if (vault.find(key)) await vault.destroy(key);
  const baseOfScheme = (scheme: DukptScheme): string => bases.get(scheme) ?? firstBases[scheme];
  const tags = await openTagRotation(world, store, vault);
  const distribution = await openKeyDistribution(world, store, vault);
  const inUse = new Set(
    [
      ...(await store.db.selectFrom('protection_keys').select('vault_key').execute()),
      // Sent, and perhaps received: the answer may still come.
      ...(await store.db.selectFrom('key_bindings').select('vault_key').execute()),
    ].map((row) => row.vault_key),
  );
  for (const id of vault.idsFor('key-block-protection')) if (!inUse.has(id)) await vault.destroy(id);

  const current = (tx: Transaction<Database>, serial: Serial) =>
    tx
      .selectFrom('key_ledger')
      .leftJoin('key_marks', (join) =>
        join.onRef('key_marks.key', '=', 'key_ledger.parent_key').on('key_marks.state', '=', 'suspect'),
      )
      .select(['id', 'slot', 'kcv', 'key_ledger.state', 'protected_by', 'parent_key', 'key_marks.key as suspect'])
      .where('serial', '=', serial)
      .where('key_ledger.state', 'in', ['allocated', 'loaded'])
      .orderBy('allocated_at', 'desc')
      .execute();

  async function nextInitialKeyId(tx: Transaction<Database>, scheme: DukptScheme): Promise<string> {
    const base = baseOfScheme(scheme);
    const ids = initialKeyIdsOf(scheme, vault.find(base)?.checkValue ?? '');
    const made = await initialKeysMade(tx, ids);
    if (made >= ids.most) throw new Error('the base key has no initial key ids left: another has to take over');
    if (made + 1 === runningOutAt(ids))
      world.log('warn', 'baseKeyRunsOut', {
        fault: { code: 'KEY_BASE_RUNS_OUT' },
        key: base,
        made: made + 1,
        most: ids.most,
      });
    return initialKeyIdAt(ids, made + 1);
  }

  /** @param isFirst no other key was made for this slot that is not proven yet */
  /** Writes down that the protection key that a terminal has is gone. One that was noted before stays as it was. */
  async function endProtection(tx: Transaction<Database>, serial: Serial, ended_by: string | null): Promise<void> {
    const row = await tx
      .selectFrom('protection_keys')
      .select(['vault_key', 'serial', 'kcv', 'agreed_at'])
      .where('serial', '=', serial)
      .executeTakeFirst();
    if (!row) return;
    await tx
      .insertInto('protection_ends')
      .values({ ...row, ended_at: world.clock.now(), ended_by })
      .onConflict((known) => known.column('vault_key').doNothing())
      .execute();
  }

  /** A key that the terminal shows, where it never had it; one that gave way is its own still. */
  async function foreignTo(
    tx: Transaction<Database>,
    serial: Serial,
    slot: KeySlot,
    kcv: string,
  ): Promise<readonly ForeignKey[]> {
    const known = await tx
      .selectFrom('key_ledger')
      .select('serial')
      .where('slot', '=', slot)
      .where('kcv', '=', kcv)
      .orderBy((of) => of('serial', '=', serial), 'desc')
      .limit(1)
      .executeTakeFirst();
    if (known?.serial === serial) return [];
    return [{ slot, kcv, ...(known && { of: known.serial }) }];
  }

  async function allocate(
    tx: Transaction<Database>,
    serial: Serial,
    slot: KeySlot,
    protection: string,
    model: string,
    isFirst = false,
  ): Promise<KeyLoad> {
    const scheme = dukptSchemeOf(model);
    const base = baseOfScheme(scheme);
    const initialKeyId = slot === 'dukpt' ? await nextInitialKeyId(tx, scheme) : null;
    const id = world.id();
    const own = partsOfSlot(slot);
    const acquirerKey = own && { id: `acquirer/${id}`, use: `acquirer-${own.kind}` as const };
    if (acquirerKey) await vault.ensure(acquirerKey.id, acquirerKey.use);
    const tagKey = isTagSlot(slot) ? (await tags.slots(tx)).get(slot) : undefined;
    const wrapped: WrappedKey = unwrap(
      own && acquirerKey
        ? vault.wrapAcquirerKey(protection, acquirerKey.id, acquirerKey.use, own.acquirer)
        : initialKeyId === null
          ? vault.wrapTagKey(protection, tagKey ?? '')
          : vault.wrapInitialKey(protection, base, hex(initialKeyId)),
    );
    // What was only allocated was never proven to be there: it is void. A loaded key stays good until the next is proven.
    if (!isFirst)
      await tx
        .updateTable('key_ledger')
        .set({ state: 'replaced', replaced_at: world.clock.now() })
        .where('serial', '=', serial)
        .where('slot', '=', slot)
        .where('state', '=', 'allocated')
        .execute();
    await tx
      .insertInto('key_ledger')
      .values({
        id,
        serial,
        slot,
        kcv: wrapped.checkValue,
        initial_key_id: initialKeyId,
        parent_key: acquirerKey?.id ?? tagKey ?? base,
        protected_by: protection,
        key_block: wrapped.keyBlock,
        state: 'allocated',
        allocated_at: world.clock.now(),
        loaded_at: null,
      })
      .execute();
    return { slot, keyBlock: wrapped.keyBlock, kcv: wrapped.checkValue };
  }

  /** @param entries those of the terminal that count */
  async function markLoaded(
    tx: Transaction<Database>,
    entries: Awaited<ReturnType<typeof current>>,
    { id, slot }: { readonly id: string; readonly slot: KeySlot },
  ): Promise<void> {
    const before = entries.filter((entry) => entry.slot === slot && entry.id !== id).map((entry) => entry.id);
    if (before.length > 0)
      await tx
        .updateTable('key_ledger')
        .set({ state: 'replaced', replaced_at: world.clock.now() })
        .where('id', 'in', before)
        .execute();
    await tx
      .updateTable('key_ledger')
      .set({ state: 'loaded', loaded_at: world.clock.now() })
      .where('id', '=', id)
      .execute();
  }

  /** The entry of the initial key that a transaction's key hangs on. */
  const baseOf = (initialKeyId: Uint8Array) =>
    store.db
      .selectFrom('key_ledger')
      .innerJoin('terminals', 'terminals.serial', 'key_ledger.serial')
      .select(['key_ledger.serial', 'key_ledger.parent_key', 'key_ledger.state'])
      .where('initial_key_id', '=', toHex(initialKeyId))
      .where('state', 'in', ['allocated', 'loaded', 'destroyed'])
      .executeTakeFirst();

  /** The vault's keys in a terminal's slots by their check values: those that count, or those that are to follow. */
  async function acquirerKeyIds(
    serial: string,
    { acquirer, kcvs }: AcquirerKeyReference,
    kinds: readonly AcquirerKeyKind[],
    areDestroyed = false,
  ): Promise<Readonly<Partial<Record<AcquirerKeyKind, string>>>> {
    const slotOf = (kind: AcquirerKeyKind) => `acquirer/${acquirer}/${kind}` as const;
    const rows = await store.db
      .selectFrom('key_ledger')
      .select(['slot', 'kcv', 'parent_key'])
      .where('serial', '=', serial)
      .where('slot', 'in', kinds.map(slotOf))
      .where('state', 'in', areDestroyed ? ['destroyed'] : ['allocated', 'loaded'])
      .execute();
    const idOf = (kind: AcquirerKeyKind) =>
      rows.find(({ slot, kcv }) => slot === slotOf(kind) && kcv === kcvs[kind])?.parent_key;
    return Object.fromEntries(kinds.map((kind) => [kind, idOf(kind)]));
  }

  async function modelIdOf(tx: Transaction<Database>, serial: Serial): Promise<string> {
    const row = await tx.selectFrom('terminals').select('model').where('serial', '=', serial).executeTakeFirst();
    return row?.model ?? '';
  }
  const schemeOf = async (tx: Transaction<Database>, serial: Serial): Promise<ProtectionScheme> =>
    protectionSchemeOf(await modelIdOf(tx, serial));

  /** What a terminal is to hold: the slots that all have, and those of its card companies. */
  async function slotsOf(tx: Transaction<Database>, serial: Serial): Promise<readonly KeySlot[]> {
    const inUse = await tags.slots(tx);
    return [
      'dukpt',
      ...tagSlots.filter((slot) => inUse.has(slot)),
      ...(await acquirersOf(tx, serial)).flatMap(acquirerSlots),
    ];
  }

  const keys: Keys = {
    async prepare(serial) {
      const row = await store.db
        .selectFrom('terminals')
        .select('model')
        .where('serial', '=', serial)
        .executeTakeFirst();
      if (row && protectionSchemeOf(row.model) !== 'agreement') await distribution.prepare();
    },

    async bound(tx, serial, job, binding) {
      return await distribution.bound(tx, serial, job, binding, await schemeOf(tx, serial));
    },

    async received(tx, serial, evidence) {
      const vaultKey = await distribution.received(tx, serial, evidence);
      if (vaultKey === undefined) return undefined;
      const model = await modelIdOf(tx, serial);
      await keys.protect(tx, serial, vaultKey, evidence.kcv.toUpperCase(), protectionSchemeOf(model));
      // That voided what was allocated under the key before.
      const loads: KeyLoad[] = [];
      for (const slot of await slotsOf(tx, serial)) loads.push(await allocate(tx, serial, slot, vaultKey, model, true));
      return loads;
    },

    async renewProtection(tx, serial) {
      const scheme = await schemeOf(tx, serial);
      if (scheme === 'agreement') return fail('KEY_PROTECTION_AGREED');
      const held = await tx
        .selectFrom('protection_keys')
        .select('serial')
        .where('serial', '=', serial)
        .executeTakeFirst();
      // A terminal that was unbound is bound again by this very order.
      if (!held && !(await wasUnbound(tx, serial))) return fail('KEY_PROTECTION_MISSING');
      const token = scheme === 'tr34-one-pass' ? await distribution.again(tx, serial) : undefined;
      if (token) return ok({ type: 'key.receive', params: token });
      const bind = await distribution.order(tx, serial, scheme);
      if (!bind) throw new Error('the key host was not prepared');
      return ok({ type: 'key.bind', params: bind });
    },

    release: (tx, serial, job, binding, to) => distribution.released(tx, serial, job, binding, to),

    async released(tx, serial, job, proof) {
      const outcome = await distribution.proven(tx, serial, job, proof);
      if (outcome === undefined) return undefined;
      if (outcome === 'unbound') {
        await keys.wiped(tx, serial, job);
        return {};
      }
      const bind = await distribution.order(tx, serial, await schemeOf(tx, serial));
      return { ...(bind && { bind }) };
    },

    hosts: distribution,

    async protect(tx, serial, vault_key, kcv, scheme = 'agreement') {
      const row = { vault_key, kcv, agreed_at: world.clock.now(), scheme };
      await endProtection(tx, serial, null);
      await tx
        .insertInto('protection_keys')
        .values({ serial, ...row })
        .onConflict((conflict) => conflict.column('serial').doUpdateSet(row))
        .execute();
      await tx
        .updateTable('key_ledger')
        .set({ state: 'replaced', replaced_at: world.clock.now() })
        .where('serial', '=', serial)
        .where('state', '=', 'allocated')
        .execute();
    },

    async wiped(tx, serial, by) {
      await endProtection(tx, serial, by);
      await tx.deleteFrom('protection_keys').where('serial', '=', serial).execute();
      await tx.deleteFrom('key_bindings').where('serial', '=', serial).execute();
      await tx
        .updateTable('key_ledger')
        .set({ state: 'destroyed', replaced_at: world.clock.now(), ended_by: by })
        .where('serial', '=', serial)
        .where('state', 'in', ['allocated', 'loaded'])
        .execute();
    },

    async reconcile(tx, serial, reported, isOpen) {
      const protection = await tx
        .selectFrom('protection_keys')
        .innerJoin('terminals', 'terminals.serial', 'protection_keys.serial')
        .select(['vault_key', 'scheme', 'model'])
        .where('protection_keys.serial', '=', serial)
        .executeTakeFirst();
      if (!protection) return { loads: [], loaded: [], erases: [] };
      const { vault_key, model } = protection;
      const scheme = protectionSchemeOf(model);
      // What was agreed carries no keys where TR-34 is asked for.
      if (protection.scheme !== scheme) {
        const bind = await distribution.order(tx, serial, scheme);
        return { loads: [], loaded: [], erases: [], ...(bind && { bind }) };
      }
      const entries = await current(tx, serial);
      const inUse = await tags.slots(tx);
      const loads: KeyLoad[] = [];
      const loaded: KeySlot[] = [];
      const foreign: ForeignKey[] = [];
      for (const slot of await slotsOf(tx, serial)) {
        const shown = reported.find((key) => key.slot === slot);
        // Keys of negative lists are everybody's.
        if (shown && !isTagSlot(slot) && !entries.some((entry) => entry.slot === slot && entry.kcv === shown.kcv))
          foreign.push(...(await foreignTo(tx, serial, slot, shown.kcv)));
        // What is in a slot of negative lists' key and is another one than that in use gave way to it.
        const ofSlot = entries.filter(
          (entry) => entry.slot === slot && (!isTagSlot(slot) || entry.parent_key === inUse.get(slot)),
        );
        const row = ofSlot.find((entry) => entry.kcv === shown?.kcv) ?? ofSlot[0];
        const entry = row && {
          id: row.id,
          kcv: row.kcv,
          state: row.state === 'loaded' ? ('loaded' as const) : ('allocated' as const),
          protectedBy: row.protected_by,
        };
        const isSuspect = (row?.suspect ?? null) !== null && (await isInRun(tx, serial, 'submitted', 'open'));
        const decision = decideSlot(entry, shown, isOpen(slot), isSuspect);
        const isFirst = ofSlot.every(({ state }) => state !== 'allocated');
        if (decision === 'allocate') loads.push(await allocate(tx, serial, slot, vault_key, model, isFirst));
        if (decision === 'mark-loaded' && row) {
          await markLoaded(tx, entries, row);
          loaded.push(slot);
        }
      }
      const erases: KeyErase[] = [];
      for (const slot of tagSlots.filter((each) => !inUse.has(each))) {
        const shown = reported.find((key) => key.slot === slot);
        const entry = entries.find((each) => each.slot === slot && each.state === 'loaded');
        const sent = entries.find((each) => each.slot === slot && each.state === 'allocated');
        if (shown && (await haveAllMoved(tx, serial))) erases.push({ slot, kcv: shown.kcv });
        // Emptied, whether or not its report arrived.
        if (!shown && entry) await keys.erased(tx, serial, { slot, kcv: entry.kcv });
        // Sent, not there, and no order that brings it: it never was.
        if (!shown && sent && !isOpen(slot))
          await tx
            .updateTable('key_ledger')
            .set({ state: 'replaced', replaced_at: world.clock.now() })
            .where('id', '=', sent.id)
            .execute();
      }
      return { loads, loaded, erases, ...(foreign.length > 0 && { foreign }) };
    },

    async erased(tx, serial, { slot, kcv }) {
      await tx
        .updateTable('key_ledger')
        .set({ state: 'destroyed', replaced_at: world.clock.now(), ended_by: 'erasure' })
        .where('serial', '=', serial)
        .where('slot', '=', slot)
        .where('kcv', '=', kcv)
        .where('state', 'in', ['allocated', 'loaded'])
        .execute();
    },
    tags,

    async rotate(tx, serial, slot) {
      if (isTagSlot(slot) && !(await tags.slots(tx)).has(slot)) return undefined;
      const protection = await tx
        .selectFrom('protection_keys')
        .innerJoin('terminals', 'terminals.serial', 'protection_keys.serial')
        .select(['vault_key', 'model'])
        .where('protection_keys.serial', '=', serial)
        .executeTakeFirst();
      return protection && (await allocate(tx, serial, slot, protection.vault_key, protection.model));
    },

    async proven(tx, serial, evidence) {
      const entries = await current(tx, serial);
      const entry = entries.find(({ slot, kcv }) => slot === evidence.slot && kcv === evidence.kcv.toUpperCase());
      if (!entry) return false;
      if (entry.state !== 'loaded') await markLoaded(tx, entries, entry);
      return true;
    },

    base: baseOfScheme,
    async useBase(tx, scheme, key) {
      const row = { key, since: world.clock.now() };
      await tx
        .insertInto('key_current')
        .values({ use: baseUses[scheme], ...row })
        .onConflict((conflict) => conflict.column('use').doUpdateSet(row))
        .execute();
      bases.set(scheme, key);
    },

    async held(tx, serial) {
      const entries = (await current(tx, serial)).filter(
        ({ state, suspect }) => state === 'loaded' && suspect === null,
      );
      const slots = await slotsOf(tx, serial);
      const found = slots.map((slot) => [slot, entries.find((entry) => entry.slot === slot)?.kcv] as const);
      return found.every(([, kcv]) => kcv !== undefined)
        ? Object.fromEntries(found.map(([slot, kcv]) => [slot, kcv ?? '']))
        : undefined;
    },

    async forTransaction(ksn, under) {
      const read = parseKsn(ksn);
      if (!read.ok) return read;
      const entry = await baseOf(read.value.initialKeyId);
      if (!entry) return fail('VAULT_KEY_UNKNOWN', { field: 'initialKeyId' });
      const areDestroyed = entry.state === 'destroyed';
      if (under) {
        const { data, mac } = await acquirerKeyIds(entry.serial, under, ['data', 'mac'], areDestroyed);
        const held = data !== undefined && mac !== undefined ? vault.acquirerKeys(data, mac) : undefined;
        return held?.ok
          ? ok({ serial: entry.serial as Serial, keys: held.value, areDestroyed })
          : fail('ACQUIRING_ACQUIRER_KEY', { field: under.acquirer });
      }
      const working = vault.dukptKeys(entry.parent_key, ksn);
      return working.ok ? ok({ serial: entry.serial as Serial, keys: working.value, areDestroyed }) : working;
    },

    async holdsAcquirer(serial, acquirer) {
      const rows = await store.db
        .selectFrom('key_ledger')
        .select('slot')
        .distinct()
        .where('serial', '=', serial)
        .where('slot', 'in', [...acquirerSlots(acquirer)])
        .where('state', '=', 'loaded')
        .execute();
      return rows.length === acquirerSlots(acquirer).length;
    },

    async translatePin(ksn, to, block, pan, under) {
      const read = parseKsn(ksn);
      if (!read.ok) return read;
      const entry = await baseOf(read.value.initialKeyId);
      if (!entry || entry.state === 'destroyed') return fail('VAULT_KEY_UNKNOWN', { field: 'initialKeyId' });
      if (under) {
        const { pin: acquirerPin } = await acquirerKeyIds(entry.serial, under, ['pin']);
        if (acquirerPin === undefined) return fail('VAULT_KEY_UNKNOWN', { field: under.acquirer });
        return vault.translatePin({ acquirerPin }, to, block, pan);
      }
      return vault.translatePin({ base: entry.parent_key, ksn }, to, block, pan);
    },
  };
  return keys;
}
