import { jobBody, jobIdSchema, jobReport, type JobBody, type JobId, type JobReport } from '@tsunagu/protocols/fleet';
import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import type { Clock } from '@tsunagu/protocols/world';
import { z } from 'zod';
import { type SealedStore, sealedRecord } from '../sealed-store/index.ts';

/** Finished and acknowledged jobs whose report is remembered: it is the answer to the same order. */
const rememberedMax = 48;
/** Jobs that may wait for the server's acknowledgement. */
const waitingMax = 32;
/** Attempts that are over and whose orders are still good: each is known by its number alone. With so many no new order is taken. */
const seenMax = 1_024;

const far = Number.MAX_SAFE_INTEGER;
const entryBase = {
  job: jobIdSchema,
  attempt: z.number().int(),
  /** The order is good until then; before that it could come again. */
  exp: z.number().int().default(far),
};
const ledgerEntry = z.discriminatedUnion('state', [
  /** The effect may have begun. Power loss leaves it here: its kind says what to do about it. `boot` is the one that began it. */
  z.object({ ...entryBase, state: z.literal('begun'), body: jobBody, boot: z.number().int().default(0) }),
  /** The effect is complete, and the server may not know it. */
  z.object({ ...entryBase, state: z.literal('finished'), report: jobReport }),
  /** The server has the result. The report is kept: it is the answer to the same order. */
  z.object({ ...entryBase, state: z.literal('acknowledged'), report: jobReport }),
]);
/** What is known of one attempt of one job. */
export type LedgerEntry = z.output<typeof ledgerEntry>;
const seenAttempt = z.object(entryBase);
type SeenAttempt = z.output<typeof seenAttempt>;

export const ledgerRecord = sealedRecord(
  'jobs',
  z.object({
    entries: z.array(ledgerEntry).max(rememberedMax + waitingMax + 1),
    seen: z.array(seenAttempt).max(seenMax).default([]),
    /** The ledger before this one was damaged: what the server offers now may have been done already. */
    isDoubtful: z.boolean().default(false),
  }),
);

type StoreFault = 'STORE_READ_FAILED' | 'STORE_RECORD_DAMAGED';
type Attempt = { readonly job: JobId; readonly attempt: number; readonly exp: number };

/** What was done and what was told, by (job, attempt). It is on disk before an effect and before a report. */
export interface JobLedger {
  /** `seen`: it was done and told long ago. */
  find(job: JobId, attempt: number): LedgerEntry | 'seen' | undefined;
  /** In the order in which they were begun. */
  entries(state: LedgerEntry['state']): readonly LedgerEntry[];
  begin(order: Attempt, body: JobBody, boot: number): Promise<Result<void, 'STORE_WRITE_FAILED' | 'JOB_LEDGER_FULL'>>;
  finish(order: Attempt, report: JobReport): Promise<Result<void, 'STORE_WRITE_FAILED'>>;
  acknowledge(job: JobId, attempt: number): Promise<Result<void, 'STORE_WRITE_FAILED'>>;
  /** Whether an order may have been done already without being known here: the ledger was damaged, and orders of before are still offered. */
  readonly isDoubtful: boolean;
  /** Every order of before was offered. */
  settle(): Promise<Result<void, 'STORE_WRITE_FAILED'>>;
  /** Forgets what was acknowledged, but for its numbers: a wiped terminal keeps no results. */
  forgetReports(): Promise<Result<void, 'STORE_WRITE_FAILED'>>;
}

/** Opens the ledger of a store. */
export async function openLedger(
  store: SealedStore,
  clock: Pick<Clock, 'now'>,
): Promise<Result<JobLedger, StoreFault>> {
  const stored = await store.read(ledgerRecord);
  if (!stored.ok) return stored;
  const aside = stored.value ? ok([]) : await store.setAside();
  if (!aside.ok) return aside;
  let isDoubtful = stored.value?.facts.isDoubtful ?? aside.value.some(({ record }) => record === ledgerRecord.name);
  let entries: readonly LedgerEntry[] = stored.value?.facts.entries ?? [];
  let seen: readonly SeenAttempt[] = stored.value?.facts.seen ?? [];

  const same = (entry: SeenAttempt, job: JobId, attempt: number): boolean =>
    entry.job === job && entry.attempt === attempt;
  /** What is not on disk is not told either: after a power loss it would be told otherwise. */
  async function save(next: {
    readonly entries: readonly LedgerEntry[];
    readonly seen: readonly SeenAttempt[];
    readonly isDoubtful: boolean;
  }): Promise<Result<void, 'STORE_WRITE_FAILED'>> {
    const written = await store.write(ledgerRecord, { ...next, entries: [...next.entries], seen: [...next.seen] });
    if (written.ok) ({ entries, seen, isDoubtful } = next);
    return written;
  }
  const put = async (entry: LedgerEntry): Promise<Result<void, 'STORE_WRITE_FAILED'>> => {
    const known = entries.some((one) => same(one, entry.job, entry.attempt));
    const all = known ? entries.map((one) => (same(one, entry.job, entry.attempt) ? entry : one)) : [...entries, entry];
    const next = forgetOldest(all, seen, clock.now());
    return save({ ...next, isDoubtful });
  };
  return ok({
    find: (job, attempt) =>
      entries.find((entry) => same(entry, job, attempt)) ??
      (seen.some((entry) => same(entry, job, attempt)) ? 'seen' : undefined),
    entries: (state) => entries.filter((entry) => entry.state === state),
    async begin({ job, attempt, exp }, body, boot) {
      const waiting = entries.filter((entry) => entry.state !== 'acknowledged').length;
      const good = seen.filter((entry) => entry.exp >= clock.now()).length;
      if (waiting >= waitingMax || good >= seenMax) return fail('JOB_LEDGER_FULL', { facts: { waiting, good } });
      return put({ job, attempt, exp, state: 'begun', body, boot });
    },
    finish: ({ job, attempt, exp }, report) => put({ job, attempt, exp, state: 'finished', report }),
    async acknowledge(job, attempt) {
      const entry = entries.find((one) => same(one, job, attempt));
      if (!entry || entry.state !== 'finished') return ok(undefined);
      // A printed document is the server's now; here it would only take room.
      const { document: _, ...report } = entry.report;
      return put({ ...entry, state: 'acknowledged', report });
    },
    get isDoubtful() {
      return isDoubtful;
    },
    async settle() {
      if (!isDoubtful) return ok(undefined);
      return save({ entries, seen, isDoubtful: false });
    },
    async forgetReports() {
      return save({ ...forgetOldest(entries, seen, clock.now(), 0), isDoubtful });
    },
  });
}

/** The oldest reports go; their attempts stay known while their orders are good: one that comes again has no second effect. */
function forgetOldest(
  entries: readonly LedgerEntry[],
  seen: readonly SeenAttempt[],
  now: number,
  keep = rememberedMax,
): { readonly entries: readonly LedgerEntry[]; readonly seen: readonly SeenAttempt[] } {
  const acknowledged = entries.filter((entry) => entry.state === 'acknowledged');
  const forgotten = new Set<LedgerEntry>(acknowledged.slice(0, Math.max(0, acknowledged.length - keep)));
  return {
    entries: entries.filter((entry) => !forgotten.has(entry)),
    seen: [...seen, ...[...forgotten].map(({ job, attempt, exp }) => ({ job, attempt, exp }))]
      .filter(({ exp }) => exp >= now)
      .slice(-seenMax),
  };
}
