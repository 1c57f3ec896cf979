/** Tables of the refurbish workshop. */
export interface RefurbishTables {
  readonly work_orders: {
    id: string;
    serial: string;
    intake: string;
    reported: string | null;
    warranty_until: string | null;
    opened_at: number;
    opened_by: string;
    closed_at: number | null;
  };
  /** Wipes that terminals swore to, one a job; kept for good, like the steps that they are evidence of. */
  readonly wipes: {
    job: string;
    serial: string;
    at: number;
    ordered_by: string;
    approved_by: string | null;
    /** What was signed, the signature (DER, base64) and the certificate whose key made it, PEM. */
    statement: string;
    signature: string;
    certificate: string;
  };
  /** Parts that were harvested, each of them once. */
  readonly work_parts: {
    /** The entry that harvested it. */
    id: string;
    part: string;
    from_serial: string;
    /** The entry that fitted it; null while it lies in its drawer. */
    fitted_by: string | null;
  };
  /** Bought parts: how many lie there, by the last of what was done. */
  readonly stock_parts: { part: string; count: number; minimum: number; counted_at: number | null; changed_at: number };
  /** What was done to each stock, in order. Rows are never changed. */
  readonly stock_moves: {
    id: string;
    part: string;
    seq: number;
    at: number;
    by: string;
    kind: 'received' | 'fitted' | 'counted' | 'adjusted' | 'minimum';
    change: number;
    /** How many lay there after it. */
    count: number;
    /** Receipt, reason, minimum or work order. */
    says: string;
  };
  /** What was done, in order. Rows are never changed. */
  readonly work_entries: {
    id: string;
    work: string;
    seq: number;
    at: number;
    by: string;
    /** JSON of a `workEntry`. */
    entry: string;
    /** 1: a bench test that was signed and in which nothing failed. */
    is_passed: number;
  };
}
