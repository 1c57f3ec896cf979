/** A bit by byte and bit number, both from 1, bit 8 being the leftmost: as the books count them. */
export type Bit = readonly [byte: number, bit: number];

/** Terminal verification results (95). EMV 4.3 Book 3, C5; byte 5, bits 4 to 1: EMV Book C-2, A.1.118. */
export const tvrBits = {
  offlineDataAuthenticationNotPerformed: [1, 8],
  sdaFailed: [1, 7],
  iccDataMissing: [1, 6],
  onExceptionFile: [1, 5],
  ddaFailed: [1, 4],
  cdaFailed: [1, 3],
  sdaSelected: [1, 2],
  versionsDiffer: [2, 8],
  expired: [2, 7],
  notYetEffective: [2, 6],
  serviceNotAllowed: [2, 5],
  newCard: [2, 4],
  cardholderNotVerified: [3, 8],
  cvmUnrecognised: [3, 7],
  pinTryLimitExceeded: [3, 6],
  pinPadNotWorking: [3, 5],
  pinNotEntered: [3, 4],
  onlinePinEntered: [3, 3],
  aboveFloorLimit: [4, 8],
  aboveLowerOfflineLimit: [4, 7],
  aboveUpperOfflineLimit: [4, 6],
  selectedAtRandom: [4, 5],
  forcedOnline: [4, 4],
  defaultTdolUsed: [5, 8],
  issuerAuthenticationFailed: [5, 7],
  scriptFailedBefore: [5, 6],
  scriptFailedAfter: [5, 5],
  relayThresholdExceeded: [5, 4],
  relayTimeExceeded: [5, 3],
  relayResistancePerformed: [5, 2],
  relayResistanceNotPerformed: [5, 1],
} as const satisfies Record<string, Bit>;

/** Transaction status information (9B). EMV 4.3 Book 3, C6. */
export const tsiBits = {
  offlineDataAuthenticated: [1, 8],
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

/** Whether a bit of the TVR is set. */
export const isFound = ({ tvr }: Results, [byte, bit]: Bit): boolean => ((tvr[byte - 1] ?? 0) & (1 << (bit - 1))) !== 0;
