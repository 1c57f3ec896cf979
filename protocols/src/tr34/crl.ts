import { contextTag, DerWalk, malformed, tags, walkInto } from '../der/index.ts';
import { fail, ok, type Result } from '../kit/index.ts';
import { type Certificate, isSignedBy, readExtensions, sameBytes } from './certificate.ts';

/** A certificate revocation list. */
export interface RevocationList {
  readonly tbs: Uint8Array;
  readonly signatureAlgorithm: string;
  readonly signature: Uint8Array;
  readonly issuer: Uint8Array;
  readonly thisUpdate: number;
  /** Absent in lists that promise nothing; such a one is never current. */
  readonly nextUpdate: number | undefined;
  /** Serial numbers as encoded INTEGERs, in hexadecimal. */
  readonly revoked: ReadonlySet<string>;
}

/** Reads a DER revocation list, inside a walk. RFC 5280, 5.1. */
export function readRevocationList(encoded: Uint8Array): RevocationList {
  const whole = walkInto(encoded, tags.sequence);
  const tbsElement = whole.take(tags.sequence);
  const signatureAlgorithm = whole.into(tags.sequence).oid();
  const { content: signatureBits } = whole.take(tags.bitString);
  whole.end();
  if (signatureBits[0] !== 0) malformed();
  const tbs = new DerWalk(tbsElement.content);
  const version = tbs.maybe(tags.integer);
  if (version !== undefined && new DerWalk(version.encoded).small() !== 1) malformed();
  if (tbs.into(tags.sequence).oid() !== signatureAlgorithm) malformed();
  const issuer = tbs.take(tags.sequence).encoded;
  const thisUpdate = tbs.time();
  const next = tbs.maybe(tags.utcTime) ?? tbs.maybe(tags.generalizedTime);
  const nextUpdate = next === undefined ? undefined : new DerWalk(next.encoded).time();
  const revoked = new Set<string>();
  const entries = tbs.maybe(tags.sequence);
  if (entries !== undefined) {
    const list = new DerWalk(entries.content);
    while (!list.isAtEnd) revoked.add(serialText(list.into(tags.sequence).take(tags.integer).encoded));
  }
  const wrapped = tbs.maybe(contextTag(0, 'constructed'));
  tbs.end();
  // A critical extension (a delta list, an indirect one) changes what the list means; none is known here.
  if (wrapped !== undefined) readExtensions(wrapped.content, new Set());
  return {
    tbs: tbsElement.encoded,
    signatureAlgorithm,
    signature: signatureBits.subarray(1),
    issuer,
    thisUpdate,
    nextUpdate,
    revoked,
  };
}

const serialText = (serial: Uint8Array): string => Buffer.from(serial).toString('hex');

/**
 * Checks the lists that a token carries: each of the issuing CA, signed by it, current, and without the certificate.
 * A token without a list passes; whether one is demanded is the caller's policy.
 *
 * @see ASC X9 TR 34-2019, 5.3.5; RFC 5280, 6.3
 */
export function checkRevocation(
  lists: readonly RevocationList[],
  certificate: Certificate,
  ca: Certificate,
  atMs: number,
): Result<true, 'TR34_CRL_INVALID' | 'TR34_CERTIFICATE_REVOKED'> {
  for (const list of lists) {
    const isCurrent = atMs >= list.thisUpdate && list.nextUpdate !== undefined && atMs <= list.nextUpdate;
    const isIssuers = sameBytes(list.issuer, ca.subject) && ca.usages.has('cRLSign') && isSignedBy(ca, list);
    if (!isIssuers || !isCurrent) return fail('TR34_CRL_INVALID', { field: isIssuers ? 'nextUpdate' : 'issuer' });
    if (list.revoked.has(serialText(certificate.serial))) return fail('TR34_CERTIFICATE_REVOKED');
  }
  return ok(true);
}
