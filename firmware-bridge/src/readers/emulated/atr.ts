/**
 * Answer to reset of an EMV card that speaks T=0: direct convention, TB1 = 00 (no programming voltage), TC1 = 00, then the
 * historical bytes. EMV 4.3 Book 1, 8.2, table 2.
 */
export const contactAtr = (historicalBytes: Uint8Array): Uint8Array =>
  Uint8Array.of(0x3b, 0x60 | historicalBytes.length, 0x00, 0x00, ...historicalBytes);

/**
 * What a contactless reader gives as the ATR of an ISO/IEC 14443-4 card of type A: the historical bytes of its ATS.
 * PC/SC part 3, 3.1.3.2.3.1.
 */
export function contactlessAtr(historicalBytes: Uint8Array): Uint8Array {
  const body = Uint8Array.of(0x80 | historicalBytes.length, 0x80, 0x01, ...historicalBytes);
  return Uint8Array.of(
    0x3b,
    ...body,
    body.reduce((sum, byte) => sum ^ byte, 0),
  );
}
