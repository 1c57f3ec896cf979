import { z } from 'zod';
import { configuration } from './configuration.ts';
import { claimBundle } from './device-api.ts';
import { serialSchema } from './identity.ts';
import { paymentOrder, slipDocument, slipOrder, terminalTotals, totalsOrder } from './payment.ts';
import { jobState, jobReport, keySlot, saleResult, testSale } from './job.ts';

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
  testSales: (serial: string) => `/api/v1/terminals/${encodeURIComponent(serial)}/test-sales`,
  job: (id: string) => `/api/v1/jobs/${encodeURIComponent(id)}`,
  sales: '/api/v1/sales',
  configuration: '/api/v1/configuration',
  negative: '/api/v1/negative',
  negativeEntries: '/api/v1/negative/entries',
  events: '/api/v1/events',
} as const;

const time = z.iso.datetime();

/** What a caller may do: everything, the fleet's daily work, field work, or only look. */
export const roles = ['admin', 'operator', 'technician', 'viewer'] as const;
export const role = z.enum(roles);
export type Role = z.infer<typeof role>;

export const signIn = z.object({ token: z.string().min(16).max(128) });
export const session = z.object({ subject: z.string(), role, expiresAt: time });
export type Session = z.infer<typeof session>;

/** One page of a list; `next` is the cursor of the following page. */
export const page = <T extends z.ZodType>(item: T) => z.object({ items: z.array(item), next: z.string().nullable() });

/** Where a terminal stands. */
export const place = z.object({
  merchant: z.string().min(1).max(60),
  shop: z.string().min(1).max(60),
  lane: z.string().max(20).default(''),
});
export type Place = z.infer<typeof place>;

/** How a terminal's link is doing. `never` until its first hello. */
export const linkState = z.enum(['ready', 'lost', 'disconnected', 'never']);
export type LinkState = z.infer<typeof linkState>;

/** A terminal as it stands in a list. */
export const terminalSummary = z.object({
  serial: serialSchema,
  model: z.string(),
  place,
  parent: z.string().nullable(),
  link: z.object({ state: linkState, since: time.nullable(), bootSeq: z.number().int() }),
  keys: z.array(z.object({ slot: keySlot, kcv: z.string(), ksn: z.string().nullable() })),
  configuration: z.object({
    desired: z.number().int(),
    reported: z.number().int(),
    inSync: z.boolean(),
    drift: z.string().nullable(),
  }),
  negative: z.object({
    version: z.number().int(),
    overlaySeq: z.number().int(),
    current: z.boolean(),
    freshAt: time.nullable(),
  }),
  lastSale: z
    .object({
      at: time,
      outcome: z.string(),
      amountMinor: z.number().int(),
      lastFour: z.string(),
      reason: z.string().nullable(),
    })
    .nullable(),
});
export type TerminalSummary = z.infer<typeof terminalSummary>;

/** A terminal's own page. */
export const terminalDetail = terminalSummary.extend({
  software: z.object({ version: z.string(), slot: z.string() }).nullable(),
  enrolledAt: time.nullable(),
  certificate: z.object({ fingerprint: z.string(), notAfter: time }).nullable(),
  cards: z.array(z.string()),
  children: z.array(z.string()),
  values: configuration.nullable(),
});
export type TerminalDetail = z.infer<typeof terminalDetail>;

/** Puts a terminal on the inventory allow-list. The answer holds the claim secret, once and never again. */
export const registerTerminal = z.object({
  serial: serialSchema,
  model: z.string().max(32),
  place,
  parent: serialSchema.optional(),
  /** Where the parent's relay listens, for a child. */
  relayPort: z.number().int().min(1).max(65_535).optional(),
});
export type RegisterTerminal = z.infer<typeof registerTerminal>;
export const registeredTerminal = z.object({ claim: claimBundle });

/** Something that happened to a terminal, for its timeline. `kind` has a text in both languages on every screen. */
export const timelineKinds = [
  'registered',
  'enrolled',
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
export const timelineEntry = z.object({
  id: z.number().int(),
  at: time,
  kind: z.enum(timelineKinds),
  facts: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])),
});
export type TimelineEntry = z.infer<typeof timelineEntry>;

/** A job as people see it. */
export const job = z.object({
  id: z.string(),
  serial: serialSchema,
  type: z.string(),
  state: jobState,
  attempt: z.number().int(),
  createdAt: time,
  finishedAt: time.nullable(),
  fault: z.string().nullable(),
  /** Steps as they were reported, oldest first. */
  steps: z.array(z.object({ step: z.string(), atMs: z.number(), detail: z.string().nullable() })),
  sale: saleResult.nullable(),
  evidence: jobReport.shape.evidence.nullable(),
  totals: terminalTotals.nullable(),
  document: slipDocument.nullable(),
});
export type Job = z.infer<typeof job>;
export const startTestSale = testSale;
export const startPayment = paymentOrder;
export const startTotals = totalsOrder;
export const startSlip = slipOrder;

/** A line of the live feed: what the switch journalled, or what a terminal refused by itself. */
export const saleLine = z.object({
  id: z.string(),
  at: time,
  serial: serialSchema,
  decidedBy: z.enum(['issuer', 'switch', 'terminal']),
  outcome: z.enum(['approved', 'declined', 'refused', 'reversed', 'failed', 'pending']),
  mti: z.string(),
  /** What was asked: sale, refund, authorisation, balance, completion, offlineSale; absent where the terminal decided. */
  kind: z.string().optional(),
  amountMinor: z.number().int(),
  currency: z.string(),
  scheme: z.string(),
  entry: z.string(),
  lastFour: z.string(),
  token: z.string().nullable(),
  stan: z.string(),
  rrn: z.string().nullable(),
  actionCode: z.string().nullable(),
  reason: z.string().nullable(),
  /** Switch: request in to answer out; terminal: reader to answer. Milliseconds. */
  durationMs: z.number().nullable(),
});
export type SaleLine = z.infer<typeof saleLine>;

/** The fleet at a glance. */
export const overview = z.object({
  at: time,
  terminals: z.object({
    total: z.number().int(),
    ready: z.number().int(),
    lost: z.number().int(),
    never: z.number().int(),
  }),
  sync: z.object({ configuration: z.number().int(), keys: z.number().int(), negative: z.number().int() }),
  sales: z.object({
    /** The last five minutes. */
    approved: z.number().int(),
    declined: z.number().int(),
    refused: z.number().int(),
    reversed: z.number().int(),
    amountMinor: z.number().int(),
  }),
  negative: z.object({
    list: z.string(),
    version: z.number().int(),
    overlaySeq: z.number().int(),
    entries: z.number().int(),
  }),
  links: z.array(
    z.object({ id: z.string(), name: z.string(), state: z.enum(['up', 'signed-on', 'down']), since: time }),
  ),
});
export type Overview = z.infer<typeof overview>;

/** The desired configuration and its version; a write states the version it changes (`If-Match`). */
export const desiredConfiguration = z.object({ version: z.number().int(), values: configuration });
export type DesiredConfiguration = z.infer<typeof desiredConfiguration>;
export const changeConfiguration = configuration.partial();

/** Adds a card to the negative list at once (emergency). The PAN is stored as a keyed tag and its last four digits only. */
export const addNegative = z.object({
  pan: z.string().regex(/^\d{12,19}$/),
  reason: z.enum(['lost', 'stolen', 'fraud', 'other']).default('other'),
});
export const negativeEntry = z.object({ lastFour: z.string(), reason: z.string(), addedAt: time, token: z.string() });
export const negativeAdded = z.object({
  entry: negativeEntry,
  version: z.number().int(),
  overlaySeq: z.number().int(),
  already: z.boolean(),
});
export type NegativeAdded = z.infer<typeof negativeAdded>;
export const negativeOverview = z.object({
  list: z.string(),
  version: z.number().int(),
  overlaySeq: z.number().int(),
  entries: z.array(negativeEntry),
  next: z.string().nullable(),
  terminals: z.object({ current: z.number().int(), behind: z.number().int() }),
});

/** What the dashboard needs to know of a model. */
export const modelSummary = z.object({
  id: z.string(),
  maker: z.string(),
  year: z.number().int(),
  family: z.string(),
  readers: z.array(z.string()),
  abilities: z.record(z.string(), z.union([z.boolean(), z.string(), z.number()])),
});

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
  timeline: timelineEntry.extend({ serial: serialSchema }),
  /** The client missed something: fetch anew. */
  resync: z.object({}),
} as const;
export type LiveEventName = keyof typeof liveEvents;
export type LiveEvent = {
  [Name in LiveEventName]: { readonly name: Name; readonly data: z.infer<(typeof liveEvents)[Name]> };
}[LiveEventName];
