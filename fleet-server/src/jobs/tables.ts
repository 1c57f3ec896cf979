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
  };
  readonly job_steps: {
    job: string;
    attempt: number;
    at_ms: number;
    step: string;
    detail: string | null;
  };
}
