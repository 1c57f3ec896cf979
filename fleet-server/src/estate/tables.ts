import type { LifecycleState } from '@tsunagu/protocols/fleet';
import type { Generated } from 'kysely';
import type { AlarmColumns } from '../alarms/alarm-table.ts';

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
    lifecycle: Generated<LifecycleState>;
    lifecycle_since: Generated<number>;
    /** What its vendor kept when it sent this one. */
    replaces: Generated<string | null>;
  };
  /** How each terminal came to be in the state that it is in. Rows are never changed. */
  readonly lifecycle_moves: {
    id: Generated<number>;
    serial: string;
    at: number;
    /** null at the beginning. */
    from_state: LifecycleState | null;
    to_state: LifecycleState;
    by: string;
    reason: string;
    /** What was handed in, JSON; null at the beginning, and in steps older than evidence. */
    evidence: string | null;
    /** The second person, where one was asked for. */
    approved_by: Generated<string | null>;
  };
  /** Steps that wait for a second person, one a terminal at most. */
  readonly lifecycle_proposals: {
    approval: string;
    serial: string;
    from_state: LifecycleState;
    to_state: LifecycleState;
    reason: string;
    evidence: string;
    by: string;
  };
  /** What terminals reported of themselves and a step stands on: kept for good, jobs are forgotten. */
  readonly step_reports: {
    job: string;
    serial: string;
    type: 'terminal.test' | 'terminal.diagnose';
    at: number;
    ordered_by: string;
    /** JSON of a `jobReport`. */
    report: string;
  };
  /** Every bag that was ever closed: a number is used once. */
  readonly bags: { number: string; serial: string; closed_at: number };
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
  /** Terminals that do not run, as whoever runs them said. A row goes with the next hello. */
  readonly terminal_troubles: { serial: string; at: number; code: string; record: string | null };
  /** Alarms of the timelines that a person has to see. */
  readonly terminal_alarms: AlarmColumns<'serial'>;
  /** Sales that terminals told of as queued: advices that the switch had not got by then. Those of before the last hello are in what that says; what the switch got is forgotten. */
  readonly queued_sales: { serial: string; stan: string; at: number };
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
    /** Id of the terminal's message that told of it, where it may come again; null: nobody repeats it. */
    message: Generated<string | null>;
  };
}
