import { z } from 'zod';

export const negativeHead = z
  .object({
    list: z
      .string()
      .regex(/^[a-z0-9-]{1,32}$/)
      .describe('Name of the negative list.'),
    version: z.number().int().min(1).describe('Version of the snapshot.'),
    digest: z
      .string()
      .regex(/^[0-9a-f]{64}$/)
      .describe('SHA-256 of the snapshot in hex; also its name on the device API.'),
    size: z
      .number()
      .int()
      .min(0)
      .max(64 * 1024 * 1024)
      .describe('Length of the snapshot in bytes.'),
    overlay: z
      .object({
        seq: z
          .number()
          .int()
          .nonnegative()
          .describe('Rises with every emergency entry, and never falls while the list lives.'),
        tags: z
          .array(z.string().regex(/^[A-Za-z0-9+/]{11}=$/))
          .max(2_000)
          .describe('Tags in base64. Cumulative since `version`.'),
      })
      .describe('Emergency entries since the snapshot.'),
    issuedAt: z.number().int().nonnegative().describe('Server time, milliseconds since 1970.'),
    notAfter: z.number().int().nonnegative().describe('After it the list is stale: no offline approval.'),
  })
  .describe(
    'The signed head of a negative list (purpose `tsunagu-negative-head-v1`), retained on `bc/neg/{list}`: which snapshot is the truth, and the emergency entries since. Entries are only ever added to an overlay, so it is safe on any older base.',
  );
export type NegativeHead = z.infer<typeof negativeHead>;

/** What a look-up says. Only `clear` may approve offline. */
export type NegativeAnswer = 'clear' | 'listed' | 'stale' | 'unknown-key';
