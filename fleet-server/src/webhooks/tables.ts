import type { Generated } from 'kysely';

/** Tables of webhooks. What is sent is read from the timeline, so that nothing is kept twice. */
export interface WebhookTables {
  readonly webhooks: {
    id: string;
    name: string;
    url: string;
    /** JSON list of kinds of the timeline; null for all. */
    events: string | null;
    state: 'active' | 'paused';
    /** Code of the error table: why it was paused; null when a person did it, or it is not. */
    paused_for: string | null;
    /** JSON list of `{secret, until}`, newest first, sealed by the vault. */
    secrets_sealed: Uint8Array;
    /** The newest entry of the timeline that was looked at for it. */
    cursor: number;
    created_at: number;
    /** Since when every delivery failed. */
    failing_since: number | null;
    /** How often in a row its receiver was found down; nothing is sent before `retry_at`, null while it is not down. */
    failures: number;
    retry_at: number | null;
    /** Counts changes by people: the ETag. */
    version: number;
  };
  readonly webhook_deliveries: {
    id: Generated<number>;
    webhook: string;
    /** Entry of the timeline. */
    event: number;
    serial: string;
    kind: string;
    state: 'pending' | 'delivered' | 'dead';
    attempt: number;
    next_at: number;
    created_at: number;
    ended_at: number | null;
    status: number | null;
    fault: string | null;
  };
}
