import { Temporal } from '@js-temporal/polyfill';
import { type MaintenanceWindow, weekdays } from '@tsunagu/protocols/fleet';

/** Whether a shop may be changed now: until when, or from when. */
export type WindowState =
  | { readonly isOpen: true; readonly closesAt: number | undefined }
  | { readonly isOpen: false; readonly opensAt: number | undefined };

/** Whether there is a zone of this name. */
export function isTimeZone(name: string): boolean {
  try {
    Temporal.Now.zonedDateTimeISO(name);
    return !/^[+-]/.test(name);
  } catch {
    return false;
  }
}

/**
 * Where `now` lies among windows of a zone's local time. Local times become moments by the rule of RFC 5545, 3.3.5 (Temporal's
 * "compatible"): one that a change of the clock skips moves on by the length of the gap, one that comes twice is its first.
 */
export function windowAt(windows: readonly MaintenanceWindow[], zone: string, now: number): WindowState {
  if (windows.length === 0) return { isOpen: true, closesAt: undefined };
  const today = Temporal.Instant.fromEpochMilliseconds(now).toZonedDateTimeISO(zone).toPlainDate();
  let closesAt: number | undefined;
  let opensAt: number | undefined;
  for (let offset = -1; offset <= 8; offset++) {
    const date = today.add({ days: offset });
    for (const window of windows) {
      if (!window.days.includes(weekdays[date.dayOfWeek - 1] ?? 'mon')) continue;
      const from = momentOf(date, window.from, zone);
      const until = momentOf(window.until > window.from ? date : date.add({ days: 1 }), window.until, zone);
      if (from <= now && now < until) closesAt = Math.max(closesAt ?? 0, until);
      if (from > now && until > from) opensAt = Math.min(opensAt ?? from, from);
    }
  }
  return closesAt === undefined ? { isOpen: false, opensAt } : { isOpen: true, closesAt };
}

const momentOf = (date: Temporal.PlainDate, clock: string, zone: string): number =>
  date.toZonedDateTime({ timeZone: zone, plainTime: Temporal.PlainTime.from(clock) }).epochMilliseconds;
