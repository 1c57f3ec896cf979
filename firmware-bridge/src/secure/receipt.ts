import { toHex } from '@tsunagu/protocols/kit';
import { decodeTlv, findTlv } from '@tsunagu/protocols/tlv';
import { z } from 'zod';

/**
 * What a slip has to show of a chip: application label or preferred name and AID (EMV 4.3 Book 4, 11.4), and what lets an issuer find the
 * transaction again: counter, cryptogram, verification results. Hexadecimal; empty where the card gave none.
 */
export const chipReceipt = z.object({
  aid: z.string().max(32),
  label: z.string().max(16),
  /** Application transaction counter (9F36). */
  atc: z.string().max(4),
  /** Cryptogram (9F26) and its kind (9F27): TC, ARQC or AAC. */
  cryptogram: z.string().max(16),
  cryptogramKind: z.enum(['TC', 'ARQC', 'AAC', '']),
  /** Terminal verification results (95) and transaction status information (9B). */
  tvr: z.string().max(10),
  tsi: z.string().max(4),
});
export type ChipReceipt = z.infer<typeof chipReceipt>;

/** Reads it out of DE55. */
export function receiptOf(emv: Uint8Array, more: Partial<ChipReceipt> = {}): ChipReceipt {
  const objects = decodeTlv(emv);
  const valueOf = (tag: number): string => {
    const object = objects.ok ? findTlv(objects.value, tag) : undefined;
    return object ? toHex(object.value) : '';
  };
  return {
    aid: valueOf(0x84).slice(0, 32),
    label: '',
    atc: valueOf(0x9f36).slice(0, 4),
    cryptogram: valueOf(0x9f26).slice(0, 16),
    cryptogramKind: kindOf(valueOf(0x9f27)),
    tvr: valueOf(0x95).slice(0, 10),
    tsi: valueOf(0x9b).slice(0, 4),
    ...more,
  };
}

/** EMV 4.3 Book 3, table 14: bits 8 and 7. */
function kindOf(information: string): ChipReceipt['cryptogramKind'] {
  if (information === '') return '';
  const bits = Number.parseInt(information.slice(0, 2), 16) >> 6;
  return bits === 1 ? 'TC' : bits === 2 ? 'ARQC' : bits === 0 ? 'AAC' : '';
}
