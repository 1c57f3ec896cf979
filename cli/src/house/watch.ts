import { backOffMs } from '@tsunagu/protocols/acquiring';
import type { Result } from '@tsunagu/protocols/kit';
import type { World } from '@tsunagu/protocols/world';
import type { Child } from './child.ts';

/** Between a death and the next start. */
const pauses = { firstMs: 1_000, factor: 2, mostMs: 30_000 } as const;
/** A part that dies so often within `windowMs` will not hold, and the house ends: whoever runs it must look. */
export const deathsMax = 5;
const windowMs = 10 * 60_000;

/** What is done about a part that died: started again after a pause, or no more. */
export type AfterDeath = { readonly pauseMs: number } | 'give-up';

/** @param deaths when it died, this time too; monotonic milliseconds, oldest first */
export function afterDeath(deaths: readonly number[]): AfterDeath {
  const last = deaths.at(-1) ?? 0;
  const recent = deaths.filter((at) => last - at < windowMs).length;
  return recent >= deathsMax ? 'give-up' : { pauseMs: backOffMs(pauses, recent - 1) };
}

/** A part of the house: what runs of it now, and how it is started anew. */
export interface Part {
  child: Child;
  start(): Promise<Result<Child>>;
}

/** What somebody in front of the house is told. */
export interface PartEvents {
  died(part: Part, pauseMs: number): void;
  /** It runs again. */
  returned(part: Part): void;
}

/**
 * Keeps the parts of a house running until the signal: one that dies is started again, while the others go on.
 *
 * @returns the part that died too often; undefined when the signal came. No start is under way any more then.
 */
export async function keepRunning(
  world: Pick<World, 'clock' | 'timers'>,
  parts: readonly Part[],
  events: PartEvents,
  signal: AbortSignal,
): Promise<Part | undefined> {
  const over = new AbortController();
  const until = AbortSignal.any([signal, over.signal]);
  const ended = await Promise.all(
    parts.map(async (part) => {
      const held = await keepOne(world, part, events, until);
      if (!held) over.abort();
      return held ? undefined : part;
    }),
  );
  return ended.find((part) => part !== undefined);
}

/** @returns false: it died too often */
async function keepOne(
  world: Pick<World, 'clock' | 'timers'>,
  part: Part,
  events: PartEvents,
  signal: AbortSignal,
): Promise<boolean> {
  const stopped = new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
  const deaths: number[] = [];
  for (;;) {
    await Promise.race([stopped, part.child.ended]);
    if (signal.aborted) return true;
    for (let isBack = false; !isBack; ) {
      deaths.push(world.clock.monotonicMs());
      const next = afterDeath(deaths);
      if (next === 'give-up') return false;
      events.died(part, next.pauseMs);
      await Promise.race([stopped, world.timers.sleep(next.pauseMs)]);
      if (signal.aborted) return true;
      const started = await part.start();
      if (signal.aborted) {
        if (started.ok) part.child = started.value;
        return true;
      }
      if (!started.ok) continue;
      part.child = started.value;
      isBack = true;
    }
    events.returned(part);
  }
}
