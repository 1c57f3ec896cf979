/** Minutes of a day at a place. */
export function minuteOfDay(at: number, timeZone: string): number {
  const parts = new Intl.DateTimeFormat('en-GB', { timeZone, hour: '2-digit', minute: '2-digit', hourCycle: 'h23' })
    .formatToParts(at)
    .map(({ type, value }) => [type, Number(value)] as const);
  const part = (name: string): number => parts.find(([type]) => type === name)?.[1] ?? 0;
  return part('hour') * 60 + part('minute');
}

/** Minutes of a day. */
export const minutesOfDay = 24 * 60;
/** Minutes from midnight to a time such as "04:00". */
export const minutes = (text: string): number => Number(text.slice(0, 2)) * 60 + Number(text.slice(3, 5));

/** On a day on which the clock is changed, the terminal looks again so often whether its window is open. */
const lookAgainMs = 15 * 60_000;

/** How long until a maintenance window ("02:00-05:00", local time, maybe over midnight) is open, or may be: 0 while it is, or where there is none. */
export function untilWindowMs(window: string, timeZone: string, now: number): number {
  if (window === '') return 0;
  const opensAt = minutes(window.slice(0, 5));
  const lasts = (minutes(window.slice(6)) - opensAt + minutesOfDay) % minutesOfDay || minutesOfDay;
  const since = (minuteOfDay(now, timeZone) - opensAt + minutesOfDay) % minutesOfDay;
  if (since < lasts) return 0;
  const untilMs = (minutesOfDay - since) * 60_000 - (now % 60_000);
  const isSameClock = minuteOfDay(now + untilMs, timeZone) === opensAt;
  return isSameClock ? untilMs : Math.min(untilMs, lookAgainMs);
}
