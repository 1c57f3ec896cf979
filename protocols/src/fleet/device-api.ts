import { z } from 'zod';
import { serialSchema, tenantSchema } from './identity.ts';

const base64 = z
  .string()
  .regex(/^[A-Za-z0-9+/]+=*$/)
  .max(8_192);

/**
 * W2, the device API (HTTPS, port base + 5).
 * - `POST /device/v1/enrolments` without a client certificate: `enrolmentRequest` → `enrolmentAnswer`.
 * - `GET /device/v1/artefacts/{sha256}` with the client certificate: immutable bytes; Range and ETag.
 * - `GET /device/v1/negative/{name}`, the same for the parts of a negative list: `negativeNames`.
 */
export const devicePaths = {
  enrolments: '/device/v1/enrolments',
  artefacts: '/device/v1/artefacts',
  negative: '/device/v1/negative',
} as const;

/** What a negative list is fetched in. Roots are Merkle roots of containers, 64 hex digits. */
export const negativeNames = {
  container: (root: string): string => `${root}.nfs`,
  /** Nodes over each step of a download. */
  steps: (root: string): string => `${root}.steps`,
  delta: (base: string, root: string): string => `${base}-${root}.nfd`,
  /** The root document of this version. */
  authority: (version: number): string => `root-${version}`,
} as const;

/** What the factory puts into a terminal, so that it knows its server and can claim its name. Written once, 0600. */
export const claimBundle = z.object({
  tenant: tenantSchema,
  serial: serialSchema,
  model: z.string().max(32),
  /** 32 random bytes, base64. Good for one key pair. */
  claimSecret: base64,
  /** The root that the terminal pins, PEM. */
  rootCertificate: z.string().max(8_192),
  endpoints: z.object({
    host: z.string().max(255),
    fleet: z.number().int(),
    device: z.number().int(),
    acquiring: z.number().int(),
  }),
  /** A child knows its parent's relay and nothing else of the server's network. */
  parent: z.object({ serial: serialSchema, host: z.string(), port: z.number().int() }).optional(),
});
export type ClaimBundle = z.infer<typeof claimBundle>;

/**
 * Proof of the claim without sending it: HMAC-SHA-256 under the claim secret over
 * "tsunagu-claim-v1", LF, serial, LF, CSR (base64), LF, agreement key (base64).
 */
export const enrolmentRequest = z.object({
  tenant: tenantSchema,
  serial: serialSchema,
  model: z.string().max(32),
  /** PKCS #10 (RFC 2986), DER, base64. EC P-256; subject CN is the serial. */
  csr: base64,
  /** Terminal's ephemeral P-256 key for the key-block protection key: SPKI DER, base64. */
  agreementKey: base64,
  proof: base64,
});
export type EnrolmentRequest = z.infer<typeof enrolmentRequest>;

/** A key whose signatures the terminal accepts: SPKI DER, base64 (Ed25519). */
export const pinnedKey = z.object({ kid: z.string().regex(/^[0-9a-f]{16}$/), publicKey: base64 });
export type PinnedKey = z.infer<typeof pinnedKey>;

export const enrolmentAnswer = z.object({
  /** The terminal's certificate and its issuing CA, PEM, leaf first. */
  certificateChain: z.string().max(16_384),
  /** Server's ephemeral P-256 key: SPKI DER, base64. Both sides derive the key-block protection key from the pair. */
  agreementKey: base64,
  /** Signs jobs. */
  jobKey: pinnedKey,
  /** The root of the negative lists' authority, signed by itself: `openFirstRoot`. Base64. */
  negativeRoot: base64,
});
export type EnrolmentAnswer = z.infer<typeof enrolmentAnswer>;

/** What a refused request gets on both HTTP faces (RFC 9457), media type application/problem+json. */
export const problem = z.object({
  type: z.string(),
  title: z.string(),
  status: z.number().int(),
  /** Stable code of the error table. */
  code: z.string(),
  /** What to do next. */
  detail: z.string(),
  field: z.string().optional(),
});
export type Problem = z.infer<typeof problem>;
