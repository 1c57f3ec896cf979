import { jobBody, jobIdSchema, jobReport, type JobBody, type JobId, type JobReport } from '@tsunagu/protocols/fleet';
import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import { z } from 'zod';
import { type SealedStore, sealedRecord } from '../sealed-store/index.ts';

/** Finished and acknowledged jobs that are remembered, so that an order that comes late again has no second effect. */
const rememberedMax = 48;
/** Jobs that may wait for the server's acknowledgement. */
const waitingMax = 32;

const entryBase = { job: jobIdSchema, attempt: z.number().int() };
const ledgerEntry = z.discriminatedUnion('state', [
  /** The effect may have begun. Power loss leaves it here: the body says what to do about it. */
  z.object({ ...entryBase, state: z.literal('begun'), body: jobBody }),
  /** The effect is complete, and the server may not know it. */
  z.object({ ...entryBase, state: z.literal('finished'), report: jobReport }),
  /** The server has the result. The report is kept: it is the answer to the same order. */
  z.object({ ...entryBase, state: z.literal('acknowledged'), report: jobReport }),
]);
/** What is known of one attempt of one job. */
export type LedgerEntry = z.output<typeof ledgerEntry>;

const ledgerRecord = sealedRecord(
  'jobs',
  z.object({ entries: z.array(ledgerEntry).max(rememberedMax + waitingMax + 1) }),
);

type StoreFault = 'STORE_READ_FAILED' | 'STORE_RECORD_DAMAGED';

/** What was done and what was told, by (job, attempt). It is on disk before an effect and before a report. */
export interface JobLedger {
  find(job: JobId, attempt: number): LedgerEntry | undefined;
  /** In the order in which they were begun. */
  entries(state: LedgerEntry['state']): readonly LedgerEntry[];
  begin(job: JobId, attempt: number, body: JobBody): Promise<Result<void, 'STORE_WRITE_FAILED' | 'JOB_LEDGER_FULL'>>;
  finish(job: JobId, attempt: number, report: JobReport): Promise<Result<void, 'STORE_WRITE_FAILED'>>;
  acknowledge(job: JobId, attempt: number): Promise<Result<void, 'STORE_WRITE_FAILED'>>;
}

/** Opens the ledger of a store. */
export async function openLedger(store: SealedStore): Promise<Result<JobLedger, StoreFault>> {
  const stored = await store.read(ledgerRecord);
  if (!stored.ok) return stored;
  let entries: readonly LedgerEntry[] = stored.value?.facts.entries ?? [];

  const same = (entry: LedgerEntry, job: JobId, attempt: number): boolean =>
    entry.job === job && entry.attempt === attempt;
  const put = async (entry: LedgerEntry): Promise<Result<void, 'STORE_WRITE_FAILED'>> => {
    const known = entries.some((one) => same(one, entry.job, entry.attempt));
    const next = forgetOldest(
      known ? entries.map((one) => (same(one, entry.job, entry.attempt) ? entry : one)) : [...entries, entry],
    );
    const written = await store.write(ledgerRecord, { entries: [...next] });
    // What is not on disk is not told either: after a power loss it would be told otherwise.
    if (written.ok) entries = next;
    return written;
  };
  return ok({
    find: (job, attempt) => entries.find((entry) => same(entry, job, attempt)),
    entries: (state) => entries.filter((entry) => entry.state === state),
    async begin(job, attempt, body) {
      const waiting = entries.filter((entry) => entry.state !== 'acknowledged').length;
      if (waiting >= waitingMax) return fail('JOB_LEDGER_FULL', { facts: { waiting } });
      return put({ job, attempt, state: 'begun', body });
    },
    finish: (job, attempt, report) => put({ job, attempt, state: 'finished', report }),
    async acknowledge(job, attempt) {
      const entry = entries.find((one) => same(one, job, attempt));
      if (!entry || entry.state !== 'finished') return ok(undefined);
      // A printed document is the server's now; here it would only take room.
      const { document: _, ...report } = entry.report;
      return put({ ...entry, state: 'acknowledged', report });
    },
  });
}

function forgetOldest(entries: readonly LedgerEntry[]): readonly LedgerEntry[] {
  const acknowledged = entries.filter((entry) => entry.state === 'acknowledged');
  const forgotten = new Set<LedgerEntry>(acknowledged.slice(0, Math.max(0, acknowledged.length - rememberedMax)));
  return entries.filter((entry) => !forgotten.has(entry));
}
