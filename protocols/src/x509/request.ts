import { createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import { fail, ok, type Result } from '../kit/index.ts';
import {
  bitString,
  context,
  contentsOf,
  decode,
  encode,
  integer,
  isOid,
  oid,
  partsOf,
  sequence,
  tag,
  tagClass,
} from './der.ts';
import { distinguishedName } from './name.ts';
import { oids } from './oids.ts';

/** The longest certificate request that is looked at, in bytes. One for a P-256 key needs about 220. */
export const requestLengthMax = 2_048;

/** What a certificate request says, after its own signature was checked. */
export interface CertificateRequest {
  readonly commonName: string;
  /** EC P-256. */
  readonly publicKey: KeyObject;
  /** The same key as SubjectPublicKeyInfo, DER. */
  readonly spki: Uint8Array;
}

/**
 * Makes a PKCS #10 request (RFC 2986) for an EC P-256 key, signed with ecdsa-with-SHA256 (RFC 5758).
 * @returns DER; send it in base64
 */
export const buildCertificateRequest = (commonName: string, privateKey: KeyObject): Uint8Array =>
  buildCertificateRequestBy(commonName, createPublicKey(privateKey), (bytes) => sign('sha256', bytes, privateKey));

/** As `buildCertificateRequest`, with a key that somebody else keeps: `signBytes` is an ECDSA signature (DER) with SHA-256. */
export function buildCertificateRequestBy(
  commonName: string,
  publicKey: KeyObject,
  signBytes: (bytes: Uint8Array) => Uint8Array,
): Uint8Array {
  const spki = decode(publicKey.export({ type: 'spki', format: 'der' }));
  if (!spki) throw new Error('the key has no DER form');
  const information = sequence(integer(Uint8Array.of(0)), distinguishedName({ commonName }), spki, context(0));
  const signature = signBytes(encode(information));
  return encode(sequence(information, sequence(oid(oids.ecdsaWithSha256)), bitString(signature)));
}

/**
 * Reads a certificate request strictly: DER up to `requestLengthMax`, version 1, a subject of exactly one common name,
 * a P-256 key, ecdsa-with-SHA256 and a signature that proves possession of the key. Attributes are ignored: what a
 * certificate says is the issuer's decision.
 */
export function parseCertificateRequest(der: Uint8Array): Result<CertificateRequest, 'CSR_INVALID'> {
  if (der.length > requestLengthMax)
    return fail('CSR_INVALID', { field: 'length', facts: { length: der.length, lengthMax: requestLengthMax } });
  const whole = partsOf(decode(der), tag.sequence);
  if (!whole || whole.length !== 3) return fail('CSR_INVALID', { field: 'structure' });
  const [information, algorithm, signatureBits] = whole;
  const parts = partsOf(information, tag.sequence);
  const [version, subject, spki, attributes] = parts ?? [];
  if (!information || !spki || !parts || parts.length !== 4 || contentsOf(version, tag.integer)?.equals(zero) !== true)
    return fail('CSR_INVALID', { field: 'structure' });
  if (attributes?.tagClass !== tagClass.context || attributes.type !== 0)
    return fail('CSR_INVALID', { field: 'attributes' });

  const commonName = onlyCommonName(partsOf(subject, tag.sequence));
  if (commonName === undefined) return fail('CSR_INVALID', { field: 'subject' });

  const algorithmParts = partsOf(algorithm, tag.sequence);
  if (algorithmParts?.length !== 1 || !isOid(algorithmParts[0], oids.ecdsaWithSha256))
    return fail('CSR_INVALID', { field: 'signatureAlgorithm' });

  const spkiBytes = encode(spki);
  const publicKey = p256Key(spkiBytes);
  if (!publicKey) return fail('CSR_INVALID', { field: 'publicKey' });

  const bits = contentsOf(signatureBits, tag.bitString);
  if (!bits || bits[0] !== 0 || !isProven(encode(information), publicKey, bits.subarray(1)))
    return fail('CSR_INVALID', { field: 'signature' });
  return ok({ commonName, publicKey, spki: spkiBytes });
}

const zero = Buffer.of(0);

function onlyCommonName(relativeNames: ReturnType<typeof partsOf>): string | undefined {
  const attributes = relativeNames?.length === 1 ? partsOf(relativeNames[0], tag.set) : undefined;
  const pair = attributes?.length === 1 ? partsOf(attributes[0], tag.sequence) : undefined;
  if (pair?.length !== 2 || !isOid(pair[0], oids.commonName)) return undefined;
  const text = contentsOf(pair[1], tag.utf8String) ?? contentsOf(pair[1], tag.printableString);
  const name = text?.toString('utf8');
  return name && name.length <= 64 && /^[\x20-\x7e]+$/.test(name) ? name : undefined;
}

/** Reads an SPKI; undefined unless it is a P-256 key on its named curve. */
export function p256Key(spki: Uint8Array): KeyObject | undefined {
  try {
    const key = createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' });
    return key.asymmetricKeyType === 'ec' && key.asymmetricKeyDetails?.namedCurve === 'prime256v1' ? key : undefined;
  } catch {
    return undefined;
  }
}

function isProven(signed: Uint8Array, key: KeyObject, signature: Uint8Array): boolean {
  try {
    return verify('sha256', signed, key, signature);
  } catch {
    return false;
  }
}
