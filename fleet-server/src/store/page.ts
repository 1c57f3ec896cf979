import { fail, ok, type Result } from '@tsunagu/protocols/kit';

/** Which part of a list: at most `limit` items after `cursor`, which is a `next` of an earlier page. */
export interface PageRequest {
  readonly limit: number;
  readonly cursor?: string;
}

/** A part of a list. */
export interface Page<T> {
  readonly items: readonly T[];
  readonly next: string | null;
}

/** The most items of one page. */
export const pageLimitMax = 500;

/** Cuts a page out of rows that were asked for one more than it may hold; `keyOf` is what the next page begins after. */
export function pageOf<Row, Item>(
  rows: readonly Row[],
  limit: number,
  keyOf: (row: Row) => string | number,
  itemOf: (row: Row) => Item,
): Page<Item> {
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  return {
    items: shown.map(itemOf),
    next: rows.length > limit && last !== undefined ? Buffer.from(String(keyOf(last))).toString('base64url') : null,
  };
}

/** The key that a cursor stands for; undefined for the first page. */
export function keyOfCursor(cursor: string | undefined): Result<string | undefined, 'INPUT_INVALID'> {
  if (cursor === undefined) return ok(undefined);
  const key = Buffer.from(cursor, 'base64url');
  const text = key.toString('utf8');
  // As `pageOf` makes them, and no other spelling: a made-up cursor would begin anywhere and look like an answer.
  const isOurs = cursor.length <= 128 && key.toString('base64url') === cursor && /^[^\p{Cc}\ufffd]+$/u.test(text);
  return isOurs ? ok(text) : fail('INPUT_INVALID', { field: 'cursor' });
}

/** A limit within its bounds. */
export const boundedLimit = (limit: number): number => Math.min(Math.max(1, Math.trunc(limit)), pageLimitMax);

/** A moment as the management API writes it. */
export const isoTime = (ms: number): string => new Date(ms).toISOString();
