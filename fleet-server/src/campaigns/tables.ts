import type { CampaignPhase } from '@tsunagu/protocols/fleet';
import type { Generated } from 'kysely';

/** Names of the sets of a campaign; each ring is a set of its own. */
export type SetName = 'cohort' | 'done' | 'had' | 'failed' | 'back' | `ring${number}`;

/** Which way an order leads: to the new, or back to the old. */
export type Leg = 'forward' | 'back';

/** Tables of campaigns. A terminal stands in them by its ordinal, in sets; rows of its own it has while it is an exception or ordered. */
export interface CampaignTables {
  /** Numbers that never change and are never given twice: what sets are made of. */
  readonly terminal_ordinals: { ordinal: Generated<number>; serial: string };
  readonly campaigns: {
    number: Generated<number>;
    id: string;
    version: number;
    name: string;
    kind: string;
    /** What it is about: of the campaigns about one thing, one at a time changes a terminal. */
    subject: string;
    phase: CampaignPhase;
    /** JSON. */
    spec: string;
    /** `Progress` and the bounds of the rings, JSON. */
    progress: string;
    /** State of the gate by metric, JSON. */
    gate: string;
    created_at: number;
    created_by: string;
    /** Id of the request for approval; null for campaigns from before there were any. */
    approval: string | null;
    approved_by: string | null;
    started_at: number | null;
    ended_at: number | null;
  };
  /** Sets of ordinals as portable Roaring bitmaps. */
  readonly campaign_sets: { campaign: string; name: SetName; bytes: Uint8Array };
  /** Orders that are open, and those whose end was not counted yet. */
  readonly campaign_orders: {
    job: string;
    campaign: string;
    ordinal: number;
    leg: Leg;
    ordered_at: number;
    /** When the window closes in which it was ordered; null where there is none. */
    window_until: number | null;
    outcome: 'done' | 'failed' | 'cancelled' | null;
    fault: string | null;
    ended_at: number | null;
  };
  readonly campaign_exceptions: {
    campaign: string;
    ordinal: number;
    state: 'retrying' | 'failed';
    attempts: number;
    fault: string | null;
    job: string | null;
    at: number;
    next_at: number | null;
  };
  readonly campaign_events: {
    id: Generated<number>;
    campaign: string;
    at: number;
    what: string;
    by: string | null;
    facts: string;
  };
  /** How far gates have read the sales: places in lists that only grow. */
  readonly campaign_cursors: { name: 'switch' | 'terminals'; at: number; key: string };
}
