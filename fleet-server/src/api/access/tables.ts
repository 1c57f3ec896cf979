/** Tables of who may use the management API. Of passphrases, tokens and cookies only hashes are here. */
export interface AccessTables {
  readonly people: {
    id: string;
    /** What they sign in as. */
    name: string;
    /** JSON list. */
    roles: string;
    /** scrypt, with its salt and cost; null until one was set. */
    passphrase: string | null;
    created_at: number;
    /** They may not sign in any more. */
    ended_at: number | null;
    /** Counts changes: the ETag. */
    version: number;
  };
  readonly api_tokens: {
    id: string;
    name: string;
    /** SHA-256, hex. */
    hash: string;
    /** The person who made it, and who it acts for. */
    person: string;
    roles: string;
    /** JSON list of what it may do, where that is less than its roles. */
    permissions: string | null;
    /** JSON list of `merchant` or `merchant/shop`; null for everywhere. */
    places: string | null;
    created_at: number;
    expires_at: number | null;
    revoked_at: number | null;
    last_used_at: number | null;
  };
  readonly sessions: {
    id: string;
    hash: string;
    subject: string;
    /** Whose roles it has, as they are now; null for the link of the start, which has the roles beside. */
    person: string | null;
    roles: string;
    created_at: number;
    expires_at: number;
  };
  readonly idempotency_keys: {
    /** SHA-256 of caller, route and key. */
    name: string;
    fingerprint: string;
    at: number;
    /** `effected`: something was committed, and the answer is not here (yet). */
    state: 'effected' | 'answered';
    request: string;
    status: number | null;
    content_type: string | null;
    /** Sealed by the vault: an answer may hold a secret that is shown once. */
    body_sealed: Uint8Array | null;
  };
  readonly api_secrets: { name: string; sealed: Uint8Array };
}
