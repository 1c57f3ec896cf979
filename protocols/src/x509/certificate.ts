import { createHash, createPublicKey, type KeyObject, sign } from 'node:crypto';
import {
  type Asn1,
  bitString,
  boolean,
  context,
  contextBytes,
  embed,
  encode,
  integer,
  nullValue,
  octetString,
  oid,
  sequence,
  time,
} from './der.ts';
import { type DistinguishedName, distinguishedName } from './name.ts';
import { oids } from './oids.ts';

/** Who signs: a name and the key that goes with it. For a root it is the subject itself. */
export type Issuer = { readonly name: DistinguishedName } & (
  | { readonly privateKey: KeyObject }
  | {
      readonly publicKey: KeyObject;
      /** A signature with SHA-256, ECDSA (DER) or RSA (PKCS #1 v1.5), by a key that somebody else keeps. */
      readonly sign: (bytes: Uint8Array) => Uint8Array;
    }
);

/** What a certificate is to say. */
export interface CertificateContents {
  /** Up to 20 bytes, first bit 0; unpredictable (RFC 5280, 4.1.2.2). */
  readonly serialNumber: Uint8Array;
  readonly subject: DistinguishedName;
  /** The subject's key: EC P-256, or RSA for TR-34. */
  readonly publicKey: KeyObject;
  /** Milliseconds since 1970; seconds count. */
  readonly notBefore: number;
  readonly notAfter: number;
  readonly use: CertificateUse;
}

/**
 * A CA may sign so many CAs below itself; a leaf serves or dials, under the names given; a party of TR-34 signs keys or has them enciphered to it
 * (TR 34-2019, 5.2).
 */
export type CertificateUse =
  | { readonly kind: 'authority'; readonly pathLength: number }
  | {
      readonly kind: 'leaf';
      readonly purposes: readonly ('serverAuth' | 'clientAuth')[];
      readonly names: readonly AlternativeName[];
    }
  | { readonly kind: 'keyParty'; readonly usage: 'digitalSignature' | 'keyEncipherment' };

/** A subject alternative name. IPv4 in dotted form. */
export type AlternativeName = { readonly uri: string } | { readonly dns: string } | { readonly ip: string };

/**
 * Makes an X.509 version 3 certificate (RFC 5280), signed with ecdsa-with-SHA256.
 * @returns DER; `toPem` makes text of it
 */
export function buildCertificate(contents: CertificateContents, issuer: Issuer): Uint8Array {
  if (contents.serialNumber.length > 20) throw new Error('a serial number has at most 20 bytes');
  const algorithm = algorithmOf(issuer);
  const subjectKey = contents.publicKey.export({ type: 'spki', format: 'der' });
  const toSign = sequence(
    context(0, integer(Uint8Array.of(2))),
    integer(contents.serialNumber),
    algorithm,
    distinguishedName(issuer.name),
    sequence(time(contents.notBefore), time(contents.notAfter)),
    distinguishedName(contents.subject),
    embed(subjectKey),
    context(3, sequence(...extensions(contents, issuer, subjectKey))),
  );
  return encode(sequence(toSign, algorithm, bitString(signBy(issuer, encode(toSign)))));
}

/** How deep CAs of the house may stand: a root signs issuing CAs, and an issuing CA leaves only. */
const depth = { root: 1, issuing: 0 } as const;

/**
 * Makes the certificate of a root or of an issuing CA, with a serial number out of `entropy`.
 * @param lifeMs from now on; its beginning lies a day before, for clocks that are slow
 * @returns PEM
 */
export function buildAuthorityCertificate(
  kind: keyof typeof depth,
  subject: { readonly name: DistinguishedName; readonly publicKey: KeyObject },
  life: { readonly now: number; readonly lifeMs: number },
  issuer: Issuer,
  entropy: (lengthBytes: number) => Uint8Array,
): string {
  const der = buildCertificate(
    {
      serialNumber: newSerialNumber(entropy),
      subject: subject.name,
      publicKey: subject.publicKey,
      notBefore: life.now - backdatedMs(life.lifeMs),
      notAfter: life.now + life.lifeMs,
      use: { kind: 'authority', pathLength: depth[kind] },
    },
    issuer,
  );
  return toPem('CERTIFICATE', der);
}

/** 127 unpredictable bits. RFC 5280, 4.1.2.2. */
export function newSerialNumber(entropy: (lengthBytes: number) => Uint8Array): Uint8Array {
  const serialNumber = entropy(16);
  serialNumber[0] = (serialNumber[0] ?? 0) & 0x7f;
  return serialNumber;
}

/** Clocks of terminals may be slow; but a certificate is not older than a tenth of its life when it is new. */
export const backdatedMs = (lifeMs: number): number => Math.min(86_400_000, lifeMs / 10);

/** ecdsa-with-SHA256, or sha256WithRSAEncryption where the issuer's key is an RSA key (TR-34 knows no other). RFC 5758, 3.2; RFC 4055, 5. */
function algorithmOf(issuer: Issuer): Asn1 {
  const { asymmetricKeyType } = 'sign' in issuer ? issuer.publicKey : issuer.privateKey;
  return asymmetricKeyType === 'rsa'
    ? sequence(oid(oids.sha256WithRsa), nullValue())
    : sequence(oid(oids.ecdsaWithSha256));
}

/** Signs by whoever holds the issuer's key. */
export const signBy = (issuer: Issuer, bytes: Uint8Array): Uint8Array =>
  'sign' in issuer ? issuer.sign(bytes) : sign('sha256', bytes, issuer.privateKey);

/** Names the issuer's key. RFC 5280, 4.2.1.1 and 5.2.1. */
export function authorityKeyIdentifier(issuer: Issuer): Asn1 {
  const key = 'publicKey' in issuer ? issuer.publicKey : createPublicKey(issuer.privateKey);
  const spki = key.export({ type: 'spki', format: 'der' });
  return extension(oids.authorityKeyIdentifier, false, sequence(contextBytes(0, keyIdentifier(spki))));
}

function extensions(contents: CertificateContents, issuer: Issuer, subjectKey: Uint8Array): Asn1[] {
  const { use } = contents;
  const common = [
    extension(oids.subjectKeyIdentifier, false, octetString(keyIdentifier(subjectKey))),
    authorityKeyIdentifier(issuer),
  ];
  if (use.kind === 'authority')
    return [
      extension(oids.basicConstraints, true, sequence(boolean(true), integer(Uint8Array.of(use.pathLength)))),
      // keyCertSign and cRLSign: bits 5 and 6 (RFC 5280, 4.2.1.3)
      extension(oids.keyUsage, true, bitString(Uint8Array.of(0b0000_0110), 1)),
      ...common,
    ];
  if (use.kind === 'keyParty')
    return [
      extension(oids.basicConstraints, true, sequence()),
      // digitalSignature is bit 0, keyEncipherment bit 2.
      extension(
        oids.keyUsage,
        true,
        use.usage === 'digitalSignature' ? bitString(Uint8Array.of(0x80), 7) : bitString(Uint8Array.of(0x20), 5),
      ),
      ...common,
    ];
  return [
    extension(oids.basicConstraints, true, sequence()),
    // digitalSignature: bit 0
    extension(oids.keyUsage, true, bitString(Uint8Array.of(0b1000_0000), 7)),
    extension(oids.extendedKeyUsage, false, sequence(...use.purposes.map((purpose) => oid(oids[purpose])))),
    ...(use.names.length === 0
      ? []
      : [extension(oids.subjectAltName, false, sequence(...use.names.map(alternativeName)))]),
    ...common,
  ];
}

/** An extension. RFC 5280, 4.1. */
export const extension = (id: string, critical: boolean, value: Asn1): Asn1 =>
  sequence(oid(id), ...(critical ? [boolean(true)] : []), octetString(encode(value)));

/** GeneralName. RFC 5280, 4.2.1.6. */
function alternativeName(name: AlternativeName): Asn1 {
  if ('dns' in name) return contextBytes(2, Buffer.from(name.dns, 'ascii'));
  if ('uri' in name) return contextBytes(6, Buffer.from(name.uri, 'ascii'));
  const octets = name.ip.split('.').map(Number);
  if (octets.length !== 4 || octets.some((octet) => !Number.isInteger(octet) || octet < 0 || octet > 255))
    throw new Error(`not an IPv4 address: ${name.ip}`);
  return contextBytes(7, Uint8Array.from(octets));
}

/** The leftmost 160 bits of the SHA-256 of the key. RFC 7093, 2, method 4 over the whole SPKI. */
const keyIdentifier = (spki: Uint8Array): Uint8Array => createHash('sha256').update(spki).digest().subarray(0, 20);

/** Text form (RFC 7468) of DER. */
export function toPem(
  label: 'CERTIFICATE' | 'TRUSTED CERTIFICATE' | 'CERTIFICATE REQUEST' | 'X509 CRL',
  der: Uint8Array,
): string {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}
