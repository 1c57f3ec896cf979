export { type DiagnosticParts, diagnose, selfTest, type Vitals } from './diagnose.ts';
export { type JobTargets, jobHandlers } from './handlers.ts';
export { type JobLedger, type LedgerEntry, openLedger } from './ledger.ts';
export { type LogRing, openLogRing } from './log-ring.ts';
export { uploadLog } from './log-upload.ts';
export { type Order, type OrderTrust, readOrder } from './order.ts';
export {
  type JobContext,
  type JobHandler,
  type JobHandlers,
  type JobOutcome,
  type JobRestarts,
  type JobRunner,
  type JobRunnerOptions,
  jobRunner,
} from './runner.ts';
export { endWipe, wipe, wipeTold } from './wipe.ts';
