import { z } from 'zod';

/** Where a terminal keeps a key. */
export const keySlots = ['dukpt', 'negative'] as const;
export const keySlot = z
  .enum(keySlots)
  .describe(
    'Where a terminal keeps a key: `dukpt` for PIN, data and MAC keys, `negative` for the tags of negative lists.',
  );
export type KeySlot = z.infer<typeof keySlot>;

export const heldKey = z
  .object({
    slot: keySlot,
    kcv: z.string().max(10).describe('Key check value in hex (X9.24-1:2017, annex A): 5 bytes for AES, 3 for TDES.'),
    ksn: z
      .string()
      .max(24)
      .optional()
      .describe('Key serial number in hex: 12 bytes for AES DUKPT (X9.24-3:2017), 10 for TDES (X9.24-1:2009).'),
  })
  .describe('A key that a terminal holds, as it computed it from the key itself.');
export type HeldKey = z.infer<typeof heldKey>;
