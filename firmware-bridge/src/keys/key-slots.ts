import type { KeySlot } from '@tsunagu/protocols/fleet';
import { z } from 'zod';
import { sealedRecord } from '../sealed-store/index.ts';

/** Which order put a key where it is: the same order again finds it there and changes nothing. */
const loadedBy = { job: z.string(), attempt: z.number().int() };

/**
 * The initial DUKPT key's slot. The secret is the terminal's DUKPT state (`serialiseAesTerminal`), never the initial key.
 * `kcv` is the initial key's.
 */
export const dukptSlot = sealedRecord(
  'key-dukpt',
  z.object({ kcv: z.string(), initialKeyId: z.string().length(16), ...loadedBy }),
);

/** The slot of the key that makes the tags of negative lists. */
export const negativeSlot = sealedRecord('key-negative', z.object({ kcv: z.string(), ...loadedBy }));

/** How a key has to look in its block to fit its slot: TR-31 usage, and algorithm. X9.143, tables 2 and 3. */
export const slotRules = {
  dukpt: { usage: 'B1', algorithm: 'A' },
  negative: { usage: 'M6', algorithm: 'A' },
} as const satisfies Record<KeySlot, { usage: string; algorithm: string }>;
