import type { Operation } from '@tsunagu/protocols/acquiring';
import { type Generated, type RawBuilder, type Selectable, sql } from 'kysely';
import type { SaleState } from '../transaction/rules.ts';

/** What a commit of the log wrote: rows of each kind as one text, or null. */
export interface LoggedRow {
  readonly opened: string | null;
  readonly decided: string | null;
  readonly updated: string | null;
  readonly entries: string | null;
  readonly counters: string | null;
  readonly postings: string | null;
}

/** Tables of the switch. A card stands in them as a token and its last four digits; what needs its number is sealed by the vault. */
export interface SwitchTables {
  /** The last commit of the log (`log.ts`) that is in the tables below; one row, with id 1. SQLite only. */
  readonly switch_log_place: { id: number; seq: number };
  /** Commits that are not in the tables below yet, of a version that had them here; the next start moves them into the log. */
  readonly switch_log: LoggedRow & {
    seq: number;
  };
  /** One row per request or advice of a terminal. Unique by terminal, STAN and local time. */
  readonly switch_sales: {
    seq: Generated<number>;
    id: string;
    serial: string;
    /** DE11 and DE12 of the terminal. */
    stan: string;
    local_time: string;
    /** Keyed tag of the request without its time of sending: tells a repeat from another request. */
    body_tag: string;
    kind: Operation;
    /** What it follows: the sale of a refund, the authorisation of a completion. */
    original_id: string | null;
    received_at: number;
    amount_minor: number;
    currency: string;
    scheme: string;
    entry: string;
    pan_token: string;
    last_four: string;
    routing_version: number;
    /** The link it went to; null when it went nowhere. */
    link: string | null;
    /** DE11 and DE37 towards the issuer. */
    out_stan: string | null;
    rrn: string | null;
    state: SaleState;
    decided_by: 'issuer' | 'switch' | null;
    action_code: string | null;
    approval_code: string | null;
    /** Code of the error table when the switch decided. */
    reason: string | null;
    /** The answer as ISO 8583 bytes of the link that asked. It holds no card number: an issuer's answer to a validity check, which may, is sealed. */
    answer: Uint8Array | null;
    answered_at: number | null;
    /** What a reversal of it needs, sealed. */
    image: Uint8Array | null;
    /** `terminals`, or the id of the acquirer link that it came over; there `serial` is the link and its acquirer. */
    origin: Generated<string>;
    /** DE32 towards the issuer, DE41, DE42. */
    acquirer: string | null;
    terminal_id: string | null;
    merchant_id: string | null;
    /** Business days on both sides when it came: YYMMDD. */
    acquirer_day: string | null;
    issuer_day: string | null;
  };
  /** Advices: postings (1220) and reversals (1420). Those that the switch owes an issuer, and those that terminals asked for. */
  readonly switch_reversals: {
    seq: Generated<number>;
    id: string;
    sale_id: string | null;
    advice: 'reversal' | 'posting';
    origin: 'switch' | 'terminal';
    /** Terminal's own keys of its 1420; null for one of the switch. */
    serial: string | null;
    stan: string | null;
    local_time: string | null;
    body_tag: string | null;
    /** Keys of the sale that a terminal wants reversed. */
    original_stan: string | null;
    original_local_time: string | null;
    /** DE25. */
    reason: string;
    link: string | null;
    /** The 1420 for the issuer, sealed; null when the issuer need not hear of it. */
    image: Uint8Array | null;
    /** `queued` until the issuer took it; `dead` when it is tried rarely and a person has to look; `settled` when nothing is to be taken to the issuer, or a person said so. */
    state: 'queued' | 'dead' | 'delivered' | 'settled';
    attempts: number;
    next_at: number;
    /** Answer to the terminal's 1420; null while a void waits for its issuer, and until it is asked for again after that. */
    answer: Uint8Array | null;
    created_at: number;
    delivered_at: number | null;
    /** DE11 and DE12 towards the issuer, by which a late answer finds it. */
    out_stan: string | null;
    out_time: string | null;
    /** What the issuer said last; of a terminal's void, what its answer is. */
    last_action_code: string | null;
    /** Who settled it by hand, and why. */
    settled_by: string | null;
  };
  /**
   * What counts on which business day of which link: a transaction once when it was taken and once when it was given back, on either side.
   * Rows are never changed; counters are sums of them.
   */
  readonly switch_postings: {
    seq: Generated<number>;
    sale_id: string;
    side: 'acquirer' | 'issuer';
    kind: 'taken' | 'given-back';
    class: 'debit' | 'credit';
    amount_minor: number;
    link: string;
    /** The day on which it counts, and the one that was said: another where that was closed already. */
    day: string;
    said_day: string;
    /** DE11 and DE12 on that link. */
    stan: string;
    local_time: string;
    at: number;
  };
  /** Business days that were compared with the far side. */
  readonly switch_days: {
    link: string;
    day: string;
    /** A closed one takes nothing more. */
    state: 'open' | 'closed';
    /** Totals as JSON. */
    ours: string;
    theirs: string | null;
    result: 'balanced' | 'unbalanced' | 'unanswered' | 'held';
    differences: number;
    at: number;
    /** Whose totals count of a closed day; null while it is open, and of one that was closed out of balance before this was written down. */
    figures: 'both' | 'ours' | 'theirs' | null;
    /** Who had it closed: a person, `calendar`, or the link whose far side did. */
    settled_by: string | null;
    /** Why by those figures. */
    settled_why: 'balanced' | 'settle-ours' | 'settle-theirs' | 'by-hand' | null;
  };
  /** Items of a day that one side has otherwise than the other. */
  readonly switch_differences: {
    seq: Generated<number>;
    link: string;
    day: string;
    stan: string;
    local_time: string;
    kind: 'debit' | 'credit' | 'debit-reversal' | 'credit-reversal';
    ours_minor: number | null;
    theirs_minor: number | null;
    sale_id: string | null;
    at: number;
  };
  /** Who may write: the highest epoch. A switch that finds a higher one than its own stops. */
  readonly switch_epochs: { name: string; epoch: number; since: number };
  /**
   * What happened, in the order in which it was written. What happened to one sale in one commit is one row, where no fact says otherwise than another:
   * names and facts stand together as they were durable together. Rows are never changed.
   */
  readonly switch_journal: {
    seq: Generated<number>;
    at: number;
    sale_id: string | null;
    serial: string | null;
    /** What happened, by its names in their order, with a space between. */
    entry: string;
    /** JSON object of texts, numbers and booleans. */
    facts: string;
  };
  /** The highest DUKPT counter used under each initial key. */
  readonly switch_counters: { initial_key_id: string; counter: number; used_at: number };
  /** The next trace number of each link; blocks are reserved ahead. */
  readonly switch_numbers: { name: string; next: number };
}

/** The condition of the index of sales by state: a search by any other state has to say it, in these words. */
export const notApproved: RawBuilder<boolean> = sql<boolean>`state <> 'approved'`;

/** A reversal as it stands in the journal. */
export type ReversalRow = Selectable<SwitchTables['switch_reversals']> & {
  /** The transaction that its own one follows, such as the authorisation of a completion; where a lane has it. */
  readonly follows?: string | null;
};
