import { type Clock, systemWorld } from '@tsunagu/protocols/world';

const dayMs = 86_400_000;

/** The system's clock, set back to the last noon in Japan and going on from there: no day ends while a test runs, neither there nor in UTC. */
export function noonInJapan(): Clock {
  const { clock } = systemWorld(() => undefined);
  const noonMs = 3 * 3_600_000;
  const sinceMs = (clock.now() - noonMs) % dayMs;
  return { now: () => clock.now() - sinceMs, monotonicMs: () => clock.monotonicMs() };
}
