import { contactlessAtr as pcscAtr } from '@tsunagu/protocols/pcsc';

/** How a card with contacts begins. */
export interface ContactAtr {
  readonly protocol: 'T=0' | 'T=1';
  /** TA1: the fastest that the card can; 11 hexadecimal, the default, when absent. */
  readonly fiDi?: number;
  /** T=1: information field size of the card. */
  readonly ifsc?: number;
}

/**
 * Answer to reset of an EMV card: direct convention, TA1 where the card is faster than the default, TB1 = 00 (no programming
 * voltage), TC1 = 00, for T=1 TD1, TD2, TA3 (IFSC) and TB3 (BWI 4, CWI 5), then the historical bytes. EMV 4.3 Book 1, 8.2.
 */
export function contactAtr(historicalBytes: Uint8Array, card: ContactAtr = { protocol: 'T=0' }): Uint8Array {
  const isT1 = card.protocol === 'T=1';
  const t0 = (card.fiDi === undefined ? 0x60 : 0x70) | (isT1 ? 0x80 : 0) | historicalBytes.length;
  const speed = card.fiDi === undefined ? [] : [card.fiDi];
  const t1 = isT1 ? [0x81, 0x31, card.ifsc ?? 0xfe, 0x45] : [];
  const body = [t0, ...speed, 0x00, 0x00, ...t1, ...historicalBytes];
  // TCK comes with any protocol but T=0.
  const check = isT1 ? [body.reduce((sum, byte) => sum ^ byte, 0)] : [];
  return Uint8Array.of(0x3b, ...body, ...check);
}

/** What a contactless reader gives as the ATR of an ISO/IEC 14443-4 card of type A. PC/SC part 3, 3.1.3.2.3.1. */
export const contactlessAtr = pcscAtr;
