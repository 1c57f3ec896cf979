import type { Generated } from 'kysely';

/** Tables of identity: who may claim a serial, and which certificates were issued. */
export interface IdentityTables {
  /** Terminals whose certificates a second person was asked to revoke; kept, since the audit log has their digest only. */
  readonly revocation_proposals: { approval: string; serial: string };
  /** The claim secrets of registered terminals, sealed by the vault. */
  readonly claims: {
    serial: string;
    secret_sealed: Uint8Array;
    /** SHA-256 (hex) of the key that used the claim; null while it is unused. */
    used_key: string | null;
    used_at: number | null;
    /** Version of the trust anchors that the bundle carries. */
    trust_version: Generated<number>;
  };
  /** The house's own authorities, and what they were asked to become. */
  readonly authorities: {
    /** First 16 hex digits of the SHA-256 of the SPKI. */
    id: string;
    kind: 'root' | 'issuing';
    /** Name of its key in the vault; null: the key is elsewhere. */
    vault_key: string | null;
    common_name: string;
    /** null while a request waits for its answer. */
    pem: string | null;
    /** The root above an issuing CA. */
    issuer: string | null;
    made_at: number;
    not_after: number | null;
    retired_at: number | null;
  };
  /** What terminals were told about roots: signed, one version after the other, never changed. */
  readonly trust_documents: {
    version: number;
    /** JSON of a `trustDocument`. */
    document: string;
    /** JSON array of the ids of the roots in it. */
    anchors: string;
    issued_at: number;
  };
  /** Which version a terminal said that it holds. */
  readonly terminal_trust: { serial: string; version: number };
  /** Makers whose certificates count for a model. */
  readonly manufacturers: {
    /** SHA-256 of the DER, hex in lower case. */
    fingerprint: string;
    model: string;
    subject: string;
    pem: string;
    added_at: number;
    added_by: string;
  };
  /** Certificates that this house issued. */
  readonly certificates: {
    /** SHA-256 of the DER, hex in lower case. */
    fingerprint: string;
    kind: 'root' | 'issuing' | 'terminal' | 'server' | 'link';
    /** Serial of the terminal, or the name of the server or link. */
    subject: string;
    /** SHA-256 of the SPKI, hex. */
    key: string;
    pem: string;
    issued_at: number;
    not_after: number;
    /** Another certificate took its place, or it was revoked. */
    ended_at: number | null;
    /** The authority that issued it; null in rows of roots and of the first issuing CA. */
    issuer: string | null;
    /** It was revoked; it is on the revocation list until it expires. */
    revoked_at: number | null;
  };
}
