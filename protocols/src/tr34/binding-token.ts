import { malformed, octetString, sequence, tags, walkInto, elementsOf } from '../der/index.ts';
import { equalInConstantTime, fail, ok, type Result } from '../kit/index.ts';
import { type Certificate, checkCertificate, identityOf, names, readCertificate } from './certificate.ts';
import { type CredentialError, roleUsage } from './credential-token.ts';
import { checkRevocation, type RevocationList } from './crl.ts';
import { oids } from './oids.ts';
import { isNonceLength } from './random-token.ts';
import {
  attribute,
  certificatesOnly,
  isAuthentic,
  octetsAttribute,
  onlySigner,
  type RsaSigner,
  readSignedData,
  readSignedDataToken,
  readToken,
  type SignedData,
  type Signer,
  writeSignedToken,
} from './signed-data.ts';
import { branchOf, type Tr34Trust } from './trust.ts';

/** A device and the host that it is bound to. */
export interface Binding {
  readonly trust: Tr34Trust;
  readonly kdh: Certificate;
  readonly krd: Certificate;
}

/**
 * Who ends a binding. The host signs over the device's nonce. The devices' CA signs over both names instead: it acts when
 * the host is gone, and its word holds for that one binding only.
 */
export type BindingAuthority = { readonly by: 'kdh'; readonly nonce: Uint8Array } | { readonly by: 'ca' };

/** Codes that accepting a binding token can end with. */
export type BindingTokenError = CredentialError | 'TR34_NOT_AUTHENTIC' | 'TR34_NONCE_MISMATCH';

/**
 * Accepts an unbind token (UBT-KDH, UBT-CA): afterwards the device is bound to nobody and wipes the keys of that host.
 *
 * @param atMs milliseconds since 1970.
 * @see ASC X9 TR 34-2019, 6.4, 6.6, B.11 and B.13
 */
export function acceptUnbindToken(
  binding: Binding,
  token: Uint8Array,
  authority: BindingAuthority,
  atMs: number,
): Result<true, BindingTokenError> {
  const read = readToken(token, () => {
    const signedData = readSignedDataToken(token);
    if (signedData.contentType !== oids.data || signedData.content === undefined) malformed();
    return { signedData, signer: onlySigner(signedData), named: namesIn(signedData.content ?? malformed()) };
  });
  if (!read.ok) return read;
  const { signedData, signer, named } = read.value;
  const authorised = checkAuthority(binding, signedData, signer, named, authority, atMs);
  return authorised.ok ? ok(true) : authorised;
}

/**
 * Accepts a rebind token (RBT-KDH, RBT-CA) and gives the certificate of the host that the device is bound to from now
 * on: issued by the same CA, of the same role, and not revoked by the list that came with it.
 *
 * @param atMs milliseconds since 1970.
 * @see ASC X9 TR 34-2019, 6.5, 6.7, B.12 and B.14
 */
export function acceptRebindToken(
  binding: Binding,
  token: Uint8Array,
  authority: BindingAuthority,
  atMs: number,
): Result<Certificate, BindingTokenError> {
  const read = readToken(token, () => readRebindToken(token));
  if (!read.ok) return read;
  const { signedData, signer, named, newKdh, lists } = read.value;
  const authorised = checkAuthority(binding, signedData, signer, named, authority, atMs);
  if (!authorised.ok) return authorised;
  const branch = branchOf(binding.trust, 'kdh');
  const holds = checkCertificate(newKdh, branch, atMs, roleUsage.kdh);
  if (!holds.ok) return holds;
  const unrevoked = checkRevocation(lists, newKdh, branch.ca, atMs);
  return unrevoked.ok ? ok(newKdh) : unrevoked;
}

function readRebindToken(token: Uint8Array): {
  readonly signedData: SignedData;
  readonly signer: Signer;
  readonly named: readonly Uint8Array[];
  readonly newKdh: Certificate;
  readonly lists: readonly RevocationList[];
} {
  const signedData = readSignedDataToken(token);
  if (signedData.contentType !== oids.signedData || signedData.content === undefined) return malformed();
  const inner = readSignedData(signedData.content);
  const [certificate, ...others] = inner.certificates;
  if (inner.contentType !== oids.data || inner.content === undefined || certificate === undefined || others.length > 0)
    return malformed();
  return {
    signedData,
    signer: onlySigner(signedData),
    named: namesIn(inner.content),
    newKdh: readCertificate(certificate),
    lists: inner.lists,
  };
}

// The content of a binding token: one IssuerAndSerialNumber after another, without anything around them.
function namesIn(content: Uint8Array): readonly Uint8Array[] {
  const elements = elementsOf(content);
  if (!elements.ok || elements.value.some(({ tag }) => tag !== tags.sequence)) return malformed();
  return elements.value.map(({ encoded }) => walkContent(encoded));
}

function walkContent(encoded: Uint8Array): Uint8Array {
  const walk = walkInto(encoded, tags.sequence);
  return Buffer.concat([walk.take(tags.sequence).encoded, walk.take(tags.integer).encoded]);
}

function checkAuthority(
  { trust, kdh, krd }: Binding,
  signedData: SignedData,
  signer: Signer,
  named: readonly Uint8Array[],
  authority: BindingAuthority,
  atMs: number,
): Result<true, BindingTokenError> {
  const [device, host, ...others] = named;
  const isByCa = authority.by === 'ca';
  const signerCertificate = isByCa ? trust.krdCa : kdh;
  const holds = isByCa
    ? checkCertificate(krd, branchOf(trust, 'krd'), atMs)
    : checkCertificate(kdh, branchOf(trust, 'kdh'), atMs, roleUsage.kdh);
  if (!holds.ok) return holds;
  if (!isByCa) {
    const unrevoked = checkRevocation(signedData.lists, kdh, trust.kdhCa, atMs);
    if (!unrevoked.ok) return unrevoked;
  }
  const namesThem =
    device !== undefined &&
    names(device, krd) &&
    (isByCa ? host !== undefined && names(host, kdh) : host === undefined) &&
    others.length === 0;
  if (!isAuthentic(signedData, signer, signerCertificate) || !namesThem) return fail('TR34_NOT_AUTHENTIC');
  if (authority.by === 'ca') return ok(true);
  const nonce = octetsAttribute(signer, oids.randomNonce);
  const isOurs = nonce !== undefined && isNonceLength(nonce.length) && equalInConstantTime(nonce, authority.nonce);
  return isOurs ? ok(true) : fail('TR34_NONCE_MISMATCH');
}

/** Who signs a binding token, and with what. */
export interface BindingSigner {
  readonly certificate: Certificate;
  readonly privateKey: RsaSigner;
}

/** What a binding token is made of. */
export interface BindingTokenRequest {
  readonly kdh: Certificate;
  readonly krd: Certificate;
  readonly signer: BindingSigner;
  readonly authority: BindingAuthority;
}

/** Makes an unbind token: signed by the host over the device's nonce, or by the devices' CA over both names. */
export const writeUnbindToken = (request: BindingTokenRequest): Uint8Array =>
  writeSignedToken({
    contentType: oids.data,
    content: namesOf(request),
    attributes: nonceAttributes(request.authority),
    signer: request.signer.certificate,
    privateKey: request.signer.privateKey,
  });

/** Makes a rebind token that moves a device to another host. */
export const writeRebindToken = (
  request: BindingTokenRequest & { readonly newKdh: Certificate; readonly crl?: Uint8Array },
): Uint8Array =>
  writeSignedToken({
    contentType: oids.signedData,
    content: certificatesOnly(
      [request.newKdh.encoded],
      request.crl === undefined ? [] : [request.crl],
      namesOf(request),
    ),
    attributes: nonceAttributes(request.authority),
    signer: request.signer.certificate,
    privateKey: request.signer.privateKey,
  });

const namesOf = ({ kdh, krd, authority }: BindingTokenRequest): Uint8Array =>
  Buffer.concat([sequence(...identityOf(krd)), ...(authority.by === 'ca' ? [sequence(...identityOf(kdh))] : [])]);

const nonceAttributes = (authority: BindingAuthority): Uint8Array[] =>
  authority.by === 'kdh' ? [attribute(oids.randomNonce, octetString(authority.nonce))] : [];
