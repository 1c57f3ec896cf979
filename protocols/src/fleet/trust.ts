import { createHash, X509Certificate, verify } from 'node:crypto';
import { z } from 'zod';
import { fail, ok, type Result } from '../kit/index.ts';
import { type TenantId, tenantSchema } from './identity.ts';
import { parseJson } from './parse.ts';

/** Roots that may count at a time: the present one, the next one, and one that goes. */
export const anchorsMax = 4;

export const trustAnchors = z
  .object({
    tenant: tenantSchema,
    version: z.number().int().positive().describe('Rises by one with each document.'),
    issuedAt: z.number().int().nonnegative().describe('Milliseconds since 1970.'),
    anchors: z.array(z.string().max(4_096)).min(1).max(anchorsMax).describe('The roots that count, PEM.'),
  })
  .describe('Which roots a terminal trusts from now on.');
export type TrustAnchors = z.infer<typeof trustAnchors>;

const rootId = z
  .string()
  .regex(/^[0-9a-f]{16}$/)
  .describe('First 16 hex digits of the SHA-256 of the SPKI of a root.');

export const trustDocument = z
  .object({
    payload: z.string().max(24_576).describe('The `trustAnchors`: JSON text, exactly as it was signed.'),
    signatures: z
      .array(
        z.object({
          root: rootId,
          sig: z
            .string()
            .regex(/^[A-Za-z0-9_-]{64,100}$/)
            .describe('ECDSA with SHA-256, DER, base64url.'),
        }),
      )
      .min(1)
      .max(anchorsMax * 2)
      .describe('By a root that was trusted before, and by each that is new.'),
  })
  .describe(
    'Trust anchors, signed by a root that was trusted before and by each root that is new: nobody else can tell a terminal whom to trust. The signature is over "tsunagu-trust-v1", a line feed and the payload.',
  );
export type TrustDocument = z.infer<typeof trustDocument>;

/** What a root signs. */
export const trustBytes = (payload: string): Uint8Array => Buffer.from(`tsunagu-trust-v1\n${payload}`, 'utf8');

/** What an authority is called: first 16 hex digits of the SHA-256 of its SPKI. */
export const authorityIdOf = (certificate: string): string =>
  createHash('sha256')
    .update(new X509Certificate(certificate).publicKey.export({ format: 'der', type: 'spki' }))
    .digest('hex')
    .slice(0, 16);

/** The certificates of a text, one PEM each. */
export const certificatesOf = (text: string): readonly string[] =>
  text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----\n?/g) ?? [];

/** What somebody trusts now. */
export interface Trust {
  readonly version: number;
  /** PEM. */
  readonly anchors: readonly string[];
}

/**
 * Reads a document as somebody who trusts `now`. TRUST_DOCUMENT_INVALID: not newer, of another tenant, no signature of a root that is trusted
 * now, or a new root that has not signed (whoever names it has to hold its key).
 */
export function openTrustDocument(
  document: TrustDocument,
  now: Trust,
  tenant: TenantId,
): Result<TrustAnchors, 'TRUST_DOCUMENT_INVALID'> {
  const wrong = (field: string) => fail('TRUST_DOCUMENT_INVALID', { field });
  const read = parseJson(trustAnchors, document.payload);
  if (!read.ok) return wrong('payload');
  const { anchors, version } = read.value;
  if (read.value.tenant !== tenant) return wrong('tenant');
  if (version <= now.version) return wrong('version');
  const bytes = trustBytes(document.payload);
  const hasSigned = (certificate: string): boolean => {
    const id = authorityIdOf(certificate);
    return document.signatures.some(
      ({ root, sig }) =>
        root === id &&
        verify('sha256', bytes, new X509Certificate(certificate).publicKey, Buffer.from(sig, 'base64url')),
    );
  };
  try {
    if (!now.anchors.some(hasSigned)) return wrong('signatures');
    const known = new Set(now.anchors.map(authorityIdOf));
    for (const anchor of anchors) {
      const certificate = new X509Certificate(anchor);
      if (!certificate.ca || !certificate.verify(certificate.publicKey)) return wrong('anchors');
      if (!known.has(authorityIdOf(anchor)) && !hasSigned(anchor)) return wrong('anchors');
    }
    return ok(read.value);
  } catch {
    return wrong('anchors');
  }
}
