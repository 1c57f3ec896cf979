/** Status words that the emulated card gives. ISO/IEC 7816-4:2020, 5.6; EMV 4.3 Book 3, 6.3.5 and table 33. */
export const sw = {
  done: 0x9000,
  /** SELECT: the application was blocked. */
  invalidated: 0x6283,
  authenticationFailed: 0x6300,
  /** VERIFY: the last digit is the number of tries left. */
  triesLeft: 0x63c0,
  wrongLength: 0x6700,
  /** The command came with a class for secure messaging and holds none, or the other way round. */
  messagingMissing: 0x6987,
  messagingWrong: 0x6988,
  pinBlocked: 0x6983,
  conditionsNotSatisfied: 0x6985,
  wrongData: 0x6a80,
  /** SELECT: the card was blocked. */
  notSupported: 0x6a81,
  fileNotFound: 0x6a82,
  recordNotFound: 0x6a83,
  wrongParameters: 0x6a86,
  dataNotFound: 0x6a88,
  instructionUnknown: 0x6d00,
  classUnknown: 0x6e00,
  noDiagnosis: 0x6f00,
} as const;
