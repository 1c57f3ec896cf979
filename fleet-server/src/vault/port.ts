import type { KeyObject } from 'node:crypto';
import type { CombineError } from '@tsunagu/protocols/components';
import type { FrameKeys, FrameKind } from '@tsunagu/protocols/acquiring';
import type { DukptScheme } from '@tsunagu/protocols/dukpt';
import type { Result, Secret } from '@tsunagu/protocols/kit';
import type { PermutedPan } from '@tsunagu/protocols/negative';
import type { Parcel } from '@tsunagu/protocols/offline-root';
import type { KeyTokenRequest } from '@tsunagu/protocols/tr34';

/** What a key may be used for, and what it is. A key is bound to its use: no door of the vault opens for another. */
export const keyUses = {
  'certificate-signing': { kind: 'p256' },
  tls: { kind: 'p256' },
  'job-signing': { kind: 'ed25519' },
  /** Signs heads of negative lists. */
  'negative-signing': { kind: 'ed25519' },
  'negative-root-signing': { kind: 'ed25519' },
  'negative-list-signing': { kind: 'ed25519' },
  'negative-emergency-signing': { kind: 'ed25519' },
  /** Signs heads of the audit log, and nothing else. */
  'audit-signing': { kind: 'ed25519' },
  /** Signs what the software repository holds, and that it is fresh (TUF). */
  'software-snapshot-signing': { kind: 'ed25519' },
  'software-timestamp-signing': { kind: 'ed25519' },
  /** Base derivation key of AES DUKPT (X9.24-3). */
  'dukpt-base': { kind: 'aes', lengthBytes: 16 },
  /** Base derivation key of TDES DUKPT (X9.24-3:2017, annex C), and its variant that right halves of initial keys are made under. */
  'dukpt-base-tdes': { kind: 'tdes', lengthBytes: 16 },
  'dukpt-base-tdes-variant': { kind: 'tdes', lengthBytes: 16 },
  /** A terminal's key-block protection key (X9.143). */
  'key-block-protection': { kind: 'aes', lengthBytes: 32 },
  /** The key-block protection key of a link to a card company. */
  'zone-protection': { kind: 'aes', lengthBytes: 32 },
  /** The key under which PINs go to a card company (ISO 9564-1, zone encryption). */
  'zone-pin': { kind: 'aes', lengthBytes: 16 },
  'negative-tag': { kind: 'aes', lengthBytes: 16 },
  /** Keys of a terminal for one card company: PIN, MAC, data. Each terminal has its own. */
  'acquirer-pin': { kind: 'aes', lengthBytes: 16 },
  'acquirer-mac': { kind: 'aes', lengthBytes: 16 },
  'acquirer-data': { kind: 'aes', lengthBytes: 16 },
  /** The authorities of TR-34, and the key distribution host that signs key tokens. */
  'key-authority': { kind: 'rsa' },
  'key-distribution': { kind: 'rsa' },
  /** Signs records of key ceremonies and of injection runs. */
  'key-record-signing': { kind: 'ed25519' },
  'pan-token': { kind: 'hmac', lengthBytes: 32 },
  sealing: { kind: 'aes', lengthBytes: 32 },
} as const satisfies Record<
  string,
  { kind: 'p256' | 'ed25519' | 'rsa' } | { kind: 'aes' | 'tdes' | 'hmac'; lengthBytes: number }
>;

export type KeyUse = keyof typeof keyUses;
type UsesOfKind<K> = { [U in KeyUse]: (typeof keyUses)[U]['kind'] extends K ? U : never }[KeyUse];
export type SigningUse = Exclude<UsesOfKind<'p256' | 'ed25519' | 'rsa'>, 'tls'>;
export type SymmetricUse = UsesOfKind<'aes' | 'tdes' | 'hmac'>;
/**
 * Uses whose keys come out of their strong room: a root on its way off-line, what Node's TLS needs, a link's zone key, and keys that are made to
 * travel inside key blocks. All others stay in: base keys, terminals' protection keys, whatever signs, tokens and seals.
 */
export const releasedUses = [
  'certificate-signing',
  'tls',
  'zone-protection',
  'zone-pin',
  'negative-tag',
  'acquirer-pin',
  'acquirer-mac',
  'acquirer-data',
] as const satisfies readonly KeyUse[];
export type ReleasedUse = (typeof releasedUses)[number];
/** Uses whose keys people bring in, as components, one custodian after another. */
export const ceremonyUses = [
  'dukpt-base',
  'dukpt-base-tdes',
  'zone-protection',
  'zone-pin',
  'negative-tag',
] as const satisfies readonly SymmetricUse[];
export type CeremonyUse = (typeof ceremonyUses)[number];
/** Uses of keys that a terminal gets for one card company. */
export type AcquirerUse = 'acquirer-pin' | 'acquirer-mac' | 'acquirer-data';

/** What may be known of a key outside the vault. */
export interface KeyFacts {
  readonly id: string;
  readonly use: KeyUse;
  /** AES: check value, 10 hex digits (CMAC of a zero block, X9.24-1:2017, annex A); TDES: 6 (a zero block). Key pairs: id of the public key. Else "". */
  readonly checkValue: string;
}

/** A key for a terminal, ready to travel. */
export interface WrappedKey {
  /** TR-31 version D. */
  readonly keyBlock: string;
  readonly checkValue: string;
}

/** The working keys of one DUKPT transaction, AES-128 or TDES by its KSN. That of its PIN never leaves: see `translatePin`. */
export type DukptWorkingKeys = Readonly<Record<FrameKind, FrameKeys>>;
/** Uses of keys that initial keys of terminals are derived from. */
export const baseUses = { aes: 'dukpt-base', tdes: 'dukpt-base-tdes' } as const satisfies Record<DukptScheme, KeyUse>;

/** How far a vault's file is: kept outside it, it shows that the file was not replaced by an older one. */
export interface VaultHead {
  /** Counts compactions. */
  readonly generation: number;
  readonly records: number;
  /** MAC of the last record, hex; it covers all before it. */
  readonly mac: string;
}

/**
 * Where keys live. They are made, derived, wrapped and used inside; what leaves is wrapped, a signature, a tag or a token –
 * except a root's key on its way off-line (`parcelOf`), a TLS key, which Node's TLS needs, a link's zone key, which goes into the link's credentials once, and the working
 * keys of one transaction, which the switch wipes after it.
 */
export interface Vault {
  /** The named key; made when there is none yet. */
  ensure(id: string, use: KeyUse): Promise<KeyFacts>;
  /** Keeps a key that was agreed with somebody. The id is new. */
  keep(id: string, use: SymmetricUse, key: Secret<'key'>): Promise<KeyFacts>;
  find(id: string): KeyFacts | undefined;
  /** The ids of all keys for one use. */
  idsFor(use: KeyUse): readonly string[];
  /** Forgets a key for good. */
  destroy(id: string): Promise<void>;

  publicKey(id: string): Result<KeyObject, 'VAULT_KEY_UNKNOWN'>;
  /** ECDSA with SHA-256 (DER), Ed25519 or RSA (PKCS #1 v1.5, SHA-256), by the key's kind. Throws for a key that is not there: our own bug. */
  sign(id: string, use: SigningUse, bytes: Uint8Array): Uint8Array;
  /** A CA's key, wrapped for one receiver (P-256 SPKI, base64): how a root leaves for its file. INPUT_INVALID: no such receiver. */
  parcelOf(id: string, receiver: string): Result<Parcel, 'VAULT_KEY_UNKNOWN' | 'INPUT_INVALID'>;
  /** PKCS #8, PEM. */
  tlsKey(id: string): Result<string, 'VAULT_KEY_UNKNOWN'>;
  /** The clear zone key of a link, for its credentials. */
  zoneKey(id: string): Result<Secret<'key'>, 'VAULT_KEY_UNKNOWN'>;

  /**
   * Derives an initial DUKPT key and wraps it: usage B1, not exportable, with whose it is: optional block IK (AES, 8 bytes), or KS (TDES, the
   * 10 bytes of the KSN with its counter cleared).
   */
  wrapInitialKey(protection: string, base: string, initialKeyId: Uint8Array): Result<WrappedKey, 'VAULT_KEY_UNKNOWN'>;
  /**
   * Makes a key-block protection key, keeps it under `id`, and hands it out in a TR-34 key token that only one device can open. On failure
   * nothing is kept. TR 34-2019, 6.2 and 6.3.
   */
  protectionKeyToken(
    id: string,
    host: string,
    token: Omit<KeyTokenRequest, 'kdhKey' | 'key' | 'header' | 'entropy'>,
  ): Promise<
    Result<
      { readonly token: Uint8Array; readonly checkValue: string },
      'VAULT_KEY_UNKNOWN' | 'TR34_CONTENT_INVALID' | 'TR34_NONCE_LENGTH_INVALID' | 'TR31_NOT_EXPORTABLE'
    >
  >;
  /** Wraps a terminal's key for one card company: usages P0 (to encipher), M6 and D0, not exportable, the company's name in block LB. */
  wrapAcquirerKey(
    protection: string,
    key: string,
    use: AcquirerUse,
    label: string,
  ): Result<WrappedKey, 'VAULT_KEY_UNKNOWN'>;
  /**
   * Joins the components of custodians, sealed one by one by `sealComponent`, into a key. `kcv`: what the papers say. KEY_WEAK: a TDES key of equal
   * halves or weak parts.
   * @see ANSI X9.24-1:2017, 7.5.3; PCI PIN 3.1, 6 and 12
   */
  combine(
    id: string,
    use: CeremonyUse,
    components: readonly { readonly context: string; readonly sealed: Uint8Array; readonly kcv: string }[],
    kcv: string,
  ): Promise<Result<KeyFacts, 'VAULT_DAMAGED' | 'KEY_WEAK' | CombineError>>;
  /**
   * Seals a component until it is joined; its check value is what its custodian compares. KEY_LENGTH_INVALID: it is not as long as keys for that use
   * are; KEY_COMPONENT_WORTHLESS: all zeros.
   */
  sealComponent(
    context: string,
    use: CeremonyUse,
    component: Secret<'key'>,
  ): Result<{ readonly sealed: Uint8Array; readonly kcv: string }, 'KEY_LENGTH_INVALID' | 'KEY_COMPONENT_WORTHLESS'>;
  /** Wraps a key for tags of negative lists: usage M6, not exportable. */
  wrapTagKey(protection: string, key: string): Result<WrappedKey, 'VAULT_KEY_UNKNOWN'>;
  /** Wraps the PIN key of a link for its far end: usage P0, to decipher only (an issuer) or to encipher only (a centre), not exportable. TR-31 version D. */
  wrapZonePin(protection: string, key: string, mode?: 'D' | 'E'): Result<WrappedKey, 'VAULT_KEY_UNKNOWN'>;
  /**
   * Translates a PIN block of format 4 (of TDES DUKPT: 0) from the PIN key of a transaction, or of a zone, to that of a link, under the same PAN: nobody outside sees the PIN.
   * PINBLOCK_UNREADABLE whatever is wrong with the block. ISO 9564-1:2017, 9.5.
   */
  translatePin(
    from:
      | { readonly base: string; readonly ksn: Uint8Array }
      | { readonly zone: string }
      | { readonly acquirerPin: string },
    to: string,
    block: Uint8Array,
    pan: Secret<'pan'>,
  ): Result<Uint8Array, 'VAULT_KEY_UNKNOWN' | 'KSN_LENGTH_INVALID' | 'DUKPT_COUNTER_INVALID' | 'PINBLOCK_UNREADABLE'>;
  /** The working keys of one transaction. `ksn` has 12 bytes (AES-128) or 10 (TDES). */
  dukptKeys(
    base: string,
    ksn: Uint8Array,
  ): Result<DukptWorkingKeys, 'VAULT_KEY_UNKNOWN' | 'KSN_LENGTH_INVALID' | 'DUKPT_COUNTER_INVALID'>;

  /** A terminal's data and MAC key of one card company, as frames of W3 are under. The one of its PIN never leaves: see `translatePin`. */
  acquirerKeys(data: string, mac: string): Result<DukptWorkingKeys, 'VAULT_KEY_UNKNOWN'>;

  /** What a card is in negative lists: its MAC under their key, 16 bytes. */
  negativeTag(key: string, pan: Secret<'pan'>): Result<Uint8Array, 'VAULT_KEY_UNKNOWN'>;
  /** Where a card stands in exact negative lists, under a key derived of theirs; undefined for a number that those do not hold. */
  negativePlace(key: string, pan: Secret<'pan'>): Result<PermutedPan | undefined, 'VAULT_KEY_UNKNOWN'>;
  /** What stands for a card in store and logs: "tok_" and 20 hex digits; one card always has the same one. */
  panToken(pan: Secret<'pan'>): string;

  /** Seals bytes for the store, bound to a context such as "claim/CATS200-0001". */
  seal(context: string, bytes: Uint8Array): Uint8Array;
  open(context: string, sealed: Uint8Array): Result<Uint8Array, 'VAULT_DAMAGED'>;

  /** See `StrongRoom`. */
  head(): VaultHead | undefined;
  onHead(moved: (head: VaultHead) => void): void;
  /** Wipes what is in memory. */
  close(): Promise<void>;
}
