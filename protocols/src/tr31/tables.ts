/** A code of the header and what it stands for. */
interface Code {
  readonly title: string;
}

/** Key block versions. ANSI X9.143:2022, 6.2 and 7; ISO 20038 (E) is left out. */
export const versions = {
  A: { title: 'Key variant binding, TDES (2005)', cipher: 'TDES', blockBytes: 8, macBytes: 4, kbpkBytes: [16, 24] },
  B: { title: 'Key derivation binding, TDES', cipher: 'TDES', blockBytes: 8, macBytes: 8, kbpkBytes: [16, 24] },
  C: { title: 'Key variant binding, TDES', cipher: 'TDES', blockBytes: 8, macBytes: 4, kbpkBytes: [16, 24] },
  D: { title: 'Key derivation binding, AES', cipher: 'AES', blockBytes: 16, macBytes: 16, kbpkBytes: [16, 24, 32] },
} as const satisfies Record<
  string,
  Code & { cipher: 'TDES' | 'AES'; blockBytes: 8 | 16; macBytes: number; kbpkBytes: readonly number[] }
>;

/** A key block version that is read here. */
export type VersionId = keyof typeof versions;

/** Whether a letter is a version that is read here. */
export const isVersionId = (letter: string): letter is VersionId => Object.hasOwn(versions, letter);

const derive = 'X';
const cipherModes = 'BDE';
const macModes = 'CGV';
const signModes = 'SV';

/**
 * Key usages: what they mean, the algorithms and the modes of use that go with them. Mode N, "no special restriction",
 * goes with all. ANSI X9.143:2022, 6.3.2, tables 2 and 4.
 */
export const keyUsages = {
  B0: { title: 'Base derivation key (BDK)', algorithms: 'TA', modes: derive },
  B1: { title: 'Initial DUKPT key (IK)', algorithms: 'TA', modes: derive },
  B2: { title: 'Base key variant key', algorithms: 'TA', modes: derive },
  B3: { title: 'Key derivation key, other than X9.24', algorithms: 'TAH', modes: derive },
  C0: { title: 'Card verification key', algorithms: 'TA', modes: macModes },
  D0: { title: 'Data encryption, symmetric', algorithms: 'TA', modes: cipherModes },
  D1: { title: 'Data encryption, asymmetric', algorithms: 'RE', modes: cipherModes },
  D2: { title: 'Data encryption of decimalisation tables', algorithms: 'TA', modes: cipherModes },
  D3: { title: 'Data encryption of sensitive data', algorithms: 'TA', modes: cipherModes },
  E0: { title: 'EMV issuer master key: application cryptograms', algorithms: 'TA', modes: derive },
  E1: { title: 'EMV issuer master key: secure messaging for confidentiality', algorithms: 'TA', modes: derive },
  E2: { title: 'EMV issuer master key: secure messaging for integrity', algorithms: 'TA', modes: derive },
  E3: { title: 'EMV issuer master key: data authentication code', algorithms: 'TA', modes: derive },
  E4: { title: 'EMV issuer master key: dynamic numbers', algorithms: 'TA', modes: derive },
  E5: { title: 'EMV issuer master key: card personalisation', algorithms: 'TA', modes: derive },
  E6: { title: 'EMV issuer master key: other', algorithms: 'TA', modes: derive },
  E7: { title: 'EMV master personalisation key', algorithms: 'TA', modes: derive },
  I0: { title: 'Initialisation vector', algorithms: 'TA', modes: '' },
  K0: { title: 'Key encryption or wrapping', algorithms: 'TA', modes: cipherModes },
  K1: { title: 'Key block protection key (KBPK)', algorithms: 'TA', modes: cipherModes },
  K2: { title: 'TR-34 asymmetric key', algorithms: 'RE', modes: cipherModes },
  K3: { title: 'Asymmetric key for key agreement or wrapping', algorithms: 'RE', modes: `${cipherModes}X` },
  K4: { title: 'Key block protection key (ISO 20038)', algorithms: 'TA', modes: cipherModes },
  M0: { title: 'MAC, ISO 16609 algorithm 1 (TDES)', algorithms: 'T', modes: macModes },
  M1: { title: 'MAC, ISO 9797-1 algorithm 1', algorithms: 'TA', modes: macModes },
  M2: { title: 'MAC, ISO 9797-1 algorithm 2', algorithms: 'TA', modes: macModes },
  M3: { title: 'MAC, ISO 9797-1 algorithm 3', algorithms: 'TA', modes: macModes },
  M4: { title: 'MAC, ISO 9797-1 algorithm 4', algorithms: 'TA', modes: macModes },
  M5: { title: 'MAC, ISO 9797-1:1999 algorithm 5', algorithms: 'TA', modes: macModes },
  M6: { title: 'MAC, ISO 9797-1:2011 algorithm 5 (CMAC)', algorithms: 'TA', modes: macModes },
  M7: { title: 'HMAC', algorithms: 'H', modes: macModes },
  M8: { title: 'MAC, ISO 9797-1:2011 algorithm 6', algorithms: 'TA', modes: macModes },
  P0: { title: 'PIN encryption', algorithms: 'TA', modes: cipherModes },
  P1: { title: 'PIN generation', algorithms: 'TA', modes: macModes },
  S0: { title: 'Digital signature, asymmetric key pair', algorithms: 'RED', modes: signModes },
  S1: { title: 'Digital signature, CA key', algorithms: 'RED', modes: signModes },
  S2: { title: 'Asymmetric key, other than X9.24', algorithms: 'RED', modes: `${signModes}TX` },
  V0: { title: 'PIN verification, other', algorithms: 'TA', modes: macModes },
  V1: { title: 'PIN verification, IBM 3624', algorithms: 'TA', modes: macModes },
  V2: { title: 'PIN verification, Visa PVV', algorithms: 'TA', modes: macModes },
  V3: { title: 'PIN verification, X9.132 algorithm 1', algorithms: 'TA', modes: macModes },
  V4: { title: 'PIN verification, X9.132 algorithm 2', algorithms: 'TA', modes: macModes },
  V5: { title: 'PIN verification, X9.132 algorithm 3', algorithms: 'TA', modes: macModes },
} as const satisfies Record<string, Code & { algorithms: string; modes: string }>;

/** A key usage of X9.143. */
export type KeyUsage = keyof typeof keyUsages;

/** Algorithms of the wrapped key, and the lengths in bytes where they are fixed. ANSI X9.143:2022, 6.3.3, table 3. */
export const algorithms = {
  A: { title: 'AES', lengthsBytes: [16, 24, 32] },
  D: { title: 'DSA or single DES', lengthsBytes: [] },
  E: { title: 'Elliptic curve', lengthsBytes: [] },
  H: { title: 'HMAC', lengthsBytes: [] },
  R: { title: 'RSA', lengthsBytes: [] },
  S: { title: 'DSA', lengthsBytes: [] },
  T: { title: 'TDES', lengthsBytes: [16, 24] },
} as const satisfies Record<string, Code & { lengthsBytes: readonly number[] }>;

/** An algorithm of X9.143. */
export type KeyAlgorithm = keyof typeof algorithms;

/** Modes of use. ANSI X9.143:2022, 6.3.4, table 4. */
export const modesOfUse = {
  B: { title: 'Encrypt and decrypt, wrap and unwrap' },
  C: { title: 'Generate and verify MACs' },
  D: { title: 'Decrypt or unwrap only' },
  E: { title: 'Encrypt or wrap only' },
  G: { title: 'Generate MACs only' },
  N: { title: 'No special restrictions' },
  S: { title: 'Sign only' },
  T: { title: 'Sign and decrypt' },
  V: { title: 'Verify only' },
  X: { title: 'Derive other keys only' },
  Y: { title: 'Create key variants only' },
} as const satisfies Record<string, Code>;

/** A mode of use of X9.143. */
export type ModeOfUse = keyof typeof modesOfUse;

/** Exportability, from the narrowest on. ANSI X9.143:2022, 6.3.6, table 6. */
export const exportabilities = {
  N: { title: 'Not exportable', freedom: 0 },
  E: { title: 'Exportable in a trusted key block only', freedom: 1 },
  S: { title: 'Sensitive: exportable also under other key encryption', freedom: 2 },
} as const satisfies Record<string, Code & { freedom: number }>;

/** An exportability of X9.143. */
export type Exportability = keyof typeof exportabilities;

/** Optional blocks by id: what they hold. ANSI X9.143:2022, 6.3.9, table 8. Ids that begin with a digit belong to vendors. */
export const optionalBlockIds = {
  AL: { title: 'Asymmetric key life' },
  BI: { title: 'Base derivation key identifier' },
  CT: { title: 'Public key certificate or chain' },
  DA: { title: 'Derivations allowed for derivation keys' },
  FL: { title: 'Flags' },
  HM: { title: 'HMAC hash algorithm' },
  IK: { title: 'Initial key identifier (AES DUKPT)' },
  KC: { title: 'Key check value of the wrapped key' },
  KP: { title: 'Key check value of the KBPK' },
  KS: { title: 'Initial key serial number (TDES DUKPT)' },
  KV: { title: 'Key block values version' },
  LB: { title: 'Label' },
  PA: { title: 'PCI PIN security attributes' },
  PB: { title: 'Padding' },
  PK: { title: 'Protection key check value of the exporting KBPK' },
  TC: { title: 'Time of creation of the wrapped key' },
  TS: { title: 'Time stamp of the key block' },
  WP: { title: 'Wrapping pedigree' },
} as const satisfies Record<string, Code>;
