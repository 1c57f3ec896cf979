import type { Generated } from 'kysely';
import type { JobState, JobType } from '@tsunagu/protocols/fleet';

/** Tables of the job engine. */
export interface JobTables {
  readonly jobs: {
    id: string;
    serial: string;
    type: JobType;
    /** What the job is about: of two open jobs of a terminal with one subject, one is enough. */
    subject: string;
    /** The body's params, JSON. Keys only as key blocks. */
    params: string;
    state: JobState;
    /** 0 until the first offer. */
    attempt: number;
    attempts_max: number;
    created_at: number;
    /** After it an open job is timed out. */
    deadline_at: number;
    finished_at: number | null;
    fault: string | null;
    /** The final report, JSON. */
    result: string | null;
    /** 0 emergency, 1 routine. */
    priority: Generated<number>;
    /** It is not handed out before. */
    not_before: Generated<number>;
    /** When its state changed, or the terminal last said something about it. */
    changed_at: Generated<number>;
    /** When the terminal was last told that it waits. */
    announced_at: Generated<number>;
    /** When the clock next does something to it, while it is open. */
    check_at: Generated<number>;
    /** When it was taken back; null when it was not. */
    cancelled_at: number | null;
    /** 1: its result came after it had been timed out. */
    is_late: Generated<number>;
    ordered_by: Generated<string>;
    approved_by: string | null;
    /** The request for approval that a held job waits for. */
    approval: string | null;
    /** What it belongs to, such as a campaign. */
    reference: string | null;
  };
  readonly job_steps: {
    job: string;
    attempt: number;
    at_ms: number;
    step: string;
    detail: string | null;
  };
  /** Logs that terminals upload, and how long each is. */
  readonly job_logs: { job: string; digest: string; size: number };
  readonly job_log_pieces: { job: string; offset: number; bytes: Uint8Array };
}
