import type { Generated } from 'kysely';

/** Tables of the estate: which terminals there are, where they stand, and what happened to them. */
export interface EstateTables {
  /** The inventory allow-list. */
  readonly terminals: {
    serial: string;
    model: string;
    merchant: string;
    shop: string;
    lane: string;
    parent: string | null;
    relay_port: number | null;
    registered_at: number;
    enrolled_at: number | null;
  };
  /** Labels that people put on terminals. */
  readonly terminal_tags: { serial: string; tag: string };
  /** What a terminal last said about itself. A row appears with the first hello. */
  readonly presence: {
    serial: string;
    state: 'ready' | 'lost' | 'disconnected';
    since: number;
    boot_seq: number;
    /** The sequence number of the hello in force. */
    hello_seq: number;
    hello_at: number;
    /** The hello's body, JSON. */
    hello: string;
  };
  /** The last sale of each terminal, for the list. */
  readonly last_sales: {
    serial: string;
    at: number;
    outcome: string;
    amount_minor: number;
    last_four: string;
    reason: string | null;
  };
  /** The event log: what happened to a terminal, in the order in which it was written. Rows are never changed. */
  readonly timeline: {
    id: Generated<number>;
    serial: string;
    at: number;
    kind: string;
    /** JSON object of texts, numbers and booleans. */
    facts: string;
  };
}
