const digits = (value: number, width: number): string => String(value).padStart(width, '0');

/** Japan has no summer time: nine hours ahead of UTC. */
const localOffsetMs = 9 * 3_600_000;

/** A text that changes once in a while, made once for each while: a busy link asks for it thousands of times a second. */
function lasting(lastsMs: number, make: (nowMs: number) => string): (nowMs: number) => string {
  let [made, text] = [Number.NaN, ''];
  return (nowMs) => {
    const now = Math.floor(nowMs / lastsMs);
    if (now !== made) [made, text] = [now, make(nowMs)];
    return text;
  };
}

/** Date and time of transmission (DE7): MMDDhhmmss in UTC. */
export const transmissionTime: (nowMs: number) => string = lasting(1_000, timeOf);

/** Local date and time of a transaction (DE12): YYMMDDhhmmss in Japan. */
export const localTransactionTime: (nowMs: number) => string = lasting(1_000, (nowMs) => {
  const at = new Date(nowMs + localOffsetMs);
  return digits(at.getUTCFullYear() % 100, 2) + timeOf(nowMs + localOffsetMs);
});

function timeOf(nowMs: number): string {
  const at = new Date(nowMs);
  return (
    digits(at.getUTCMonth() + 1, 2) +
    digits(at.getUTCDate(), 2) +
    digits(at.getUTCHours(), 2) +
    digits(at.getUTCMinutes(), 2) +
    digits(at.getUTCSeconds(), 2)
  );
}

/** Retrieval reference number (DE37, 12 characters): last digit of the year, day of the year, hour, and the STAN (local time). */
export const retrievalReference = (nowMs: number, stan: string): string => localHour(nowMs) + stan;

const localHour = lasting(3_600_000, (nowMs) => {
  const at = new Date(nowMs + localOffsetMs);
  const year = at.getUTCFullYear();
  const day = Math.floor((at.getTime() - Date.UTC(year, 0, 1)) / 86_400_000) + 1;
  return `${year % 10}${digits(day, 3)}${digits(at.getUTCHours(), 2)}`;
});
