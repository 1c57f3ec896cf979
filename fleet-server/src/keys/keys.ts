import {
  type Hello,
  type JobReport,
  type KeyLoad,
  keySlots,
  type KeySlot,
  type Serial,
} from '@tsunagu/protocols/fleet';
import { fail, hex, ok, type Result, type Secret, toHex, unwrap } from '@tsunagu/protocols/kit';
import type { World } from '@tsunagu/protocols/world';
import type { Transaction } from 'kysely';
import type { Database, Store } from '../store/index.ts';
import type { DukptWorkingKeys, Vault, WrappedKey } from '../vault/index.ts';
import { decideSlot } from './rules.ts';

/** The base derivation key in use, and the key under which negative lists are tagged. */
const baseKey = 'bdk/1';
export const negativeTagKey = 'negative/tags/1';

/** The keys of one transaction, and whose terminal they belong to. */
export interface TransactionKeys {
  readonly serial: Serial;
  /** Wipe them when the transaction is over. */
  readonly keys: DukptWorkingKeys;
}

/** The key ledger: which keys each terminal has, was sent, and has proven to hold. */
export interface Keys {
  /** Stores under which key a terminal's keys travel. Keys wrapped for an earlier one are void. */
  protect(tx: Transaction<Database>, serial: Serial, protectionKey: string, checkValue: string): Promise<void>;
  /** A terminal was wiped: no key of it is good any more. */
  wiped(tx: Transaction<Database>, serial: Serial): Promise<void>;
  /**
   * Compares what a hello says with the ledger, and returns the loads that are needed now. `isOpen` tells whether a load into
   * a slot is under way. Slots whose key turned out to be loaded are in `loaded`.
   */
  reconcile(
    tx: Transaction<Database>,
    serial: Serial,
    reported: Hello['keys'],
    isOpen: (slot: KeySlot) => boolean,
  ): Promise<{ readonly loads: readonly KeyLoad[]; readonly loaded: readonly KeySlot[] }>;
  /** A fresh key for a slot, under the terminal's own key; undefined while there is none to carry it under. */
  rotate(tx: Transaction<Database>, serial: Serial, slot: KeySlot): Promise<KeyLoad | undefined>;
  /** A terminal proved by its check value that it holds a key. False when it is not the one that was sent. */
  proven(tx: Transaction<Database>, serial: Serial, evidence: NonNullable<JobReport['evidence']>): Promise<boolean>;
  /**
   * The working keys of the transaction with this KSN (12 bytes), for the switch. VAULT_KEY_UNKNOWN: no terminal holds this
   * initial key. Whether the counter was used before is the switch's to know.
   */
  forTransaction(
    ksn: Uint8Array,
  ): Promise<Result<TransactionKeys, 'VAULT_KEY_UNKNOWN' | 'KSN_LENGTH_INVALID' | 'DUKPT_COUNTER_INVALID'>>;
  /** Translates a PIN block of the transaction with this KSN to a link's PIN key, inside the vault. */
  translatePin(
    ksn: Uint8Array,
    to: string,
    block: Uint8Array,
    pan: Secret<'pan'>,
  ): Promise<ReturnType<Vault['translatePin']>>;
}

/** Opens the ledger; base and tag key are made on the first start. Protection keys that no terminal has any more are forgotten. */
export async function openKeys(
  world: Pick<World, 'clock' | 'id' | 'entropy' | 'log'>,
  store: Store,
  vault: Vault,
): Promise<Keys> {
  const base = await vault.ensure(baseKey, 'dukpt-base');
  await vault.ensure(negativeTagKey, 'negative-tag');
  const inUse = new Set(
    (await store.db.selectFrom('protection_keys').select('vault_key').execute()).map((row) => row.vault_key),
  );
  for (const id of vault.idsFor('key-block-protection')) if (!inUse.has(id)) await vault.destroy(id);

  /** First half of every initial key id: which base key (X9.24-3:2017, 6.3). Here the first 4 bytes of its check value. */
  const baseKeyId = base.checkValue.slice(0, 8);

  const current = (tx: Transaction<Database>, serial: Serial) =>
    tx
      .selectFrom('key_ledger')
      .select(['id', 'slot', 'kcv', 'state', 'protected_by'])
      .where('serial', '=', serial)
      .where('state', 'in', ['allocated', 'loaded'])
      .orderBy('allocated_at', 'desc')
      .execute();

  async function nextInitialKeyId(tx: Transaction<Database>): Promise<string> {
    const last = await tx
      .selectFrom('key_ledger')
      .select((all) => all.fn.max('initial_key_id').as('id'))
      // A range, and not a pattern: its end is looked up in the index, however many there are.
      .where('initial_key_id', '>=', baseKeyId)
      .where('initial_key_id', '<', `${baseKeyId}G`)
      .executeTakeFirstOrThrow();
    const counted = last.id === null ? 0 : Number.parseInt(last.id.slice(8), 16);
    if (counted >= 0xffff_ffff) throw new Error('the base key has no initial key ids left');
    return baseKeyId + (counted + 1).toString(16).toUpperCase().padStart(8, '0');
  }

  async function allocate(
    tx: Transaction<Database>,
    serial: Serial,
    slot: KeySlot,
    protection: string,
  ): Promise<KeyLoad> {
    const initialKeyId = slot === 'dukpt' ? await nextInitialKeyId(tx) : null;
    const wrapped: WrappedKey = unwrap(
      initialKeyId === null
        ? vault.wrapTagKey(protection, negativeTagKey)
        : vault.wrapInitialKey(protection, baseKey, hex(initialKeyId)),
    );
    // What was only allocated was never proven to be there: it is void. A loaded key stays good until the next is proven.
    await tx
      .updateTable('key_ledger')
      .set({ state: 'replaced' })
      .where('serial', '=', serial)
      .where('slot', '=', slot)
      .where('state', '=', 'allocated')
      .execute();
    await tx
      .insertInto('key_ledger')
      .values({
        id: world.id(),
        serial,
        slot,
        kcv: wrapped.checkValue,
        initial_key_id: initialKeyId,
        parent_key: slot === 'dukpt' ? baseKey : negativeTagKey,
        protected_by: protection,
        key_block: wrapped.keyBlock,
        state: 'allocated',
        allocated_at: world.clock.now(),
        loaded_at: null,
      })
      .execute();
    return { slot, keyBlock: wrapped.keyBlock, kcv: wrapped.checkValue };
  }

  async function markLoaded(tx: Transaction<Database>, serial: Serial, slot: KeySlot, id: string): Promise<void> {
    await tx
      .updateTable('key_ledger')
      .set({ state: 'replaced' })
      .where('serial', '=', serial)
      .where('slot', '=', slot)
      .where('state', 'in', ['allocated', 'loaded'])
      .where('id', '!=', id)
      .execute();
    await tx
      .updateTable('key_ledger')
      .set({ state: 'loaded', loaded_at: world.clock.now() })
      .where('id', '=', id)
      .execute();
  }

  /** The entry of the initial key that a transaction's key hangs on. */
  const baseOf = (ksn: Uint8Array) =>
    store.db
      .selectFrom('key_ledger')
      .innerJoin('terminals', 'terminals.serial', 'key_ledger.serial')
      .select(['key_ledger.serial', 'key_ledger.parent_key'])
      .where('initial_key_id', '=', toHex(ksn.subarray(0, 8)))
      .where('state', 'in', ['allocated', 'loaded'])
      .executeTakeFirst();

  const keys: Keys = {
    async protect(tx, serial, vault_key, kcv) {
      const row = { vault_key, kcv, agreed_at: world.clock.now() };
      await tx
        .insertInto('protection_keys')
        .values({ serial, ...row })
        .onConflict((conflict) => conflict.column('serial').doUpdateSet(row))
        .execute();
      await tx
        .updateTable('key_ledger')
        .set({ state: 'replaced' })
        .where('serial', '=', serial)
        .where('state', '=', 'allocated')
        .execute();
    },

    async wiped(tx, serial) {
      await tx.deleteFrom('protection_keys').where('serial', '=', serial).execute();
      await tx
        .updateTable('key_ledger')
        .set({ state: 'replaced' })
        .where('serial', '=', serial)
        .where('state', 'in', ['allocated', 'loaded'])
        .execute();
    },

    async reconcile(tx, serial, reported, isOpen) {
      const protection = await tx
        .selectFrom('protection_keys')
        .select('vault_key')
        .where('serial', '=', serial)
        .executeTakeFirst();
      if (!protection) return { loads: [], loaded: [] };
      const entries = await current(tx, serial);
      const loads: KeyLoad[] = [];
      const loaded: KeySlot[] = [];
      for (const slot of keySlots) {
        const shown = reported.find((key) => key.slot === slot);
        const ofSlot = entries.filter((entry) => entry.slot === slot);
        const row = ofSlot.find((entry) => entry.kcv === shown?.kcv) ?? ofSlot[0];
        const entry = row && {
          id: row.id,
          kcv: row.kcv,
          state: row.state === 'loaded' ? ('loaded' as const) : ('allocated' as const),
          protectedBy: row.protected_by,
        };
        const decision = decideSlot(entry, shown, isOpen(slot));
        if (decision === 'allocate') loads.push(await allocate(tx, serial, slot, protection.vault_key));
        if (decision === 'mark-loaded' && entry) {
          await markLoaded(tx, serial, slot, entry.id);
          loaded.push(slot);
        }
      }
      return { loads, loaded };
    },

    async rotate(tx, serial, slot) {
      const protection = await tx
        .selectFrom('protection_keys')
        .select('vault_key')
        .where('serial', '=', serial)
        .executeTakeFirst();
      return protection && (await allocate(tx, serial, slot, protection.vault_key));
    },

    async proven(tx, serial, evidence) {
      const entry = (await current(tx, serial)).find(
        ({ slot, kcv }) => slot === evidence.slot && kcv === evidence.kcv.toUpperCase(),
      );
      if (!entry) return false;
      if (entry.state !== 'loaded') await markLoaded(tx, serial, evidence.slot, entry.id);
      return true;
    },

    async forTransaction(ksn) {
      const entry = await baseOf(ksn);
      if (!entry) return fail('VAULT_KEY_UNKNOWN', { field: 'initialKeyId' });
      const working = vault.dukptKeys(entry.parent_key, ksn);
      return working.ok ? ok({ serial: entry.serial as Serial, keys: working.value }) : working;
    },

    async translatePin(ksn, to, block, pan) {
      const entry = await baseOf(ksn);
      if (!entry) return fail('VAULT_KEY_UNKNOWN', { field: 'initialKeyId' });
      return vault.translatePin({ base: entry.parent_key, ksn }, to, block, pan);
    },
  };
  return keys;
}
