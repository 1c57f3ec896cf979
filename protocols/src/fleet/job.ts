import { z } from 'zod';
import { jobIdSchema, serialSchema, tenantSchema } from './identity.ts';
import { paymentKind, paymentOrder, slipDocument, slipOrder, terminalTotals, totalsOrder } from './payment.ts';

/** Where a terminal keeps a key. */
export const keySlots = ['dukpt', 'negative'] as const;
export const keySlot = z.enum(keySlots);
export type KeySlot = z.infer<typeof keySlot>;

/**
 * A key as it travels: a TR-31 key block (X9.143, version D) under the terminal's key-block protection key.
 * `dukpt`: usage B1 (initial DUKPT key) with optional block IK (8-byte initial key id). `negative`: usage M6 (CMAC).
 */
export const keyLoad = z.object({
  slot: keySlot,
  keyBlock: z
    .string()
    .regex(/^D[0-9A-Za-z ]{15,}$/)
    .max(1_024),
  /** AES key check value, 5 bytes in hex: CMAC of a zero block (X9.24-1:2017, annex A). */
  kcv: z.string().regex(/^[0-9A-F]{10}$/),
});
export type KeyLoad = z.infer<typeof keyLoad>;

/** A sale that the terminal makes by itself with a card of its emulated reader. */
export const testSale = z.object({
  amountMinor: z.number().int().min(1).max(99_999_999),
  /** Name of an emulated card, as listed in the hello. */
  card: z.string().regex(/^[a-z0-9-]{1,40}$/),
});
export type TestSale = z.infer<typeof testSale>;

/** What a job is and what it needs. A new kind of job is a new entry here and a handler on the terminal. */
export const jobBody = z.discriminatedUnion('type', [
  z.object({ type: z.literal('key.load'), params: keyLoad }),
  z.object({ type: z.literal('sale.test'), params: testSale }),
  z.object({ type: z.literal('payment.run'), params: paymentOrder }),
  z.object({ type: z.literal('payment.totals'), params: totalsOrder }),
  z.object({ type: z.literal('slip.print'), params: slipOrder }),
]);
export type JobBody = z.infer<typeof jobBody>;
export type JobType = JobBody['type'];

/** A job as the terminal sees it, inside a signed document with purpose `tsunagu-job-v1`. */
export const jobOrder = z
  .object({
    tenant: tenantSchema,
    serial: serialSchema,
    job: jobIdSchema,
    /** Counts from 1. An effect is keyed by (job, attempt, boot): the same order twice has one effect. */
    attempt: z.number().int().min(1).max(100),
    /** Server time after which the order has no effect, milliseconds since 1970. */
    exp: z.number().int().nonnegative(),
  })
  .and(jobBody);
export type JobOrder = z.infer<typeof jobOrder>;

/**
 * How far a job is. Abort: `queued` and `offered` can be cancelled; from `running` on it ends by itself.
 * Power loss: the terminal keeps the order until its result is acknowledged, and reports again after boot.
 */
export const jobStates = ['queued', 'offered', 'running', 'succeeded', 'failed', 'timed-out', 'cancelled'] as const;
export const jobState = z.enum(jobStates);
export type JobState = z.infer<typeof jobState>;

/** The steps of one sale, in order, as they are shown to a technician. */
export const saleSteps = [
  'card-presented',
  'application-selected',
  'card-read',
  'negative-checked',
  'cryptogram-made',
  'request-sent',
  'answer-received',
  'card-completed',
  'reversal-queued',
  'finished',
] as const;
export const saleStep = z.enum(saleSteps);
export type SaleStep = z.infer<typeof saleStep>;

/** How a sale ended. */
export const saleOutcomes = ['approved', 'declined', 'refused', 'reversed', 'failed'] as const;
export const saleOutcome = z.enum(saleOutcomes);
export type SaleOutcome = z.infer<typeof saleOutcome>;

/** What a finished payment looks like to a person: no PAN, only its last four digits. */
export const saleResult = z.object({
  /** Absent: a sale. */
  kind: paymentKind.optional(),
  outcome: saleOutcome,
  amountMinor: z.number().int(),
  currency: z.string().length(3),
  card: z.string().max(40),
  scheme: z.string().max(20),
  entry: z.enum(['contact', 'contactless', 'stripe', 'stored']),
  lastFour: z.string().regex(/^\d{0,4}$/),
  /** System trace audit number, six digits; empty when no message was made. */
  stan: z.string().max(6),
  /** Retrieval reference number of the answer. */
  rrn: z.string().max(12).optional(),
  approvalCode: z.string().max(6).optional(),
  /** ISO 8583:1993 action code (DE39), when there was an answer. */
  actionCode: z.string().max(3).optional(),
  /** Why it was refused or failed: a code of the error table. */
  reason: z.string().max(64).optional(),
  /** Who approved it: absent, the issuer; `terminal`, terminal and card by themselves, under the floor limit. */
  decidedBy: z.literal('terminal').optional(),
  /** An advice that the switch has not taken yet: it is on the terminal's disk, and is sent until it is taken. */
  isQueued: z.boolean().optional(),
  /** Slip number (伝票番号). */
  slip: z.number().int().min(1).max(99_999).optional(),
  /** STAN of the transaction that it follows. */
  original: z.string().max(6).optional(),
  /** What the account has left, yen: the answer to a balance inquiry. */
  balanceMinor: z.number().int().optional(),
  /** Reader to answer, milliseconds. */
  durationMs: z.number().nonnegative(),
});
export type SaleResult = z.infer<typeof saleResult>;

/** What a terminal says about a job on `up/job/{id}`. It repeats the last report until it is acknowledged. */
export const jobReport = z.object({
  attempt: z.number().int().min(1),
  state: z.enum(['running', 'succeeded', 'failed']),
  /** A step that was just taken (informative; may be lost). */
  progress: z
    .object({ step: z.string().max(40), atMs: z.number().nonnegative(), detail: z.string().max(200).optional() })
    .optional(),
  /** Proof of a key load: what the terminal computed from the key it holds. */
  evidence: z.object({ slot: keySlot, kcv: z.string().max(10), ksn: z.string().max(24).optional() }).optional(),
  sale: saleResult.optional(),
  totals: terminalTotals.optional(),
  document: slipDocument.optional(),
  /** Code of the error table when the job failed. */
  fault: z.string().max(64).optional(),
});
export type JobReport = z.infer<typeof jobReport>;
