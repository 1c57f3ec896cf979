import type { Store } from '@tsunagu/fleet-server/store/index';

/** Registers terminals as they stand in a shop, without enrolling them. */
export async function putTerminals({ db }: Pick<Store, 'db'>, serials: readonly string[]): Promise<void> {
  const shop = { merchant: 'm', shop: 's', lane: '1', parent: null, relay_port: null };
  for (const serial of serials)
    await db
      .insertInto('terminals')
      .values({ serial, model: 'CT-5100', ...shop, registered_at: 0, enrolled_at: 0, lifecycle: 'deployed' })
      .execute();
}
