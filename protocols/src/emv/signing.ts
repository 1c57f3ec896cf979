import { createHash } from 'node:crypto';
import { concat, hex, type Secret } from '../kit/index.ts';
import type { CdaTransaction, FddaTransaction, KeyCertificate } from './certificates.ts';
import { fddaTerminalData } from './certificates.ts';
import { exponentBytes, type RsaPublicKey, type RsaSigner } from './rsa.ts';

/** What a certificate says besides the key. */
export interface CertificateTerms {
  /** MMYY: good until the last day of that month. */
  readonly expiry: string;
  /** Three bytes in hexadecimal. */
  readonly serial: string;
}

const sha1 = (...parts: readonly Uint8Array[]): Uint8Array => {
  const hash = createHash('sha1');
  for (const part of parts) hash.update(part);
  return Uint8Array.from(hash.digest());
};

/** Wraps a body of exactly `n - 22` bytes: header, body, hash over body and what is not in it, trailer. EMV 4.3 Book 2, A2.1. */
function sealed(signer: RsaSigner, body: Uint8Array, ...hashedToo: readonly Uint8Array[]): Uint8Array {
  const length = signer.publicKey.modulus.length;
  if (body.length !== length - 22) throw new Error(`a body of ${body.length} bytes for a key of ${length}`);
  return signer.sign(concat(Uint8Array.of(0x6a), body, sha1(body, ...hashedToo), Uint8Array.of(0xbc)));
}

const filled = (bytes: Uint8Array, length: number): Uint8Array => {
  const field = new Uint8Array(length).fill(0xbb);
  field.set(bytes.subarray(0, length));
  return field;
};

function certify(
  signer: RsaSigner,
  format: number,
  identity: Uint8Array,
  key: RsaPublicKey,
  { expiry, serial }: CertificateTerms,
  extra: Uint8Array,
): KeyCertificate {
  const exponent = exponentBytes(key.exponent);
  const head = concat(
    Uint8Array.of(format),
    identity,
    hex(expiry),
    hex(serial),
    Uint8Array.of(1, 1, key.modulus.length, exponent.length),
  );
  const room = signer.publicKey.modulus.length - 22 - head.length;
  const remainder = key.modulus.slice(room);
  const certificate = sealed(signer, concat(head, filled(key.modulus, room)), remainder, exponent, extra);
  return remainder.length === 0 ? { certificate, exponent } : { certificate, remainder, exponent };
}

const panDigits = (pan: Secret<'pan'>): string => pan.use((digits) => Buffer.from(digits).toString('latin1'));

/** Signs an issuer's key, as the CA does. EMV 4.3 Book 2, 5.1, table 1. */
export const certifyIssuer = (
  ca: RsaSigner,
  pan: Secret<'pan'>,
  key: RsaPublicKey,
  terms: CertificateTerms,
): KeyCertificate => certify(ca, 0x02, hex(panDigits(pan).slice(0, 6).padEnd(8, 'F')), key, terms, new Uint8Array(0));

/** Signs a card's key and its static data, as the issuer does; a PIN encipherment key has no static data. 6.1, table 9; 7.1. */
export const certifyIcc = (
  issuer: RsaSigner,
  pan: Secret<'pan'>,
  key: RsaPublicKey,
  terms: CertificateTerms,
  staticData: Uint8Array,
): KeyCertificate => certify(issuer, 0x04, hex(panDigits(pan).padEnd(20, 'F')), key, terms, staticData);

/** Signs static data (93) with a data authentication code of 2 bytes. 5.1, table 2. */
export function signStaticData(
  issuer: RsaSigner,
  dataAuthenticationCode: Uint8Array,
  staticData: Uint8Array,
): Uint8Array {
  const head = concat(Uint8Array.of(0x03, 0x01), dataAuthenticationCode.subarray(0, 2));
  return sealed(issuer, filled(head, issuer.publicKey.modulus.length - 22), staticData);
}

function signDynamic(icc: RsaSigner, dynamicData: Uint8Array, terminalData: Uint8Array): Uint8Array {
  const head = concat(Uint8Array.of(0x05, 0x01, dynamicData.length), dynamicData);
  if (head.length > icc.publicKey.modulus.length - 22) throw new Error('the key is too short for this dynamic data');
  return sealed(icc, filled(head, icc.publicKey.modulus.length - 22), terminalData);
}

/** A card's answer to INTERNAL AUTHENTICATE (9F4B). 6.5.1. */
export const signDda = (icc: RsaSigner, iccDynamicNumber: Uint8Array, terminalData: Uint8Array): Uint8Array =>
  signDynamic(icc, concat(Uint8Array.of(iccDynamicNumber.length), iccDynamicNumber), terminalData);

/**
 * A card's combined signature (9F4B) in the answer to GENERATE AC. 6.6.1.
 *
 * @param more dynamic data behind the transaction data hash: those of the relay resistance exchange (EMV Book C-2).
 */
export const signCda = (
  icc: RsaSigner,
  iccDynamicNumber: Uint8Array,
  cryptogram: Uint8Array,
  { unpredictableNumber, cryptogramInformation, transactionData }: CdaTransaction,
  more: Uint8Array = new Uint8Array(0),
): Uint8Array =>
  signDynamic(
    icc,
    concat(
      Uint8Array.of(iccDynamicNumber.length),
      iccDynamicNumber,
      Uint8Array.of(cryptogramInformation),
      cryptogram,
      sha1(transactionData),
      more,
    ),
    unpredictableNumber,
  );

/** A card's fast signature (9F4B) in the answer to GET PROCESSING OPTIONS: the dynamic number is the transaction counter. C-3, annex C. */
export const signFdda = (icc: RsaSigner, atc: Uint8Array, transaction: FddaTransaction): Uint8Array =>
  signDda(icc, atc, fddaTerminalData(transaction));
