import { z } from 'zod';

/**
 * The slots of the key of negative lists. Keys with an odd number go into the first, with an even one into the second: while one gives way to the
 * next a terminal holds both, and nothing moves.
 */
export const tagSlots = ['negative', 'negative/2'] as const;
export type TagSlot = (typeof tagSlots)[number];
/** Where terminals keep keys. */
export const keySlots = ['dukpt', ...tagSlots] as const;
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
    'Where a terminal keeps a key: `dukpt` for PIN, data and MAC keys, `negative` and `negative/2` for the tags of negative lists (both while one key takes over from the other), `acquirer/NAME/pin|mac|data` for one card company.',
  );
export type KeySlot = z.infer<typeof keySlot>;
/** Whether a slot is one of negative lists' key. */
export const isTagSlot = (slot: string): slot is TagSlot => tagSlots.some((each) => each === slot);
/** The slot of the key of negative lists with this number. */
export const tagSlotOf = (number: number): TagSlot => (number % 2 === 1 ? 'negative' : 'negative/2');
/** Whether these are all slots that a terminal needs to take payments: the DUKPT key's, and one of negative lists' key. */
export const areSlotsFilled = (held: readonly { readonly slot: string }[]): boolean =>
  held.some(({ slot }) => slot === 'dukpt') && held.some(({ slot }) => isTagSlot(slot));
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

export const keyErase = heldKey
  .pick({ kcv: true })
  .extend({ slot: z.enum(tagSlots).describe('The slot that is emptied.') })
  .describe('A key of negative lists that gave way to another: its slot is emptied.');
export type KeyErase = z.infer<typeof keyErase>;
