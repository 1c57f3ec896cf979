import { minuteOfDay, minutes, minutesOfDay } from '../twin/window.ts';

/** A clock that was ahead by more than this, when the last day was closed, was wrong. */
const plausibleMs = 86_400_000;

/** When the business day should have ended the last time, by a local time such as "04:00". Milliseconds since 1970. */
export function lastEndOf(endsAt: string, timeZone: string, now: number): number {
  const since = (minuteOfDay(now, timeZone) - minutes(endsAt) + minutesOfDay) % minutesOfDay;
  return now - (now % 60_000) - since * 60_000;
}

/**
 * Whether the open business day is over: it has a transaction from before its end. A clock that is set back over the end does not close it twice.
 *
 * @param firstAt time of its first transaction; undefined where it has none
 * @param closedAt when the day before it was closed
 */
export function isDayOver(
  endsAt: string,
  timeZone: string,
  { firstAt, closedAt }: { readonly firstAt: number | undefined; readonly closedAt: number | undefined },
  now: number,
): boolean {
  if (endsAt === '' || firstAt === undefined) return false;
  const end = lastEndOf(endsAt, timeZone, now);
  const isClosedSince = closedAt !== undefined && closedAt >= end && closedAt - now < plausibleMs;
  return firstAt < end && !isClosedSince;
}
