import type { KeyObject } from 'node:crypto';
import type { DukptKeyUsage } from '@tsunagu/protocols/dukpt';
import type { Result, Secret } from '@tsunagu/protocols/kit';
import type { PermutedPan } from '@tsunagu/protocols/negative';
import type { Parcel } from '@tsunagu/protocols/offline-root';

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
  /** A terminal's key-block protection key (X9.143). */
  'key-block-protection': { kind: 'aes', lengthBytes: 32 },
  /** The key-block protection key of a link to a card company. */
  'zone-protection': { kind: 'aes', lengthBytes: 32 },
  /** The key under which PINs go to a card company (ISO 9564-1, zone encryption). */
  'zone-pin': { kind: 'aes', lengthBytes: 16 },
  'negative-tag': { kind: 'aes', lengthBytes: 16 },
  'pan-token': { kind: 'hmac', lengthBytes: 32 },
  sealing: { kind: 'aes', lengthBytes: 32 },
} as const satisfies Record<string, { kind: 'p256' | 'ed25519' } | { kind: 'aes' | 'hmac'; lengthBytes: number }>;

export type KeyUse = keyof typeof keyUses;
type UsesOfKind<K> = { [U in KeyUse]: (typeof keyUses)[U]['kind'] extends K ? U : never }[KeyUse];
export type SigningUse = Exclude<UsesOfKind<'p256' | 'ed25519'>, 'tls'>;
export type SymmetricUse = UsesOfKind<'aes' | 'hmac'>;

/** What may be known of a key outside the vault. */
export interface KeyFacts {
  readonly id: string;
  readonly use: KeyUse;
  /** AES: check value, 10 hex digits (CMAC of a zero block, X9.24-1:2017, annex A). Key pairs: id of the public key. Else "". */
  readonly checkValue: string;
}

/** A key for a terminal, ready to travel. */
export interface WrappedKey {
  /** TR-31 version D. */
  readonly keyBlock: string;
  readonly checkValue: string;
}

/** The working keys of one DUKPT transaction, AES-128. That of its PIN never leaves: see `translatePin`. */
export type DukptWorkingKeys = Readonly<Record<Exclude<DukptKeyUsage, 'pinEncryption'>, Secret<'key'>>>;

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
  /** ECDSA with SHA-256 (DER) or Ed25519, by the key's kind. Throws for a key that is not there: our own bug. */
  sign(id: string, use: SigningUse, bytes: Uint8Array): Uint8Array;
  /** A CA's key, wrapped for one receiver (P-256 SPKI, base64): how a root leaves for its file. INPUT_INVALID: no such receiver. */
  parcelOf(id: string, receiver: string): Result<Parcel, 'VAULT_KEY_UNKNOWN' | 'INPUT_INVALID'>;
  /** PKCS #8, PEM. */
  tlsKey(id: string): Result<string, 'VAULT_KEY_UNKNOWN'>;
  /** The clear zone key of a link, for its credentials. */
  zoneKey(id: string): Result<Secret<'key'>, 'VAULT_KEY_UNKNOWN'>;

  /** Derives an initial DUKPT key and wraps it: usage B1, not exportable, optional block IK with the 8-byte id. */
  wrapInitialKey(protection: string, base: string, initialKeyId: Uint8Array): Result<WrappedKey, 'VAULT_KEY_UNKNOWN'>;
  /** Wraps a key for tags of negative lists: usage M6, not exportable. */
  wrapTagKey(protection: string, key: string): Result<WrappedKey, 'VAULT_KEY_UNKNOWN'>;
  /** Wraps the PIN key of a link for its far end: usage P0, to decipher only (an issuer) or to encipher only (a centre), not exportable. TR-31 version D. */
  wrapZonePin(protection: string, key: string, mode?: 'D' | 'E'): Result<WrappedKey, 'VAULT_KEY_UNKNOWN'>;
  /**
   * Translates a PIN block of format 4 from the PIN key of a transaction, or of a zone, to that of a link, under the same PAN: nobody outside sees the PIN.
   * PINBLOCK_UNREADABLE whatever is wrong with the block. ISO 9564-1:2017, 9.5.
   */
  translatePin(
    from: { readonly base: string; readonly ksn: Uint8Array } | { readonly zone: string },
    to: string,
    block: Uint8Array,
    pan: Secret<'pan'>,
  ): Result<Uint8Array, 'VAULT_KEY_UNKNOWN' | 'KSN_LENGTH_INVALID' | 'DUKPT_COUNTER_INVALID' | 'PINBLOCK_UNREADABLE'>;
  /** The AES-128 working keys of one transaction. `ksn` has 12 bytes. */
  dukptKeys(
    base: string,
    ksn: Uint8Array,
  ): Result<DukptWorkingKeys, 'VAULT_KEY_UNKNOWN' | 'KSN_LENGTH_INVALID' | 'DUKPT_COUNTER_INVALID'>;

  /** What a card is in negative lists: its MAC under their key, 16 bytes. */
  negativeTag(key: string, pan: Secret<'pan'>): Result<Uint8Array, 'VAULT_KEY_UNKNOWN'>;
  /** Where a card stands in exact negative lists, under a key derived of theirs; undefined for a number that those do not hold. */
  negativePlace(key: string, pan: Secret<'pan'>): Result<PermutedPan | undefined, 'VAULT_KEY_UNKNOWN'>;
  /** What stands for a card in store and logs: "tok_" and 20 hex digits; one card always has the same one. */
  panToken(pan: Secret<'pan'>): string;

  /** Seals bytes for the store, bound to a context such as "claim/CATS200-0001". */
  seal(context: string, bytes: Uint8Array): Uint8Array;
  open(context: string, sealed: Uint8Array): Result<Uint8Array, 'VAULT_DAMAGED'>;

  /** Wipes what is in memory. */
  close(): Promise<void>;
}
