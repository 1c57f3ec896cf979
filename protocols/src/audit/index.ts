export { type Canonical, canonicalJson, sha256 } from './canonical.ts';
export {
  type AuditActor,
  type AuditEntry,
  type AuditHead,
  type AuditKey,
  type AuditLine,
  auditActor,
  auditEntry,
  auditHead,
  auditHeadPurpose,
  auditLine,
  auditOutcomes,
  genesis,
  sealEntry,
} from './entry.ts';
export { type AuditFinding, type AuditReport, type AuditTrust, openVerifier } from './verify.ts';
