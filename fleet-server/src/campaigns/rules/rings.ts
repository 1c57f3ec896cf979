import type { CampaignRing } from '@tsunagu/protocols/fleet';

/**
 * Where a terminal stands in the order of a campaign, from 0 up to 1: a hash of campaign and serial (FNV-1a, 32 bits, mixed by the
 * finaliser of MurmurHash3). Another campaign has another order, so that it is not always the same shops that go first.
 */
export function placeInOrder(campaign: string, serial: string): number {
  const text = `${campaign}/${serial}`;
  let hash = 0x811c_9dc5;
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x0100_0193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85eb_ca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2_ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) / 0x1_0000_0000;
}

/**
 * The bounds of rings in the order: a terminal is in the first ring whose bound is above its place. They are quantiles of the cohort,
 * so that a ring has its share to the terminal and is not empty while the cohort has enough; who joins later falls into one by the
 * same bounds.
 */
export function ringBounds(
  places: readonly number[],
  rings: readonly Pick<CampaignRing, 'percent'>[],
): readonly number[] {
  const sorted = Float64Array.from(places).sort();
  let taken = 0;
  return rings.map(({ percent }, index) => {
    if (index === rings.length - 1) return 1;
    if (sorted.length === 0) return percent / 100;
    taken = Math.min(sorted.length, Math.max(taken + 1, Math.round((sorted.length * percent) / 100)));
    return sorted[taken] ?? 1;
  });
}

/** The ring that a place falls into. */
export const ringOf = (place: number, bounds: readonly number[]): number => {
  const found = bounds.findIndex((bound) => place < bound);
  return found < 0 ? bounds.length - 1 : found;
};
