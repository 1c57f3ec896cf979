/** Status words that the emulated card gives. ISO/IEC 7816-4:2020, 5.6; EMV 4.3 Book 3, 6.3.5 and table 33. */
export const sw = {
  done: 0x9000,
  authenticationFailed: 0x6300,
  wrongLength: 0x6700,
  conditionsNotSatisfied: 0x6985,
  wrongData: 0x6a80,
  fileNotFound: 0x6a82,
  recordNotFound: 0x6a83,
  wrongParameters: 0x6a86,
  dataNotFound: 0x6a88,
  instructionUnknown: 0x6d00,
  classUnknown: 0x6e00,
  noDiagnosis: 0x6f00,
} as const;
