import type { ProtectionScheme } from '@tsunagu/protocols/catalogue';
import type { CeremonyState, KeyRun, KeySlot, RunDeviceState } from '@tsunagu/protocols/fleet';
import type { Generated } from 'kysely';

/** Tables of the key ledger. The keys themselves are in the vault; here are their ids, check values and counters. */
export interface KeyTables {
  /** Ceremonies as their steps, JSON; what they amount to follows from those. */
  readonly key_ceremonies: { id: string; state: CeremonyState['state']; steps: string; begun_at: number };
  /** Components that wait for the others, sealed by the vault. */
  readonly key_components: { ceremony: string; index: number; kcv: string; sealed: Uint8Array };
  readonly key_runs: {
    id: string;
    name: string;
    state: KeyRun['state'];
    digest: string;
    ordered_by: string;
    authorised_by: string | null;
    begun_at: number;
    closed_at: number | null;
  };
  readonly key_run_devices: {
    run: string;
    serial: string;
    state: RunDeviceState;
    is_listed: number;
    at: number;
    by: string;
    /** JSON: slot to check value. */
    kcvs: string;
    note: string | null;
  };
  /** Keys that are suspect or gone. */
  readonly key_marks: {
    key: string;
    use: string;
    check_value: string;
    state: 'suspect' | 'retired';
    reason: string;
    campaign: string | null;
    at: number;
  };
  /** Which key of a use new keys hang on. */
  readonly key_current: { use: string; key: string; since: number };
  /** How the key of negative lists gave way to the next. `switched_at`: lists are made under it since; null while it is being spread. */
  readonly tag_rotations: {
    key: string;
    from_key: string;
    begun_at: number;
    switched_at: number | null;
    broken_off_at: number | null;
  };
  readonly rotation_break_offs: { approval: string; key: string; begun_at: number; reason: string };
  /** How far the vault's file was when it was last heard of: one row. An older file is noticed. */
  readonly vault_head: { id: number; generation: number; records: number; mac: string; seen_at: number };
  /** The key-block protection key that was agreed with each terminal at enrolment. */
  readonly protection_keys: {
    serial: string;
    vault_key: string;
    kcv: string;
    agreed_at: number;
    /** What brought it: an agreement at enrolment, or TR-34. */
    scheme: Generated<ProtectionScheme>;
  };
  /** Protection keys that are gone: what certificates of death name. */
  readonly protection_ends: {
    vault_key: string;
    serial: string;
    kcv: string;
    agreed_at: number;
    ended_at: number;
    /** As in the ledger; null: another took its place. */
    ended_by: string | null;
  };
  /** Certificates of the key authorities and of the key host, DER in base64. */
  readonly key_parties: { name: string; certificate: string; made_at: number };
  /** Terminals that are bound to the key host: their certificates as key receiving devices, and the protection key that was sent last. */
  readonly key_bindings: {
    serial: string;
    certificate: string;
    /** Which key host it is bound to: a name in `key_parties`. */
    host: Generated<string>;
    vault_key: string;
    kcv: string;
    state: 'sent' | 'received';
    /** One-pass: that of the last token, UTCTime. */
    signing_time: string | null;
    sent_at: number;
  };
  /** What terminals swore to when they were unbound or rebound. It is kept for good. */
  readonly key_releases: {
    job: string;
    serial: string;
    at: number;
    /** The vault's id of the key of the host that it was bound to, and of the next one; null: bound to nobody, and without keys. */
    host: string;
    next: string | null;
    protection_kcv: string | null;
    statement: string;
    signature: string;
    ordered_by: string | null;
    approved_by: string | null;
  };
  /** Which card companies a terminal has keys of. */
  readonly terminal_acquirers: { serial: string; acquirer: string; added_at: number };
  /** How often the card companies of a terminal were set. */
  readonly acquirer_versions: { serial: string; version: number };
  /** Which key was made for which slot of which terminal, and whether the terminal proved that it holds it. */
  readonly key_ledger: {
    /** UUID; also the vault's name for the key, where it keeps one. */
    id: string;
    serial: string;
    slot: KeySlot;
    kcv: string;
    /** Initial key id, 16 hex digits in upper case, or 20: a TDES KSN with its counter cleared; null for keys that are not DUKPT. Never used twice. */
    initial_key_id: string | null;
    /** The vault's id of the key it was derived from or is a copy of. */
    parent_key: string;
    /** The key-block protection key it was wrapped under: a terminal enrolled anew needs its keys anew. */
    protected_by: string;
    /** The key block that goes to the terminal. */
    key_block: string;
    /** `suspect`: in the wrong hands; it counts no longer. */
    state: 'allocated' | 'loaded' | 'replaced' | 'suspect' | 'destroyed';
    allocated_at: number;
    loaded_at: number | null;
    /** When it stopped to count; null while it does, and for what was replaced before this was kept. */
    replaced_at: Generated<number | null>;
    /** What destroyed it: a job of the terminal, `destruction`, or `erasure`; null for other ends, and for what ended before this was kept. */
    ended_by: Generated<string | null>;
  };
}
