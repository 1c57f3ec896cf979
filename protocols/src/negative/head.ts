import { z } from 'zod';

/**
 * The signed head of a negative list (purpose `tsunagu-negative-head-v1`), retained on `bc/neg/{list}`: which snapshot is
 * the truth, and the emergency entries since. Entries are only ever added to an overlay, so it is safe on any older base.
 */
export const negativeHead = z.object({
  list: z.string().regex(/^[a-z0-9-]{1,32}$/),
  version: z.number().int().min(1),
  /** SHA-256 of the snapshot in hex; also its name on the device API. */
  digest: z.string().regex(/^[0-9a-f]{64}$/),
  size: z
    .number()
    .int()
    .min(0)
    .max(64 * 1024 * 1024),
  overlay: z.object({
    /** Rises with every emergency entry, and never falls while the list lives. */
    seq: z.number().int().nonnegative(),
    /** Tags in base64. Cumulative since `version`. */
    tags: z.array(z.string().regex(/^[A-Za-z0-9+/]{11}=$/)).max(2_000),
  }),
  /** Server time, milliseconds since 1970. */
  issuedAt: z.number().int().nonnegative(),
  /** After it the list is stale: no offline approval. */
  notAfter: z.number().int().nonnegative(),
});
export type NegativeHead = z.infer<typeof negativeHead>;
