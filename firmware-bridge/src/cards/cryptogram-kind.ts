/** Kinds of cryptogram, as the first two bits of CID (9F27) and of P1 code them. EMV 4.3 Book 3, table 15. */
export const cryptogramKinds = { AAC: 0x00, TC: 0x40, ARQC: 0x80 } as const;
export type CryptogramKind = keyof typeof cryptogramKinds;

/** The kind that two bits code; undefined for the reserved one. */
export const cryptogramKindOf = (bits: number): CryptogramKind | undefined =>
  (['AAC', 'TC', 'ARQC'] as const)[(bits >> 6) & 3];
