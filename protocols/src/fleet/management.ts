import { z } from 'zod';
import { campaignSummary } from './campaign.ts';
import { configuration } from './configuration.ts';
import { claimBundle } from './device-api.ts';
import { serialSchema } from './identity.ts';
import { keySlot } from './held-key.ts';
import { saleResult, testSale } from './job.ts';
import { jobBody, jobReport, jobResult, jobState, jobTypeSchema } from './job-kinds.ts';
import { permission, role } from './roles.ts';
import { expirySummary } from './expiry.ts';
import { evidence } from './evidence.ts';
import { lifecycleBeginning, lifecycleState } from './lifecycle.ts';
import { traceOrder } from '../kernel-trace/index.ts';
import { ownCurrency, paymentOrder, slipDocument, slipOrder, terminalTotals, totalsOrder } from './payment.ts';
import { trouble } from './trouble.ts';

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
  alarms: '/api/v1/alarms',
  alarmsSeen: '/api/v1/alarms/seen',
  alarmSeen: (id: string) => `/api/v1/alarms/${encodeURIComponent(id)}/seen`,
  trouble: (serial: string) => `/api/v1/terminals/${encodeURIComponent(serial)}/trouble`,
  keys: '/api/v1/keys',
  keyRotations: '/api/v1/keys/rotations',
  keyRuns: '/api/v1/keys/runs',
  keyRunDryRuns: '/api/v1/keys/runs/dry-runs',
  keyCeremonies: '/api/v1/keys/ceremonies',
  recount: (serial: string) => `/api/v1/terminals/${encodeURIComponent(serial)}/recount`,
  certificate: (serial: string) => `/api/v1/terminals/${encodeURIComponent(serial)}/certificate`,
  jobs: '/api/v1/jobs',
  terminalJobs: (serial: string) => `/api/v1/terminals/${encodeURIComponent(serial)}/jobs`,
  jobCancellation: (id: string) => `/api/v1/jobs/${encodeURIComponent(id)}/cancellation`,
  jobCancellations: '/api/v1/jobs/cancellations',
  jobCarriage: '/api/v1/jobs/carriage',
  jobReports: '/api/v1/jobs/carried-reports',
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
  negativeLists: '/api/v1/negative/lists',
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
        version: z.number().int().describe('Version of the regular list; 0 before the first.'),
        overlaySeq: z.number().int().describe('Sequence number of its newest emergency entry.'),
        current: z.boolean().describe('Whether every list is the newest, overlays included.'),
        freshAt: time.nullable().describe("When the oldest list last equalled a signed head, by the terminal's clock."),
      })
      .describe('The negative lists that it holds.'),
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
    troubles: z.array(trouble).describe('What a person has to look at, the newest first.'),
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
    replaces: serialSchema.nullable().describe('What its vendor kept when it sent this one.'),
    replacedBy: serialSchema.nullable().describe('What its vendor sent in its place.'),
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
    seals: evidence.shape.seals,
    connections: evidence.shape.connections,
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
  'wiped',
  'lifecycle-moved',
  'handed-over',
  'swap',
  'inspection',
  'work-order',
  'hello',
  'connected',
  'lost',
  'configuration-changed',
  'configuration-reported',
  'key-loaded',
  'key-released',
  'key-erased',
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
/** A priority: `emergency` or `routine`. */
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
/** Which jobs a list is to hold. */
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
    ownCurrency: ownCurrency.optional(),
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
        negative: z.number().int().describe('Terminals that hold the newest head of every negative list.'),
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
          name: z.string().describe('Name of the link, in English.'),
          nameJa: z.string().describe('Name of the link, in Japanese.'),
          state: z.enum(['up', 'signed-on', 'down']).describe('`signed-on` takes payments; `up` is connected only.'),
          since: time.describe('Since when.'),
        }),
      )
      .describe('The links of the switch to card companies.'),
    expiry: expirySummary,
  })
  .describe('The fleet at a glance.');
export type Overview = z.infer<typeof overview>;

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
/** What a program needs to know of a model. */
export type ModelSummary = z.infer<typeof modelSummary>;

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
