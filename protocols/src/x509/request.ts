import { createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import { FaultError, fail, ok, type Result } from '../kit/index.ts';
import {
  bitString,
  checkDer,
  contextTag,
  DerWalk,
  malformed,
  oid,
  sequence,
  small,
  tagged,
  tags,
  walkInto,
} from '../der/index.ts';
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
export function buildCertificateRequest(commonName: string, privateKey: KeyObject): Uint8Array {
  const spki = createPublicKey(privateKey).export({ type: 'spki', format: 'der' });
  const information = sequence(small(0), distinguishedName({ commonName }), spki, tagged(0));
  const signature = sign('sha256', information, privateKey);
  return sequence(information, sequence(oid(oids.ecdsaWithSha256)), bitString(signature));
}

/**
 * Reads a certificate request strictly: DER up to `requestLengthMax`, version 1, a subject of exactly one common name,
 * a P-256 key, ecdsa-with-SHA256 and a signature that proves possession of the key. Attributes are ignored: what a
 * certificate says is the issuer's decision.
 */
export function parseCertificateRequest(der: Uint8Array): Result<CertificateRequest, 'CSR_INVALID'> {
  if (der.length > requestLengthMax)
    return fail('CSR_INVALID', { field: 'length', facts: { length: der.length, lengthMax: requestLengthMax } });
  const read = partsOf(der);
  if (!read) return fail('CSR_INVALID', { field: 'structure' });

  if (read.attributesTag !== contextTag(0, 'constructed')) return fail('CSR_INVALID', { field: 'attributes' });
  const commonName = attempt(() => onlyCommonName(new DerWalk(read.subject)));
  if (commonName === undefined) return fail('CSR_INVALID', { field: 'subject' });
  if (attempt(() => onlyOid(new DerWalk(read.algorithm))) !== oids.ecdsaWithSha256)
    return fail('CSR_INVALID', { field: 'signatureAlgorithm' });

  const publicKey = p256Key(read.spki);
  if (!publicKey) return fail('CSR_INVALID', { field: 'publicKey' });
  const [unused, ...signature] = read.signature;
  if (unused !== 0 || !isProven(read.information, publicKey, Uint8Array.from(signature)))
    return fail('CSR_INVALID', { field: 'signature' });
  return ok({ commonName, publicKey, spki: Uint8Array.from(read.spki) });
}

/** What a walk yields; undefined when the structure is another one. */
function attempt<T>(walk: () => T): T | undefined {
  try {
    return walk();
  } catch (error) {
    if (error instanceof FaultError) return undefined;
    throw error;
  }
}

/** The fields of a CertificationRequest as encoded (RFC 2986, 4). */
const partsOf = (der: Uint8Array) =>
  attempt(() => {
    if (!checkDer(der).ok) return malformed();
    const whole = walkInto(der, tags.sequence);
    const information = whole.take(tags.sequence);
    const algorithm = whole.take(tags.sequence).content;
    const signature = whole.take(tags.bitString).content;
    whole.end();
    const fields = new DerWalk(information.content);
    if (fields.small() !== 0) return malformed();
    const subject = fields.take(tags.sequence).content;
    const spki = fields.any().encoded;
    const attributesTag = fields.any().tag;
    fields.end();
    return { information: information.encoded, algorithm, signature, subject, spki, attributesTag };
  });

/** The one object identifier that is there. */
function onlyOid(walk: DerWalk): string {
  const found = walk.oid();
  walk.end();
  return found;
}

/** The name when the subject is one common name and nothing else. */
function onlyCommonName(names: DerWalk): string | undefined {
  const set = names.into(tags.set);
  names.end();
  const pair = set.into(tags.sequence);
  set.end();
  if (pair.oid() !== oids.commonName) return undefined;
  const { tag, content } = pair.any();
  pair.end();
  if (tag !== tags.utf8String && tag !== tags.printableString) return undefined;
  const name = Buffer.from(content).toString('utf8');
  return name.length <= 64 && /^[\x20-\x7e]+$/.test(name) ? name : undefined;
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
