import {
  type JobPolicy,
  type JobReport,
  type JobResult,
  type JobState,
  type JobType,
  jobCancels,
  jobKinds,
  jobStates,
} from '@tsunagu/protocols/fleet';

/** A job, as far as its rules look at it. Times are the server's, milliseconds since 1970. */
export interface JobProgress {
  readonly state: JobState;
  /** 0 until the first offer. */
  readonly attempt: number;
  readonly attemptsMax: number;
  /** It is not handed out before. */
  readonly notBefore: number;
  readonly deadlineAt: number;
  /** When its state changed, or the terminal last said something about it. */
  readonly changedAt: number;
  /** When the terminal was last told that it waits. */
  readonly announcedAt: number;
  /** It was taken back while the terminal may have it. */
  readonly isCancelling: boolean;
}

/**
 * What a cancellation and the other ends mean, state by state. The rules below follow this table, and the README of this room shows it;
 * tests hold both to it.
 */
export const stateTable = {
  held: {
    means: 'waits for a second person',
    cancel: jobCancels.held,
    timeout: 'timed out at its deadline',
    powerLoss: 'nothing: the terminal does not know of it',
  },
  queued: {
    means: 'waits for a pull, or for the pause before a further attempt',
    cancel: jobCancels.queued,
    timeout: 'timed out at its deadline',
    powerLoss: 'nothing: it is offered on the next pull',
  },
  offered: {
    means: 'was handed out; the terminal may have it',
    cancel: jobCancels.offered,
    timeout: 'announced again after `offeredMs`, timed out at its deadline',
    powerLoss: 'the same attempt is offered again',
  },
  running: {
    means: 'the terminal works on it',
    cancel: jobCancels.running,
    timeout: 'timed out after `runningMs` without a word, or at its deadline',
    powerLoss: 'after its boot the terminal goes on with it or reports its failure, as `afterPowerLoss` says',
  },
  succeeded: { means: 'had its effect', cancel: jobCancels.succeeded, timeout: '–', powerLoss: 'nothing' },
  failed: {
    means: 'had no effect, or a part that its fault tells',
    cancel: jobCancels.failed,
    timeout: '–',
    powerLoss: 'nothing',
  },
  'timed-out': {
    means: 'the terminal did not tell in time',
    cancel: jobCancels['timed-out'],
    timeout: '–',
    powerLoss: 'a result that comes after all wins, and is marked late',
  },
  cancelled: {
    means: 'had no effect, and will have none',
    cancel: jobCancels.cancelled,
    timeout: '–',
    powerLoss: 'nothing',
  },
} as const satisfies Record<
  JobState,
  {
    readonly means: string;
    readonly cancel: (typeof jobCancels)[JobState];
    readonly timeout: string;
    readonly powerLoss: string;
  }
>;

/** What a report changes. `nothing`: it is a repetition, or about an attempt that is over. */
export type ReportDecision =
  | { readonly change: 'nothing' }
  | { readonly change: 'progress' }
  | { readonly change: 'retry'; readonly notBefore: number }
  | {
      readonly change: 'finish';
      readonly state: 'succeeded' | 'failed' | 'cancelled';
      readonly fault: string | null;
      readonly isLate: boolean;
    };

/** Whether a job still waits for its end. */
export const isOpen = (state: JobState): boolean => stateTable[state].cancel !== 'nothing';
export const openStates = jobStates.filter(isOpen);

/** The attempt under which a job is handed out now; undefined when it must not be. An offer that was lost is made again as it was. */
export function offer(
  { state, attempt, notBefore, deadlineAt, isCancelling }: JobProgress,
  now: number,
): number | undefined {
  if (deadlineAt <= now || isCancelling) return undefined;
  if (state === 'queued') return notBefore <= now ? attempt + 1 : undefined;
  return state === 'offered' ? attempt : undefined;
}

/** Whether the terminal has to be told that the order is taken back. */
export const isToBeTakenBack = ({ state, isCancelling }: JobProgress): boolean =>
  isCancelling && stateTable[state].cancel === 'asked';

/** What a person's wish to cancel does. */
export const decideCancel = ({ state }: Pick<JobProgress, 'state'>): (typeof jobCancels)[JobState] => jobCancels[state];

/**
 * What a report means. The effect happened on the terminal whatever the server thought of its chances: a final report of the
 * newest attempt counts even after the time was up.
 * @param chance 0 to 1: spreads the retries of a fleet that failed as one
 */
export function decideReport(
  job: JobProgress,
  type: JobType,
  report: JobReport,
  now: number,
  chance = 0.5,
): ReportDecision {
  if (
    report.attempt !== job.attempt ||
    job.state === 'succeeded' ||
    job.state === 'failed' ||
    job.state === 'cancelled'
  )
    return { change: 'nothing' };
  const isLate = job.state === 'timed-out';
  // What was handed out once is never handed out under the same number again: a queued job waits for its next attempt.
  if (!isLate && stateTable[job.state].cancel !== 'asked') return { change: 'nothing' };
  if (report.state === 'running') return isLate ? { change: 'nothing' } : { change: 'progress' };
  const fault = report.fault ?? null;
  if (report.state === 'cancelled') return { change: 'finish', state: 'cancelled', fault: 'JOB_CANCELLED', isLate };
  if (report.state === 'succeeded')
    return jobKinds[type].result.safeParse(report).success
      ? { change: 'finish', state: 'succeeded', fault: null, isLate }
      : { change: 'finish', state: 'failed', fault: 'JOB_RESULT_MISSING', isLate };
  const policy: JobPolicy = jobKinds[type].policy;
  const notBefore = now + backoffMs(policy, job.attempt, chance);
  const mayRetry =
    !isLate &&
    !job.isCancelling &&
    job.attempt < job.attemptsMax &&
    notBefore < job.deadlineAt &&
    policy.retryable.some((code) => code === fault);
  return mayRetry ? { change: 'retry', notBefore } : { change: 'finish', state: 'failed', fault, isLate };
}

/** The pause after an attempt that failed, milliseconds. */
export const backoffMs = ({ backoff }: Pick<JobPolicy, 'backoff'>, attempt: number, chance: number): number =>
  Math.round(Math.min(backoff.maxMs, backoff.firstMs * 2 ** (attempt - 1)) * (0.9 + chance * 0.2));

/** When the clock next does something to a job; null when it is over. */
export function nextCheck(job: JobProgress, type: JobType): number | null {
  const { state, notBefore, deadlineAt, changedAt, announcedAt, isCancelling } = job;
  const { offeredMs, runningMs } = jobKinds[type].policy;
  const again = Math.max(changedAt, announcedAt) + offeredMs;
  switch (state) {
    case 'held':
      return deadlineAt;
    case 'queued':
      return Math.min(deadlineAt, announcedAt < notBefore ? notBefore : deadlineAt);
    case 'offered':
      return Math.min(deadlineAt, again);
    case 'running':
      return Math.min(deadlineAt, changedAt + runningMs, isCancelling ? again : deadlineAt);
    default:
      return null;
  }
}

/** What the clock does to a job: its time is up, or the terminal is told again that it waits. */
export function decideTime(job: JobProgress, type: JobType, now: number): 'timed-out' | 'announce' | 'nothing' {
  const check = nextCheck(job, type);
  if (check === null || check > now) return 'nothing';
  const { runningMs } = jobKinds[type].policy;
  const isSilent = job.state === 'running' && job.changedAt + runningMs <= now;
  return job.deadlineAt <= now || isSilent ? 'timed-out' : 'announce';
}

/** The parts of a report that are its result. */
export function resultOf({
  attempt: _attempt,
  state: _state,
  progress: _progress,
  fault: _fault,
  ...result
}: JobReport): JobResult {
  return result;
}
