import type { LifecycleState } from '../fleet/lifecycle.ts';

const day = 86_400_000;
/** How long a terminal may stay in a state without a step or a hand-over, milliseconds. What is deployed may stay. */
export const dwellMaxMs: Readonly<Partial<Record<LifecycleState, number>>> = {
  keyed: 14 * day,
  'in-transit': 5 * day,
  swap: 3 * day,
  returned: 10 * day,
  inspected: 14 * day,
  refurbish: 45 * day,
  wipe: 14 * day,
};
/** A terminal that left without a hand-over is missed after so long. */
export const gapMaxMs = day;

/** What custody looks at. Times are milliseconds since 1970. */
export interface CustodyFacts {
  readonly state: LifecycleState;
  readonly since: number;
  /** The newest hand-over; null when there is none. */
  readonly handedOverAt: number | null;
}

/** What is wrong with where a terminal is: it stays too long, or it moved with nobody's hand on it. */
export function custodyAlarm(
  { state, since, handedOverAt }: CustodyFacts,
  now: number,
): { readonly kind: 'dwell' | 'gap'; readonly since: number } | undefined {
  const isOnItsWay = state === 'in-transit' || state === 'returned';
  if (isOnItsWay && (handedOverAt === null || handedOverAt < since) && now - since > gapMaxMs)
    return { kind: 'gap', since };
  const last = Math.max(since, handedOverAt ?? 0);
  const limit = dwellMaxMs[state];
  return limit !== undefined && now - last > limit ? { kind: 'dwell', since: last } : undefined;
}
