import type { Generated } from 'kysely';

/** Tables of custody. Hand-overs are never changed. */
export interface CustodyTables {
  /** Whose hands count. */
  readonly custody_holders: {
    kid: string;
    name: string;
    public_key: string;
    added_at: number;
    added_by: string;
    /** From then on it does not count, milliseconds since 1970. */
    revoked_at: number | null;
    revoked_by: string | null;
    revoked_for: string | null;
    successor: string | null;
  };
  /** Hand-overs with both signatures, each terminal's in a chain of hashes. */
  readonly custody_handovers: {
    id: Generated<number>;
    serial: string;
    seq: number;
    hash: string;
    from_kid: string;
    to_kid: string;
    bag: string | null;
    /** As both hands wrote it, milliseconds since 1970. */
    at: number;
    delivered_at: number;
    delivered_by: string;
    /** JSON of a `signedHandover`. */
    document: string;
  };
}
