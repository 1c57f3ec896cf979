import { oid } from '../der/index.ts';

/** Object identifiers of TR-34's tokens and certificates. RFC 5652, RFC 3560, RFC 3565, RFC 5280; ASC X9 TR 34-2019, annex B. */
export const oids = {
  data: '1.2.840.113549.1.7.1',
  signedData: '1.2.840.113549.1.7.2',
  envelopedData: '1.2.840.113549.1.7.3',
  contentType: '1.2.840.113549.1.9.3',
  messageDigest: '1.2.840.113549.1.9.4',
  signingTime: '1.2.840.113549.1.9.5',
  /** pkcs-9-at-randomNonce. */
  randomNonce: '1.2.840.113549.1.9.25.3',
  sha256: '2.16.840.1.101.3.4.2.1',
  rsaEncryption: '1.2.840.113549.1.1.1',
  rsaesOaep: '1.2.840.113549.1.1.7',
  mgf1: '1.2.840.113549.1.1.8',
  pSpecified: '1.2.840.113549.1.1.9',
  sha256WithRsa: '1.2.840.113549.1.1.11',
  sha384WithRsa: '1.2.840.113549.1.1.12',
  sha512WithRsa: '1.2.840.113549.1.1.13',
  tdesCbc: '1.2.840.113549.3.7',
  aes128Cbc: '2.16.840.1.101.3.4.1.2',
  aes192Cbc: '2.16.840.1.101.3.4.1.22',
  aes256Cbc: '2.16.840.1.101.3.4.1.42',
  basicConstraints: '2.5.29.19',
  keyUsage: '2.5.29.15',
} as const;

const encoded: ReadonlyMap<string, Uint8Array> = new Map(Object.values(oids).map((text) => [text, oid(text)]));

/** An identifier of the table as an element, ready made. */
export const encodedOid = (text: string): Uint8Array => encoded.get(text) ?? oid(text);
