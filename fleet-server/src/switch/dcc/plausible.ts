import { hash } from 'node:crypto';
import type { RateRules } from '@tsunagu/protocols/fleet';

/**
 * A rate that is off the one before by more than this factor is not believed until a second person has put the same in force: currencies are quoted for 1, 100 or
 * 1,000 units (KRW, IDR), and a point or a nought slips in. No currency of ISO 4217 moved so far in a day of the last thirty years but by a reform.
 */
export const jumpMax = 1.5;

/** How long somebody may take to confirm what another asked for. */
export const confirmWithinMs = 86_400_000;

/** A rate that is hard to believe. */
export interface RateJump {
  /** Its place in the document. */
  readonly index: number;
  /** ISO 4217 number. */
  readonly currency: string;
  readonly before: string;
  readonly now: string;
}

/** The first rate that is off the last one known of its currency by more than `jumpMax`, up or down. @param lastOf yen for one unit; undefined for one never had */
export function firstJump(
  rates: RateRules['rates'],
  lastOf: (currency: string) => string | undefined,
): RateJump | undefined {
  for (const [index, { currency, yen }] of rates.entries()) {
    const before = lastOf(currency);
    if (before === undefined) continue;
    const ratio = Number(yen) / Number(before);
    if (ratio > jumpMax || ratio < 1 / jumpMax) return { index, currency, before, now: yen };
  }
  return undefined;
}

/** What two persons have to agree on: rates, cards and mark-up; not the time, which is of each one's own file. */
export const agreedOn = ({ rates, cards, markUpBasisPoints }: RateRules): string =>
  hash('sha256', JSON.stringify([rates, cards, markUpBasisPoints]));
