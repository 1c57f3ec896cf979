import { createHash } from 'node:crypto';
import { concat, equalInConstantTime, fail, hex, ok, type Result, type Secret, toHex } from '../kit/index.ts';
import { exponentBytes, readExponent, recover, type RsaPublicKey } from './rsa.ts';
import type { CaPublicKey } from './schemes.ts';

/** The check that failed, as facts of EMV_CERTIFICATE_WRONG. */
export type CertificateStep =
  | 'length'
  | 'header'
  | 'format'
  | 'trailer'
  | 'hash'
  | 'issuer identifier'
  | 'pan'
  | 'expiry'
  | 'algorithm'
  | 'remainder'
  | 'dynamic data'
  | 'cryptogram information'
  | 'transaction data';

type Wrong = Result<never, 'EMV_CERTIFICATE_WRONG'>;
const wrong = (field: string, step: CertificateStep): Wrong =>
  fail('EMV_CERTIFICATE_WRONG', { field, facts: { step } });

/** What a card gives for recovering one public key. */
export interface KeyCertificate {
  /** 90, 9F46 or 9F2D. */
  readonly certificate: Uint8Array;
  /** 92, 9F48 or 9F2F; absent when the certificate holds the whole modulus. */
  readonly remainder?: Uint8Array;
  /** 9F32, 9F47 or 9F2E. */
  readonly exponent: Uint8Array;
}

/** The transaction date, which certificates must outlive. */
export interface CalendarDay {
  readonly year: number;
  /** 1 to 12. */
  readonly month: number;
}

const sha1 = (...parts: readonly Uint8Array[]): Uint8Array => {
  const hash = createHash('sha1');
  for (const part of parts) hash.update(part);
  return Uint8Array.from(hash.digest());
};

/** The checksum of a CA public key, by which terminal and scheme compare it. EMV 4.3 Book 2, 11.2.2, table 30. */
export const caKeyHash = ({ rid, index, modulus, exponent }: CaPublicKey): Uint8Array =>
  sha1(hex(rid), Uint8Array.of(index), modulus, exponentBytes(exponent));

/** A block that a signature recovered to, its header and trailer checked. */
interface Recovered {
  readonly block: Uint8Array;
  /** Between the header byte and the hash. */
  readonly body: Uint8Array;
  readonly hash: Uint8Array;
}

function recoverBlock(
  field: string,
  key: RsaPublicKey,
  signature: Uint8Array,
  format: number,
): Result<Recovered, 'EMV_CERTIFICATE_WRONG'> {
  const block = recover(key, signature);
  if (block === undefined) return wrong(field, 'length');
  if (block.at(-1) !== 0xbc) return wrong(field, 'trailer');
  if (block[0] !== 0x6a) return wrong(field, 'header');
  if (block[1] !== format) return wrong(field, 'format');
  const end = block.length - 21;
  return ok({ block, body: block.subarray(1, end), hash: block.subarray(end, -1) });
}

interface CertificateShape {
  readonly field: string;
  readonly format: number;
  /** Bytes of the identity behind the format byte: 4 for an issuer, 10 for a card. */
  readonly identityBytes: number;
  /** Bytes that follow the key and its remainder under the hash. */
  readonly extra: Uint8Array;
}

/** The steps that issuer and ICC certificates share: tables 6 and 14 differ in the length of the identity. */
function recoverCertificate(
  signer: RsaPublicKey,
  { certificate, remainder = new Uint8Array(0), exponent }: KeyCertificate,
  { field, format, identityBytes, extra }: CertificateShape,
  today: CalendarDay,
): Result<RecoveredCertificate, 'EMV_CERTIFICATE_WRONG' | 'EMV_KEY_INVALID'> {
  const recovered = recoverBlock(field, signer, certificate, format);
  if (!recovered.ok) return recovered;
  const { body, hash } = recovered.value;
  if (!equalInConstantTime(sha1(body, remainder, exponent, extra), hash)) return wrong(field, 'hash');
  const at = 1 + identityBytes;
  const [month, year] = [body[at] ?? 0, body[at + 1] ?? 0];
  if (!isInForce(month, year, today)) return wrong(field, 'expiry');
  if (body[at + 5] !== 1 || body[at + 6] !== 1) return wrong(field, 'algorithm');
  const keyLength = body[at + 7] ?? 0;
  if (body[at + 8] !== exponent.length) return wrong(field, 'length');
  const field36 = body.subarray(at + 9);
  const inside = Math.min(keyLength, field36.length);
  if (remainder.length !== keyLength - inside) return wrong(field, 'remainder');
  const read = readExponent(exponent);
  if (!read.ok) return read;
  const modulus = concat(field36.subarray(0, inside), remainder);
  const serial = body.slice(at + 2, at + 5);
  return ok({ identity: body.subarray(1, at), serial, key: { modulus, exponent: read.value } });
}

interface RecoveredCertificate {
  readonly identity: Uint8Array;
  readonly serial: Uint8Array;
  readonly key: RsaPublicKey;
}

/** An issuer's key, and the number of the certificate that it came in: the revocation list names that. */
export interface RecoveredIssuerKey extends RsaPublicKey {
  /** 3 bytes. */
  readonly serial: Uint8Array;
}

/** MMYY in BCD: the certificate is good until the last day of its month. Years below 50 are in this century. */
function isInForce(monthBcd: number, yearBcd: number, today: CalendarDay): boolean {
  const [month, twoDigits] = [bcd(monthBcd), bcd(yearBcd)];
  if (month < 1 || month > 12 || twoDigits < 0) return false;
  const year = twoDigits < 50 ? 2000 + twoDigits : 1900 + twoDigits;
  return year > today.year || (year === today.year && month >= today.month);
}

const bcd = (byte: number): number => ((byte & 0x0f) > 9 || byte >> 4 > 9 ? -1 : (byte >> 4) * 10 + (byte & 0x0f));

const panText = (pan: Secret<'pan'>): string => pan.use((digits) => Buffer.from(digits).toString('latin1'));

/**
 * Recovers the issuer's public key.
 *
 * @returns EMV_CERTIFICATE_WRONG with the failing step; EMV_KEY_INVALID for an exponent that EMV does not know.
 * @see EMV 4.3 Book 2, 5.3 and 6.3
 */
export function recoverIssuerKey(
  ca: RsaPublicKey,
  certificate: KeyCertificate,
  pan: Secret<'pan'>,
  today: CalendarDay,
): Result<RecoveredIssuerKey, 'EMV_CERTIFICATE_WRONG' | 'EMV_KEY_INVALID'> {
  const shape = { field: '90', format: 0x02, identityBytes: 4, extra: new Uint8Array(0) };
  const recovered = recoverCertificate(ca, certificate, shape, today);
  if (!recovered.ok) return recovered;
  // The leftmost three to eight digits of the PAN, filled with F.
  const identifier = toHex(recovered.value.identity).replace(/F+$/, '');
  if (!/^\d{3,8}$/.test(identifier) || !panText(pan).startsWith(identifier)) return wrong('90', 'issuer identifier');
  const { key, serial } = recovered.value;
  return ok({ ...key, serial });
}

/** Which of the card's two keys a certificate is for: the one that signs, or the one that PINs are enciphered with. */
export type IccKeyKind = 'signing' | 'pinEncipherment';

/**
 * Recovers a public key of the card.
 *
 * @param staticData the static data to be authenticated; empty for a PIN encipherment key.
 * @see EMV 4.3 Book 2, 6.4 and 7.1
 */
export function recoverIccKey(
  issuer: RsaPublicKey,
  certificate: KeyCertificate,
  pan: Secret<'pan'>,
  staticData: Uint8Array,
  today: CalendarDay,
  kind: IccKeyKind = 'signing',
): Result<RsaPublicKey, 'EMV_CERTIFICATE_WRONG' | 'EMV_KEY_INVALID'> {
  const field = kind === 'signing' ? '9F46' : '9F2D';
  const extra = kind === 'signing' ? staticData : new Uint8Array(0);
  const recovered = recoverCertificate(issuer, certificate, { field, format: 0x04, identityBytes: 10, extra }, today);
  if (!recovered.ok) return recovered;
  if (toHex(recovered.value.identity) !== panText(pan).padEnd(20, 'F')) return wrong(field, 'pan');
  return ok(recovered.value.key);
}

/** Verifies signed static application data (93). Gives the data authentication code (9F45). EMV 4.3 Book 2, 5.4. */
export function verifySda(
  issuer: RsaPublicKey,
  signedData: Uint8Array,
  staticData: Uint8Array,
): Result<{ readonly dataAuthenticationCode: Uint8Array }, 'EMV_CERTIFICATE_WRONG'> {
  const recovered = recoverBlock('93', issuer, signedData, 0x03);
  if (!recovered.ok) return recovered;
  const { body, hash } = recovered.value;
  if (body[1] !== 1) return wrong('93', 'algorithm');
  if (!equalInConstantTime(sha1(body, staticData), hash)) return wrong('93', 'hash');
  return ok({ dataAuthenticationCode: body.slice(2, 4) });
}

/** Recovers signed dynamic application data (9F4B) and gives the ICC dynamic data inside. 6.5.2, steps 1 to 7. */
function recoverDynamic(
  icc: RsaPublicKey,
  signedData: Uint8Array,
  terminalData: Uint8Array,
): Result<Uint8Array, 'EMV_CERTIFICATE_WRONG'> {
  const recovered = recoverBlock('9F4B', icc, signedData, 0x05);
  if (!recovered.ok) return recovered;
  const { body, hash } = recovered.value;
  if (body[1] !== 1) return wrong('9F4B', 'algorithm');
  if (!equalInConstantTime(sha1(body, terminalData), hash)) return wrong('9F4B', 'hash');
  const length = body[2] ?? 0;
  if (3 + length > body.length) return wrong('9F4B', 'dynamic data');
  return ok(body.slice(3, 3 + length));
}

/** The ICC dynamic number at the start of the dynamic data: 2 to 8 bytes behind their length. */
function dynamicNumber(data: Uint8Array): Uint8Array | undefined {
  const length = data[0] ?? 0;
  return length >= 2 && length <= 8 && data.length >= 1 + length ? data.subarray(1, 1 + length) : undefined;
}

/**
 * Verifies dynamic data authentication.
 *
 * @param terminalData the data that the DDOL asked for, as it was sent in INTERNAL AUTHENTICATE.
 * @returns the ICC dynamic number (9F4C).
 * @see EMV 4.3 Book 2, 6.5.2
 */
export function verifyDda(
  icc: RsaPublicKey,
  signedData: Uint8Array,
  terminalData: Uint8Array,
): Result<{ readonly iccDynamicNumber: Uint8Array }, 'EMV_CERTIFICATE_WRONG'> {
  const data = recoverDynamic(icc, signedData, terminalData);
  if (!data.ok) return data;
  const iccDynamicNumber = dynamicNumber(data.value);
  return iccDynamicNumber === undefined ? wrong('9F4B', 'dynamic data') : ok({ iccDynamicNumber });
}

/** What a combined signature covers besides itself. */
export interface CdaTransaction {
  /** 9F37. */
  readonly unpredictableNumber: Uint8Array;
  /** 9F27 of the answer to GENERATE AC. */
  readonly cryptogramInformation: number;
  /** Values of PDOL, CDOL1 and, at the second GENERATE AC, CDOL2, as sent; then the objects of the answer without 9F4B. */
  readonly transactionData: Uint8Array;
}

/**
 * Verifies combined dynamic data authentication.
 *
 * @returns ICC dynamic number and the application cryptogram, which the card gives inside the signature alone.
 * @see EMV 4.3 Book 2, 6.6.2
 */
export function verifyCda(
  icc: RsaPublicKey,
  signedData: Uint8Array,
  { unpredictableNumber, cryptogramInformation, transactionData }: CdaTransaction,
): Result<{ readonly iccDynamicNumber: Uint8Array; readonly cryptogram: Uint8Array }, 'EMV_CERTIFICATE_WRONG'> {
  const recovered = recoverDynamic(icc, signedData, unpredictableNumber);
  if (!recovered.ok) return recovered;
  const data = recovered.value;
  const iccDynamicNumber = dynamicNumber(data);
  if (iccDynamicNumber === undefined) return wrong('9F4B', 'dynamic data');
  const at = 1 + iccDynamicNumber.length;
  if (data.length < at + 29) return wrong('9F4B', 'dynamic data');
  if (data[at] !== cryptogramInformation) return wrong('9F4B', 'cryptogram information');
  if (!equalInConstantTime(sha1(transactionData), data.subarray(at + 9, at + 29)))
    return wrong('9F4B', 'transaction data');
  return ok({ iccDynamicNumber, cryptogram: data.slice(at + 1, at + 9) });
}

/** What a fast signature (in the answer to GET PROCESSING OPTIONS) covers. EMV Book C-3, annex C. */
export interface FddaTransaction {
  /** 9F37. */
  readonly unpredictableNumber: Uint8Array;
  /** 9F02. */
  readonly amount: Uint8Array;
  /** 5F2A. */
  readonly currency: Uint8Array;
  /** 9F69; its first byte is the fDDA version. */
  readonly cardAuthenticationData: Uint8Array;
}

/** The bytes that a fast signature covers besides the card's own. */
export const fddaTerminalData = (transaction: FddaTransaction): Uint8Array =>
  concat(transaction.unpredictableNumber, transaction.amount, transaction.currency, transaction.cardAuthenticationData);

/** Verifies fast dynamic data authentication; the dynamic number is the transaction counter, which the caller compares with 9F36. */
export const verifyFdda = (
  icc: RsaPublicKey,
  signedData: Uint8Array,
  transaction: FddaTransaction,
): Result<{ readonly iccDynamicNumber: Uint8Array }, 'EMV_CERTIFICATE_WRONG'> =>
  verifyDda(icc, signedData, fddaTerminalData(transaction));

/** A record as it was read, and whether the locator puts it under offline data authentication. */
export interface AuthenticatedRecord {
  readonly sfi: number;
  /** With template 70. */
  readonly bytes: Uint8Array;
}

/**
 * The static data to be authenticated: records of files 1 to 10 without the template's tag and length, those of 11 to 30
 * whole, then the AIP if the tag list (9F4A) names it.
 *
 * @returns EMV_VALUE_INVALID for a record that is not one whole template 70, or a tag list that holds anything but 82.
 * @see EMV 4.3 Book 3, 10.3
 */
export function staticDataToAuthenticate(
  records: readonly AuthenticatedRecord[],
  aip: Uint8Array,
  tagList?: Uint8Array,
): Result<Uint8Array, 'EMV_VALUE_INVALID'> {
  if (tagList !== undefined && (tagList.length !== 1 || tagList[0] !== 0x82))
    return fail('EMV_VALUE_INVALID', { field: '9F4A' });
  const parts: Uint8Array[] = [];
  for (const { sfi, bytes } of records) {
    const from = recordValueOffset(bytes);
    if (from === undefined) return fail('EMV_VALUE_INVALID', { field: '70' });
    parts.push(sfi <= 10 ? bytes.subarray(from) : bytes);
  }
  if (tagList !== undefined) parts.push(aip);
  return ok(concat(...parts));
}

/** Where the value of a record's template 70 begins; undefined when the record is not that template and nothing else. */
function recordValueOffset(bytes: Uint8Array): number | undefined {
  const [tag, first, second, third] = bytes;
  if (tag !== 0x70 || first === undefined) return undefined;
  const [from, length] =
    first < 0x80
      ? [2, first]
      : first === 0x81
        ? [3, second ?? 0]
        : first === 0x82
          ? [4, ((second ?? 0) << 8) | (third ?? 0)]
          : [0, 0];
  return from > 0 && from + length === bytes.length ? from : undefined;
}
