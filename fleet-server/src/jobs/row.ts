import {
  type Job,
  type JobReport,
  jobReport,
  type JobType,
  parseJson,
  type Serial,
  serialSchema,
  type SignedDocument,
} from '@tsunagu/protocols/fleet';
import type { Selectable } from 'kysely';
import { isoTime, type Queryable } from '../store/index.ts';
import { type JobProgress, resultOf } from './rules.ts';
import type { JobTables } from './tables.ts';

/** A job as it lies in the store. */
export type JobRow = Selectable<JobTables['jobs']>;
/** Signs what a terminal is to obey. */
export type Sign = (payload: string) => SignedDocument;

/** The most steps kept of one attempt. */
const stepsMax = 64;

/** What the rules look at. */
export const progressOf = (row: JobRow): JobProgress => ({
  state: row.state,
  attempt: row.attempt,
  attemptsMax: row.attempts_max,
  notBefore: row.not_before,
  deadlineAt: row.deadline_at,
  changedAt: row.changed_at,
  announcedAt: row.announced_at,
  isCancelling: row.cancelled_at !== null,
});

const finalReportOf = (row: JobRow): JobReport | undefined => {
  const final = row.result === null ? undefined : parseJson(jobReport, row.result);
  return final?.ok ? final.value : undefined;
};

/** A row as people see it. `steps` are those of its newest attempt. */
export function viewOf(row: JobRow, steps: Job['steps']): Job {
  const report = finalReportOf(row);
  const { sale = null, evidence = null, totals = null, document = null, ...result } = report ? resultOf(report) : {};
  return {
    id: row.id,
    serial: serialSchema.parse(row.serial),
    type: row.type,
    state: row.state,
    attempt: row.attempt,
    attemptsMax: row.attempts_max,
    createdAt: isoTime(row.created_at),
    finishedAt: row.finished_at === null ? null : isoTime(row.finished_at),
    notBefore: isoTime(row.not_before),
    notAfter: isoTime(row.deadline_at),
    fault: row.fault,
    steps,
    sale,
    evidence,
    totals,
    document,
    result: report ? result : null,
    priority: row.priority === 0 ? 'emergency' : 'routine',
    orderedBy: row.ordered_by,
    approvedBy: row.approved_by,
    reference: row.reference,
    isCancelling: row.cancelled_at !== null && row.finished_at === null,
    isLate: row.is_late === 1,
  };
}

/** The steps of a job's newest attempt, oldest first. */
export async function stepsOf(on: Queryable, row: Pick<JobRow, 'id' | 'attempt'>): Promise<Job['steps']> {
  const steps = await on
    .selectFrom('job_steps')
    .select(['step', 'at_ms', 'detail'])
    .where('job', '=', row.id)
    .where('attempt', '=', row.attempt)
    .orderBy('at_ms')
    .limit(stepsMax)
    .execute();
  return steps.map(({ step, at_ms, detail }) => ({ step, atMs: at_ms, detail }));
}

/** Whether a terminal is at a job of a kind: it was handed out, and is not over. */
export async function isCarriedOut(on: Queryable, serial: Serial, type: JobType): Promise<boolean> {
  const row = await on
    .selectFrom('jobs')
    .select('id')
    .where('serial', '=', serial)
    .where('type', '=', type)
    .where('state', 'in', ['offered', 'running'])
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
}
