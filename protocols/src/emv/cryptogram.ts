import { concat, equalInConstantTime, fail, ok, type Result, type Secret, xor } from '../kit/index.ts';
import { tagName } from '../tlv/index.ts';
import { deriveMasterKey, deriveSessionKey, type SessionKeyMethod } from './key-derivation.ts';
import type { Scheme } from './schemes.ts';
import { checkKey, type MacPadding, macAlgorithm3, tdesEncrypt } from './tdes.ts';

/** How one cryptogram version works. */
export interface CryptogramProfile {
  readonly scheme: Scheme;
  /** Cryptogram version number as it stands in the issuer application data. */
  readonly cvn: number;
  readonly sessionKey: SessionKeyMethod;
  /** Objects under the MAC, in order; the part of 9F10 follows them. */
  readonly elements: readonly number[];
  /** Which parts of the issuer application data end the MAC input. */
  readonly issuerData: readonly { readonly from: number; readonly to?: number }[];
  readonly padding: MacPadding;
  /** Method of the issuer's answer, and the key it is made with. EMV 4.3 Book 2, 8.2. */
  readonly arpc: { readonly method: 1 | 2; readonly key: 'master' | 'session' };
}

/** The minimum set of EMV 4.3 Book 2, 8.1.1, table 26. */
const minimumSet = [0x9f02, 0x9f03, 0x9f1a, 0x95, 0x5f2a, 0x9a, 0x9c, 0x9f37, 0x82, 0x9f36] as const;

/** Card verification results of a Visa-shaped 9F10: length, key index, CVN, then four bytes. */
const visaCvr = [{ from: 3, to: 7 }] as const;
/** M/Chip's 9F10: key index, CVN, six bytes of results, DAC or dynamic number, counters. */
const mchipCvr = [{ from: 2, to: 8 }] as const;
const mchipCvrAndCounters = [{ from: 2, to: 8 }, { from: 10 }] as const;

/**
 * Cryptogram versions as far as public documents tell them. Visa: VIS 1.5 as shown by public tools; Mastercard: M/Chip
 * cryptogram version bits (session key method, counters); JCB and American Express: like Visa's of the same kind; UnionPay: PBOC 3.0 part 7.
 */
export const cryptogramProfiles = {
  'visa-cvn10': {
    scheme: 'visa',
    cvn: 0x0a,
    sessionKey: 'none',
    elements: minimumSet,
    issuerData: visaCvr,
    padding: 1,
    arpc: { method: 1, key: 'session' },
  },
  'visa-cvn17': {
    scheme: 'visa',
    cvn: 0x11,
    sessionKey: 'none',
    elements: [0x9f02, 0x9f37, 0x9f36],
    issuerData: [{ from: 4, to: 5 }],
    padding: 1,
    arpc: { method: 1, key: 'session' },
  },
  'visa-cvn18': {
    scheme: 'visa',
    cvn: 0x12,
    sessionKey: 'emvCommon',
    elements: minimumSet,
    issuerData: [{ from: 0 }],
    padding: 2,
    arpc: { method: 2, key: 'session' },
  },
  'mastercard-cvn16': {
    scheme: 'mastercard',
    cvn: 0x10,
    sessionKey: 'mastercard',
    elements: minimumSet,
    issuerData: mchipCvr,
    padding: 2,
    arpc: { method: 1, key: 'master' },
  },
  'mastercard-cvn17': {
    scheme: 'mastercard',
    cvn: 0x11,
    sessionKey: 'mastercard',
    elements: minimumSet,
    issuerData: mchipCvrAndCounters,
    padding: 2,
    arpc: { method: 1, key: 'master' },
  },
  'mastercard-cvn20': {
    scheme: 'mastercard',
    cvn: 0x14,
    sessionKey: 'emvCommon',
    elements: minimumSet,
    issuerData: mchipCvr,
    padding: 2,
    arpc: { method: 1, key: 'session' },
  },
  'mastercard-cvn21': {
    scheme: 'mastercard',
    cvn: 0x15,
    sessionKey: 'emvCommon',
    elements: minimumSet,
    issuerData: mchipCvrAndCounters,
    padding: 2,
    arpc: { method: 1, key: 'session' },
  },
  'jcb-cvn01': {
    scheme: 'jcb',
    cvn: 0x01,
    sessionKey: 'none',
    elements: minimumSet,
    issuerData: visaCvr,
    padding: 1,
    arpc: { method: 1, key: 'session' },
  },
  'jcb-cvn04': {
    scheme: 'jcb',
    cvn: 0x04,
    sessionKey: 'emvCommon',
    elements: minimumSet,
    issuerData: [{ from: 0 }],
    padding: 2,
    arpc: { method: 1, key: 'session' },
  },
  'amex-cvn01': {
    scheme: 'amex',
    cvn: 0x01,
    sessionKey: 'none',
    elements: minimumSet,
    issuerData: visaCvr,
    padding: 1,
    arpc: { method: 1, key: 'session' },
  },
  'amex-cvn02': {
    scheme: 'amex',
    cvn: 0x02,
    sessionKey: 'emvCommon',
    elements: minimumSet,
    issuerData: visaCvr,
    padding: 2,
    arpc: { method: 1, key: 'session' },
  },
  'unionpay-cvn01': {
    scheme: 'unionpay',
    cvn: 0x01,
    sessionKey: 'unionpay',
    elements: minimumSet,
    issuerData: visaCvr,
    padding: 2,
    arpc: { method: 1, key: 'session' },
  },
} as const satisfies Record<string, CryptogramProfile>;

/** A name in `cryptogramProfiles`. */
export type CryptogramProfileName = keyof typeof cryptogramProfiles;

/** The cryptogram version number in issuer application data: byte 2 of M/Chip's, byte 3 of the others'. */
export function cryptogramVersionOf(scheme: Scheme, issuerApplicationData: Uint8Array): number | undefined {
  return issuerApplicationData[scheme === 'mastercard' ? 1 : 2];
}

/** The profile that a card's issuer application data asks for; undefined when we know no such version of the scheme. */
export function profileFor(scheme: Scheme, issuerApplicationData: Uint8Array): CryptogramProfile | undefined {
  const cvn = cryptogramVersionOf(scheme, issuerApplicationData);
  // M/Chip's low bit tells whether counters are included, the rest of the low nibble the method; the high nibble is the version.
  return Object.values<CryptogramProfile>(cryptogramProfiles).find(
    (profile) => profile.scheme === scheme && profile.cvn === cvn,
  );
}

/** What a cryptogram is made of: any of the transaction's objects by tag. */
export type ValueOf = (tag: number) => Uint8Array | undefined;

/** The bytes under the MAC. EMV_DATA_MISSING names the first object that the transaction lacks. */
export function cryptogramInput(
  profile: CryptogramProfile,
  valueOf: ValueOf,
): Result<Uint8Array, 'EMV_DATA_MISSING' | 'EMV_VALUE_INVALID'> {
  const parts: Uint8Array[] = [];
  for (const tag of profile.elements) {
    const value = valueOf(tag);
    if (value === undefined) return fail('EMV_DATA_MISSING', { field: tagName(tag) });
    parts.push(value);
  }
  const issuerData = valueOf(0x9f10);
  if (issuerData === undefined) return fail('EMV_DATA_MISSING', { field: '9F10' });
  for (const { from, to } of profile.issuerData) {
    if (issuerData.length < (to ?? from + 1)) return fail('EMV_VALUE_INVALID', { field: '9F10' });
    parts.push(issuerData.subarray(from, to));
  }
  return ok(concat(...parts));
}

/** Keys of one card as issuer and card both know them. */
export interface CardKeys {
  readonly issuerMasterKey: Secret<'key'>;
  readonly pan: Secret<'pan'>;
  readonly psn: number;
}

/** What can go wrong in making a cryptogram. */
export type CryptogramCode = 'EMV_KEY_INVALID' | 'EMV_VALUE_INVALID' | 'EMV_DATA_MISSING';

/**
 * Makes an application cryptogram (ARQC, TC or AAC: they differ in the results inside 9F10 alone), 8 bytes.
 *
 * @see EMV 4.3 Book 2, 8.1
 */
export function generateCryptogram(
  profile: CryptogramProfile,
  keys: CardKeys,
  valueOf: ValueOf,
): Result<Uint8Array, CryptogramCode> {
  const input = cryptogramInput(profile, valueOf);
  if (!input.ok) return input;
  const sessionKey = sessionKeyOf(profile, keys, valueOf);
  if (!sessionKey.ok) return sessionKey;
  return ok(sessionKey.value.use((key) => macAlgorithm3(key, input.value, profile.padding)));
}

/** Checks a cryptogram in constant time. */
export function verifyCryptogram(
  profile: CryptogramProfile,
  keys: CardKeys,
  valueOf: ValueOf,
  cryptogram: Uint8Array,
): Result<undefined, CryptogramCode | 'EMV_CRYPTOGRAM_WRONG'> {
  const made = generateCryptogram(profile, keys, valueOf);
  if (!made.ok) return made;
  return equalInConstantTime(made.value, cryptogram) ? ok(undefined) : fail('EMV_CRYPTOGRAM_WRONG');
}

/** What the issuer tells the card: a response code for method 1, a card status update for method 2. */
export type IssuerAnswer =
  | { readonly responseCode: Uint8Array }
  | { readonly cardStatusUpdate: Uint8Array; readonly proprietary?: Uint8Array };

/**
 * Makes issuer authentication data (tag 91): ARPC and response code (method 1, 10 bytes), or ARPC, card status
 * update and proprietary data (method 2, 8 to 16 bytes).
 *
 * @param cryptogram the ARQC of the request.
 * @see EMV 4.3 Book 2, 8.2.1 and 8.2.2
 */
export function issuerAuthenticationData(
  profile: CryptogramProfile,
  keys: CardKeys,
  valueOf: ValueOf,
  cryptogram: Uint8Array,
  answer: IssuerAnswer,
): Result<Uint8Array, CryptogramCode> {
  const key =
    profile.arpc.key === 'master'
      ? deriveMasterKey(keys.issuerMasterKey, keys.pan, keys.psn)
      : sessionKeyOf(profile, keys, valueOf);
  if (!key.ok) return key;
  if ('responseCode' in answer) {
    if (profile.arpc.method !== 1) return fail('EMV_VALUE_INVALID', { field: '91' });
    const arpc = arpcMethod1(key.value, cryptogram, answer.responseCode);
    return arpc.ok ? ok(concat(arpc.value, answer.responseCode)) : arpc;
  }
  if (profile.arpc.method !== 2) return fail('EMV_VALUE_INVALID', { field: '91' });
  const proprietary = answer.proprietary ?? new Uint8Array(0);
  const arpc = arpcMethod2(key.value, cryptogram, answer.cardStatusUpdate, proprietary);
  return arpc.ok ? ok(concat(arpc.value, answer.cardStatusUpdate, proprietary)) : arpc;
}

/** Checks issuer authentication data as the card does; the answer inside is returned. */
export function verifyIssuerAuthenticationData(
  profile: CryptogramProfile,
  keys: CardKeys,
  valueOf: ValueOf,
  cryptogram: Uint8Array,
  data: Uint8Array,
): Result<IssuerAnswer, CryptogramCode | 'EMV_CRYPTOGRAM_WRONG'> {
  const isMethod1 = profile.arpc.method === 1;
  if (isMethod1 ? data.length !== 10 : data.length < 8 || data.length > 16)
    return fail('EMV_VALUE_INVALID', { field: '91', facts: { length: data.length } });
  const answer: IssuerAnswer = isMethod1
    ? { responseCode: data.subarray(8) }
    : { cardStatusUpdate: data.subarray(4, 8), proprietary: data.subarray(8) };
  const made = issuerAuthenticationData(profile, keys, valueOf, cryptogram, answer);
  if (!made.ok) return made;
  return equalInConstantTime(made.value, data) ? ok(answer) : fail('EMV_CRYPTOGRAM_WRONG');
}

/** ARPC by method 1: TDES over the ARQC and a response code of 2 bytes (8A). 8.2.1. */
export function arpcMethod1(
  key: Secret<'key'>,
  cryptogram: Uint8Array,
  responseCode: Uint8Array,
): Result<Uint8Array, 'EMV_KEY_INVALID' | 'EMV_VALUE_INVALID'> {
  const checked = checkKey(key);
  if (!checked.ok) return checked;
  if (cryptogram.length !== 8) return fail('EMV_VALUE_INVALID', { field: '9F26' });
  if (responseCode.length !== 2) return fail('EMV_VALUE_INVALID', { field: '8A' });
  const block = xor(cryptogram, concat(responseCode, new Uint8Array(6)));
  return ok(key.use((bytes) => tdesEncrypt(bytes, block)));
}

/** ARPC by method 2: the left 4 bytes of a MAC over ARQC, card status update (4 bytes) and proprietary data (0 to 8). 8.2.2. */
export function arpcMethod2(
  key: Secret<'key'>,
  cryptogram: Uint8Array,
  cardStatusUpdate: Uint8Array,
  proprietary: Uint8Array = new Uint8Array(0),
): Result<Uint8Array, 'EMV_KEY_INVALID' | 'EMV_VALUE_INVALID'> {
  const checked = checkKey(key);
  if (!checked.ok) return checked;
  if (cryptogram.length !== 8) return fail('EMV_VALUE_INVALID', { field: '9F26' });
  if (cardStatusUpdate.length !== 4 || proprietary.length > 8) return fail('EMV_VALUE_INVALID', { field: '91' });
  const data = concat(cryptogram, cardStatusUpdate, proprietary);
  return ok(key.use((bytes) => macAlgorithm3(bytes, data, 2).slice(0, 4)));
}

function sessionKeyOf(
  profile: CryptogramProfile,
  keys: CardKeys,
  valueOf: ValueOf,
): Result<Secret<'key'>, CryptogramCode> {
  const masterKey = deriveMasterKey(keys.issuerMasterKey, keys.pan, keys.psn);
  if (!masterKey.ok) return masterKey;
  if (profile.sessionKey === 'none') return masterKey;
  const atc = valueOf(0x9f36);
  if (atc === undefined) return fail('EMV_DATA_MISSING', { field: '9F36' });
  return deriveSessionKey(profile.sessionKey, masterKey.value, atc, valueOf(0x9f37));
}
