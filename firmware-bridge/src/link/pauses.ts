import type { World } from '@tsunagu/protocols/world';

/** How long to wait between tries: it doubles from `firstMs` up to `maxMs`. */
export interface Pauses {
  readonly firstMs: number;
  readonly maxMs: number;
}

/**
 * The pause after a failed try: somewhere in the upper half of the doubling delay, so that terminals that failed together do
 * not come back together.
 * @param failures failed tries in a row, from 1
 */
export function pauseAfter(failures: number, pauses: Pauses, world: Pick<World, 'entropy'>): number {
  const ceilingMs = Math.min(pauses.maxMs, pauses.firstMs * 2 ** Math.min(failures - 1, 20));
  return Math.round(ceilingMs / 2 + (ceilingMs / 2) * fraction(world));
}

/** A number from 0 to below 1, uniform. */
export const fraction = (world: Pick<World, 'entropy'>): number =>
  Buffer.from(world.entropy(4)).readUInt32BE(0) / 2 ** 32;
