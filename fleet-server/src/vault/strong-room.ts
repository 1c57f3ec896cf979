import type { KeyObject } from 'node:crypto';
import type { BlockEncrypter } from '@tsunagu/protocols/internal/cipher';
import type { Result, Secret } from '@tsunagu/protocols/kit';
import type { KeyFacts, KeyUse, ReleasedUse, SigningUse, SymmetricUse, VaultHead } from './port.ts';

/**
 * Where the keys themselves are: an encrypted file, or a token behind PKCS #11. A strong room knows ciphers and signatures and nothing of
 * payments; `vault.ts` makes the vault's doors out of what is here, the same for every room.
 */
export interface StrongRoom {
  /** The named key; made when there is none yet. Throws when it is there for another use: our own bug. */
  ensure(id: string, use: KeyUse): Promise<KeyFacts>;
  /** Takes a key in. The id is new, the length is that of its use. */
  keep(id: string, use: SymmetricUse, key: Secret<'key'>): Promise<KeyFacts>;
  find(id: string): KeyFacts | undefined;
  idsFor(use: KeyUse): readonly string[];
  destroy(id: string): Promise<void>;

  publicKey(id: string): Result<KeyObject, 'VAULT_KEY_UNKNOWN'>;
  /** ECDSA with SHA-256 (DER), Ed25519, or RSA (PKCS #1 v1.5, SHA-256), by the key's kind. */
  sign(id: string, use: SigningUse, bytes: Uint8Array): Result<Uint8Array, 'VAULT_KEY_UNKNOWN'>;
  /** The block cipher of an AES key, in ECB: what CMACs, derivations and PIN blocks are made of. The key stays in. */
  cipher(id: string, use: SymmetricUse): Result<BlockEncrypter, 'VAULT_KEY_UNKNOWN'>;
  /** HMAC-SHA-256. */
  hmac(id: string, use: SymmetricUse, bytes: Uint8Array): Result<Uint8Array, 'VAULT_KEY_UNKNOWN'>;
  /** AES-256-GCM: IV of 12 bytes, ciphertext, tag of 16 bytes. `context` is authenticated with it. NIST SP 800-38D. */
  seal(id: string, use: SymmetricUse, context: string, bytes: Uint8Array): Result<Uint8Array, 'VAULT_KEY_UNKNOWN'>;
  /** undefined when key, context or bytes are not those it was sealed with. */
  open(
    id: string,
    use: SymmetricUse,
    context: string,
    sealed: Uint8Array,
  ): Result<Uint8Array | undefined, 'VAULT_KEY_UNKNOWN'>;
  /** The key itself, PKCS #8 (DER) for a pair: only for the uses whose keys are made to leave. */
  release(id: string, use: ReleasedUse): Result<Secret<'key'>, 'VAULT_KEY_UNKNOWN'>;
  /** How much has been written, for whoever would notice an older state; undefined where the room cannot be set back by a file. */
  head(): VaultHead | undefined;
  /** Calls `moved` with each new head, after it is durable. */
  onHead(moved: (head: VaultHead) => void): void;
  close(): Promise<void>;
}

/** What a key's facts hold where there is no check value. */
export const noCheckValue = '';
