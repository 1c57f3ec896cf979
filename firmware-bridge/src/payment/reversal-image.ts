import { paymentKind } from '@tsunagu/protocols/fleet';
import { z } from 'zod';
import { sealedCard } from '../secure/index.ts';

/**
 * What must be known to undo a request, as it lies on disk. It is stored before the request leaves and removed when the answer
 * settles it, so that a power loss at any moment between leaves a reversal: what is found at boot is due.
 */
export const reversalImage = z.object({
  v: z.literal(2),
  id: z.string().min(1).max(64),
  /** How often it was sent; from the second time on it goes as 1421. Stored before each sending. */
  attempts: z.number().int().nonnegative(),
  card: sealedCard,
  /** Its own STAN, DE11. All repeats keep it. */
  stan: z.number().int().min(1).max(999_999),
  /** DE7 of the reversal, MMDDhhmmss, UTC. All repeats keep it. */
  transmissionTime: z.string().regex(/^\d{10}$/),
  amountMinor: z.number().int().positive(),
  /** DE3 of the request. */
  processingCode: z.string().regex(/^\d{6}$/),
  /** DE22 of the request. */
  posDataCode: z.string().length(12),
  /** DE25, ISO 8583:1993 message reason: 4021 no answer in time, 4020 unusable answer, 4007 approved but not completed. */
  reason: z.string().regex(/^\d{4}$/),
  /** The payment, should the power fail before its record is written. */
  payment: z
    .object({
      kind: paymentKind,
      entry: z.enum(['contact', 'contactless', 'stripe', 'stored']),
      /** Terminal's time, milliseconds since 1970. */
      at: z.number().int().nonnegative(),
    })
    .optional(),
  /** It will never be settled: the action code of a final no, or the code of the fault. It is kept for a person to see. */
  refused: z.string().max(32).optional(),
  terminalId: z.string().max(8),
  merchantId: z.string().max(15),
  original: z.object({
    mti: z.string().regex(/^\d{4}$/),
    stan: z.number().int().min(1).max(999_999),
    localTime: z.string().regex(/^\d{12}$/),
  }),
});
export type ReversalImage = z.infer<typeof reversalImage>;
