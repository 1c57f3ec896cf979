import { createDecipheriv, createHash, createPublicKey, type KeyObject } from 'node:crypto';
import { keyIdOf } from '@tsunagu/protocols/fleet';
import { type BlockEncrypter, cmac } from '@tsunagu/protocols/internal/cipher';
import { concat, fail, ok, type Result, Secret, toHex } from '@tsunagu/protocols/kit';
import type { World } from '@tsunagu/protocols/world';
import {
  type KeyFacts,
  type KeyUse,
  keyUses,
  type ReleasedUse,
  releasedUses,
  type SigningUse,
  type SymmetricUse,
} from '../port.ts';
import { noCheckValue, type StrongRoom } from '../strong-room.ts';
import { derOfSignature } from './ecdsa.ts';
import { openToken, type Token, type TokenError } from './token.ts';
import type { Pkcs11Place } from './uri.ts';

export type Pkcs11RoomError = TokenError;

/** Object identifiers of curves, as CKA_EC_PARAMS wants them: P-256 (RFC 5480) and Ed25519 (RFC 8410). */
const curves = {
  p256: Buffer.from('06082a8648ce3d030107', 'hex'),
  ed25519: Buffer.from('06032b6570', 'hex'),
} as const;
/** What comes before a point in a SubjectPublicKeyInfo. RFC 5480, 2; RFC 8410, 4. */
const spkiHeads = {
  p256: Buffer.from('3059301306072a8648ce3d020106082a8648ce3d030107034200', 'hex'),
  ed25519: Buffer.from('302a300506032b6570032100', 'hex'),
} as const;

interface Kept extends KeyFacts {
  readonly handle: Buffer;
  readonly publicKey?: KeyObject;
}

/**
 * Opens the strong room in a token. Each key is an object of it, sensitive, not modifiable, its label the use and the id: what a key is for cannot
 * be changed in the token either. Keys that stay in are not extractable.
 */
export async function openPkcs11Room(
  place: Pkcs11Place,
  pin: string,
  world: Pick<World, 'entropy'>,
): Promise<Result<StrongRoom, Pkcs11RoomError>> {
  const opened = await openToken(place, pin);
  return opened.ok ? ok(new Pkcs11Room(opened.value, world)) : opened;
}

const isReleased = (use: KeyUse): use is ReleasedUse => (releasedUses as readonly KeyUse[]).includes(use);
const labelOf = (id: string, use: KeyUse): string => `tsunagu/${use}/${id}`;
const isUse = (text: string): text is KeyUse => Object.hasOwn(keyUses, text);

class Pkcs11Room implements StrongRoom {
  readonly #token: Token;
  readonly #world: Pick<World, 'entropy'>;
  readonly #kept = new Map<string, Kept>();
  #making: Promise<unknown> = Promise.resolve();

  constructor(token: Token, world: Pick<World, 'entropy'>) {
    this.#token = token;
    this.#world = world;
    for (const { handle, label } of token.keys()) {
      const [, use = '', id = ''] = /^tsunagu\/([a-z0-9-]+)\/(.+)$/s.exec(label) ?? [];
      if (isUse(use)) this.#learn(id, use, handle);
    }
  }

  ensure(id: string, use: KeyUse): Promise<KeyFacts> {
    const made = this.#making.then(() => {
      const kept = this.#kept.get(id);
      if (kept && kept.use !== use) throw new Error(`key ${id} is for ${kept.use}, not for ${use}`);
      return factsOf(kept ?? this.#generate(id, use));
    });
    this.#making = made.catch(() => undefined);
    return made;
  }

  #generate(id: string, use: KeyUse): Kept {
    const label = labelOf(id, use);
    const made = keyUses[use];
    const isExtractable = isReleased(use);
    if (made.kind === 'aes' || made.kind === 'tdes' || made.kind === 'hmac')
      return this.#learn(
        id,
        use,
        this.#token.makeSecret({ label, kind: made.kind, lengthBytes: made.lengthBytes, isExtractable }),
      );
    const handle =
      made.kind === 'rsa'
        ? this.#token.makeRsaPair({ label, modulusBits: 2048 })
        : this.#token.makeCurvePair({
            label,
            curve: curves[made.kind],
            isEdwards: made.kind === 'ed25519',
            isExtractable,
          });
    return this.#learn(id, use, handle);
  }

  keep(id: string, use: SymmetricUse, key: Secret<'key'>): Promise<KeyFacts> {
    const { lengthBytes, kind } = keyUses[use];
    return Promise.resolve().then(() => {
      if (this.#kept.has(id)) throw new Error(`key ${id} is there already`);
      if (key.length !== lengthBytes) throw new Error(`a key for ${use} has another length`);
      const label = labelOf(id, use);
      const handle = key.use((bytes) =>
        this.#token.takeSecret({ label, kind, lengthBytes, isExtractable: isReleased(use) }, bytes),
      );
      key.wipe();
      return factsOf(this.#learn(id, use, handle));
    });
  }

  #learn(id: string, use: KeyUse, handle: Buffer): Kept {
    const { kind } = keyUses[use];
    const publicKey =
      kind === 'aes' || kind === 'tdes' || kind === 'hmac' ? undefined : this.#publicKeyOf(id, use, kind);
    const checkValue = publicKey
      ? keyIdOf(publicKey.export({ format: 'der', type: 'spki' }))
      : kind === 'aes'
        ? toHex(cmac(this.#cipherOf(use, handle), new Uint8Array(16)).subarray(0, 5))
        : kind === 'tdes'
          ? toHex(this.#cipherOf(use, handle).encrypt(new Uint8Array(8)).subarray(0, 3))
          : noCheckValue;
    const kept = { id, use, checkValue, handle, ...(publicKey && { publicKey }) };
    this.#kept.set(id, kept);
    return kept;
  }

  #publicKeyOf(id: string, use: KeyUse, kind: 'p256' | 'ed25519' | 'rsa'): KeyObject {
    const found = this.#token.publicPart(labelOf(id, use), kind === 'rsa');
    if ('modulus' in found)
      return createPublicKey({
        key: { kty: 'RSA', n: found.modulus.toString('base64url'), e: found.exponent.toString('base64url') },
        format: 'jwk',
      });
    // CKA_EC_POINT is the point inside an OCTET STRING.
    const point = found.point.subarray(2);
    return createPublicKey({ key: Buffer.concat([spkiHeads[kind as 'p256'], point]), format: 'der', type: 'spki' });
  }

  find(id: string): KeyFacts | undefined {
    const kept = this.#kept.get(id);
    return kept && factsOf(kept);
  }

  idsFor(use: KeyUse): readonly string[] {
    return [...this.#kept.values()].filter((kept) => kept.use === use).map(({ id }) => id);
  }

  destroy(id: string): Promise<void> {
    const kept = this.#kept.get(id);
    return Promise.resolve().then(() => {
      if (!kept) return;
      this.#token.destroy(labelOf(id, kept.use));
      this.#kept.delete(id);
    });
  }

  publicKey(id: string): Result<KeyObject, 'VAULT_KEY_UNKNOWN'> {
    const key = this.#kept.get(id)?.publicKey;
    return key ? ok(key) : fail('VAULT_KEY_UNKNOWN', { facts: { key: id } });
  }

  sign(id: string, use: SigningUse, bytes: Uint8Array): Result<Uint8Array, 'VAULT_KEY_UNKNOWN'> {
    return this.#with(id, use, (handle) => {
      const { kind } = keyUses[use];
      if (kind === 'ed25519') return this.#token.sign('eddsa', handle, bytes, 64);
      if (kind === 'rsa') return this.#token.sign('rsaSha256', handle, bytes, 512);
      return derOfSignature(this.#token.sign('ecdsa', handle, createHash('sha256').update(bytes).digest(), 64));
    });
  }

  cipher(id: string, use: SymmetricUse): Result<BlockEncrypter, 'VAULT_KEY_UNKNOWN'> {
    return this.#with(id, use, (handle) => this.#cipherOf(use, handle));
  }

  #cipherOf(use: KeyUse, handle: Buffer): BlockEncrypter {
    const cipher = keyUses[use].kind === 'tdes' ? 'TDES' : 'AES';
    return {
      blockBytes: cipher === 'TDES' ? 8 : 16,
      encrypt: (blocks) => this.#token.encryptBlocks(cipher, handle, blocks),
    };
  }

  hmac(id: string, use: SymmetricUse, bytes: Uint8Array): Result<Uint8Array, 'VAULT_KEY_UNKNOWN'> {
    return this.#with(id, use, (handle) => this.#token.sign('hmacSha256', handle, bytes, 32));
  }

  seal(id: string, use: SymmetricUse, context: string, bytes: Uint8Array): Result<Uint8Array, 'VAULT_KEY_UNKNOWN'> {
    return this.#with(id, use, (handle) => {
      const iv = this.#world.entropy(12);
      // Some tokens refuse to seal nothing: one byte goes before.
      return concat(iv, this.#token.seal(handle, iv, Buffer.from(context, 'utf8'), concat(Uint8Array.of(0), bytes)));
    });
  }

  open(
    id: string,
    use: SymmetricUse,
    context: string,
    sealed: Uint8Array,
  ): Result<Uint8Array | undefined, 'VAULT_KEY_UNKNOWN'> {
    return this.#with(id, use, (handle) =>
      sealed.length < 29
        ? undefined
        : this.#token.open(handle, sealed.subarray(0, 12), Buffer.from(context, 'utf8'), sealed.subarray(12))?.slice(1),
    );
  }

  release(id: string, use: ReleasedUse): Result<Secret<'key'>, 'VAULT_KEY_UNKNOWN'> {
    return this.#with(id, use, (handle) => {
      // Under a key for this once: the token hands nothing out in the clear.
      const once = this.#world.entropy(32);
      const wrapped = this.#token.wrapUnder(once, handle);
      // RFC 5649 (AES key wrap with padding).
      const unwrapping = createDecipheriv('id-aes256-wrap-pad', once, Buffer.from('a65959a6', 'hex'));
      const clear = concat(unwrapping.update(wrapped), unwrapping.final());
      once.fill(0);
      return Secret.take('key', clear);
    });
  }

  /** A token is not set back by a file: whoever could, holds the token. */
  head(): undefined {
    return undefined;
  }

  onHead(): void {}

  close(): Promise<void> {
    this.#kept.clear();
    this.#token.close();
    return Promise.resolve();
  }

  #with<T>(id: string, use: KeyUse, work: (handle: Buffer) => T): Result<T, 'VAULT_KEY_UNKNOWN'> {
    const kept = this.#kept.get(id);
    if (kept?.use !== use) return fail('VAULT_KEY_UNKNOWN', { facts: { key: id, use } });
    return ok(work(kept.handle));
  }
}

const factsOf = ({ id, use, checkValue }: KeyFacts): KeyFacts => ({ id, use, checkValue });
