/** Hours of the day, hh:mm; those that end before they begin go over midnight. */
export interface Hours {
  readonly from: string;
  readonly until: string;
}

/** Hours of service as DE44 of a refusal (907) says them: our own layout, `HOURS 08:00-21:00`, local time of Japan. */
export const formatHours = ({ from, until }: Hours): string => `HOURS ${from}-${until}`;

/** The hours that a DE44 says; undefined where it says something else. */
export function parseHours(text: string): Hours | undefined {
  const [, from, until] = /^HOURS ((?:[01]\d|2[0-3]):[0-5]\d)-((?:[01]\d|2[0-4]):[0-5]\d)$/.exec(text) ?? [];
  return from === undefined || until === undefined ? undefined : { from, until };
}

/**
 * Kinds of account of an amount in DE54. ISO 8583:1993, A.7 has 30 for credit; 60 (stored value) and 90 (points, which are not money though DE54 wants a
 * currency) are our choice out of what it leaves open.
 */
export const balanceAccounts = { credit: '30', storedValue: '60', points: '90' } as const;
