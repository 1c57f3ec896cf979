import { type KeyObject } from 'node:crypto';
import { DerWalk, octetString, sequence, small, tags, timeOf, utcTime, walkInto, malformed } from '../der/index.ts';
import { equalInConstantTime, fail, FaultError, ok, type Result, Secret } from '../kit/index.ts';
import { checkExport, type KeyBlockHeader, readHeader } from '../tr31/index.ts';
import { rememberAttributes } from '../tr31/provenance.ts';
import { type Certificate, checkCertificate, identityOf, names } from './certificate.ts';
import { type CredentialError, roleUsage } from './credential-token.ts';
import { checkRevocation } from './crl.ts';
import { type EnvelopedData, openEnvelope, readEnvelopedData, sealEnvelope } from './enveloped-data.ts';
import { oids } from './oids.ts';
import { isNonceLength } from './random-token.ts';
import {
  attribute,
  isAuthentic,
  octetsAttribute,
  onlySigner,
  readSignedDataToken,
  readToken,
  type RsaSigner,
  type SignedData,
  type Signer,
  writeSignedToken,
} from './signed-data.ts';
import { branchOf, type Tr34Trust } from './trust.ts';

/**
 * What makes a token fresh. Two-pass: the nonce of the device's random number token, used once. One-pass: a signing time
 * later than that of the last accepted token, compared with no clock.
 */
export type Freshness =
  | { readonly passes: 2; readonly nonce: Uint8Array }
  | { readonly passes: 1; readonly lastAcceptedSigningTime?: string };

/** A key receiving device, as it accepts tokens. */
export interface KeyReceiver {
  readonly trust: Tr34Trust;
  /** The host that the device is bound to. */
  readonly kdh: Certificate;
  readonly krd: Certificate;
  readonly privateKey: KeyObject;
}

/** A key out of a token. */
export interface ReceivedKey {
  /** Remembers the header's attributes, as a key out of a TR-31 block does. */
  readonly key: Secret<'key'>;
  readonly header: KeyBlockHeader;
  /** UTCTime text. One-pass: store it before the key is used, as the next lastAcceptedSigningTime. */
  readonly signingTime: string | undefined;
}

/** Codes that accepting a key token can end with. */
export type KeyTokenError =
  | CredentialError
  | 'TR34_NOT_AUTHENTIC'
  | 'TR34_NONCE_MISMATCH'
  | 'TR34_NONCE_LENGTH_INVALID'
  | 'TR34_REPLAYED'
  | 'TR34_CONTENT_INVALID';

/**
 * Accepts a key token (KT-KDH), device side.
 *
 * Order of faults: encoding, certificates, CRL, signature, freshness, envelope, content.
 * @param atMs milliseconds since 1970, for certificates and CRL.
 * @see ASC X9 TR 34-2019, 6.2 (two-pass), 6.3 (one-pass) and B.4 to B.9
 */
export function acceptKeyToken(
  receiver: KeyReceiver,
  token: Uint8Array,
  freshness: Freshness,
  atMs: number,
): Result<ReceivedKey, KeyTokenError> {
  const { trust, kdh, krd, privateKey } = receiver;
  const read = readToken(token, () => readKeyToken(token));
  if (!read.ok) return read;
  const { signedData, signer, envelope, signedHeader, signingTime } = read.value;
  const kdhBranch = branchOf(trust, 'kdh');
  const kdhHolds = checkCertificate(kdh, kdhBranch, atMs, roleUsage.kdh);
  if (!kdhHolds.ok) return kdhHolds;
  // The device's own certificate was issued to it: its chain is checked, its usage was by the host that enciphered to it.
  const krdHolds = checkCertificate(krd, branchOf(trust, 'krd'), atMs);
  if (!krdHolds.ok) return krdHolds;
  const unrevoked = checkRevocation(signedData.lists, kdh, kdhBranch.ca, atMs);
  if (!unrevoked.ok) return unrevoked;
  if (!isAuthentic(signedData, signer, kdh)) return fail('TR34_NOT_AUTHENTIC');
  const fresh = checkFreshness(signer, signingTime, freshness);
  if (!fresh.ok) return fresh;
  const content = names(envelope.recipient, krd) ? openEnvelope(envelope, privateKey) : undefined;
  if (content === undefined) return fail('TR34_NOT_AUTHENTIC');
  const received = readKeyBlock(content, kdh, signedHeader);
  content.fill(0);
  if (!received.ok) return received;
  return ok({ ...received.value, signingTime });
}

interface ReadKeyToken {
  readonly signedData: SignedData;
  readonly signer: Signer;
  readonly envelope: EnvelopedData;
  readonly signedHeader: Uint8Array;
  readonly signingTime: string | undefined;
}

function readKeyToken(token: Uint8Array): ReadKeyToken {
  const signedData = readSignedDataToken(token);
  const signer = onlySigner(signedData);
  const { content } = signedData;
  if (signedData.contentType !== oids.envelopedData || content === undefined) return malformed();
  if (!signer.attributes.has(oids.contentType) || !signer.attributes.has(oids.messageDigest)) return malformed();
  const signedHeader = octetsAttribute(signer, oids.data) ?? malformed();
  return { signedData, signer, envelope: readEnvelopedData(content), signedHeader, signingTime: signingTimeOf(signer) };
}

/** The text of the signing time attribute, a UTCTime; undefined without one. */
export function signingTimeOf(signer: Signer): string | undefined {
  const value = signer.attributes.get(oids.signingTime);
  if (value === undefined) return undefined;
  const element = new DerWalk(value).take(tags.utcTime);
  if (timeOf(element) === undefined) malformed();
  return Buffer.from(element.content).toString('latin1');
}

/** Whether a token is the one asked for, or newer than the last. */
export function checkFreshness(
  signer: Signer,
  signingTime: string | undefined,
  freshness: Freshness,
): Result<true, 'TR34_NONCE_MISMATCH' | 'TR34_NONCE_LENGTH_INVALID' | 'TR34_REPLAYED'> {
  const nonce = octetsAttribute(signer, oids.randomNonce);
  if (freshness.passes === 2) {
    if (!isNonceLength(freshness.nonce.length)) return fail('TR34_NONCE_LENGTH_INVALID');
    return nonce !== undefined && equalInConstantTime(nonce, freshness.nonce) ? ok(true) : fail('TR34_NONCE_MISMATCH');
  }
  // An answer to somebody's nonce is no one-pass token, however new it looks.
  if (nonce !== undefined) return fail('TR34_NONCE_MISMATCH');
  const signed = signingTime === undefined ? undefined : utcMilliseconds(signingTime);
  if (signed === undefined) return fail('TR34_REPLAYED');
  const { lastAcceptedSigningTime } = freshness;
  if (lastAcceptedSigningTime === undefined) return ok(true);
  const last = utcMilliseconds(lastAcceptedSigningTime);
  return last !== undefined && signed > last ? ok(true) : fail('TR34_REPLAYED');
}

const utcMilliseconds = (text: string): number | undefined => {
  const content = Buffer.from(text, 'latin1');
  return timeOf({ tag: tags.utcTime, encoded: content, content });
};

const keyLengths: Readonly<Record<string, readonly number[]>> = { T: [16, 24], A: [16, 24, 32] };

// The key block of TR 34-2019, B.8: version, the host that made it, the key, and the header, which is authenticated
// because it stands in the signed attributes as well.
function readKeyBlock(
  content: Uint8Array,
  kdh: Certificate,
  signedHeader: Uint8Array,
): Result<
  { readonly key: Secret<'key'>; readonly header: KeyBlockHeader },
  'TR34_NOT_AUTHENTIC' | 'TR34_CONTENT_INVALID'
> {
  const refuse = (field: string): Result<never, 'TR34_CONTENT_INVALID'> => fail('TR34_CONTENT_INVALID', { field });
  let block: ReturnType<typeof walkKeyBlock>;
  try {
    block = walkKeyBlock(content);
  } catch (error) {
    if (error instanceof FaultError && error.fault.code === 'DER_INVALID') return fail('TR34_NOT_AUTHENTIC');
    throw error;
  }
  if (block.version !== 1) return refuse('version');
  if (!names(block.issuer, kdh)) return refuse('issuer');
  if (!equalInConstantTime(block.header, signedHeader)) return refuse('header');
  const text = Buffer.from(block.header).toString('latin1');
  const read = readHeader(text);
  if (!read.ok || text.length !== 16) return refuse('header');
  const { header } = read.value;
  if (!keyLengths[header.algorithm]?.includes(block.key.length)) return refuse('key');
  const key = Secret.take('key', block.key);
  rememberAttributes(key, header);
  return ok({ key, header });
}

function walkKeyBlock(content: Uint8Array): {
  readonly version: number;
  readonly issuer: Uint8Array;
  readonly key: Uint8Array;
  readonly header: Uint8Array;
} {
  const walk = walkInto(content, tags.sequence);
  const version = walk.small();
  const issuer = walk.take(tags.sequence).content;
  const key = walk.take(tags.octetString).content;
  const headerAttribute = walk.into(tags.sequence);
  walk.end();
  if (headerAttribute.oid() !== oids.data) malformed();
  const values = headerAttribute.into(tags.set);
  headerAttribute.end();
  const header = values.take(tags.octetString).content;
  values.end();
  return { version, issuer, key, header };
}

/** What a host puts into a key token. */
export interface KeyTokenRequest {
  readonly kdh: Certificate;
  readonly kdhKey: RsaSigner;
  /** The device, its certificate checked when it was bound. */
  readonly krd: Certificate;
  readonly key: Secret<'key'>;
  /** The 16 characters of a TR-31 header, such as D0000B1AX00E0000. */
  readonly header: string;
  /** Two-pass: the device's nonce. One-pass: UTCTime text, later than in any token before. */
  readonly freshness:
    | { readonly passes: 2; readonly nonce: Uint8Array }
    | { readonly passes: 1; readonly signingTime: string };
  /** The current CRL of the host's CA, DER. */
  readonly crl?: Uint8Array;
  readonly entropy: (lengthBytes: number) => Uint8Array;
}

/**
 * Makes a key token, host side.
 *
 * @returns TR34_CONTENT_INVALID for a header that is none or that the key's length does not fit; TR31_NOT_EXPORTABLE for a key that
 *   came out of a block which forbids it.
 * @see ASC X9 TR 34-2019, 6.2, 6.3 and B.4 to B.9
 */
export function writeKeyToken(
  request: KeyTokenRequest,
): Result<Uint8Array, 'TR34_CONTENT_INVALID' | 'TR34_NONCE_LENGTH_INVALID' | 'TR31_NOT_EXPORTABLE'> {
  const { kdh, kdhKey, krd, key, header, freshness, crl, entropy } = request;
  const read = readHeader(header);
  if (!read.ok || header.length !== 16) return fail('TR34_CONTENT_INVALID', { field: 'header' });
  if (!keyLengths[read.value.header.algorithm]?.includes(key.length))
    return fail('TR34_CONTENT_INVALID', { field: 'key' });
  const exportable = checkExport(read.value.header, key);
  if (!exportable.ok) return exportable;
  const fresh = freshnessAttribute(freshness);
  if (!fresh.ok) return fresh;
  const headerAttribute = attribute(oids.data, octetString(Buffer.from(header, 'latin1')));
  const block = key.use((bytes) =>
    sequence(small(1), sequence(...identityOf(kdh)), octetString(bytes), headerAttribute),
  );
  const content = sealEnvelope(block, krd, entropy);
  block.fill(0);
  return ok(
    writeSignedToken({
      contentType: oids.envelopedData,
      content,
      attributes: [fresh.value, headerAttribute],
      signer: kdh,
      privateKey: kdhKey,
      ...(crl === undefined ? {} : { crl }),
    }),
  );
}

/** The attribute that makes a token fresh. */
export function freshnessAttribute(
  freshness: KeyTokenRequest['freshness'],
): Result<Uint8Array, 'TR34_NONCE_LENGTH_INVALID' | 'TR34_CONTENT_INVALID'> {
  if (freshness.passes === 2) {
    return isNonceLength(freshness.nonce.length)
      ? ok(attribute(oids.randomNonce, octetString(freshness.nonce)))
      : fail('TR34_NONCE_LENGTH_INVALID', { facts: { lengthBytes: freshness.nonce.length } });
  }
  return utcMilliseconds(freshness.signingTime) === undefined
    ? fail('TR34_CONTENT_INVALID', { field: 'signingTime' })
    : ok(attribute(oids.signingTime, utcTime(freshness.signingTime)));
}
