/** A bit by byte and bit number, both from 1, bit 8 being the leftmost: as the books count them. */
export type Bit = readonly [byte: number, bit: number];

/** Terminal verification results (95) that this kernel sets. EMV 4.3 Book 3, annex C5. */
export const tvrBits = {
  offlineDataAuthenticationNotPerformed: [1, 8],
  iccDataMissing: [1, 6],
  onExceptionFile: [1, 5],
  versionsDiffer: [2, 8],
  expired: [2, 7],
  notYetEffective: [2, 6],
  serviceNotAllowed: [2, 5],
  cardholderNotVerified: [3, 8],
  cvmUnrecognised: [3, 7],
  aboveFloorLimit: [4, 8],
  issuerAuthenticationFailed: [5, 7],
  scriptFailedBefore: [5, 6],
  scriptFailedAfter: [5, 5],
} as const satisfies Record<string, Bit>;

/** Transaction status information (9B). EMV 4.3 Book 3, annex C6. */
export const tsiBits = {
  cardholderVerified: [1, 7],
  cardRiskManaged: [1, 6],
  issuerAuthenticated: [1, 5],
  terminalRiskManaged: [1, 4],
  scriptsRun: [1, 3],
} as const satisfies Record<string, Bit>;

/** What a transaction has found out about itself. Values are replaced, never changed. */
export interface Results {
  readonly tvr: Uint8Array;
  readonly tsi: Uint8Array;
}

/** Nothing done, nothing wrong. */
export const noResults: Results = { tvr: new Uint8Array(5), tsi: new Uint8Array(2) };

const withBits = (value: Uint8Array, bits: readonly Bit[]): Uint8Array => {
  const copy = Uint8Array.from(value);
  for (const [byte, bit] of bits) copy[byte - 1] = (copy[byte - 1] ?? 0) | (1 << (bit - 1));
  return copy;
};

/** The results with more bits of the TVR set. */
export const found = (results: Results, ...bits: readonly Bit[]): Results =>
  bits.length === 0 ? results : { ...results, tvr: withBits(results.tvr, bits) };

/** The results with more bits of the TSI set. */
export const performed = (results: Results, ...bits: readonly Bit[]): Results => ({
  ...results,
  tsi: withBits(results.tsi, bits),
});
