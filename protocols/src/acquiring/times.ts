const digits = (value: number, width: number): string => String(value).padStart(width, '0');

/** Japan has no summer time: nine hours ahead of UTC. */
const localOffsetMs = 9 * 3_600_000;

/** Date and time of transmission (DE7): MMDDhhmmss in UTC. */
export function transmissionTime(nowMs: number): string {
  const at = new Date(nowMs);
  return (
    digits(at.getUTCMonth() + 1, 2) +
    digits(at.getUTCDate(), 2) +
    digits(at.getUTCHours(), 2) +
    digits(at.getUTCMinutes(), 2) +
    digits(at.getUTCSeconds(), 2)
  );
}

/** Local date and time of a transaction (DE12): YYMMDDhhmmss in Japan. */
export function localTransactionTime(nowMs: number): string {
  const at = new Date(nowMs + localOffsetMs);
  return digits(at.getUTCFullYear() % 100, 2) + transmissionTime(nowMs + localOffsetMs);
}

/** Retrieval reference number (DE37, 12 characters): last digit of the year, day of the year, hour, and the STAN (local time). */
export function retrievalReference(nowMs: number, stan: string): string {
  const at = new Date(nowMs + localOffsetMs);
  const year = at.getUTCFullYear();
  const day = Math.floor((at.getTime() - Date.UTC(year, 0, 1)) / 86_400_000) + 1;
  return `${year % 10}${digits(day, 3)}${digits(at.getUTCHours(), 2)}${stan}`;
}
