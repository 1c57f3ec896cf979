/** Tables of the twin: what terminals should be set to, and what they say they are set to. */
export interface TwinTables {
  /** Every version of the desired configuration; the highest is in force. */
  readonly desired_configurations: { version: number; value: string; at: number };
  readonly reported_configurations: {
    serial: string;
    version: number;
    hash: string;
    /** JSON, or null while only the hello's hash is known. */
    value: string | null;
    drift: string | null;
    at: number;
  };
}
