import { createHash, createPublicKey, verify } from 'node:crypto';
import { concat, fail, ok, type Result } from '../../kit/index.ts';

/** What a document of the negative file can be. Its number is the first byte of its payload, and its name is signed along. */
export const documentTypes = { root: 1, manifest: 2, overlay: 3, head: 4, claim: 5 } as const;
/** Name of a kind of document. */
export type DocumentType = keyof typeof documentTypes;

/** Signatures that a document may carry. */
export const signaturesMax = 8;
const signatureBytes = 64;
/** Length of a key's id in bytes. */
export const keyIdBytes = 8;

/** One signature: Ed25519 (RFC 8032) by the key of this id. */
export interface NegativeSignature {
  /** First 8 bytes of the SHA-256 of the 32-byte public key, hex. */
  readonly keyId: string;
  readonly signature: Uint8Array;
}

/** A document as it travels: length of the payload (2 bytes), payload, number of signatures (1), key id (8) and signature (64) each. */
export interface SignedBytes {
  readonly payload: Uint8Array;
  readonly signatures: readonly NegativeSignature[];
}

/** The id of an Ed25519 key: first 8 bytes of the SHA-256 of its 32 bytes, hex. */
export const negativeKeyId = (publicKey: Uint8Array): string =>
  createHash('sha256')
    .update(publicKey)
    .digest('hex')
    .slice(0, keyIdBytes * 2);

/** What a signature is over: a purpose that nothing else has, a line feed, the payload. */
export const bytesToSign = (type: DocumentType, payload: Uint8Array): Uint8Array =>
  concat(Buffer.from(`tsunagu-negative-${type}-v1\n`, 'latin1'), payload);

/** Writes a document as it travels. */
export function encodeSigned({ payload, signatures }: SignedBytes): Uint8Array {
  return concat(
    Uint8Array.of(payload.length >> 8, payload.length & 0xff),
    payload,
    Uint8Array.of(signatures.length),
    ...signatures.flatMap(({ keyId, signature }) => [Uint8Array.from(Buffer.from(keyId, 'hex')), signature]),
  );
}

/** Reads the first document of some bytes and says where it ends; the rest may be another. */
export function decodeSigned(
  bytes: Uint8Array,
  start = 0,
): Result<{ readonly document: SignedBytes; readonly end: number }, 'NEGATIVE_DOCUMENT_INVALID'> {
  const invalid = fail('NEGATIVE_DOCUMENT_INVALID', { offset: start });
  const length = (bytes[start] ?? 0) * 256 + (bytes[start + 1] ?? 0);
  const payloadEnd = start + 2 + length;
  const count = bytes[payloadEnd];
  if (length === 0 || count === undefined || count > signaturesMax) return invalid;
  const end = payloadEnd + 1 + count * (keyIdBytes + signatureBytes);
  if (end > bytes.length) return invalid;
  const signatures = Array.from({ length: count }, (_, at) => {
    const from = payloadEnd + 1 + at * (keyIdBytes + signatureBytes);
    return {
      keyId: Buffer.from(bytes.subarray(from, from + keyIdBytes)).toString('hex'),
      signature: bytes.slice(from + keyIdBytes, from + keyIdBytes + signatureBytes),
    };
  });
  return ok({ document: { payload: bytes.slice(start + 2, payloadEnd), signatures }, end });
}

/** SHA-256 of a document as it travels: what a head names it by. */
export const documentDigest = (document: SignedBytes): Uint8Array =>
  Uint8Array.from(createHash('sha256').update(encodeSigned(document)).digest());

/** SPKI DER of an Ed25519 key is these bytes and the key (RFC 8410). */
const spkiPrefix = Buffer.from('302a300506032b6570032100', 'hex');
/** The 32 bytes of an Ed25519 key out of its SPKI DER (RFC 8410). */
export const rawKeyOfSpki = (spki: Uint8Array): Uint8Array => spki.slice(spkiPrefix.length);

/** How many different keys of a set signed a document genuinely. The same key twice counts once. */
export function genuineSigners(
  type: DocumentType,
  document: SignedBytes,
  keys: readonly { readonly id: string; readonly publicKey: Uint8Array }[],
): number {
  const signed = bytesToSign(type, document.payload);
  const genuine = new Set<string>();
  for (const { keyId, signature } of document.signatures) {
    const key = keys.find(({ id }) => id === keyId);
    if (!key || genuine.has(keyId)) continue;
    const spki = createPublicKey({ key: Buffer.concat([spkiPrefix, key.publicKey]), format: 'der', type: 'spki' });
    if (verify(null, signed, spki, signature)) genuine.add(keyId);
  }
  return genuine.size;
}
