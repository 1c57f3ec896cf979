export { type JobRooms, type Jobs, openJobs } from './jobs.ts';
export { decideReport, isOpen, isOverdue, type JobProgress, offer, type ReportDecision } from './rules.ts';
