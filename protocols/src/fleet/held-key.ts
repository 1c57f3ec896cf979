import { z } from 'zod';

/** Where every terminal keeps a key. */
export const keySlots = ['dukpt', 'negative'] as const;
/** What a terminal has for each card company beside them. */
export const acquirerKeyKinds = ['pin', 'mac', 'data'] as const;
export type AcquirerKeyKind = (typeof acquirerKeyKinds)[number];
export const acquirerName = z
  .string()
  .regex(/^[a-z0-9]{2,12}$/)
  .describe('A card company: 2 to 12 of a-z and 0-9.');
const acquirerSlot = z.templateLiteral([
  'acquirer/',
  z.string().regex(/[a-z0-9]{2,12}/),
  '/',
  z.enum(acquirerKeyKinds),
]);
/** A slot of a card company's key. */
export type AcquirerSlot = z.infer<typeof acquirerSlot>;
export const keySlot = z
  .union([z.enum(keySlots), acquirerSlot])
  .describe(
    'Where a terminal keeps a key: `dukpt` for PIN, data and MAC keys, `negative` for the tags of negative lists, `acquirer/NAME/pin|mac|data` for one card company.',
  );
export type KeySlot = z.infer<typeof keySlot>;
/** The slots of a card company's keys. */
export const acquirerSlots = (name: string): readonly AcquirerSlot[] =>
  acquirerKeyKinds.map((kind) => `acquirer/${name}/${kind}` as const);
/** Which company's key of which kind is in a slot. */
export function partsOfSlot(slot: KeySlot): { readonly acquirer: string; readonly kind: AcquirerKeyKind } | undefined {
  const [, acquirer, kind] = slot.split('/');
  const known = acquirerKeyKinds.find((each) => each === kind);
  return acquirer !== undefined && known ? { acquirer, kind: known } : undefined;
}

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
