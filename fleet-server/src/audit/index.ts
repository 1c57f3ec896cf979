export { type Actor, auditActorOf, house, may, personOf } from './actor.ts';
export { areApart, letIn, owner } from './apart.ts';
export { type Approval, type Approvals, type OnDecided, openApprovals } from './approvals.ts';
export { type Audit, type AuditFilter, openAudit } from './audit.ts';
export { type Change, type Changes, openChanges } from './changes.ts';
export { commitParts } from './commit-parts.ts';
export { type AuditNote, hashOf, type WriteNote } from './note.ts';
