import type { Serial } from '@tsunagu/protocols/fleet';
import type { Transaction } from 'kysely';
import type { Database } from '../store/index.ts';
import type { Keys } from './keys.ts';

/**
 * Whether a terminal may be given keys now: it is on the manifest of an open injection run and not taken out of it, or it is keyed anew from afar under
 * a protection key under which it holds keys, or which its TR-34 binding brought it after such a one. PCI PIN 3.1, 30-3.
 */
export async function mayBeKeyedNow(tx: Transaction<Database>, serial: Serial): Promise<boolean> {
  const listed = await tx
    .selectFrom('key_run_devices')
    .innerJoin('key_runs', 'key_runs.id', 'key_run_devices.run')
    .select('run')
    .where('serial', '=', serial)
    .where('is_listed', '=', 1)
    .where('key_run_devices.state', 'in', ['listed', 'submitted'])
    .where('key_runs.state', '=', 'open')
    .executeTakeFirst();
  if (listed) return true;
  const protection = await tx
    .selectFrom('protection_keys')
    .leftJoin('key_bindings', (join) =>
      join
        .onRef('key_bindings.serial', '=', 'protection_keys.serial')
        .onRef('key_bindings.vault_key', '=', 'protection_keys.vault_key'),
    )
    .select(['protection_keys.vault_key', 'key_bindings.state as binding'])
    .where('protection_keys.serial', '=', serial)
    .executeTakeFirst();
  if (!protection) return false;
  const loaded = await tx
    .selectFrom('key_ledger')
    .select('protected_by')
    .where('serial', '=', serial)
    .where('state', '=', 'loaded')
    .execute();
  return (
    loaded.some(({ protected_by }) => protected_by === protection.vault_key) ||
    (loaded.length > 0 && protection.binding === 'received')
  );
}

/**
 * The ledger of a house whose terminals get their first keys in injection runs only: outside of one nothing is made for them, and `refused` hears of
 * it. What they hold already is taken note of as always.
 */
export const keyedInRuns = (
  keys: Keys,
  refused: (tx: Transaction<Database>, serial: Serial) => Promise<void>,
): Keys => ({
  ...keys,
  async reconcile(tx, serial, reported, isOpen) {
    if (await mayBeKeyedNow(tx, serial)) return await keys.reconcile(tx, serial, reported, isOpen);
    // Nothing is allocated while a load is under way: so it looks for every slot here.
    const { loaded } = await keys.reconcile(tx, serial, reported, () => true);
    if ((await keys.held(tx, serial)) === undefined) await refused(tx, serial);
    return { loads: [], loaded };
  },
});
