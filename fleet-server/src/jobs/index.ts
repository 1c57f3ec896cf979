export { type Chain, isTold, type Refusals, refusalsOf } from './again.ts';
export { type JobActor, type JobOrdering, type JobRooms, type Jobs, openJobs } from './jobs.ts';
export { isCarriedOut } from './row.ts';
export type { JobSelection } from './list.ts';
export { type JobSigner, openJobSigner } from './signer.ts';
export { type JobLogs } from './logs.ts';
export { jobsKeptMax, jobsKeptMs } from './retention.ts';
export {
  backoffMs,
  decideCancel,
  decideReport,
  decideTime,
  isOpen,
  isToBeTakenBack,
  type JobProgress,
  nextCheck,
  offer,
  openStates,
  type ReportDecision,
  stateTable,
} from './rules.ts';
