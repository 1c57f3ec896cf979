import type { JobReport, JobState } from '@tsunagu/protocols/fleet';

/**
 * A job, as far as its rules look at it.
 *
 * | state | meaning | abort | after a power cut of the terminal |
 * |---|---|---|---|
 * | queued | waits for a pull | cancelled at once | is offered on the next pull |
 * | offered | was handed out | cancelled: an order that arrives all the same is reported and acknowledged | the same attempt is offered again |
 * | running | the terminal works on it | ends by itself | the terminal repeats its report after boot |
 * | succeeded, failed, timed-out, cancelled | over | – | reports are acknowledged and change nothing but a `timed-out` |
 */
export interface JobProgress {
  readonly state: JobState;
  /** 0 until the first offer. */
  readonly attempt: number;
  readonly attemptsMax: number;
  readonly deadlineAt: number;
}

/** What a report changes. `nothing`: it is a repetition, or about an attempt that is over. */
export type ReportDecision =
  | { readonly change: 'nothing' }
  | { readonly change: 'progress' }
  | { readonly change: 'retry' }
  | { readonly change: 'finish'; readonly state: 'succeeded' | 'failed' };

export const isOpen = (state: JobState): boolean => state === 'queued' || state === 'offered' || state === 'running';

/** The attempt under which a job is handed out now; undefined when it must not be. An offer that was lost is made again as it was. */
export function offer({ state, attempt, deadlineAt }: JobProgress, now: number): number | undefined {
  if (deadlineAt <= now) return undefined;
  if (state === 'queued') return attempt + 1;
  return state === 'offered' ? attempt : undefined;
}

/** Faults after which the same order may well succeed. */
const retryable = new Set(['LINK_DOWN', 'STORE_WRITE_FAILED', 'SALE_IN_PROGRESS']);

/**
 * What a report means. The effect happened on the terminal whatever the server thought of its chances: a final report of the
 * newest attempt counts even after the time was up.
 */
export function decideReport(job: JobProgress, report: JobReport): ReportDecision {
  if (
    report.attempt !== job.attempt ||
    job.state === 'succeeded' ||
    job.state === 'failed' ||
    job.state === 'cancelled'
  )
    return { change: 'nothing' };
  if (report.state === 'running') return job.state === 'timed-out' ? { change: 'nothing' } : { change: 'progress' };
  if (report.state === 'succeeded') return { change: 'finish', state: 'succeeded' };
  const mayRetry =
    job.state !== 'timed-out' &&
    job.attempt < job.attemptsMax &&
    report.fault !== undefined &&
    retryable.has(report.fault);
  return mayRetry ? { change: 'retry' } : { change: 'finish', state: 'failed' };
}

/** Whether an open job's time is up. */
export const isOverdue = ({ state, deadlineAt }: JobProgress, now: number): boolean =>
  isOpen(state) && deadlineAt <= now;
