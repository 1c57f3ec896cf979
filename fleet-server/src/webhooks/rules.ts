import type { Attempt } from './post.ts';

const minute = 60_000;
/** Waits after the first, second … refusal of a message: some three days together, then it is dead. */
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

/** A receiver that is down is asked again at least this often: by one message, whatever waits for it. */
const receiverWaitMaxMs = 10 * minute;
/** A receiver that refuses messages of so many terminals and takes none in between is down; of fewer, it has something against these. */
export const refusedMax = 5;

/** How long to wait after the `count`th failure. Up to a tenth is added by `jitter` (0 to 1), so that receivers are not met by all servers at once. */
const waitOf = (waits: readonly number[], count: number, jitter: number): number =>
  Math.round((waits[Math.min(count, waits.length) - 1] ?? 0) * (1 + jitter / 10));
const askedMs = ({ retryAfterMs }: Attempt): number => Math.min(retryAfterMs ?? 0, retryAfterMaxMs);

/** What follows for a message from its attempt. */
export type Verdict =
  | { readonly state: 'delivered' }
  | { readonly state: 'pending'; readonly waitMs: number }
  | { readonly state: 'dead' };

/**
 * @param attempt how many there were, this one included.
 * @param ageMs since it was taken up. Attempts that found the receiver down come oftener: they alone make nothing dead before its time.
 */
export function decideAttempt(
  outcome: Attempt,
  attempt: number,
  ageMs: number,
  jitter: number,
  waits: readonly number[] = backoffMs,
): Verdict {
  if (outcome.fault === null) return { state: 'delivered' };
  if (attempt > waits.length && ageMs >= waits.reduce((sum, wait) => sum + wait, 0)) return { state: 'dead' };
  return { state: 'pending', waitMs: Math.max(askedMs(outcome), waitOf(waits, attempt, jitter)) };
}

/** How a receiver stands: how often in a row it was found down, and whether it is. */
export interface ReceiverState {
  readonly failures: number;
  readonly isDown: boolean;
}

/**
 * How a receiver stands after messages went to it together. One that takes any is up. It is down when it can't be reached, says itself for how long
 * (RFC 9110, 10.2.3), or takes from nobody.
 * @param refused terminals whose messages it refused since it last took one, these included.
 */
export function decideReceiver(
  { failures, isDown }: ReceiverState,
  outcomes: readonly Attempt[],
  refused: number,
  jitter: number,
  waits: readonly number[] = backoffMs,
): { readonly state: 'up' } | { readonly state: 'down'; readonly failures: number; readonly waitMs: number } {
  if (outcomes.some(({ fault }) => fault === null)) return { state: 'up' };
  const isUnheard = outcomes.some(
    ({ fault, retryAfterMs }) => fault === 'WEBHOOK_UNREACHABLE' || retryAfterMs !== null,
  );
  if (!isDown && !isUnheard && refused < refusedMax) return { state: 'up' };
  const wait = Math.min(waitOf(waits, failures + 1, jitter), receiverWaitMaxMs);
  return { state: 'down', failures: failures + 1, waitMs: Math.max(wait, ...outcomes.map(askedMs)) };
}
