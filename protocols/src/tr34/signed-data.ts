import { createHash, type KeyObject, sign } from 'node:crypto';
import {
  checkDer,
  contextTag,
  der,
  DerWalk,
  malformed,
  nullElement,
  octetString,
  sequence,
  setOf,
  small,
  tagged,
  tags,
  walkInto,
} from '../der/index.ts';
import { equalInConstantTime, fail, FaultError, ok, type Result } from '../kit/index.ts';
import { type Certificate, identityOf, isSignature, names } from './certificate.ts';
import { readRevocationList, type RevocationList } from './crl.ts';
import { encodedOid, oids } from './oids.ts';

/** The one signer of a token. */
export interface Signer {
  /** Content of IssuerAndSerialNumber. */
  readonly identity: Uint8Array;
  /** The signed attributes as encoded in the token, with the SET tag that the signature is over. */
  readonly signedAttributes: Uint8Array;
  /** Attributes by identifier; each came once and holds one value. */
  readonly attributes: ReadonlyMap<string, Uint8Array>;
  readonly signature: Uint8Array;
}

/** A SignedData, read. */
export interface SignedData {
  readonly contentType: string;
  /** The octets of eContent. */
  readonly content: Uint8Array | undefined;
  /** Certificates as encoded. */
  readonly certificates: readonly Uint8Array[];
  readonly lists: readonly RevocationList[];
  readonly signers: readonly Signer[];
}

/** Runs a walk over a token's bytes, and tells where its encoding ends to be TR-34's. */
export function readToken<T>(token: Uint8Array, walk: () => T): Result<T, 'TR34_ENCODING_INVALID'> {
  try {
    const wellFormed = checkDer(token);
    if (!wellFormed.ok) return fail('TR34_ENCODING_INVALID', { offset: wellFormed.fault.offset ?? 0 });
    return ok(walk());
  } catch (error) {
    if (error instanceof FaultError && error.fault.code === 'DER_INVALID') return fail('TR34_ENCODING_INVALID');
    throw error;
  }
}

/** Reads a ContentInfo around a SignedData, inside a walk. RFC 5652, 3 and 5.1. */
export function readSignedDataToken(token: Uint8Array): SignedData {
  const info = walkInto(token, tags.sequence);
  if (info.oid() !== oids.signedData) malformed();
  const content = info.into(contextTag(0, 'constructed'));
  const signedData = content.take(tags.sequence);
  content.end();
  info.end();
  return readSignedData(signedData.encoded);
}

/** Reads a bare SignedData, inside a walk. Version 1 as TR-34 says, or 3, as RFC 5652 asks for content that is not plain data. */
export function readSignedData(encoded: Uint8Array): SignedData {
  const walk = walkInto(encoded, tags.sequence);
  const version = walk.small();
  if (version !== 1 && version !== 3) malformed();
  walk.take(tags.set);
  const encapsulated = walk.into(tags.sequence);
  const contentType = encapsulated.oid();
  const wrapped = encapsulated.maybe(contextTag(0, 'constructed'));
  encapsulated.end();
  const certificates = walk.maybe(contextTag(0, 'constructed'));
  const lists = walk.maybe(contextTag(1, 'constructed'));
  const signers = walk.into(tags.set).rest();
  walk.end();
  return {
    contentType,
    content: wrapped === undefined ? undefined : onlyOctets(wrapped.content),
    certificates:
      certificates === undefined ? [] : new DerWalk(certificates.content).rest().map(({ encoded: each }) => each),
    lists:
      lists === undefined ? [] : new DerWalk(lists.content).rest().map(({ encoded: each }) => readRevocationList(each)),
    signers: signers.map(({ encoded: each }) => readSigner(each)),
  };
}

function onlyOctets(content: Uint8Array): Uint8Array {
  const walk = new DerWalk(content);
  const octets = walk.take(tags.octetString).content;
  walk.end();
  return octets;
}

// Refused as they are read, so that whoever asks for one later, outside any walk, finds octets or nothing.
const octetAttributes: ReadonlySet<string> = new Set([oids.messageDigest, oids.randomNonce, oids.data]);

// RFC 5652, 5.3. The digest is SHA-256 and the signature RSA with PKCS #1 v1.5 padding (TR 34-2019, annex B).
function readSigner(encoded: Uint8Array): Signer {
  const walk = walkInto(encoded, tags.sequence);
  if (walk.small() !== 1) malformed();
  const identity = walk.take(tags.sequence).content;
  if (walk.into(tags.sequence).oid() !== oids.sha256) malformed();
  const signed = walk.take(contextTag(0, 'constructed'));
  const algorithm = walk.into(tags.sequence).oid();
  if (algorithm !== oids.rsaEncryption && algorithm !== oids.sha256WithRsa) malformed();
  const signature = walk.take(tags.octetString).content;
  walk.maybe(contextTag(1, 'constructed'));
  walk.end();
  const attributes = new Map<string, Uint8Array>();
  const list = new DerWalk(signed.content);
  while (!list.isAtEnd) {
    const attribute = list.into(tags.sequence);
    const id = attribute.oid();
    const values = attribute.into(tags.set);
    const value = values.any();
    values.end();
    attribute.end();
    if (attributes.has(id)) malformed();
    if (octetAttributes.has(id)) onlyOctets(value.encoded);
    attributes.set(id, value.encoded);
  }
  // Signed is the SET that stands behind the implicit tag, in the order in which it came: sorting it again would change
  // what was signed (RFC 5652, 5.4; published tokens are not in DER order).
  const signedAttributes = Uint8Array.from(signed.encoded);
  signedAttributes[0] = tags.set;
  return { identity, signedAttributes, attributes, signature };
}

/** The one signer of a token; any other number is malformed. */
export function onlySigner({ signers }: SignedData): Signer {
  const [signer] = signers;
  return signer !== undefined && signers.length === 1 ? signer : malformed();
}

/** The octets of an attribute that is an OCTET STRING; undefined when the attribute is absent. */
export function octetsAttribute(signer: Signer, id: string): Uint8Array | undefined {
  const value = signer.attributes.get(id);
  return value === undefined ? undefined : onlyOctets(value);
}

/**
 * Whether the token was signed by the holder of this certificate: identity, content type, digest and signature. One
 * answer for all of them.
 */
export function isAuthentic(signedData: SignedData, signer: Signer, certificate: Certificate): boolean {
  const contentType = signer.attributes.get(oids.contentType);
  const digest = octetsAttribute(signer, oids.messageDigest);
  if (contentType === undefined || digest === undefined || signedData.content === undefined) return false;
  const computed = createHash('sha256').update(signedData.content).digest();
  return (
    names(signer.identity, certificate) &&
    Buffer.compare(contentType, encodedOid(signedData.contentType)) === 0 &&
    equalInConstantTime(computed, digest) &&
    isSignature('sha256', signer.signedAttributes, certificate.publicKey, signer.signature)
  );
}

// The same in every token.
const version1 = small(1);
const sha256Identifier = sequence(encodedOid(oids.sha256));
const rsaIdentifier = sequence(encodedOid(oids.rsaEncryption), nullElement());

/** One attribute with one value. */
export const attribute = (id: string, value: Uint8Array): Uint8Array => sequence(encodedOid(id), der(tags.set, value));

/** Signs with RSA (PKCS #1 v1.5, SHA-256): a key, or somebody who keeps one. */
export type RsaSigner = KeyObject | ((bytes: Uint8Array) => Uint8Array);

/** What to sign. */
export interface ToSign {
  readonly contentType: string;
  readonly content: Uint8Array;
  /** Attributes beside contentType and messageDigest, which are added. */
  readonly attributes: readonly Uint8Array[];
  readonly signer: Certificate;
  readonly privateKey: RsaSigner;
  /** DER revocation list of the signer's CA, to go with the token. */
  readonly crl?: Uint8Array;
}

/** Writes a token: ContentInfo around a SignedData with one signer. Attributes are in DER order, as RFC 5652, 5.4 asks. */
export function writeSignedToken({ contentType, content, attributes, signer, privateKey, crl }: ToSign): Uint8Array {
  const digest = createHash('sha256').update(content).digest();
  const signedAttributes = setOf(
    attribute(oids.contentType, encodedOid(contentType)),
    attribute(oids.messageDigest, octetString(digest)),
    ...attributes,
  );
  const signature =
    typeof privateKey === 'function' ? privateKey(signedAttributes) : sign('sha256', signedAttributes, privateKey);
  const implicit = Uint8Array.from(signedAttributes);
  implicit[0] = contextTag(0, 'constructed');
  const signerInfo = sequence(
    version1,
    sequence(...identityOf(signer)),
    sha256Identifier,
    implicit,
    rsaIdentifier,
    octetString(signature),
  );
  return contentInfo(
    sequence(
      version1,
      setOf(sha256Identifier),
      sequence(encodedOid(contentType), tagged(0, octetString(content))),
      ...(crl === undefined ? [] : [tagged(1, crl)]),
      setOf(signerInfo),
    ),
  );
}

/** A SignedData that carries certificates and lists, and no signature. RFC 5652, 5.1. */
export const certificatesOnly = (
  certificates: readonly Uint8Array[],
  crls: readonly Uint8Array[],
  content?: Uint8Array,
): Uint8Array =>
  sequence(
    version1,
    der(tags.set),
    sequence(encodedOid(oids.data), ...(content === undefined ? [] : [tagged(0, octetString(content))])),
    tagged(0, ...certificates),
    ...(crls.length === 0 ? [] : [tagged(1, ...crls)]),
    der(tags.set),
  );

/** ContentInfo around a SignedData. */
export const contentInfo = (signedData: Uint8Array): Uint8Array =>
  sequence(encodedOid(oids.signedData), tagged(0, signedData));
