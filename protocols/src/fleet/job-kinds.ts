import { z } from 'zod';
import type { ErrorCode } from '../errors/index.ts';
import { traceOrder } from '../kernel-trace/index.ts';
import { heldKey, keyErase } from './held-key.ts';
import { jobIdSchema, serialSchema, tenantSchema } from './identity.ts';
import { keyBind, keyBinding, keyReceive, keyRelease, protectionEvidence, releaseProof } from './key-injection.ts';
import { keyLoad, runningSoftware, saleResult, softwareInstall, testSale } from './job.ts';
import {
  appliedConfiguration,
  appliedNegative,
  diagnosticsReport,
  logPull,
  noParams,
  pulledLog,
  renewedCertificate,
  selfTestReport,
  wipeProof,
} from './maintenance.ts';
import { paymentOrder, slipDocument, slipOrder, terminalTotals, totalsOrder } from './payment.ts';

/** How the engine deals with a kind of job. */
export interface JobPolicy {
  /** Attempts in all. Only a failure whose code is `retryable` leads to the next. */
  readonly attemptsMax: number;
  /** The pause before the second attempt; it doubles with each further one, up to `maxMs`. A tenth to either side is chance. */
  readonly backoff: { readonly firstMs: number; readonly maxMs: number };
  readonly retryable: readonly ErrorCode[];
  /** From the order to its end, when the order names none. */
  readonly deadlineMs: number;
  /** An offer that brought no sign of life for so long is announced again. */
  readonly offeredMs: number;
  /** A running job that said nothing for so long is timed out. */
  readonly runningMs: number;
  /** Runs while no payment is in hand, and keeps the next one waiting. */
  readonly needsIdle: boolean;
  /** The terminal may restart in the middle of it. */
  readonly mayRestart: boolean;
  /** Cannot be undone: it waits (`held`) until a second person approves it. */
  readonly isDestructive: boolean;
  /** What a power loss in the middle means: `again` finds its effect done, `failed` must not happen twice (a payment). */
  readonly afterPowerLoss: 'again' | 'failed';
  /** Whether a person may order it; a key load is the key ledger's own. */
  readonly isForPeople: boolean;
}

/** A kind of job: one entry of the table. */
export interface JobKind {
  readonly title: { readonly en: string; readonly ja: string };
  readonly params: z.ZodType;
  /** What a report that says `succeeded` brings. */
  readonly result: z.ZodObject;
  readonly policy: JobPolicy;
}

const minute = 60_000;
const day = 86_400_000;
const retryable = ['LINK_DOWN', 'STORE_WRITE_FAILED', 'SALE_IN_PROGRESS', 'ANSWER_TIMED_OUT'] as const;
/** Keys go only when nothing that was sold waits for them. */
const unbinding = [...retryable, 'SALES_UNDELIVERED'] as const;
const fetching = [...retryable, 'ARTEFACT_UNAVAILABLE', 'LINK_REFUSED', 'MESSAGE_INVALID'] as const;

/**
 * How a terminal says that it does not believe the software repository (TUF 1.0.33, 5): a fault of neither the terminal nor the image.
 * It is believed again when its files are right again.
 */
export const repositoryFaults: readonly ErrorCode[] = [
  'SOFTWARE_METADATA_INVALID',
  'SOFTWARE_METADATA_UNSIGNED',
  'SOFTWARE_METADATA_ROLLBACK',
  'SOFTWARE_METADATA_EXPIRED',
  'SOFTWARE_METADATA_MISMATCH',
];
/** Those of them that pass by themselves: a clock that is set later, a time stamp that is due. */
const passing = ['SOFTWARE_METADATA_EXPIRED', 'SOFTWARE_METADATA_MISMATCH'] as const;

/** What most kinds have in common: quick, harmless, done again after a power loss. */
const light = {
  attemptsMax: 3,
  backoff: { firstMs: 5_000, maxMs: minute },
  retryable,
  deadlineMs: 2 * minute,
  offeredMs: 15_000,
  runningMs: 2 * minute,
  needsIdle: false,
  mayRestart: false,
  isDestructive: false,
  afterPowerLoss: 'again',
  isForPeople: true,
} as const satisfies JobPolicy;

/** A payment is made once, whatever happens. */
const payment = { ...light, attemptsMax: 1, afterPowerLoss: 'failed' } as const satisfies JobPolicy;

/** Maintenance may wait for a terminal that is away. */
const patient = {
  ...light,
  attemptsMax: 5,
  backoff: { firstMs: 30_000, maxMs: 60 * minute },
  deadlineMs: 7 * day,
  offeredMs: minute,
  runningMs: 30 * minute,
} as const satisfies JobPolicy;

/**
 * Every kind of job: what it needs, what it brings, how it is dealt with. A new kind is a new entry here and a handler of the
 * same name on the terminal; engine, runner, API, command line and dashboard read this table.
 */
export const jobKinds = {
  'configuration.apply': {
    title: { en: 'Apply the configuration', ja: '設定の適用' },
    params: noParams,
    result: z.object({ configuration: appliedConfiguration }),
    policy: patient,
  },
  'software.install': {
    title: { en: 'Install software', ja: 'ソフトウェアの更新' },
    params: softwareInstall,
    result: z.object({ software: runningSoftware }),
    policy: { ...patient, mayRestart: true, retryable: [...fetching, ...passing], attemptsMax: 3 },
  },
  'key.load': {
    title: { en: 'Load a key', ja: '鍵の注入' },
    params: keyLoad,
    result: z.object({ evidence: heldKey }),
    policy: { ...patient, attemptsMax: 3, isForPeople: false },
  },
  'key.erase': {
    title: { en: 'Erase a key that gave way', ja: '交代した鍵の消去' },
    params: keyErase,
    result: z.object({ erased: keyErase }),
    policy: { ...patient, retryable: [...retryable, 'KEY_STILL_NEEDED'], isForPeople: false },
  },
  'key.bind': {
    title: { en: 'Bind to the key host', ja: '鍵配布ホストへの結び付け' },
    params: keyBind,
    result: z.object({ binding: keyBinding }),
    policy: { ...patient, attemptsMax: 3, isForPeople: false },
  },
  'key.receive': {
    title: { en: 'Receive the protection key', ja: '保護鍵の受け取り' },
    params: keyReceive,
    result: z.object({ protection: protectionEvidence }),
    policy: { ...patient, attemptsMax: 2, isForPeople: false },
  },
  'key.unbind': {
    title: { en: 'Unbind from the key host', ja: '鍵配布ホストとの結び付きの解除' },
    params: noParams,
    result: z.object({ binding: keyBinding }),
    policy: { ...patient, retryable: unbinding, isDestructive: true },
  },
  'key.rebind': {
    title: { en: 'Rebind to another key host', ja: '別の鍵配布ホストへの結び替え' },
    params: noParams,
    result: z.object({ binding: keyBinding }),
    policy: { ...patient, isDestructive: true },
  },
  'key.release': {
    title: { en: 'Release from the key host', ja: '鍵配布ホストからの解放' },
    params: keyRelease,
    result: z.object({ release: releaseProof }),
    policy: { ...patient, retryable: unbinding, needsIdle: true, isForPeople: false },
  },
  // Both certificates count until the next one is shown: whoever works in the field cuts nobody off by it.
  'certificate.renew': {
    title: { en: 'Renew the certificate', ja: '証明書の更新' },
    params: noParams,
    result: z.object({ certificate: renewedCertificate }),
    policy: { ...patient, retryable: [...fetching, 'CONNECTION_LIMIT'], deadlineMs: day },
  },
  'negative.fetch': {
    title: { en: 'Fetch the negative file', ja: 'ネガファイルの取得' },
    params: noParams,
    result: z.object({ negative: appliedNegative }),
    policy: { ...patient, retryable: fetching, deadlineMs: day },
  },
  'terminal.wipe': {
    title: { en: 'Wipe the terminal', ja: '端末の消去' },
    params: noParams,
    result: z.object({ wipe: wipeProof }),
    policy: {
      ...patient,
      retryable: [...retryable, 'SALES_UNDELIVERED'],
      needsIdle: true,
      mayRestart: true,
      isDestructive: true,
    },
  },
  'terminal.diagnose': {
    title: { en: 'Diagnostics', ja: '診断' },
    params: noParams,
    result: z.object({ diagnostics: diagnosticsReport }),
    policy: light,
  },
  'log.pull': {
    title: { en: 'Pull the log', ja: 'ログの取得' },
    params: logPull,
    result: z.object({ log: pulledLog }),
    policy: { ...patient, retryable: fetching, deadlineMs: day },
  },
  'terminal.reboot': {
    title: { en: 'Restart', ja: '再起動' },
    params: noParams,
    result: z.object({ boot: z.number().int().positive().describe('Boot sequence after the restart.') }),
    policy: { ...patient, deadlineMs: day, needsIdle: true, mayRestart: true },
  },
  'terminal.test': {
    title: { en: 'Self-test', ja: '自己診断' },
    params: noParams,
    result: z.object({ selfTest: selfTestReport }),
    policy: { ...light, needsIdle: true },
  },
  'sale.test': {
    title: { en: 'Test sale', ja: 'テスト取引' },
    params: testSale,
    result: z.object({ sale: saleResult }),
    policy: payment,
  },
  'payment.run': {
    title: { en: 'Payment', ja: '取引' },
    params: paymentOrder,
    result: z.object({ sale: saleResult }),
    policy: payment,
  },
  'payment.totals': {
    title: { en: 'Daily totals', ja: '日計' },
    params: totalsOrder,
    result: z.object({ totals: terminalTotals }),
    policy: payment,
  },
  'slip.print': {
    title: { en: 'Print a slip', ja: '伝票の印刷' },
    params: slipOrder,
    result: z.object({ document: slipDocument.describe('A printed slip, or a trace.') }),
    policy: light,
  },
  'trace.show': {
    title: { en: 'Trace of a payment', ja: '取引の記録' },
    params: traceOrder,
    result: z.object({ document: slipDocument.describe('A printed slip, or a trace.') }),
    policy: light,
  },
} as const satisfies Record<string, JobKind>;

/** The name of a kind of job. */
export type JobType = keyof typeof jobKinds;
/** What each kind needs. */
export type JobParams = { [Type in JobType]: z.output<(typeof jobKinds)[Type]['params']> };
/** What a job is and what it needs. */
export type JobBody<Type extends JobType = JobType> = {
  [Kind in Type]: { readonly type: Kind; readonly params: JobParams[Kind] };
}[Type];

/** The names of the kinds of jobs, in the order of the table. */
export const jobTypes = Object.keys(jobKinds) as [JobType, ...JobType[]];
export const jobTypeSchema = z.enum(jobTypes).describe('What kind of job.');
/** How the engine deals with a kind. */
export const policyOf = (type: JobType): JobPolicy => jobKinds[type].policy;
/** Whether somebody stands by until it is over: it is of no use later. */
export const isWaitedFor = (type: JobType): boolean => policyOf(type).deadlineMs <= light.deadlineMs;

const bodies = jobTypes.map((type) =>
  z.object({ type: z.literal(type), params: jobKinds[type].params.describe('What the job needs.') }),
);
type OneOrMore<T> = readonly [T, ...T[]];
// A union over the rows of a table has no type of its own in zod: `JobBody` is that of the same rows.
/** What a job of any kind is to do, told apart by `type`. */
export const jobBody = z
  .discriminatedUnion('type', bodies as unknown as OneOrMore<(typeof bodies)[number]>)
  .describe(
    'What a job is and what it needs. A new kind of job is a new entry here and a handler on the terminal.',
  ) as unknown as z.ZodType<JobBody>;

const orderHead = {
  tenant: tenantSchema,
  serial: serialSchema,
  job: jobIdSchema,
  attempt: z
    .number()
    .int()
    .min(1)
    .max(100)
    .describe('Counts from 1. An effect is keyed by (job, attempt, boot): the same order twice has one effect.'),
};

export const jobOrder = z
  .object({
    ...orderHead,
    exp: z
      .number()
      .int()
      .nonnegative()
      .describe('Server time after which the order has no effect, milliseconds since 1970.'),
  })
  .and(jobBody)
  .describe('A job as the terminal sees it, inside a signed document with purpose `tsunagu-job-v1`.');
export type JobOrder = z.infer<typeof jobOrder>;

export const jobCancellation = z
  .object({ ...orderHead, cancel: z.literal(true).describe('The order is taken back.') })
  .describe(
    'Takes an attempt back, as a signed document with purpose `tsunagu-job-v1`. The terminal answers with a report: `cancelled` when there was no effect and will be none, else how the job ended.',
  );
export type JobCancellation = z.infer<typeof jobCancellation>;

/**
 * How far a job is: `held` waits for a second person, `queued` for a pull, `offered` was handed out, `running` is worked on; the others are
 * final, but a result that comes after `timed-out` still counts.
 */
export const jobStates = [
  'held',
  'queued',
  'offered',
  'running',
  'succeeded',
  'failed',
  'timed-out',
  'cancelled',
] as const;
export const jobState = z
  .enum(jobStates)
  .describe(
    'How far a job is. `held` and `queued` are cancelled at once; `offered` and `running` when the terminal says that there was no effect.',
  );
export type JobState = z.infer<typeof jobState>;

/** What a person's wish to take a job back does, state by state. `asked`: the terminal answers `cancelled`, or how the job ended. */
export const jobCancels = {
  held: 'at-once',
  queued: 'at-once',
  offered: 'asked',
  running: 'asked',
  succeeded: 'nothing',
  failed: 'nothing',
  'timed-out': 'nothing',
  cancelled: 'nothing',
} as const satisfies Record<JobState, 'at-once' | 'asked' | 'nothing'>;

const resultShape = {
  evidence: jobKinds['key.load'].result.shape.evidence.optional().describe('Proof of a key load.'),
  erased: keyErase.optional(),
  binding: keyBinding.optional(),
  protection: protectionEvidence.optional(),
  release: releaseProof.optional(),
  sale: saleResult.optional().describe('The sale that the job made.'),
  totals: terminalTotals.optional().describe('Daily totals.'),
  document: slipDocument.optional().describe('A printed slip, or a trace.'),
  software: runningSoftware.optional(),
  configuration: appliedConfiguration.optional(),
  certificate: renewedCertificate.optional(),
  negative: appliedNegative.optional(),
  wipe: wipeProof.optional(),
  diagnostics: diagnosticsReport.optional(),
  log: pulledLog.optional(),
  boot: jobKinds['terminal.reboot'].result.shape.boot.optional(),
  selfTest: selfTestReport.optional(),
};
export const jobResult = z.object(resultShape).describe('What a job brought: the parts that its kind names.');
/** What a job brought. */
export type JobResult = z.infer<typeof jobResult>;

export const jobReport = z
  .object({
    attempt: z.number().int().min(1).describe('Which attempt at the job, counted from 1.'),
    state: z
      .enum(['running', 'succeeded', 'failed', 'cancelled'])
      .describe(
        'How far it is. Only the last three end the job; `cancelled`: there was no effect, and there will be none.',
      ),
    progress: z
      .object({
        step: z.string().max(40).describe('The step: one of `saleSteps` for a sale.'),
        atMs: z.number().nonnegative().describe('Milliseconds since the sale began.'),
        detail: z.string().max(200).optional().describe('More about it, without a secret.'),
      })
      .optional()
      .describe('A step that was just taken (informative; may be lost).'),
    ...resultShape,
    fault: z.string().max(64).optional().describe('Code of the error table when the job failed.'),
  })
  .describe('What a terminal says about a job on `up/job/{id}`. It repeats the last report until it is acknowledged.');
export type JobReport = z.infer<typeof jobReport>;
