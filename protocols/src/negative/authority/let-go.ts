import { countOf, type NegativeSet } from '../container/encode.ts';
import { tagOf } from '../container/entries.ts';
import type { CardRange } from '../container/ranges.ts';

const day = 86_400;
/** No list is taken for smaller: on a handful of cards one may change for another. */
const cardsMin = 20;
/** What one signature may let go at once, and what of that wears off in a day, as shares of the list. */
const atOnce = 1 / 20;
const aDay = 1 / 100;

/** What one signature let go lately: so many cards, as of a moment in seconds. It wears off. */
export interface LetGo {
  readonly cards: number;
  readonly at: number;
}

/**
 * How many cards the one list refuses and the other lets through: entries that are gone, and exceptions that are new, each of which may
 * be for a listed card. Everything, where a blocked range goes that had more than a day to run, or where codec or width differ: there
 * nobody can tell one card from another.
 */
export function lettingGo(base: NegativeSet, next: NegativeSet, now: number): number {
  const count = countOf(base);
  const kept = new Set(next.beside.ranges.map(nameOf));
  const liftsRange = base.beside.ranges.some((range) => range.notAfter > now + day && !kept.has(nameOf(range)));
  const isAlike = base.codec === next.codec && base.hashBits === next.hashBits;
  if (liftsRange || (!isAlike && count > 0)) return Number.POSITIVE_INFINITY;
  const known = new Set(base.beside.exceptions);
  let cards = next.beside.exceptions.filter((exception) => !known.has(exception)).length;
  const after = new Map(next.partitions.map(({ id, entries }) => [id, entries]));
  for (const { id, entries } of base.partitions) cards += missing(entries, after.get(id) ?? new Float64Array(0));
  return cards;
}

const nameOf = ({ digits, low, high, notAfter }: CardRange): string => `${digits}:${low}-${high}/${notAfter}`;

/** How many tags of the one are not in the other; both ascend. */
function missing(before: Float64Array, after: Float64Array): number {
  let gone = 0;
  let at = 0;
  for (const entry of before) {
    const tag = tagOf(entry);
    while (at < after.length && tagOf(after[at] ?? 0) < tag) at += 1;
    if (at >= after.length || tagOf(after[at] ?? 0) !== tag) gone += 1;
  }
  return gone;
}

/**
 * What one signature has let go when it lets so many cards go now; undefined when that is more than it may: a twentieth of the list in
 * force at once, and a hundredth more for each day since. Many small steps are one large one.
 */
export function countLetGo(before: LetGo, count: number, cards: number, now: number): LetGo | undefined {
  const size = Math.max(count, cardsMin);
  const worn = size * aDay * Math.max(0, (now - before.at) / day);
  const left = before.cards + cards - worn;
  if (cards > 0 && left > size * atOnce) return undefined;
  return { cards: Math.max(0, left), at: Math.max(now, before.at) };
}
