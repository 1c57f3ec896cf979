import { z } from 'zod';
import { campaignSummary } from './campaign.ts';
import { configuration } from './configuration.ts';
import { claimBundle } from './device-api.ts';
import { serialSchema } from './identity.ts';
import { keySlot } from './held-key.ts';
import { saleResult, softwareInstall, testSale } from './job.ts';
import { jobBody, jobReport, jobResult, jobState, jobTypeSchema } from './job-kinds.ts';
import { permission, role } from './roles.ts';
import { expirySummary } from './expiry.ts';
import { lifecycleBeginning, lifecycleState } from './lifecycle.ts';
import { negativeReasons } from '../negative/coding/reasons.ts';
import { traceOrder } from '../kernel-trace/index.ts';
import { paymentOrder, slipDocument, slipOrder, terminalTotals, totalsOrder } from './payment.ts';

/**
 * W5, the management API (port base + 0): what the CLI, the dashboard and other systems use. Lists are paged by cursor,
 * writes take an `Idempotency-Key`, errors are `problem`, times are RFC 3339 UTC. Authentication: `Authorization: Bearer`
 * or the session cookie that `POST /api/v1/sessions` sets in exchange for a one-time sign-in token.
 */
export const managementPaths = {
  sessions: '/api/v1/sessions',
  overview: '/api/v1/overview',
  models: '/api/v1/models',
  terminals: '/api/v1/terminals',
  terminal: (serial: string) => `/api/v1/terminals/${encodeURIComponent(serial)}`,
  timeline: (serial: string) => `/api/v1/terminals/${encodeURIComponent(serial)}/timeline`,
  payments: (serial: string) => `/api/v1/terminals/${encodeURIComponent(serial)}/payments`,
  totals: (serial: string) => `/api/v1/terminals/${encodeURIComponent(serial)}/totals`,
  slips: (serial: string) => `/api/v1/terminals/${encodeURIComponent(serial)}/slips`,
  software: '/api/v1/software',
  softwareKeys: '/api/v1/software/keys',
  softwareRoles: '/api/v1/software/roles',
  softwareMetadata: '/api/v1/software/metadata',
  softwareMetadataFile: (name: string) => `/api/v1/software/metadata/${encodeURIComponent(name)}`,
  softwareAttestations: (digest: string) => `/api/v1/software/${encodeURIComponent(digest)}/attestations`,
  terminalSoftware: (serial: string) => `/api/v1/terminals/${encodeURIComponent(serial)}/software`,
  traces: (serial: string) => `/api/v1/terminals/${encodeURIComponent(serial)}/traces`,
  lifecycle: (serial: string) => `/api/v1/terminals/${encodeURIComponent(serial)}/lifecycle`,
  claim: (serial: string) => `/api/v1/terminals/${encodeURIComponent(serial)}/claim`,
  authorities: '/api/v1/authorities',
  authority: (id: string) => `/api/v1/authorities/${encodeURIComponent(id)}`,
  authorityRequest: '/api/v1/authorities/requests',
  authorityRotation: '/api/v1/authorities/rotations',
  authorityTrust: '/api/v1/authorities/trust',
  authorityExport: (id: string) => `/api/v1/authorities/${encodeURIComponent(id)}/export`,
  authorityKey: (id: string) => `/api/v1/authorities/${encodeURIComponent(id)}/key-removal`,
  manufacturers: '/api/v1/manufacturers',
  manufacturer: (model: string, fingerprint: string) =>
    `/api/v1/manufacturers/${encodeURIComponent(model)}/${encodeURIComponent(fingerprint)}`,
  expiry: '/api/v1/expiry',
  certificate: (serial: string) => `/api/v1/terminals/${encodeURIComponent(serial)}/certificate`,
  jobs: '/api/v1/jobs',
  terminalJobs: (serial: string) => `/api/v1/terminals/${encodeURIComponent(serial)}/jobs`,
  jobCancellation: (id: string) => `/api/v1/jobs/${encodeURIComponent(id)}/cancellation`,
  jobRetry: (id: string) => `/api/v1/jobs/${encodeURIComponent(id)}/retry`,
  jobApproval: (id: string) => `/api/v1/jobs/${encodeURIComponent(id)}/approval`,
  jobLog: (id: string) => `/api/v1/jobs/${encodeURIComponent(id)}/log`,
  testSales: (serial: string) => `/api/v1/terminals/${encodeURIComponent(serial)}/test-sales`,
  job: (id: string) => `/api/v1/jobs/${encodeURIComponent(id)}`,
  sales: '/api/v1/sales',
  configuration: '/api/v1/configuration',
  configurationSettings: '/api/v1/configuration/settings',
  configurationLayers: '/api/v1/configuration/layers',
  configurationVersions: '/api/v1/configuration/versions',
  configurationRollback: '/api/v1/configuration/rollback',
  configurationDiff: '/api/v1/configuration/diff',
  configurationDrift: '/api/v1/configuration/drift',
  configurationDriftSummary: '/api/v1/configuration/drift/summary',
  terminalConfiguration: (serial: string) => `/api/v1/terminals/${encodeURIComponent(serial)}/configuration`,
  terminalDifference: (serial: string) => `/api/v1/terminals/${encodeURIComponent(serial)}/configuration/diff`,
  negative: '/api/v1/negative',
  negativeEntries: '/api/v1/negative/entries',
  negativeState: '/api/v1/negative/state',
  negativeDiff: '/api/v1/negative/diff',
  negativeRemovals: '/api/v1/negative/removals',
  negativeImports: '/api/v1/negative/imports',
  negativeRanges: '/api/v1/negative/ranges',
  negativeExceptions: '/api/v1/negative/exceptions',
  negativeVersions: '/api/v1/negative/versions',
  negativeExplanations: '/api/v1/negative/explanations',
  negativeProofs: '/api/v1/negative/proofs',
  campaigns: '/api/v1/campaigns',
  campaignDryRuns: '/api/v1/campaigns/dry-runs',
  campaign: (id: string) => `/api/v1/campaigns/${encodeURIComponent(id)}`,
  campaignActs: (id: string) => `/api/v1/campaigns/${encodeURIComponent(id)}/acts`,
  campaignExceptions: (id: string) => `/api/v1/campaigns/${encodeURIComponent(id)}/exceptions`,
  why: '/api/v1/why',
  negativeAuthority: '/api/v1/negative/authority',
  negativeRoots: '/api/v1/negative/roots',
  negativeRootSignatures: '/api/v1/negative/root-signatures',
  negativeSignatures: '/api/v1/negative/signatures',
  events: '/api/v1/events',
} as const;

const time = z.iso.datetime().describe('RFC 3339, UTC.');

export const signIn = z
  .union([
    z.object({
      name: z.string().min(1).max(40).describe('Who it is.'),
      passphrase: z.string().min(1).max(256).describe('Their passphrase.'),
    }),
    z.object({
      token: z.string().min(16).max(128).describe('The token of the sign-in link: good once, for 15 minutes.'),
    }),
  ])
  .describe('Exchanges a one-time sign-in token, or a name and its passphrase, for a session cookie.');
export const session = z
  .object({
    subject: z.string().describe('Whose session it is.'),
    person: z.string().default('').describe('The person behind it.'),
    role: role.describe('The widest of the roles.'),
    roles: z.array(role).default([]).describe('All roles.'),
    permissions: z.array(permission).default([]).describe('What may be done.'),
    expiresAt: time.describe('When it ends, RFC 3339 UTC.'),
  })
  .describe('Who is signed in.');
export type Session = z.infer<typeof session>;

/** One page of a list; `next` is the cursor of the following page. */
export const page = <T extends z.ZodType>(item: T) =>
  z.object({
    items: z.array(item).describe('What is on this page, in the order of the list.'),
    next: z.string().nullable().describe('Cursor of the following page; null on the last.'),
  });

export const place = z
  .object({
    merchant: z.string().min(1).max(60).describe('Name of the merchant.'),
    shop: z.string().min(1).max(60).describe('Name of the shop.'),
    lane: z.string().max(20).default('').describe('Name of the lane; empty when there is one only.'),
  })
  .describe('Where a terminal stands.');
export type Place = z.infer<typeof place>;

export const linkState = z
  .enum(['ready', 'lost', 'disconnected', 'never'])
  .describe("How a terminal's link is doing. `never` until its first hello.");
export type LinkState = z.infer<typeof linkState>;

export const terminalSummary = z
  .object({
    serial: serialSchema,
    model: z.string().describe('Model id of the catalogue.'),
    place,
    parent: z.string().nullable().describe("Serial of the parent that carries this terminal's traffic."),
    lifecycle: lifecycleState,
    link: z
      .object({
        state: linkState,
        since: time.nullable().describe('Since when; null before the first hello.'),
        bootSeq: z.number().int().describe('The boot sequence that it said last.'),
      })
      .describe('State of its connection to the broker.'),
    keys: z
      .array(
        z.object({
          slot: keySlot,
          kcv: z.string().describe('Key check value in hex (X9.24-1:2017, annex A): 5 bytes for AES, 3 for TDES.'),
          ksn: z
            .string()
            .nullable()
            .describe('Key serial number in hex: 12 bytes for AES DUKPT (X9.24-3:2017), 10 for TDES (X9.24-1:2009).'),
        }),
      )
      .describe('The keys that it holds, as it reported them.'),
    configuration: z
      .object({
        desired: z.number().int().describe('Version that is wanted.'),
        reported: z.number().int().describe('Version that is in force; 0 before the first.'),
        inSync: z.boolean().describe('Whether the two are the same.'),
        drift: z.string().nullable().describe('Why the desired one is not in force: a code of the error table.'),
      })
      .describe('Desired configuration against the reported one.'),
    negative: z
      .object({
        version: z.number().int().describe('Version of its snapshot; 0 before the first.'),
        overlaySeq: z.number().int().describe('Sequence number of the newest emergency entry.'),
        current: z.boolean().describe('Whether it is the newest, overlay included.'),
        freshAt: time.nullable().describe("When it last equalled a signed head, by the terminal's clock."),
      })
      .describe('The negative list that it holds.'),
    lastSale: z
      .object({
        at: time.describe('When, RFC 3339 UTC.'),
        outcome: z.string().describe('How it ended.'),
        amountMinor: z.number().int().describe('Amount in minor units of the currency (JPY has none: yen).'),
        lastFour: z.string().describe('Last four digits of the PAN; empty when no card was read.'),
        reason: z.string().nullable().describe('Why: a code of the error table.'),
      })
      .nullable()
      .describe('Its last sale; null before the first.'),
  })
  .describe('A terminal as it stands in a list.');
export type TerminalSummary = z.infer<typeof terminalSummary>;

export const terminalDetail = terminalSummary
  .extend({
    software: z
      .object({
        version: z.string().describe('Version of the software.'),
        slot: z.string().describe('The slot that it booted from.'),
      })
      .nullable()
      .describe('What it runs; null before the first hello.'),
    enrolledAt: time.nullable().describe('When it got its certificate.'),
    certificate: z
      .object({
        fingerprint: z.string().describe('SHA-256 of the certificate, hex.'),
        notAfter: time.describe('After this moment it is no longer valid.'),
      })
      .nullable()
      .describe('Its certificate; null before the enrolment.'),
    cards: z.array(z.string()).describe('Names of the cards in its emulated reader.'),
    children: z.array(z.string()).describe('Serials of the terminals behind its relay.'),
    values: configuration.nullable().describe('The configuration that is in force; null before the first report.'),
  })
  .describe("A terminal's own page.");
export type TerminalDetail = z.infer<typeof terminalDetail>;

export const registerTerminal = z
  .object({
    serial: serialSchema,
    model: z.string().max(32).describe('Model id of the catalogue.'),
    place,
    parent: serialSchema.optional().describe('Serial of its parent; a child has no other way to the server.'),
    lifecycle: lifecycleBeginning.default('deployed'),
    relayPort: z
      .number()
      .int()
      .min(1)
      .max(65_535)
      .optional()
      .describe("Where the parent's relay listens, for a child."),
  })
  .describe('Puts a terminal on the inventory allow-list. The answer holds the claim secret, once and never again.');
export type RegisterTerminal = z.infer<typeof registerTerminal>;
export const registeredTerminal = z.object({ claim: claimBundle }).describe('A terminal that is on the inventory now.');

/** Something that happened to a terminal, for its timeline. `kind` has a text in both languages on every screen. */
export const timelineKinds = [
  'registered',
  'enrolled',
  'certificate-renewed',
  'certificate-revoked',
  'claim-reissued',
  'lifecycle-moved',
  'hello',
  'connected',
  'lost',
  'configuration-changed',
  'configuration-reported',
  'key-loaded',
  'negative-applied',
  'job-queued',
  'job-finished',
  'sale',
  'alarm',
] as const;
export const timelineEntry = z
  .object({
    id: z.number().int().describe('Rises with time.'),
    at: time.describe('When, RFC 3339 UTC.'),
    kind: z.enum(timelineKinds).describe('What happened; it has a text in both languages on every screen.'),
    facts: z
      .record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()]))
      .describe('What belongs to it, by name.'),
  })
  .describe('Something that happened to a terminal.');
export type TimelineEntry = z.infer<typeof timelineEntry>;

/** Which of two jobs goes first. */
export const jobPriorities = ['emergency', 'routine'] as const;
/** Parses a priority. */
export const jobPriority = z.enum(jobPriorities);
/** One of `jobPriorities`. */
export type JobPriority = z.infer<typeof jobPriority>;

export const orderJob = z
  .object({
    job: jobBody,
    priority: jobPriority.default('routine').describe('`emergency` goes before what is routine.'),
    notBefore: time.optional().describe('Not to be handed out before.'),
    notAfter: time.optional().describe('Timed out after; without it, what the kind of job allows.'),
    reference: z
      .string()
      .regex(/^[A-Za-z0-9:._-]{1,64}$/)
      .optional()
      .describe('What it belongs to, such as a campaign.'),
  })
  .describe('Has a terminal do something.');
/** Which jobs of a list are asked for. */
export const jobQuery = z.object({
  serial: serialSchema.optional(),
  state: jobState.optional(),
  type: jobTypeSchema.optional(),
  reference: z.string().max(64).optional(),
});

export const job = z
  .object({
    id: z.string().describe('Id of the job, a UUID.'),
    serial: serialSchema,
    type: z.string().describe('What kind of job, as in the order: `key.load`, `sale.test`.'),
    state: jobState,
    attempt: z.number().int().describe('Which attempt at the job, counted from 1.'),
    createdAt: time.describe('When it was queued.'),
    finishedAt: time.nullable().describe('When it ended; null while it is open.'),
    fault: z.string().nullable().describe('Code of the error table when it failed.'),
    steps: z
      .array(
        z.object({
          step: z.string().describe('The step.'),
          atMs: z.number().describe('Milliseconds since the sale began.'),
          detail: z.string().nullable().describe('More about it.'),
        }),
      )
      .describe('Steps as they were reported, oldest first.'),
    sale: saleResult.nullable().describe('The sale that it made.'),
    evidence: jobReport.shape.evidence.nullable().describe('Proof of a key load, as the terminal computed it.'),
    totals: terminalTotals.nullable().describe('Daily totals, where the job asked for them.'),
    document: slipDocument.nullable().describe('A printed slip, or a trace; live events leave it out.'),
    result: jobResult
      .omit({ sale: true, evidence: true, totals: true, document: true })
      .nullable()
      .describe('What else it brought.'),
    priority: z.enum(jobPriorities).describe('`emergency` goes before what is routine.'),
    notBefore: time.describe('It is not handed out before: as ordered, or the pause before a further attempt.'),
    notAfter: time.describe('It is timed out after.'),
    attemptsMax: z.number().int().describe('Attempts in all.'),
    orderedBy: z.string().describe('Who ordered it.'),
    approvedBy: z.string().nullable().describe('The second person, for a kind that cannot be undone.'),
    reference: z.string().nullable().describe('What it belongs to, such as a campaign.'),
    isCancelling: z.boolean().describe('It was taken back, and the terminal has not answered yet.'),
    isLate: z.boolean().describe('Its result came after it had been timed out.'),
  })
  .describe('A job as people see it.');
export type Job = z.infer<typeof job>;
/** The body of a request for a test sale: the same as the job's. */
export const startTestSale = testSale;
/** The body of a request for a payment: the same as the job's. */
export const startPayment = paymentOrder;
/** The body of a request for daily totals. */
export const startTotals = totalsOrder;
/** The body of a request for a slip. */
export const startSlip = slipOrder;
/** The body of a request for a trace. */
export const startTrace = traceOrder;

/** The body of an order to install a software. */
export const startSoftware = softwareInstall.pick({ digest: true, proofTimeoutMs: true, allowDowngrade: true });
export const softwareImage = softwareInstall
  .omit({ proofTimeoutMs: true, allowDowngrade: true })
  .extend({ model: z.string().max(32).describe('The model that it was made for.') })
  .describe('A software image that was uploaded.');
export type SoftwareImage = z.infer<typeof softwareImage>;

const tufPublicKey = z
  .looseObject({
    keytype: z.string().describe('Kind of key: `ed25519`.'),
    scheme: z.string().describe('Scheme of its signatures: `ed25519`.'),
    keyval: z.looseObject({ public: z.string().describe('The key in hex.') }).describe('Its value.'),
  })
  .describe('A public key as TUF writes it (4.2.1).');
export const softwareKeys = z
  .object({ snapshot: tufPublicKey, timestamp: tufPublicKey })
  .describe('The keys of the roles that the server signs: the next root has to name them.');
export type SoftwareKeys = z.infer<typeof softwareKeys>;

export const softwareRole = z
  .object({
    role: z.enum(['root', 'timestamp', 'snapshot', 'targets']).describe('The role.'),
    version: z.number().int().min(1).describe('Version of what it signed last.'),
    expires: z.string().describe('When that expires, ISO 8601 in UTC.'),
    keyIds: z.array(z.string()).describe('Ids of the keys that count for it.'),
    threshold: z.number().int().min(1).describe('How many of them have to sign.'),
    isOnline: z.boolean().describe('Whether the server signs it by itself.'),
  })
  .describe('A role of the software repository.');
export type SoftwareRole = z.infer<typeof softwareRole>;
export const softwareRoles = z
  .object({ items: z.array(softwareRole) })
  .describe('The roles of the software repository.');

/** The body of a publication. */
export const publishSoftware = z
  .object({
    root: z.string().max(65_536).optional().describe('The next root, signed by the keys of the old one and its own.'),
    targets: z.string().max(524_288).optional().describe('The next targets, signed.'),
  })
  .describe('Metadata that people signed; both at once where a root changes who signs targets.');

export const softwareAttestation = z
  .object({
    kid: z.string().describe('Id of the key that signed it.'),
    madeAt: z.string().describe('When it was made, ISO 8601.'),
    passed: z.number().int().describe('Steps that passed; none failed.'),
    readers: z.number().int().describe('Readers with cards that were tried.'),
  })
  .describe('An attestation of a bridge that is bound to an image.');
export type SoftwareAttestation = z.infer<typeof softwareAttestation>;
/** The body of an attestation: the file as the bridge wrote it. */
export const attestSoftware = z.object({
  attestation: z.string().max(131_072).describe('The file that `tsunagu bridge attest` wrote.'),
});

export const softwareTarget = softwareImage
  .extend({
    path: z.string().describe('Its path in the repository.'),
    hardwareRevisions: z.array(z.string()).nullable().describe('Revisions it is for; null: all.'),
    requires: z
      .object({
        versionMin: z.string().optional().describe('The least version that it updates.'),
        batteryPercentMin: z.number().int().optional().describe('The least charge of the battery.'),
        attestation: z.string().optional().describe('The key (SPKI, base64) whose attestation it needs.'),
      })
      .nullable()
      .describe('What must hold before it is installed.'),
    attestation: softwareAttestation.nullable().describe('What a bridge attested of it.'),
  })
  .describe('An image that the signed targets name: what terminals take.');
export type SoftwareTarget = z.infer<typeof softwareTarget>;

export const saleLine = z
  .object({
    id: z.string().describe('Id of the line.'),
    at: time.describe('When, RFC 3339 UTC.'),
    serial: serialSchema,
    decidedBy: z.enum(['issuer', 'switch', 'terminal']).describe('Whose decision it was.'),
    outcome: z
      .enum(['approved', 'declined', 'refused', 'reversed', 'failed', 'pending'])
      .describe('How it ended, or `pending` while an answer is awaited.'),
    mti: z.string().describe('Message type indicator of the request; empty when there was no message.'),
    kind: z
      .string()
      .optional()
      .describe(
        'What was asked of the switch, such as sale, refund or authorisation; absent where the terminal decided.',
      ),
    amountMinor: z.number().int().describe('Amount in minor units of the currency (JPY has none: yen).'),
    currency: z.string().describe('ISO 4217 alphabetic code.'),
    scheme: z.string().describe('Card scheme.'),
    entry: z.string().describe('How the card was read: contact, contactless or stripe.'),
    lastFour: z.string().describe('Last four digits of the PAN; empty when no card was read.'),
    token: z.string().nullable().describe('Stands for the PAN: the same card has the same token.'),
    stan: z.string().describe('System trace audit number (DE11), six digits; empty when there was no message.'),
    rrn: z.string().nullable().describe('Retrieval reference number (DE37).'),
    actionCode: z.string().nullable().describe('ISO 8583:1993 action code (DE39).'),
    reason: z.string().nullable().describe('Why: a code of the error table.'),
    durationMs: z
      .number()
      .nullable()
      .describe('Switch: request in to answer out; terminal: reader to answer. Milliseconds.'),
  })
  .describe('A line of the live feed: what the switch journalled, or what a terminal refused by itself.');
export type SaleLine = z.infer<typeof saleLine>;

export const overview = z
  .object({
    at: time.describe('When, RFC 3339 UTC.'),
    terminals: z
      .object({
        total: z.number().int().describe('Terminals on the inventory.'),
        ready: z.number().int().describe('Terminals that are connected.'),
        lost: z.number().int().describe('Terminals that were connected and are not.'),
        never: z.number().int().describe('Terminals that never said hello.'),
      })
      .describe('How many terminals are in which state.'),
    sync: z
      .object({
        configuration: z.number().int().describe('Terminals whose configuration is the desired one.'),
        keys: z.number().int().describe('Terminals that hold their keys.'),
        negative: z.number().int().describe('Terminals that hold the newest negative list.'),
      })
      .describe('How many terminals hold the newest of each.'),
    sales: z
      .object({
        approved: z.number().int().describe('Approved in the last five minutes.'),
        declined: z.number().int().describe('Declined in the last five minutes.'),
        refused: z.number().int().describe('Refused by a terminal in the last five minutes.'),
        reversed: z.number().int().describe('Reversed in the last five minutes.'),
        amountMinor: z.number().int().describe('Sum of what was approved, in minor units.'),
      })
      .describe('Sales of the last five minutes.'),
    negative: z
      .object({
        list: z.string().describe('Name of the negative list.'),
        version: z.number().int().describe('Version of its snapshot.'),
        overlaySeq: z.number().int().describe('Sequence number of the newest emergency entry.'),
        entries: z.number().int().describe('How many cards are listed.'),
      })
      .describe('The negative list in force.'),
    links: z
      .array(
        z.object({
          id: z.string().describe('Id of the link.'),
          name: z.string().describe('Name of the link.'),
          state: z.enum(['up', 'signed-on', 'down']).describe('`signed-on` takes payments; `up` is connected only.'),
          since: time.describe('Since when.'),
        }),
      )
      .describe('The links of the switch to card companies.'),
    expiry: expirySummary,
  })
  .describe('The fleet at a glance.');
export type Overview = z.infer<typeof overview>;

const pan = z
  .string()
  .regex(/^\d{12,19}$/)
  .describe('Primary account number: 12 to 19 digits.');
const negativeSource = z
  .string()
  .regex(/^[a-z0-9-]{1,32}$/)
  .default('manual')
  .describe('Who lists the card: an issuer, a brand, or "manual".');
const secondSignature = z
  .boolean()
  .default(false)
  .describe('Sign with the second list key too: a list that loses more than a twentieth needs it.');
const reason = z.string().describe('Why the card is listed.');
const count = (says: string) => z.number().int().describe(says);

export const addNegative = z
  .object({
    pan,
    reason: z.enum(negativeReasons).default('other').describe('Why the card is listed.'),
    source: negativeSource,
  })
  .describe(
    'Adds a card to the negative list at once (emergency). The PAN is stored as a keyed MAC and its last four digits only.',
  );
export const removeNegative = z
  .object({ pan, source: negativeSource, secondSignature })
  .describe('Takes a card off for one source; it stays listed while another source lists it.');
export const importNegative = z
  .object({
    source: negativeSource,
    mode: z.enum(['add', 'replace']).describe('`replace`: what the file does not name is off for this source.'),
    text: z
      .string()
      .max(64 * 1024 * 1024)
      .describe('CSV (`pan,reason`) or JSON lines (`{"pan":"…","reason":"…"}`).'),
    secondSignature,
  })
  .describe("An issuer's list.");
export const publishNegative = z.object({ secondSignature }).describe('Makes a new version out of all entries.');
export const addNegativeRange = z
  .object({
    low: z
      .string()
      .regex(/^\d{1,12}$/)
      .describe('Lowest leading digits.'),
    high: z
      .string()
      .regex(/^\d{1,12}$/)
      .describe('Highest leading digits, as many.'),
    until: time.describe('When it ends.'),
  })
  .describe('A block of cards by their leading digits, until a moment.');
export const allowNegative = z
  .object({ pan, withdraw: z.boolean().default(false).describe('Whether the exception ends instead.') })
  .describe(
    'Lets a good card through that meets a listed one by chance, or lies in a blocked range. A card that a source lists is never let through.',
  );
export const explainNegative = z.object({ pan }).describe('Asks who lists a card.');
export const proveNegative = z
  .object({ pan, serial: serialSchema, at: time.describe('The time asked about.') })
  .describe('Asks whether a card was blocked on a terminal at a time.');

const negativeEntryFields = {
  lastFour: z.string().describe('Last four digits of the PAN.'),
  reason,
  addedAt: time.describe('When it was listed.'),
  token: z.string().describe('Stands for the PAN: the same card has the same token.'),
  source: z.string().describe('Who lists it.'),
};
export const negativeEntry = z.object(negativeEntryFields).describe('A card on the negative list.');
export const negativeAdded = z
  .object({
    entry: negativeEntry.describe('The entry as it stands in the list.'),
    version: count('Version of the list that it is an overlay of.'),
    overlaySeq: count('Sequence number of the newest emergency entry.'),
    already: z.boolean().describe('Whether the source listed the card before.'),
  })
  .describe('What became of an emergency entry.');
export type NegativeAdded = z.infer<typeof negativeAdded>;
const publishedFields = {
  version: count('The newest version.'),
  count: count('Cards that the new version has, or would have.'),
  published: z.boolean().describe('Whether a new version was published.'),
  needsSecondSignature: z.boolean().describe('Whether it waits for a second signature.'),
  awaitsSignatures: z.boolean().describe('Whether it waits for list keys that lie elsewhere: `tsunagu negative sign`.'),
};
export const negativePublished = z
  .object(publishedFields)
  .describe('What became of a change that needs a new version.');
export type NegativePublished = z.infer<typeof negativePublished>;
const base64Text = (most: number) =>
  z
    .string()
    .max(most)
    .regex(/^[A-Za-z0-9+/]+=*$/);
const digestText = z.string().regex(/^[0-9a-f]{64}$/);
/** A document of the negative file's authority as it travels: payload and signatures, base64. */
export const negativeRootDocument = z
  .object({ document: base64Text(16_384).describe('A root as it travels: payload and signatures, base64.') })
  .describe('A root of the negative file, or a proposal for one.');
export const negativeSignatureBrought = z
  .object({
    digest: digestText.describe('SHA-256 of what is signed, hex: as the version that waits says it.'),
    keyId: z
      .string()
      .regex(/^[0-9a-f]{16}$/)
      .describe('Which list key signed.'),
    signature: base64Text(88).describe('Ed25519, base64.'),
  })
  .describe('A signature by a list key that lies elsewhere.');
export const negativeAuthority = z
  .object({
    root: negativeRootDocument.describe('The root in force.'),
    nextVersion: z
      .number()
      .int()
      .nullable()
      .describe('A root that was brought and comes into force with the next version.'),
    keys: z
      .array(
        z
          .object({
            id: z.string().describe('First 8 bytes of the SHA-256 of the key, hex.'),
            role: z.enum(['root', 'list', 'emergency', 'head']).describe('What it may sign.'),
            held: z.boolean().describe('Whether the server has it.'),
          })
          .describe('A key of the root under which the next version is signed.'),
      )
      .describe('Who may sign what.'),
    pending: z
      .object({
        version: count('The version that waits.'),
        count: count('Cards that it has.'),
        before: count('Cards of the version in force.'),
        payload: base64Text(1_024).describe('What is to be signed: the payload of its manifest, base64.'),
        digest: digestText.describe('SHA-256 of the payload, hex.'),
        signers: z.number().int().describe('How many list keys have to sign it.'),
        signed: z.number().int().describe('How many have.'),
      })
      .nullable()
      .describe('The version that waits for signatures.'),
  })
  .describe('Who may speak for the negative file, and what waits for them.');
export type NegativeAuthority = z.infer<typeof negativeAuthority>;
export const negativeImported = z
  .object({
    ...publishedFields,
    added: count('Cards that the source did not list before.'),
    removed: count('Cards that the source lists no more.'),
    kept: count('Cards that the source listed before and lists still.'),
    refused: z
      .array(
        z
          .object({
            line: count('Line of the file, from 1.'),
            why: z.enum(['form', 'pan', 'reason']).describe('What is wrong with it.'),
          })
          .describe('A line that was no card.'),
      )
      .describe('Lines that were no card; their content is never repeated.'),
  })
  .describe("What became of an issuer's list.");
export type NegativeImported = z.infer<typeof negativeImported>;
export const negativeOverview = z
  .object({
    list: z.string().describe('Name of the negative list.'),
    version: count('Version of the list.'),
    overlaySeq: count('Sequence number of the newest emergency entry.'),
    entries: z.array(negativeEntry).describe('Entries, newest first.'),
    next: z.string().nullable().describe('Cursor of the following page; null on the last.'),
    terminals: z
      .object({
        current: count('Terminals that hold the newest, overlay included.'),
        behind: count('Terminals that do not.'),
      })
      .describe('How many terminals hold it.'),
  })
  .describe('A page of the negative list, and how far terminals are with it.');
export const negativeState = z
  .object({
    list: z.string().describe('Name of the negative list.'),
    epoch: count('Rises when the key of the list changes.'),
    version: count('Version of the list.'),
    overlaySeq: count('Sequence number of the newest emergency entry.'),
    cards: count('Cards in the newest version.'),
    sizeBytes: count('Length of its container.'),
    headIssuedAt: time.describe('When the head was signed.'),
    headNotAfter: time.describe('When it ends.'),
    versions: z
      .array(
        z
          .object({
            version: count('Number of the version.'),
            count: count('Its cards.'),
            sizeBytes: count('Length of its container.'),
            issuedAt: time.describe('When it was published.'),
          })
          .describe('A version.'),
      )
      .describe('The newest versions, newest first.'),
    sources: z
      .array(
        z
          .object({ source: z.string().describe('Issuer or brand.'), cards: count('Cards that it lists.') })
          .describe('Somebody who lists cards.'),
      )
      .describe('Who lists how many cards.'),
    spread: z
      .object({
        reached: count('Terminals that said they have the newest head in force.'),
        total: count('All terminals.'),
        lastMs: z
          .number()
          .int()
          .nullable()
          .describe('When the last of them said so, milliseconds after the head was signed.'),
      })
      .describe('How the newest head spread.'),
    exposureMinor: count(
      'Minor units: what terminals that are behind may approve offline until they hear of the newest head.',
    ),
    behind: z
      .array(
        z
          .object({
            serial: z.string().describe('Serial of the terminal.'),
            version: count('The version that it has; 0 none.'),
            overlaySeq: count('The newest emergency entry that it has.'),
            freshAt: time.nullable().describe('When what it has last equalled a head.'),
            exposureMinor: count('What it may approve offline, minor units.'),
          })
          .describe('A terminal that is behind.'),
      )
      .describe('Terminals that are behind, the most exposed first; a hundred at most.'),
  })
  .describe('Versions of the negative list, how far the fleet has them, and what that may cost.');
export type NegativeStateView = z.infer<typeof negativeState>;
export const negativeDiff = z
  .object({
    from: count('The older version.'),
    to: count('The newer version.'),
    added: count('Cards that came.'),
    removed: count('Cards that went.'),
    deltaBytes: count('Length of the delta.'),
    snapshotBytes: count('Length of the whole container.'),
  })
  .describe('What lies between two versions.');
export const negativeExplanation = z
  .object({
    listed: z.boolean().describe('Whether anybody lists the card now.'),
    lastFour: z.string().describe('Last four digits of the PAN.'),
    token: z.string().describe('Stands for the PAN.'),
    entries: z
      .array(
        z
          .object({
            ...negativeEntryFields,
            version: z.number().int().nullable().describe('The version that has it first; null: emergency entry.'),
          })
          .describe('An entry of one source.'),
      )
      .describe('Who lists it.'),
    changes: z
      .array(
        z
          .object({
            at: time.describe('When.'),
            kind: z
              .enum(['listed', 'unlisted', 'allowed', 'disallowed'])
              .describe('What happened; `allowed` is an exception.'),
            source: z.string().describe('For which source.'),
            reason,
            by: z.string().describe('Who did it.'),
          })
          .describe('A change.'),
      )
      .describe('What happened to it, newest first.'),
  })
  .describe('Who lists a card, why and since when.');
export type NegativeExplanation = z.infer<typeof negativeExplanation>;

export const modelSummary = z
  .object({
    id: z.string().describe('Model id.'),
    maker: z.string().describe('Who makes it.'),
    year: z.number().int().describe('Year it came out.'),
    family: z.string().describe('Family of models that share software.'),
    readers: z.array(z.string()).describe('Its readers.'),
    abilities: z
      .record(z.string(), z.union([z.boolean(), z.string(), z.number()]))
      .describe('What it can do, by name.'),
  })
  .describe('What the dashboard needs to know of a model.');

/**
 * Server-sent events of `GET /api/v1/events`: `event:` is the name, `data:` the body below, `id:` a sequence number.
 * `?topics=terminal,sale` narrows; after a gap that the buffer no longer holds the stream starts with `resync`.
 * Every five seconds there is a `beat` (`{at}`, without an id): a client that misses two shows its figures as stale.
 */
export const liveEvents = {
  /** A terminal's summary changed. */
  terminal: terminalSummary,
  /** A new or changed line of the feed. */
  sale: saleLine,
  job,
  overview,
  /** A campaign changed. */
  campaign: campaignSummary,
  timeline: timelineEntry.extend({ serial: serialSchema }),
  /** The client missed something: fetch anew. */
  resync: z.object({}),
} as const;
export type LiveEventName = keyof typeof liveEvents;
export type LiveEvent = {
  [Name in LiveEventName]: { readonly name: Name; readonly data: z.infer<(typeof liveEvents)[Name]> };
}[LiveEventName];
