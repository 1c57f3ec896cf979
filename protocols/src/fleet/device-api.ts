import { z } from 'zod';
import type { ErrorCode } from '../errors/index.ts';
import { softwareBytesMax } from '../software/limits.ts';
import { serialSchema, tenantSchema } from './identity.ts';

const base64 = z
  .string()
  .regex(/^[A-Za-z0-9+/]+=*$/)
  .max(8_192)
  .meta({ contentEncoding: 'base64' });

/** What a negative list is fetched in. Roots are Merkle roots of containers, 64 hex digits. */
export const negativeNames = {
  container: (root: string): string => `${root}.nfs`,
  /** Nodes over each step of a download. */
  steps: (root: string): string => `${root}.steps`,
  delta: (base: string, root: string): string => `${base}-${root}.nfd`,
  /** The root document of this version. */
  authority: (version: number): string => `root-${version}`,
} as const;

export const claimBundle = z
  .object({
    tenant: tenantSchema,
    serial: serialSchema,
    model: z.string().max(32).describe('Model id of the catalogue.'),
    claimSecret: base64.describe('32 random bytes, base64. Good for one key pair.'),
    rootCertificate: z
      .string()
      .max(16_384)
      .describe('The roots that the terminal pins, PEM; one, and two while one takes the place of another.'),
    trust: z
      .number()
      .int()
      .positive()
      .optional()
      .describe('Version of the trust anchors that these roots are; 1 when absent.'),
    endpoints: z
      .object({
        host: z.string().max(255).describe("Host name or address; the server's certificate holds it."),
        fleet: z.number().int().describe('TCP port of W1, MQTT over TLS.'),
        device: z.number().int().describe('TCP port of W2, the device API.'),
        acquiring: z.number().int().describe('TCP port of W3, ISO 8583 over TLS.'),
      })
      .describe('Where the server listens.'),
    parent: z
      .object({
        serial: serialSchema,
        host: z.string().describe("Where the parent's relay is reached."),
        port: z.number().int().describe('TCP port of the relay.'),
      })
      .optional()
      .describe("A child knows its parent's relay and nothing else of the server's network."),
  })
  .describe(
    'What the factory puts into a terminal, so that it knows its server and can claim its name. Written once, 0600.',
  );
export type ClaimBundle = z.infer<typeof claimBundle>;

const enrolmentProof = base64.describe(
  '32 bytes, base64: HMAC-SHA-256 under the claim secret over "tsunagu-claim-v1", LF, serial, LF, CSR (base64), LF, agreement key (base64).',
);
const manufacturerProof = z
  .object({
    chain: z
      .string()
      .max(8_192)
      .describe("The certificate that its maker gave it, and those above it, PEM; without the maker's own root."),
    signature: base64.describe(
      'By the key of that certificate, with SHA-256 (ECDSA in DER, or RSA PKCS #1), over "tsunagu-manufacturer-v1", LF, tenant, LF, serial, LF, CSR (base64), LF, agreement key (base64).',
    ),
  })
  .describe(
    "The other way to prove a claim: with the maker's certificate (IEEE 802.1AR). Its subject names the serial.",
  );
const enrolmentFields = z.object({
  tenant: tenantSchema,
  serial: serialSchema,
  model: z.string().max(32).describe('Model id of the catalogue.'),
  csr: base64.describe('PKCS #10 (RFC 2986), DER, base64. EC P-256; subject CN is the serial.'),
  agreementKey: base64.describe("Terminal's ephemeral P-256 key for the key-block protection key: SPKI DER, base64."),
});
export const enrolmentRequest = z
  .union([
    enrolmentFields
      .extend({ proof: enrolmentProof, manufacturer: manufacturerProof.optional() })
      .describe('By the secret of its claim.'),
    enrolmentFields
      .extend({ proof: enrolmentProof.optional(), manufacturer: manufacturerProof })
      .describe("By the key of its maker's certificate."),
  ])
  .describe(
    "A terminal asks for its certificate and shows, without sending it, that it holds the claim secret, or the key of its maker's certificate.",
  );
export type EnrolmentRequest = z.infer<typeof enrolmentRequest>;

export const pinnedKey = z
  .object({
    kid: z
      .string()
      .regex(/^[0-9a-f]{16}$/)
      .describe('Names the key: first 16 hex digits of the SHA-256 of its SPKI.'),
    publicKey: base64.describe('Ed25519 public key: SPKI DER, base64.'),
  })
  .describe('A key whose signatures the terminal accepts: SPKI DER, base64 (Ed25519).');
export type PinnedKey = z.infer<typeof pinnedKey>;

export const enrolmentAnswer = z
  .object({
    certificateChain: z
      .string()
      .max(16_384)
      .describe("The terminal's certificate and its issuing CA, PEM, leaf first."),
    agreementKey: base64.describe(
      "Server's ephemeral P-256 key: SPKI DER, base64. Both sides derive the key-block protection key from the pair.",
    ),
    jobKey: pinnedKey.describe('Signs jobs.'),
    negativeRoot: base64.describe(
      "The root of the negative lists' authority, signed by itself (protocols/src/negative/authority), base64.",
    ),
  })
  .describe("The terminal's certificate, and the public keys that it pins from now on.");
export type EnrolmentAnswer = z.infer<typeof enrolmentAnswer>;

export const renewalRequest = z
  .object({
    csr: base64.describe('PKCS #10 (RFC 2986), DER, base64. EC P-256, a new key; subject CN is the serial.'),
  })
  .describe('A terminal asks for its next certificate, before the one that it shows ends.');
export type RenewalRequest = z.infer<typeof renewalRequest>;

export const renewalAnswer = z
  .object({
    certificateChain: z.string().max(16_384).describe('The next certificate and its issuing CA, PEM, leaf first.'),
  })
  .describe('The next certificate. Both count until the next one is shown for the first time.');
export type RenewalAnswer = z.infer<typeof renewalAnswer>;

export const problem = z
  .object({
    type: z.string().describe('A URN of the code: `urn:tsunagu:error:CODE`.'),
    title: z.string().describe('What happened, for a person.'),
    status: z.number().int().describe('The HTTP status again.'),
    code: z.string().describe('Stable code of the error table.'),
    detail: z.string().describe('What to do next.'),
    field: z.string().optional().describe('The property or header that is at fault.'),
    facts: z
      .record(z.string(), z.union([z.string(), z.number(), z.boolean()]))
      .optional()
      .describe('Names and figures that help, such as the filters that a list knows.'),
  })
  .describe('What a refused request gets on both HTTP faces (RFC 9457), media type application/problem+json.');
export type Problem = z.infer<typeof problem>;

/**
 * W2, the device API (HTTPS, TLS 1.3, port base + 5), as data. A refusal is a `problem` with one of the codes that the
 * operation names; its HTTP status is in `deviceStatus`.
 */
export const deviceOperations = {
  enrol: {
    method: 'post',
    path: '/device/v1/enrolments',
    needsCertificate: false,
    says: 'Enrol: prove the claim, get a certificate. The same key may ask as often as it likes: a lost answer costs nothing.',
    refusals: [
      'INPUT_INVALID',
      'CSR_INVALID',
      'AGREEMENT_KEY_INVALID',
      'TERMINAL_UNKNOWN',
      'CLAIM_INVALID',
      'CLAIM_USED',
      'CLAIM_ENDED',
      'LIFECYCLE_FORBIDS',
      'MANUFACTURER_UNTRUSTED',
      'AUTHORITY_ENDING',
      'BODY_TOO_LARGE',
      'CONNECTION_LIMIT',
      'INTERNAL',
    ],
  },
  renew: {
    method: 'post',
    path: '/device/v1/certificates',
    needsCertificate: true,
    says: 'Renew: the next certificate for a new key, asked for with the present one. The same key may ask again: a lost answer costs nothing.',
    refusals: [
      'INPUT_INVALID',
      'CSR_INVALID',
      'CLIENT_CERTIFICATE_MISSING',
      'CLIENT_CERTIFICATE_REFUSED',
      'RENEWAL_TOO_EARLY',
      'LIFECYCLE_FORBIDS',
      'AUTHORITY_ENDING',
      'BODY_TOO_LARGE',
      'CONNECTION_LIMIT',
      'INTERNAL',
    ],
  },
  revocations: {
    method: 'get',
    path: '/device/v1/revocations',
    needsCertificate: false,
    says: 'The revocation list of the issuing CA in use (RFC 5280, 5), DER: for brokers and proxies that check certificates themselves.',
    refusals: ['INTERNAL'],
  },
  revocationsOf: {
    method: 'get',
    path: '/device/v1/revocations/{authority}',
    needsCertificate: false,
    says: 'The revocation list of one issuing CA: while one takes the place of another there are two.',
    refusals: ['AUTHORITY_UNKNOWN', 'INTERNAL'],
  },
  trust: {
    method: 'get',
    path: '/device/v1/trust/{version}',
    needsCertificate: false,
    says: 'The document of this version that says which roots count. A terminal reads them one after the other, each signed by a root of the one before.',
    refusals: ['ARTEFACT_UNKNOWN', 'INTERNAL'],
  },
  artefact: {
    method: 'get',
    path: '/device/v1/artefacts/{sha256}',
    needsCertificate: true,
    says: 'An artefact by its digest: immutable bytes, with ranges (RFC 9110, 14) and an ETag.',
    refusals: [
      'CLIENT_CERTIFICATE_MISSING',
      'CLIENT_CERTIFICATE_REFUSED',
      'LIFECYCLE_FORBIDS',
      'ARTEFACT_UNKNOWN',
      'INTERNAL',
    ],
  },
  softwareMetadata: {
    method: 'get',
    path: '/device/v1/software/metadata/{file}',
    needsCertificate: true,
    says: 'A file of the software repository (TUF 1.0): `1.root.json`, `timestamp.json`, `2.snapshot.json`, `2.targets.json`.',
    refusals: ['CLIENT_CERTIFICATE_MISSING', 'CLIENT_CERTIFICATE_REFUSED', 'ARTEFACT_UNKNOWN', 'INTERNAL'],
  },
  softwareTarget: {
    method: 'get',
    path: '/device/v1/software/targets/{model}/{file}',
    needsCertificate: true,
    says: 'A target by its path, its SHA-256 before the name (TUF 1.0, 6.2): the same bytes as its artefact, with ranges.',
    refusals: ['CLIENT_CERTIFICATE_MISSING', 'CLIENT_CERTIFICATE_REFUSED', 'ARTEFACT_UNKNOWN', 'INTERNAL'],
  },
  softwareDelta: {
    method: 'get',
    path: '/device/v1/software/deltas/{pair}',
    needsCertificate: true,
    says: 'The way from one image to another, by their digests: an artefact of VCDIFF (RFC 3284) under Brotli (RFC 7932). Made when it is first asked for; ARTEFACT_UNKNOWN when there is none that is worth it.',
    refusals: ['CLIENT_CERTIFICATE_MISSING', 'CLIENT_CERTIFICATE_REFUSED', 'ARTEFACT_UNKNOWN', 'INTERNAL'],
  },
  negative: {
    method: 'get',
    path: '/device/v1/negative/{name}',
    needsCertificate: true,
    says: 'A part of a negative list by its name: container, steps, delta or root document. Immutable bytes, as artefacts are.',
    refusals: [
      'CLIENT_CERTIFICATE_MISSING',
      'CLIENT_CERTIFICATE_REFUSED',
      'LIFECYCLE_FORBIDS',
      'ARTEFACT_UNKNOWN',
      'INTERNAL',
    ],
  },
  log: {
    method: 'post',
    path: '/device/v1/logs/{job}',
    needsCertificate: true,
    says: 'A piece of the log that a job asks for. The answer tells how much is there: an upload that broke off goes on from it.',
    refusals: [
      'INPUT_INVALID',
      'CLIENT_CERTIFICATE_MISSING',
      'CLIENT_CERTIFICATE_REFUSED',
      'JOB_UNKNOWN',
      'BODY_TOO_LARGE',
      'INTERNAL',
    ],
  },
} as const satisfies Record<
  string,
  {
    readonly method: 'get' | 'post';
    readonly path: string;
    /** Whether the caller shows the certificate that it got at its enrolment. */
    readonly needsCertificate: boolean;
    readonly says: string;
    readonly refusals: readonly ErrorCode[];
  }
>;

/** The paths of W2 without their last, variable level. */
export const devicePaths = {
  enrolments: deviceOperations.enrol.path,
  certificates: deviceOperations.renew.path,
  revocations: deviceOperations.revocations.path,
  trust: '/device/v1/trust',
  artefacts: '/device/v1/artefacts',
  negative: '/device/v1/negative',
  softwareMetadata: '/device/v1/software/metadata',
  softwareTargets: '/device/v1/software/targets',
  softwareDeltas: '/device/v1/software/deltas',
  logs: '/device/v1/logs',
} as const satisfies Record<string, string>;

const statuses: Partial<Record<ErrorCode, number>> = {
  TERMINAL_UNKNOWN: 403,
  CLAIM_INVALID: 403,
  CLAIM_USED: 409,
  CLAIM_ENDED: 403,
  LIFECYCLE_FORBIDS: 403,
  MANUFACTURER_UNTRUSTED: 403,
  AUTHORITY_ENDING: 503,
  AUTHORITY_UNKNOWN: 404,
  RENEWAL_TOO_EARLY: 409,
  CLIENT_CERTIFICATE_MISSING: 401,
  CLIENT_CERTIFICATE_REFUSED: 403,
  ARTEFACT_UNKNOWN: 404,
  ROUTE_UNKNOWN: 404,
  JOB_UNKNOWN: 404,
  BODY_TOO_LARGE: 413,
  CONNECTION_LIMIT: 503,
  INTERNAL: 500,
};

/** The HTTP status that goes with a code on W2; 400 unless the table says otherwise. */
export const deviceStatus = (code: ErrorCode): number => statuses[code] ?? 400;

/** Digest of an artefact: the last level of its path. */
export const artefactDigest = z
  .string()
  .regex(/^[0-9a-f]{64}$/)
  .describe('SHA-256 of the artefact, hex.');

/** Name of a file of the software repository. */
export const softwareMetadataFile = z
  .string()
  .regex(/^(timestamp|[1-9]\d{0,9}\.(root|snapshot|targets))\.json$/)
  .describe('`timestamp.json`, or a version and `.root.json`, `.snapshot.json` or `.targets.json`.');

/** Name of a target: the last level of its path. */
export const softwareTargetFile = z
  .string()
  .regex(/^[0-9a-f]{64}\.[0-9A-Za-z.+_-]{1,64}$/)
  .describe('SHA-256 of the target in hex, a dot, and its name.');

/** The two images of a delta. */
export const softwareDeltaPair = z
  .string()
  .regex(/^[0-9a-f]{64}-[0-9a-f]{64}$/)
  .describe('SHA-256 of the installed image and of the wanted one, hex.');

/** A delta that can be fetched as an artefact. */
export const softwareDelta = z
  .object({
    digest: artefactDigest,
    size: z.number().int().min(1).max(softwareBytesMax).describe('Length of the delta, bytes.'),
    chunkLength: z.number().int().min(4_096).max(1_048_576).describe('Length of each chunk but the last, bytes.'),
    chunks: z.array(artefactDigest).min(1).max(4_096).describe('SHA-256 of each chunk in order.'),
  })
  .describe('A delta between two images. Nothing in it is believed: the image that comes of it is checked.');
export type SoftwareDelta = z.infer<typeof softwareDelta>;
/** Name of an authority: the last level of its path. */
export const authorityName = z
  .string()
  .regex(/^[0-9a-f]{16}$/)
  .describe('First 16 hex digits of the SHA-256 of the SPKI of an authority.');

/** Version of a trust document: the last level of its path. */
export const trustVersion = z
  .string()
  .regex(/^[1-9]\d{0,8}$/)
  .describe('Version of the trust anchors.');

/** Name of a part of a negative list: the last level of its path. See `negativeNames`. */
export const negativeName = z
  .string()
  .regex(/^([0-9a-f]{64}\.(nfs|steps)|[0-9a-f]{64}-[0-9a-f]{64}\.nfd|root-\d{1,9})$/)
  .describe(
    'Merkle root of a container and `.nfs` or `.steps`, two roots and `.nfd` for a delta, or `root-` and a version.',
  );
