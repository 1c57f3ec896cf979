import type { Attempt } from './post.ts';

const minute = 60_000;
/** Waits after the first, second … failure: some three days together, then a message is dead. */
export const backoffMs: readonly number[] = [
  5_000,
  30_000,
  2 * minute,
  10 * minute,
  30 * minute,
  60 * minute,
  3 * 60 * minute,
  6 * 60 * minute,
  12 * 60 * minute,
  24 * 60 * minute,
  24 * 60 * minute,
];
const retryAfterMaxMs = 24 * 60 * minute;

/** What follows from an attempt. */
export type Verdict =
  | { readonly state: 'delivered' }
  | { readonly state: 'pending'; readonly waitMs: number }
  | { readonly state: 'dead' };

/**
 * @param attempt how many there were, this one included.
 * @param jitter 0 to 1: up to a tenth is added, so that receivers that come back are not met by all at once.
 */
export function decideAttempt(
  outcome: Attempt,
  attempt: number,
  jitter: number,
  waits: readonly number[] = backoffMs,
): Verdict {
  if (outcome.fault === null) return { state: 'delivered' };
  const wait = waits[attempt - 1];
  if (wait === undefined) return { state: 'dead' };
  const asked = Math.min(outcome.retryAfterMs ?? 0, retryAfterMaxMs);
  return { state: 'pending', waitMs: Math.max(asked, Math.round(wait * (1 + jitter / 10))) };
}
