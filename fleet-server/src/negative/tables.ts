import type { Generated } from 'kysely';

/** Tables of the negative lists. A card is a keyed MAC, a token and four digits; its number is nowhere. */
export interface NegativeTables {
  readonly negative_lists: {
    list: string;
    version: number;
    /** SHA-256 of the container, hex: its name among the artefacts. */
    digest: string;
    size: number;
    overlay_seq: number;
    /** Head and overlay as they were published last: two signed documents, base64. */
    head: string;
    not_after: number;
    /** Rises when the key of the MACs changes, or the codec. */
    epoch: number;
    codec: 'KH' | 'KP';
    hash_bits: number;
    /** The vault's id of the key that the version in force is made with. */
    tag_key: Generated<string>;
    /** The count that a list may not fall 5 % under without a second signature. */
    count_floor: number;
    /** What one signature let go lately, as terminals count it: cards, and the moment in seconds. */
    let_go: number;
    let_go_at: number;
    /** The newest of `negative_changes` that a version says which holds nothing back: who let cards go after it waits for another person. */
    settled: number;
  };
  /** How a list is wanted: what is not here is a list of keyed hashes. */
  readonly negative_list_settings: { list: string; codec: 'KH' | 'KP' };
  readonly negative_versions: {
    list: string;
    epoch: number;
    version: number;
    /** Merkle root of the container, hex. */
    root: string;
    /** Names among the artefacts. */
    container: string;
    steps: string;
    manifest: string;
    count: number;
    size: number;
    issued_at: number;
    tag_key: Generated<string>;
  };
  /** One row for each source that lists a card: a card is off the list when the last of them is gone. */
  readonly negative_cards: {
    id: Generated<number>;
    list: string;
    /** Issuer or brand, or "manual". */
    source: string;
    /** MAC of the PAN, 16 bytes (8 in rows older than exceptions). */
    tag: Uint8Array;
    /** Where it stands in an exact list: partition (3 bytes), place in it (7). Null in lists of keyed hashes. */
    place: Uint8Array | null;
    /** Both under the key that takes over: null while none does, and for a card whose number did not come since. */
    next_tag: Uint8Array | null;
    next_place: Uint8Array | null;
    token: string;
    last_four: string;
    reason: string;
    added_at: number;
    /** The version whose container holds the card first; null while it is in the overlay only. */
    version: number | null;
  };
  readonly negative_ranges: {
    id: Generated<number>;
    list: string;
    digits: number;
    low: number;
    high: number;
    /** Seconds since 1970. */
    not_after: number;
  };
  /** Good cards that are let through although they meet a listed one's tag, or lie in a blocked range. */
  readonly negative_exceptions: {
    id: Generated<number>;
    list: string;
    token: string;
    /** Second tag of the PAN's MAC, 48 bits. */
    second: number;
    /** Under the key that takes over; null as for cards. */
    next_second: number | null;
  };
  /** Who came and went, for people and disputes. */
  readonly negative_changes: {
    id: Generated<number>;
    list: string;
    token: string;
    last_four: string;
    kind: 'listed' | 'unlisted' | 'allowed' | 'disallowed';
    source: string;
    reason: string;
    at: number;
    by: string;
    /** The human being behind `by`; null in rows of older servers. */
    person: string | null;
  };
  /** Every head that said something new, with its overlay: what a dispute is answered with. */
  readonly negative_heads: {
    id: Generated<number>;
    list: string;
    version: number;
    overlay_seq: number;
    head: string;
    issued_at: number;
  };
  readonly negative_roots: { version: number; document: string };
  /** The root that was brought and is in force with the first version signed under it; one at most. */
  readonly negative_next_root: { version: number; document: string };
  /** The version that waits for signatures made elsewhere. */
  readonly negative_pending: {
    list: string;
    /** The manifest with the signatures that came so far, base64. */
    document: string;
    /** `PreparedVersion`, JSON. */
    facts: string;
  };
  /** What each terminal said it applies. */
  readonly negative_applied: {
    serial: string;
    list: string;
    version: number;
    overlay_seq: number;
    fresh_at: number;
  };
  /** When each terminal said so first. */
  readonly negative_applied_log: {
    id: Generated<number>;
    serial: string;
    list: string;
    version: number;
    overlay_seq: number;
    at: number;
  };
}
