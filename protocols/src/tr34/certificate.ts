import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import { contextTag, DerWalk, malformed, tags, walkInto } from '../der/index.ts';
import { fail, FaultError, ok, type Result } from '../kit/index.ts';
import { oids } from './oids.ts';

/** An X.509 certificate, as far as TR-34 looks into it. */
export interface Certificate {
  /** The whole certificate. */
  readonly encoded: Uint8Array;
  /** The part that is signed. */
  readonly tbs: Uint8Array;
  readonly signatureAlgorithm: string;
  readonly signature: Uint8Array;
  /** Names as encoded: they are compared byte by byte. */
  readonly issuer: Uint8Array;
  readonly subject: Uint8Array;
  /** The serial number, as an encoded INTEGER. */
  readonly serial: Uint8Array;
  /** Milliseconds since 1970, both included. */
  readonly notBefore: number;
  readonly notAfter: number;
  readonly publicKey: KeyObject;
  readonly isCa: boolean;
  readonly usages: ReadonlySet<KeyUsageBit>;
}

/** Key usages by their bit. RFC 5280, 4.2.1.3. */
const usageBits = [
  'digitalSignature',
  'nonRepudiation',
  'keyEncipherment',
  'dataEncipherment',
  'keyAgreement',
  'keyCertSign',
  'cRLSign',
] as const;

/** A key usage that a certificate may allow. */
export type KeyUsageBit = (typeof usageBits)[number];

const digests: Readonly<Record<string, string>> = {
  [oids.sha256WithRsa]: 'sha256',
  [oids.sha384WithRsa]: 'sha384',
  [oids.sha512WithRsa]: 'sha512',
};

/** Critical extensions that may stand in a certificate: those looked into, extended key usage, policies and alternative names. */
const knownExtensions: ReadonlySet<string> = new Set([
  oids.basicConstraints,
  oids.keyUsage,
  '2.5.29.37',
  '2.5.29.32',
  '2.5.29.17',
]);

/**
 * Reads a DER certificate: version 3, RSA. Nothing is verified yet.
 *
 * @see RFC 5280, 4.1
 */
export function parseCertificate(encoded: Uint8Array): Result<Certificate, 'DER_INVALID'> {
  try {
    return ok(readCertificate(encoded));
  } catch (error) {
    if (error instanceof FaultError && error.fault.code === 'DER_INVALID') return fail('DER_INVALID');
    throw error;
  }
}

/** As `parseCertificate`, inside a walk. */
export function readCertificate(encoded: Uint8Array): Certificate {
  const whole = walkInto(encoded, tags.sequence);
  const tbsElement = whole.take(tags.sequence);
  const signatureAlgorithm = whole.into(tags.sequence).oid();
  const signature = bits(whole.take(tags.bitString).content);
  whole.end();
  const tbs = new DerWalk(tbsElement.content);
  const version = tbs.into(contextTag(0, 'constructed'));
  if (version.small() !== 2) malformed();
  version.end();
  const serial = tbs.take(tags.integer).encoded;
  if (tbs.into(tags.sequence).oid() !== signatureAlgorithm) malformed();
  const issuer = tbs.take(tags.sequence).encoded;
  const validity = tbs.into(tags.sequence);
  const notBefore = validity.time();
  const notAfter = validity.time();
  validity.end();
  const subject = tbs.take(tags.sequence).encoded;
  const publicKey = readPublicKey(tbs.take(tags.sequence).encoded);
  tbs.maybe(contextTag(1, 'primitive'));
  tbs.maybe(contextTag(2, 'primitive'));
  const wrapped = tbs.maybe(contextTag(3, 'constructed'));
  tbs.end();
  const extensions =
    wrapped === undefined ? new Map<string, Uint8Array>() : readExtensions(wrapped.content, knownExtensions);
  const constraints = extensions.get(oids.basicConstraints);
  const usage = extensions.get(oids.keyUsage);
  return {
    encoded,
    tbs: tbsElement.encoded,
    signatureAlgorithm,
    signature,
    issuer,
    subject,
    serial,
    notBefore,
    notAfter,
    publicKey,
    isCa: constraints !== undefined && readIsCa(constraints),
    usages: usage === undefined ? new Set() : readUsages(usage),
  };
}

/** Extensions by identifier. One that is critical and unknown, or that comes twice, is malformed. RFC 5280, 4.2. */
export function readExtensions(wrapped: Uint8Array, known: ReadonlySet<string>): Map<string, Uint8Array> {
  const extensions = new Map<string, Uint8Array>();
  const list = walkInto(wrapped, tags.sequence);
  while (!list.isAtEnd) {
    const extension = list.into(tags.sequence);
    const id = extension.oid();
    const isCritical = extension.maybe(tags.boolean)?.content[0] === 0xff;
    const { content } = extension.take(tags.octetString);
    extension.end();
    if (extensions.has(id) || (isCritical && !known.has(id))) malformed();
    extensions.set(id, content);
  }
  return extensions;
}

function readPublicKey(spki: Uint8Array): KeyObject {
  try {
    const key = createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' });
    return key.asymmetricKeyType === 'rsa' ? key : malformed();
  } catch {
    return malformed();
  }
}

function readIsCa(content: Uint8Array): boolean {
  const isCa = walkInto(content, tags.sequence).maybe(tags.boolean)?.content;
  return isCa?.length === 1 && isCa[0] === 0xff;
}

function readUsages(content: Uint8Array): ReadonlySet<KeyUsageBit> {
  const string = walkBits(content);
  return new Set(usageBits.filter((_, bit) => ((string[bit >> 3] ?? 0) & (0x80 >> (bit & 7))) !== 0));
}

function walkBits(encoded: Uint8Array): Uint8Array {
  const walk = new DerWalk(encoded);
  const { content } = walk.take(tags.bitString);
  walk.end();
  const [unused] = content;
  if (unused === undefined || unused > 7) malformed();
  return content.subarray(1);
}

function bits(content: Uint8Array): Uint8Array {
  if (content[0] !== 0) malformed();
  return content.subarray(1);
}

/** Whether `issuer` signed this body. */
export function isSignedBy(
  issuer: Certificate,
  signed: { readonly tbs: Uint8Array; readonly signatureAlgorithm: string; readonly signature: Uint8Array },
): boolean {
  const digest = digests[signed.signatureAlgorithm];
  return digest !== undefined && isSignature(digest, signed.tbs, issuer.publicKey, signed.signature);
}

/** RSA with PKCS #1 v1.5 padding. A public key that OpenSSL cannot use verifies nothing. */
export function isSignature(digest: string, signed: Uint8Array, publicKey: KeyObject, signature: Uint8Array): boolean {
  try {
    return verify(digest, signed, publicKey, signature);
  } catch {
    return false;
  }
}

/** Whether two pieces of public encoding are the same bytes. */
export const sameBytes = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;

/** The CAs that a terminal or a host trusts for one role. Pinning the CA keeps a terminal's certificate from posing as a host's. */
export interface TrustedBranch {
  readonly root: Certificate;
  /** The only CA that issues this role's certificates. */
  readonly ca: Certificate;
}

/**
 * Checks a certificate against its branch: issued by the pinned CA, that one by the root, all valid at a time, and
 * allowed to do what its role does.
 *
 * @param atMs milliseconds since 1970.
 * @see ASC X9 TR 34-2019, 5.3; RFC 5280, 6.1
 */
export function checkCertificate(
  certificate: Certificate,
  { root, ca }: TrustedBranch,
  atMs: number,
  usage?: KeyUsageBit,
): Result<true, 'TR34_CERTIFICATE_INVALID'> {
  const chain = [
    [certificate, ca],
    [ca, root],
    [root, root],
  ] as const;
  const holds = chain.every(
    ([subject, issuer]) =>
      sameBytes(subject.issuer, issuer.subject) &&
      issuer.isCa &&
      issuer.usages.has('keyCertSign') &&
      atMs >= subject.notBefore &&
      atMs <= subject.notAfter &&
      isSignedBy(issuer, subject),
  );
  if (!holds || certificate.isCa) return fail('TR34_CERTIFICATE_INVALID', { field: 'chain' });
  if (usage !== undefined && !certificate.usages.has(usage))
    return fail('TR34_CERTIFICATE_INVALID', { field: 'keyUsage' });
  return ok(true);
}

/** IssuerAndSerialNumber, the way in which tokens name a certificate. RFC 5652, 10.2.4. */
export const identityOf = (certificate: Certificate): readonly [issuer: Uint8Array, serial: Uint8Array] => [
  certificate.issuer,
  certificate.serial,
];

/** Whether an IssuerAndSerialNumber's content names this certificate. */
export const names = (content: Uint8Array, certificate: Certificate): boolean =>
  sameBytes(content, Buffer.concat(identityOf(certificate)));
