import { z } from 'zod';

/**
 * A card as everything behind the secure part holds it: what a person may see of it, and a box that only the secure part opens.
 * It may be stored, logged and shown as it is.
 */
export const sealedCard = z.object({
  v: z.literal(1),
  /** Base64: nonce, ciphertext, tag. It holds number, expiry, sequence number, and track 2 of a swipe. */
  box: z.base64().max(400),
  /** The same for the same card on this terminal, and without meaning elsewhere. */
  token: z.string().regex(/^[0-9a-f]{16}$/),
  lastFour: z.string().regex(/^\d{0,4}$/),
  /** Key of `schemes`, or empty when the number is none that we know. */
  scheme: z.string().max(20),
  /** The card company whose card it is by the terminal's settings. */
  company: z.string().max(12).optional(),
});
export type SealedCard = z.infer<typeof sealedCard>;
