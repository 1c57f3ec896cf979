import { z } from 'zod';

/** One page of a list; `next` is the cursor of the following page. */
export const page = <T extends z.ZodType>(item: T) =>
  z.object({
    items: z.array(item).describe('What is on this page, in the order of the list.'),
    next: z.string().nullable().describe('Cursor of the following page; null on the last.'),
  });
