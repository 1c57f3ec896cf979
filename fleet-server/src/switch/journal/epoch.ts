import { FaultError } from '@tsunagu/protocols/kit';
import type { Transaction } from 'kysely';
import type { Database, Store } from '../../store/index.ts';

const name = 'switch';

/** The epoch that holds now, as an expression of SQL. */
export const heldEpoch = `(SELECT epoch FROM switch_epochs WHERE name = '${name}')`;

/** Whether this switch is still the one that may write: it is looked at in every commit. */
export interface Fence {
  readonly epoch: number;
  /** Throws SWITCH_FENCED when somebody else writes by now. */
  check(tx: Transaction<Database>): Promise<void>;
}

/** Whether a write failed because somebody else is the switch by now. */
export const isFenced = (cause: unknown): boolean =>
  cause instanceof FaultError && cause.fault.code === 'SWITCH_FENCED';

/**
 * Begins an epoch: from here on whoever held an earlier one can no longer commit, and what cannot commit sends nothing. A write of a fenced switch fails
 * with SWITCH_FENCED.
 */
export async function beginEpoch(store: Pick<Store, 'write'>, now: number): Promise<Fence> {
  const mine = await store.write(async (tx) => {
    const held = await tx.selectFrom('switch_epochs').select('epoch').where('name', '=', name).executeTakeFirst();
    const epoch = (held?.epoch ?? 0) + 1;
    await tx
      .insertInto('switch_epochs')
      .values({ name, epoch, since: now })
      .onConflict((conflict) => conflict.column('name').doUpdateSet({ epoch, since: now }))
      .execute();
    return epoch;
  });
  return {
    epoch: mine,
    async check(tx) {
      const held = await tx.selectFrom('switch_epochs').select('epoch').where('name', '=', name).executeTakeFirst();
      if (held?.epoch !== mine)
        throw new FaultError({ code: 'SWITCH_FENCED', facts: { epoch: mine, held: held?.epoch ?? 0 } });
    },
  };
}
