import { z } from 'zod';
import type { Page, PageRequest } from './ports.ts';

/** The query of every list. Cursors are the lists' own; here they are only kept short and plain. */
export const listQuery = z.object({
  limit: z.coerce.number().int().min(1).max(500).default(50),
  cursor: z
    .string()
    .regex(/^[A-Za-z0-9_.:~=-]{1,512}$/)
    .optional(),
});

/** The part of a list that a query asks for. */
export const pageOf = ({ limit, cursor }: z.infer<typeof listQuery>): PageRequest =>
  cursor === undefined ? { limit } : { limit, cursor };

/** A part of a list as an answer. */
export const answerPage = <T>({ items, next }: Page<T>): { items: T[]; next: string | null } => ({
  items: [...items],
  next,
});
