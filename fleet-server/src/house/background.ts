import type { World } from '@tsunagu/protocols/world';
import { forgetArrived, forgetTimeline, type HeardRooms } from '../estate/index.ts';
import type { Store } from '../store/index.ts';

/** How often old entries of the timelines are looked for; and the pause between two batches of them. */
const forgetMs = 3_600_000;
const batchPauseMs = 250;

/** Lets something be noted in the background; a failure is logged. */
export function noteLater(world: Pick<World, 'log'>, noted: Promise<void>): void {
  noted.catch((cause: unknown) => world.log('error', 'noteFailed', { fault: { code: 'INTERNAL', cause } }));
}

/** Runs `work` some time after it was asked for, once for all that asked meanwhile. */
export function settling(world: Pick<World, 'timers' | 'log'>, work: () => Promise<void>) {
  let timer: { cancel(): void } | undefined;
  return {
    soon() {
      timer ??= world.timers.after(1_000, () => {
        timer = undefined;
        noteLater(world, work());
      });
    },
    cancel: () => timer?.cancel(),
  };
}

/**
 * Removes from the timelines what is older than `keptMs`, and queued sales that came, batch after batch, with pauses in which others
 * write.
 */
export function forgetOldEntries(
  world: World,
  store: Store,
  keptMs: number,
  atSwitch: HeardRooms['atSwitch'],
): { cancel(): void } {
  let isForgetting = false;
  const forget = async (): Promise<void> => {
    while (await forgetTimeline(world, store, keptMs)) await world.timers.sleep(batchPauseMs);
    for (let after = await forgetArrived(world, store, atSwitch); after !== undefined; ) {
      await world.timers.sleep(batchPauseMs);
      after = await forgetArrived(world, store, atSwitch, after);
    }
  };
  return world.timers.every(forgetMs, () => {
    if (isForgetting) return;
    isForgetting = true;
    noteLater(
      world,
      forget().finally(() => (isForgetting = false)),
    );
  });
}
