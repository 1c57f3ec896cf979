import { z } from 'zod';

/** An id of ours in an address. One of another shape names nothing: it is answered as one that is not known, with where to look. */
export const byId = z.object({ id: z.string().min(1).max(64) });
