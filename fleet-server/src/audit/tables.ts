import type { Generated } from 'kysely';

/** Tables of the audit log and of approvals. */
export interface AuditTables {
  /** The chain. Rows are never changed; `seq` has no gap. */
  readonly audit_entries: {
    seq: number;
    at: number;
    /** Copies of what stands in `entry`, to look for. */
    subject: string;
    action: string;
    actor: string;
    outcome: 'done' | 'refused' | 'failed';
    /** The entry in canonical form, as it was hashed. */
    entry: string;
    hash: string;
  };
  /** Signed heads, oldest first. */
  readonly audit_heads: {
    id: Generated<number>;
    seq: number;
    at: number;
    /** The signed document, JSON. */
    document: string;
  };
  readonly approvals: {
    id: string;
    kind: string;
    subject: string;
    /** SHA-256 of what is to be approved: an approval is for exactly that. */
    digest: string;
    /** What is asked for, as people read it, JSON. */
    facts: string;
    requested_by: string;
    requested_at: number;
    expires_at: number;
    state: 'requested' | 'approved' | 'refused';
    decided_by: string | null;
    decided_at: number | null;
    reason: string | null;
  };
  /** Who added whom, or made a sign-in link for them. Rows are never changed. */
  readonly let_in: { person: string; by: string };
}
