import type { AcquirerSet, Serial } from '@tsunagu/protocols/fleet';
import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import type { World } from '@tsunagu/protocols/world';
import { isRegistered } from '../estate/index.ts';
import type { Queryable, Store } from '../store/index.ts';

/** Which card companies a terminal holds keys of. */
export interface Acquirers {
  /** Version 0: nobody set them yet. */
  of(serial: Serial): Promise<Result<AcquirerSet, 'TERMINAL_UNKNOWN'>>;
  /**
   * Gives a terminal keys of card companies, or takes them from the inventory: its slots are filled at once if it is connected, else at its next contact. VERSION_CONFLICT when
   * `base` is not the newest version.
   */
  set(
    serial: Serial,
    base: number,
    acquirers: readonly string[],
  ): Promise<Result<AcquirerSet, 'TERMINAL_UNKNOWN' | 'VERSION_CONFLICT'>>;
}

/** The card companies of a terminal, in order. */
export async function acquirersOf(on: Queryable, serial: Serial): Promise<string[]> {
  const rows = await on
    .selectFrom('terminal_acquirers')
    .select('acquirer')
    .where('serial', '=', serial)
    .orderBy('acquirer')
    .execute();
  return rows.map(({ acquirer }) => acquirer);
}

/** @param ask has a terminal that is connected show its keys */
export function openAcquirers(world: Pick<World, 'clock'>, store: Store, ask: (serial: Serial) => void): Acquirers {
  async function read(on: Queryable, serial: Serial): Promise<Result<AcquirerSet, 'TERMINAL_UNKNOWN'>> {
    if (!(await isRegistered(on, serial))) return fail('TERMINAL_UNKNOWN', { facts: { serial } });
    const row = await on
      .selectFrom('acquirer_versions')
      .select('version')
      .where('serial', '=', serial)
      .executeTakeFirst();
    return ok({ acquirers: await acquirersOf(on, serial), version: row?.version ?? 0 });
  }

  return {
    of: (serial) => read(store.db, serial),
    async set(serial, base, wanted) {
      const set = await store.write(
        async (tx): Promise<Result<AcquirerSet, 'TERMINAL_UNKNOWN' | 'VERSION_CONFLICT'>> => {
          const before = await read(tx, serial);
          if (!before.ok) return before;
          if (before.value.version !== base)
            return fail('VERSION_CONFLICT', { facts: { base, newest: before.value.version } });
          const acquirers = [...new Set(wanted)].toSorted();
          const version = base + 1;
          await tx.deleteFrom('terminal_acquirers').where('serial', '=', serial).execute();
          for (const acquirer of acquirers)
            await tx
              .insertInto('terminal_acquirers')
              .values({ serial, acquirer, added_at: world.clock.now() })
              .execute();
          await tx
            .insertInto('acquirer_versions')
            .values({ serial, version })
            .onConflict((conflict) => conflict.column('serial').doUpdateSet({ version }))
            .execute();
          return ok({ acquirers, version });
        },
      );
      if (set.ok) ask(serial);
      return set;
    },
  };
}
