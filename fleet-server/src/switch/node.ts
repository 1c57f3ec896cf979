import { ok, type Result } from '@tsunagu/protocols/kit';
import type { World } from '@tsunagu/protocols/world';
import { openPostgresStore, type Store, takeTenure, type Tenure } from '../store/index.ts';
import { switchSchema } from './schema.ts';

/** A node of a switch that has more than one, while it is the one that works. */
export interface SwitchNode {
  readonly store: Store;
  /** As `Tenure.lost`: from then on nothing that it writes is kept, and the process has to end. */
  readonly lost: Tenure['lost'];
  /** Closes the store, then hands over to a node that waits. */
  close(): Promise<void>;
}

/** Where the truth of the switch is, and who this is. */
export interface SwitchNodeOptions {
  /** PostgreSQL servers, of which one takes writes. */
  readonly urls: readonly string[];
  /** Name of this node. */
  readonly node: string;
  /** Another node is at work: this one stands by. */
  readonly standingBy: () => void;
}

/**
 * Opens the switch's tables on PostgreSQL once no other node works on them; it may take days. Whoever closes or dies is followed after a start of the
 * server; whoever falls silent, after the lease (3 s) and a start.
 */
export async function openSwitchNode(
  world: World,
  { urls, node, standingBy }: SwitchNodeOptions,
): Promise<Result<SwitchNode, 'STORE_UNUSABLE'>> {
  const tenure = await takeTenure(world, urls, node, {
    waiting() {
      world.log('info', 'standingBy', { node });
      standingBy();
    },
    unreachable: (cause) => world.log('error', 'switchStoreUnreachable', { fault: { code: 'STORE_UNUSABLE', cause } }),
  });
  world.log('info', 'tenureTaken', { node, epoch: tenure.epoch });
  const opened = await openPostgresStore(tenure, switchSchema, world.clock);
  if (!opened.ok) {
    await tenure.release();
    return opened;
  }
  const store = opened.value;
  return ok({
    store,
    lost: tenure.lost,
    async close() {
      await store.close();
      await tenure.release();
    },
  });
}
