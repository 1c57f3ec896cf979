import { z } from 'zod';

/**
 * What must be known to undo a sale, as it lies on disk. It is stored before the request leaves and removed when the answer
 * settles the sale, so that a power loss at any moment between leaves a reversal: what is found at boot is due. The PAN is kept beside it, sealed.
 */
export const reversalImage = z.object({
  v: z.literal(1),
  id: z.string().min(1).max(64),
  /** How often it was sent; from the second time on it goes as 1421. Stored before each sending. */
  attempts: z.number().int().nonnegative(),
  /** Its own STAN, DE11. All repeats keep it. */
  stan: z.number().int().min(1).max(999_999),
  /** DE7 of the reversal, MMDDhhmmss, UTC. All repeats keep it. */
  transmissionTime: z.string().regex(/^\d{10}$/),
  /** DE12 of the reversal, YYMMDDhhmmss, local time. All repeats keep it. */
  localTime: z.string().regex(/^\d{12}$/),
  amountMinor: z.number().int().positive(),
  /** DE22 of the sale. */
  posDataCode: z.string().length(12),
  /** DE25, ISO 8583:1993 message reason: 4021 no answer in time, 4020 unusable answer, 4000 cancelled after approval. */
  reason: z.string().regex(/^\d{4}$/),
  terminalId: z.string().max(8),
  merchantId: z.string().max(15),
  acquirerId: z.string().regex(/^\d{1,11}$/),
  original: z.object({
    mti: z.string().regex(/^\d{4}$/),
    stan: z.number().int().min(1).max(999_999),
    localTime: z.string().regex(/^\d{12}$/),
  }),
});
export type ReversalImage = z.infer<typeof reversalImage>;
