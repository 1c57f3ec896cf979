import {
  type AcquirerSlot,
  isTagSlot,
  keySlot,
  type KeySlot,
  partsOfSlot,
  type TagSlot,
} from '@tsunagu/protocols/fleet';
import { z } from 'zod';
import { sealedRecord } from '../sealed-store/index.ts';

/** Which order put a key where it is: the same order again finds it there and changes nothing. */
const loadedBy = { job: z.string(), attempt: z.number().int() };

/**
 * The initial DUKPT key's slot. The secret is the terminal's DUKPT state (`dukpt-state.ts`), never the initial key.
 * `kcv` is the initial key's, `initialKeyId` tells AES (8 bytes) from TDES (10).
 */
export const dukptSlot = sealedRecord(
  'key-dukpt',
  z.object({ kcv: z.string(), initialKeyId: z.string().regex(/^([0-9A-F]{16}|[0-9A-F]{20})$/), ...loadedBy }),
);

const tagFacts = z.object({ kcv: z.string(), ...loadedBy });
/** The slots of the key that makes the tags of negative lists. */
export const tagRecords = {
  negative: sealedRecord('key-negative', tagFacts),
  'negative/2': sealedRecord('key-negative-2', tagFacts),
} as const satisfies Record<TagSlot, unknown>;

/** The most keys of card companies that a terminal holds: three for each. */
export const acquirerKeysMax = 48;
/** Which keys of card companies are there. A slot that is named here and has no record was never loaded. */
export const acquirerListRecord = sealedRecord(
  'keys-acquirers',
  z.object({ slots: z.array(keySlot).max(acquirerKeysMax) }),
);
const acquirerFacts = z.object({ kcv: z.string(), ...loadedBy });
/** A key of one card company. */
export const acquirerRecord = (slot: AcquirerSlot) => sealedRecord(`key-${slot.replaceAll('/', '-')}`, acquirerFacts);

/** How a key has to look in its block to fit its slot: TR-31 usage, and algorithms. X9.143, tables 2 and 3. */
const slotRules = {
  dukpt: { usage: 'B1', algorithms: 'AT' },
  negative: { usage: 'M6', algorithms: 'A' },
  pin: { usage: 'P0', algorithms: 'A' },
  mac: { usage: 'M6', algorithms: 'A' },
  data: { usage: 'D0', algorithms: 'A' },
} as const;
/** The rule of a slot. */
export const ruleOf = (slot: KeySlot): { readonly usage: string; readonly algorithms: string } =>
  slot === 'dukpt'
    ? slotRules.dukpt
    : isTagSlot(slot)
      ? slotRules.negative
      : slotRules[partsOfSlot(slot)?.kind ?? 'data'];
/** Whether a slot is a card company's. */
export const isAcquirerSlot = (slot: KeySlot): slot is AcquirerSlot => slot !== 'dukpt' && !isTagSlot(slot);
