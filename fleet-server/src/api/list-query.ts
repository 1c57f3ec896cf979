import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import { z } from 'zod';
import { keyOfCursor, pageOf as cut } from '../store/index.ts';
import type { Page, PageRequest } from './ports.ts';

/** The query of every list. Cursors are the lists' own; here they are only kept short and plain. */
export const listQuery = z.object({
  limit: z.coerce.number().int().min(1).max(500).default(50),
  cursor: z
    .string()
    .regex(/^[A-Za-z0-9_.:~=-]{1,512}$/)
    .optional(),
});

/** Two days, the second no earlier than the first; both are in. */
export const daysQuery = z
  .object({ from: z.iso.date(), to: z.iso.date() })
  .refine(({ from, to }) => from <= to, { path: ['to'], error: 'before the first day' });

/** Yes or no in a query. */
export const flag = z.enum(['true', 'false']).default('false');

/** Those of a list that are not over yet, where it is asked for. */
export const openQuery = listQuery.extend({ open: flag.describe('Only those that are not over.') });

/** The part of a list that a query asks for. */
export const pageOf = ({ limit, cursor }: z.infer<typeof listQuery>): PageRequest =>
  cursor === undefined ? { limit } : { limit, cursor };

/** A part of a short list that is all in memory, after the item whose key the cursor holds. */
export function sliceOf<T>(
  items: readonly T[],
  keyOf: (item: T) => string,
  { limit, cursor }: z.infer<typeof listQuery>,
): Result<Page<T>, 'INPUT_INVALID'> {
  const after = keyOfCursor(cursor);
  if (!after.ok) return after;
  const start = after.value === undefined ? 0 : items.findIndex((item) => keyOf(item) === after.value) + 1;
  if (after.value !== undefined && start === 0) return fail('INPUT_INVALID', { field: 'cursor' });
  return ok(cut(items.slice(start, start + limit + 1), limit, keyOf, (item) => item));
}

/** A part of a list as an answer. */
export const answerPage = <T>({ items, next }: Page<T>): { items: T[]; next: string | null } => ({
  items: [...items],
  next,
});
