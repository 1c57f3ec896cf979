import type { Serial } from '@tsunagu/protocols/fleet';
import type { Transaction } from 'kysely';
import type { World } from '@tsunagu/protocols/world';
import type { Note } from '../estate/index.ts';
import type { Database } from '../store/index.ts';
import type { Keys } from './keys.ts';
import { isInRun } from './runs.ts';

/**
 * Whether a terminal may be given keys now: it is at the bench of an open injection run, on its manifest, or it is keyed anew from afar under
 * a protection key under which it holds keys, or which its TR-34 binding brought it after such a one. PCI PIN 3.1, 30-3.
 */
export async function mayBeKeyedNow(tx: Transaction<Database>, serial: Serial): Promise<boolean> {
  // Who is listed and was not submitted gets nothing: the balance of the run counts what is at the bench.
  if (await isInRun(tx, serial, 'submitted', 'open')) return true;
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

const dayMs = 86_400_000;
/** Notes an alarm once a day: whoever it is about says hello every minute. */
export const dailyAlarm =
  (world: Pick<World, 'clock'>, note: Note) =>
  async (
    tx: Transaction<Database>,
    serial: Serial,
    facts: Readonly<Record<string, string>> & { readonly code: string },
  ): Promise<void> => {
    const known = await tx
      .selectFrom('timeline')
      .select('id')
      .where('serial', '=', serial)
      .where('kind', '=', 'alarm')
      .where('facts', '=', JSON.stringify(facts))
      .where('at', '>', world.clock.now() - dayMs)
      .executeTakeFirst();
    if (!known) await note(tx, serial, 'alarm', facts);
  };

/** Notes a refusal as an alarm once a day. */
export const refusalAlarm =
  (world: Pick<World, 'clock'>, note: Note) =>
  (tx: Transaction<Database>, serial: Serial): Promise<void> =>
    dailyAlarm(world, note)(tx, serial, { code: 'KEY_RUN_NOT_LISTED' });

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
    const { loaded, erases, foreign } = await keys.reconcile(tx, serial, reported, () => true);
    const waits = (await isInRun(tx, serial, 'listed', 'open')) || (await isInRun(tx, serial, 'listed', 'proposed'));
    if (!waits && (await keys.held(tx, serial)) === undefined) await refused(tx, serial);
    return { loads: [], loaded, erases, ...(foreign && { foreign }) };
  },
});
