import type { Generated } from 'kysely';

/** Tables of the negative lists. A card is a keyed tag, a token and four digits; its number is nowhere. */
export interface NegativeTables {
  readonly negative_lists: {
    list: string;
    version: number;
    /** SHA-256 of the snapshot, hex. */
    digest: string;
    size: number;
    overlay_seq: number;
    /** The signed head as it was published last, JSON. */
    head: string;
    not_after: number;
  };
  readonly negative_entries: {
    id: Generated<number>;
    list: string;
    tag: Uint8Array;
    token: string;
    last_four: string;
    reason: string;
    added_at: number;
    /** The version whose snapshot holds the entry first; null while it is in the overlay only. */
    version: number | null;
  };
  /** What each terminal said it applies. */
  readonly negative_applied: {
    serial: string;
    list: string;
    version: number;
    overlay_seq: number;
    fresh_at: number;
  };
}
