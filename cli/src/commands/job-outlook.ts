import { type Job, jobCancels } from '@tsunagu/protocols/fleet';
import { type Console, explain } from '../console/index.ts';

/** What went wrong with a job, what will be tried and when, and what taking it back does in the state it is in. */
export function outlookOf(console: Console, job: Job): readonly string[] {
  const { outlook } = console.texts.job;
  const { fault, attempt, attemptsMax } = job;
  const lines: string[] = [];
  if (fault !== null) {
    const { says, next } = explain(fault, console.language);
    // The attempt that failed is over; the one that comes has a number of its own.
    lines.push(outlook.fault(fault, says, attempt), ...(next === '' ? [] : [`${console.texts.next} ${next}`]));
  }
  const until = clockOf(job.notAfter);
  // A job for now was not to wait for anything.
  const from = job.notBefore > job.createdAt ? clockOf(job.notBefore) : undefined;
  if (job.state === 'queued') lines.push(outlook.queued(attempt + 1, attemptsMax, from, until, attempt > 0));
  if (job.state === 'offered' || job.state === 'running') lines.push(outlook[job.state](attempt, attemptsMax, until));
  if (job.state === 'failed') lines.push(outlook.failed(attempt, attemptsMax, job.id));
  if (job.state === 'timed-out') lines.push(outlook.timedOut(job.id));
  const cancel = jobCancels[job.state];
  if (cancel !== 'nothing') lines.push(job.isCancelling ? outlook.cancelling : outlook.cancel[cancel](job.id));
  return lines;
}

/** A time of the API to the second. */
const clockOf = (time: string): string => `${time.slice(0, 19).replace('T', ' ')} UTC`;
