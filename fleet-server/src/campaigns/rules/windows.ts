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

const dayMs = 86_400_000;
/** Days around now in which windows are looked for: what opened yesterday may still be open, and each opens once a week at least. */
const [daysBack, daysAhead] = [2, 10];
/** What is open for a week on end is always open. */
const alwaysMs = 8 * dayMs;

/**
 * Where `now` lies among windows of a zone's local time: they are open while the shop's clock shows a time between `from` and `until`,
 * and at no other. So what lies in an hour that a change of the clock skips does not come on that day, what lies half in it is the other
 * half, and what lies in an hour that comes twice comes twice. Windows that touch are one.
 */
export function windowAt(windows: readonly MaintenanceWindow[], zone: string, now: number): WindowState {
  if (windows.length === 0) return { isOpen: true, closesAt: undefined };
  const open: Span[] = [];
  for (const { from, until, offsetMs } of spansOf(zone, now)) {
    const today = Math.floor((now + offsetMs) / dayMs);
    for (let day = today - daysBack; day <= today + daysAhead; day++)
      for (const window of windows) {
        // The first day of the epoch was a Thursday.
        if (!window.days.includes(weekdays[(day + 3) % 7] ?? 'mon')) continue;
        const [opens, closes] = [clockMs(window.from), clockMs(window.until)];
        const begins = Math.max(from, day * dayMs + opens - offsetMs);
        const ends = Math.min(until, day * dayMs + closes + (closes > opens ? 0 : dayMs) - offsetMs);
        if (begins < ends) open.push({ from: begins, until: ends });
      }
  }
  let next: Span | undefined;
  for (const span of open.sort((one, other) => one.from - other.from)) {
    if (next && span.from <= next.until) next = { from: next.from, until: Math.max(next.until, span.until) };
    else if (next === undefined || next.until <= now) next = span;
    else break;
  }
  if (next === undefined || next.until <= now) return { isOpen: false, opensAt: undefined };
  if (next.from > now) return { isOpen: false, opensAt: next.from };
  return { isOpen: true, closesAt: next.until - now >= alwaysMs ? undefined : next.until };
}

/** From a moment up to another, ms since 1970. */
interface Span {
  readonly from: number;
  readonly until: number;
}

/** The time around now, cut where the zone's clock is changed. */
function spansOf(zone: string, now: number): readonly (Span & { readonly offsetMs: number })[] {
  const offsetAt = (at: number): number =>
    Temporal.Instant.fromEpochMilliseconds(at).toZonedDateTimeISO(zone).offsetNanoseconds / 1_000_000;
  const end = now + daysAhead * dayMs;
  let from = now - daysBack * dayMs;
  let offsetMs = offsetAt(from);
  const spans: (Span & { readonly offsetMs: number })[] = [];
  for (let at = from; at < end; at += dayMs) {
    const after = offsetAt(at + dayMs);
    if (after === offsetMs) continue;
    // Somewhere in this day: the first moment that has the other offset.
    let [before, changed] = [at, at + dayMs];
    while (changed - before > 1) {
      const middle = Math.floor((before + changed) / 2);
      if (offsetAt(middle) === offsetMs) before = middle;
      else changed = middle;
    }
    spans.push({ from, until: changed, offsetMs });
    [from, offsetMs] = [changed, after];
  }
  return [...spans, { from, until: end, offsetMs }];
}

/** "02:30" as milliseconds since midnight. */
const clockMs = (clock: string): number => (Number(clock.slice(0, 2)) * 60 + Number(clock.slice(3))) * 60_000;
