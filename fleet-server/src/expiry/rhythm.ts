import { z } from 'zod';

const dayMs = 86_400_000;
/** The last pauses, and the longest of two years: a shop that closes for the winter is not forgotten by its summer. */
const recentMax = 32;
const longMax = 8;
const longKeptDays = 800;

/** When a terminal is heard of: the first contact of each day (UTC) that has one, and the pauses between those, in milliseconds. */
export const rhythm = z.object({
  lastAt: z.number(),
  recent: z.array(z.number()).max(recentMax),
  /** Day (since 1970) on which the pause ended, and its length. */
  long: z.array(z.tuple([z.number(), z.number()])).max(longMax),
});
export type Rhythm = z.infer<typeof rhythm>;

const dayOf = (at: number): number => Math.floor(at / dayMs);

/** The rhythm after a contact; the same one when the day was noted already, or when the clock went back. */
export function noteContact(before: Rhythm | undefined, at: number): Rhythm {
  if (!before) return { lastAt: at, recent: [], long: [] };
  if (dayOf(at) <= dayOf(before.lastAt)) return before;
  const pause = at - before.lastAt;
  const today = dayOf(at);
  const long = [...before.long.filter(([day]) => today - day <= longKeptDays), [today, pause] as [number, number]]
    .toSorted((a, b) => b[1] - a[1])
    .slice(0, longMax);
  return { lastAt: at, recent: [...before.recent, pause].slice(-recentMax), long };
}

/** The longest silence that has to be reckoned with; undefined while there is too little to tell. */
export function longestSilence(known: Rhythm | undefined): number | undefined {
  if (!known || known.recent.length < 2) return undefined;
  return Math.max(...known.recent, ...known.long.map(([, pause]) => pause));
}
