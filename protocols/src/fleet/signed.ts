import { createHash, createPublicKey, sign, verify, type KeyObject } from 'node:crypto';
import { z } from 'zod';
import { fail, ok, type Result } from '../kit/index.ts';

export const signedDocument = z
  .object({
    payload: z.string().max(65_536).describe('The document itself: JSON text, exactly as it was signed.'),
    kid: z
      .string()
      .regex(/^[0-9a-f]{16}$/)
      .describe('Names the key: first 16 hex digits of the SHA-256 of its SPKI.'),
    sig: z
      .string()
      .regex(/^[A-Za-z0-9_-]{86}$/)
      .describe('64 bytes, base64url.'),
  })
  .describe(
    "A document whose author is proven apart from the channel that carried it: the broker is not in the trust base. The signature is Ed25519 (RFC 8032) over `purpose`, a line feed and the payload's UTF-8 text exactly as sent, so nothing has to be put into a canonical form first.",
  );
export type SignedDocument = z.infer<typeof signedDocument>;

/** What a signature is for; a signature for one purpose never counts for another. */
export type SignaturePurpose =
  | 'tsunagu-job-v1'
  | 'tsunagu-bridge-attestation-v1'
  | 'tsunagu-audit-head-v1'
  | 'tsunagu-key-record-v1'
  | 'tsunagu-custody-v1'
  | 'tsunagu-inspection-v1';

const signedBytes = (purpose: SignaturePurpose, payload: string): Uint8Array =>
  Buffer.from(`${purpose}\n${payload}`, 'utf8');

/** Signs a payload with an Ed25519 private key. */
export const signDocument = (
  purpose: SignaturePurpose,
  payload: string,
  kid: string,
  key: KeyObject,
): SignedDocument => ({
  payload,
  kid,
  sig: sign(null, signedBytes(purpose, payload), key).toString('base64url'),
});

/** As `signDocument`, with a key that somebody else keeps: `signBytes` is an Ed25519 signature over what it is given. */
export const signDocumentBy = (
  purpose: SignaturePurpose,
  payload: string,
  kid: string,
  signBytes: (bytes: Uint8Array) => Uint8Array,
): SignedDocument => ({
  payload,
  kid,
  sig: Buffer.from(signBytes(signedBytes(purpose, payload))).toString('base64url'),
});

/** What a signing key is called: see `signedDocument`. */
export const keyIdOf = (spki: Uint8Array): string => createHash('sha256').update(spki).digest('hex').slice(0, 16);

/** Signers whose key is kept read: reading one costs more than verifying with it. */
const keysMax = 256;
const keysRead = new Map<string, KeyObject>();

/** Reads a public key: SPKI, DER, base64. Throws what Node throws for one that is none. */
function publicKeyOf(spki: string): KeyObject {
  const known = keysRead.get(spki);
  if (known) return known;
  const key = createPublicKey({ key: Buffer.from(spki, 'base64'), format: 'der', type: 'spki' });
  const [eldest] = keysRead.keys();
  if (keysRead.size >= keysMax && eldest !== undefined) keysRead.delete(eldest);
  keysRead.set(spki, key);
  return key;
}

/** Checks who signed and hands out the payload's text. Any flaw is SIGNATURE_INVALID. `publicKey` is SPKI DER, base64. */
export function openDocument(
  purpose: SignaturePurpose,
  document: SignedDocument,
  trusted: { readonly kid: string; readonly publicKey: string },
): Result<string, 'SIGNATURE_INVALID'> {
  if (document.kid !== trusted.kid)
    return fail('SIGNATURE_INVALID', { facts: { kid: document.kid, trusted: trusted.kid } });
  const key = publicKeyOf(trusted.publicKey);
  const genuine = verify(null, signedBytes(purpose, document.payload), key, Buffer.from(document.sig, 'base64url'));
  return genuine ? ok(document.payload) : fail('SIGNATURE_INVALID', { facts: { kid: document.kid } });
}
