import type { World } from '@tsunagu/protocols/world';
import type { Store } from '../store/index.ts';
import type { Vault, VaultHead } from '../vault/index.ts';

/** How far the vault's file was when the store last heard of it; undefined before the first time. */
export async function vaultHeadSeen(store: Store): Promise<VaultHead | undefined> {
  const row = await store.db.selectFrom('vault_head').selectAll().executeTakeFirst();
  return row && { generation: row.generation, records: row.records, mac: row.mac };
}

/**
 * Keeps the vault's head in the store, so that neither can be set back without the other. It follows behind: keys are made inside transactions
 * too, and a head that is a few keys old still names a place that the file must go through. `close` waits until it is up to date.
 */
export function keepVaultHead(
  world: Pick<World, 'clock' | 'log'>,
  store: Store,
  vault: Vault,
): { close(): Promise<void> } {
  let wanted: VaultHead | undefined;
  let writing: Promise<void> | undefined;
  const write = async (): Promise<void> => {
    while (wanted) {
      const head = wanted;
      wanted = undefined;
      const row = { ...head, seen_at: world.clock.now() };
      await store.db
        .insertInto('vault_head')
        .values({ id: 1, ...row })
        .onConflict((conflict) => conflict.column('id').doUpdateSet(row))
        .execute();
    }
    writing = undefined;
  };
  const moved = (head: VaultHead): void => {
    wanted = head;
    writing ??= write().catch((cause: unknown) => {
      writing = undefined;
      world.log('error', 'vaultHeadNotKept', { fault: { code: 'INTERNAL', cause } });
    });
  };
  const now = vault.head();
  if (now) moved(now);
  vault.onHead(moved);
  return {
    async close() {
      await writing;
    },
  };
}
