import {
  createHmac,
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  generateKeyPairSync,
  type KeyObject,
  scrypt,
  sign as signBytes,
} from 'node:crypto';
import {
  type AesTransactionKey,
  deriveAesInitialKey,
  deriveAesTransactionKey,
  deriveAesWorkingKey,
  dukptKeyUsages,
  parseAesKsn,
} from '@tsunagu/protocols/dukpt';
import { keyIdOf } from '@tsunagu/protocols/fleet';
import { checkValue } from '@tsunagu/protocols/kcv';
import { fail, ok, type Result, Secret, toHex, unwrap } from '@tsunagu/protocols/kit';
import { panMac, permutationKey, type PermutedPan, permutePan } from '@tsunagu/protocols/negative';
import { type Parcel, packParcel } from '@tsunagu/protocols/offline-root';
import { translatePinBlock } from '@tsunagu/protocols/pinblock';
import { type OptionalBlock, wrapKeyBlock } from '@tsunagu/protocols/tr31';
import type { World } from '@tsunagu/protocols/world';
import {
  type DukptWorkingKeys,
  type KeyFacts,
  type KeyUse,
  keyUses,
  type SigningUse,
  type SymmetricUse,
  type Vault,
  type WrappedKey,
} from './port.ts';
import { openBox, sealBox } from './sealed-box.ts';
import { readVaultFile, type VaultHeader, VaultWriter } from './vault-file.ts';

/** scrypt (RFC 7914) with N = 2^15, r = 8: 32 MiB and about a tenth of a second, once per start. */
const cost = { cost: 2 ** 15, blockSize: 8, parallel: 1 };
const checkText = 'tsunagu vault';

type Randomness = Pick<World, 'entropy'>;

interface Kept extends KeyFacts {
  readonly publicKey?: KeyObject;
  /** The key, sealed under the master key with its id and use. */
  readonly box: Uint8Array;
}

/**
 * Opens the vault in this file, or makes one. VAULT_LOCKED: the passphrase is not the one it was made with.
 * VAULT_DAMAGED: a line of the file cannot be read.
 */
export async function openFileVault(
  path: string,
  passphrase: string,
  world: Randomness,
): Promise<Result<Vault, 'VAULT_LOCKED' | 'VAULT_DAMAGED'>> {
  const contents = await readVaultFile(path);
  if (contents.state === 'damaged') return fail('VAULT_DAMAGED', { facts: { line: contents.line } });
  if (contents.state === 'absent') {
    const salt = world.entropy(16);
    const kdf = { name: 'scrypt', salt: Buffer.from(salt).toString('base64'), ...cost } as const;
    const master = await masterKey(passphrase, kdf);
    const check = sealBox(master, world.entropy(12), 'check', Buffer.from(checkText));
    const writer = await VaultWriter.open(path, 0);
    await writer.append({ vault: 'tsunagu-vault-v1', kdf, check: Buffer.from(check).toString('base64') });
    return ok(await withTokenKey(new FileVault(master, writer, new Map(), world)));
  }
  const master = await masterKey(passphrase, contents.header.kdf);
  if (!openBox(master, 'check', Buffer.from(contents.header.check, 'base64'))) return fail('VAULT_LOCKED');
  const kept = new Map<string, Kept>();
  for (const record of contents.records) {
    if ('destroyed' in record) kept.delete(record.id);
    else
      kept.set(record.id, {
        id: record.id,
        use: record.use,
        checkValue: record.checkValue,
        box: Uint8Array.from(Buffer.from(record.box, 'base64')),
        ...(record.publicKey !== undefined && {
          publicKey: createPublicKey({ key: Buffer.from(record.publicKey, 'base64'), format: 'der', type: 'spki' }),
        }),
      });
  }
  return ok(await withTokenKey(new FileVault(master, await VaultWriter.open(path, contents.length), kept, world)));
}

const tokenKey = 'pan-token';
const sealingKey = 'sealing';

/** The keys behind doors that name none. */
async function withTokenKey(vault: Vault): Promise<Vault> {
  await vault.ensure(tokenKey, 'pan-token');
  await vault.ensure(sealingKey, 'sealing');
  return vault;
}

const masterKey = (passphrase: string, kdf: VaultHeader['kdf']): Promise<Uint8Array> =>
  new Promise((resolve, reject) => {
    const { cost: N, blockSize: r, parallel: p } = kdf;
    scrypt(
      passphrase.normalize('NFKC'),
      Buffer.from(kdf.salt, 'base64'),
      32,
      { N, r, p, maxmem: 256 * N * r },
      (error, key) => (error ? reject(error) : resolve(Uint8Array.from(key))),
    );
  });

const boxContext = (id: string, use: KeyUse): string => `key\n${id}\n${use}`;

class FileVault implements Vault {
  readonly #master: Uint8Array;
  readonly #writer: VaultWriter;
  readonly #kept: Map<string, Kept>;
  readonly #world: Randomness;
  /** Private keys of signers, ready for use: parsing one costs more than its signature. */
  readonly #signers = new Map<string, KeyObject>();
  readonly #readied = new Map<string, KeyObject>();
  #making: Promise<unknown> = Promise.resolve();

  constructor(master: Uint8Array, writer: VaultWriter, kept: Map<string, Kept>, world: Randomness) {
    this.#master = master;
    this.#writer = writer;
    this.#kept = kept;
    this.#world = world;
  }

  ensure(id: string, use: KeyUse): Promise<KeyFacts> {
    // One at a time, so that two callers cannot make two keys of one name.
    const made = this.#making.then(async () => {
      const kept = this.#kept.get(id);
      if (!kept) return await this.#generate(id, use);
      if (kept.use !== use) throw new Error(`key ${id} is for ${kept.use}, not for ${use}`);
      return factsOf(kept);
    });
    this.#making = made.catch(() => undefined);
    return made;
  }

  async #generate(id: string, use: KeyUse): Promise<KeyFacts> {
    const made = keyUses[use];
    if (made.kind === 'aes' || made.kind === 'hmac')
      return await this.#add(id, use, Secret.take('key', this.#world.entropy(made.lengthBytes)));
    const pair =
      made.kind === 'p256' ? generateKeyPairSync('ec', { namedCurve: 'P-256' }) : generateKeyPairSync('ed25519');
    const pkcs8 = Secret.take('key', new Uint8Array(pair.privateKey.export({ format: 'der', type: 'pkcs8' })));
    return await this.#add(id, use, pkcs8, pair.publicKey);
  }

  async keep(id: string, use: SymmetricUse, key: Secret<'key'>): Promise<KeyFacts> {
    if (this.#kept.has(id)) throw new Error(`key ${id} is there already`);
    if (key.length !== keyUses[use].lengthBytes) throw new Error(`a key for ${use} has another length`);
    return await this.#add(id, use, key);
  }

  async #add(id: string, use: KeyUse, key: Secret<'key'>, publicKey?: KeyObject): Promise<KeyFacts> {
    const spki = publicKey?.export({ format: 'der', type: 'spki' });
    const value = spki ? keyIdOf(spki) : keyUses[use].kind === 'aes' ? aesCheckValue(key) : '';
    const box = key.use((bytes) => sealBox(this.#master, this.#world.entropy(12), boxContext(id, use), bytes));
    key.wipe();
    await this.#writer.append({
      id,
      use,
      checkValue: value,
      box: Buffer.from(box).toString('base64'),
      ...(spki && { publicKey: spki.toString('base64') }),
    });
    const kept = { id, use, checkValue: value, box, ...(publicKey && { publicKey }) };
    this.#kept.set(id, kept);
    return factsOf(kept);
  }

  find(id: string): KeyFacts | undefined {
    const kept = this.#kept.get(id);
    return kept && factsOf(kept);
  }

  idsFor(use: KeyUse): readonly string[] {
    return [...this.#kept.values()].filter((kept) => kept.use === use).map(({ id }) => id);
  }

  async destroy(id: string): Promise<void> {
    if (!this.#kept.has(id)) return;
    await this.#writer.append({ id, destroyed: true });
    this.#kept.delete(id);
    this.#readied.delete(id);
    this.#signers.delete(id);
  }

  publicKey(id: string): Result<KeyObject, 'VAULT_KEY_UNKNOWN'> {
    const key = this.#kept.get(id)?.publicKey;
    return key ? ok(key) : fail('VAULT_KEY_UNKNOWN', { facts: { key: id } });
  }

  sign(id: string, use: SigningUse, bytes: Uint8Array): Uint8Array {
    let signer = this.#signers.get(id);
    if (!signer || this.#kept.get(id)?.use !== use) {
      const pkcs8 = unwrap(this.#take(id, use));
      signer = privateKeyOf(pkcs8);
      this.#signers.set(id, signer);
    }
    return signBytes(keyUses[use].kind === 'p256' ? 'sha256' : null, bytes, signer);
  }

  parcelOf(id: string, receiver: string): Result<Parcel, 'VAULT_KEY_UNKNOWN' | 'INPUT_INVALID'> {
    return this.#with<Parcel, 'INPUT_INVALID'>(id, 'certificate-signing', (pkcs8) => {
      const packed = packParcel(pkcs8, receiver, (lengthBytes) => this.#world.entropy(lengthBytes));
      return packed ? ok(packed) : fail('INPUT_INVALID', { field: 'receiver' });
    });
  }

  tlsKey(id: string): Result<string, 'VAULT_KEY_UNKNOWN'> {
    const pkcs8 = this.#take(id, 'tls');
    return pkcs8.ok ? ok(String(privateKeyOf(pkcs8.value).export({ format: 'pem', type: 'pkcs8' }))) : pkcs8;
  }

  zoneKey(id: string): Result<Secret<'key'>, 'VAULT_KEY_UNKNOWN'> {
    return this.#take(id, 'zone-protection');
  }

  wrapInitialKey(protection: string, base: string, initialKeyId: Uint8Array): Result<WrappedKey, 'VAULT_KEY_UNKNOWN'> {
    return this.#with(base, 'dukpt-base', (bdk) => {
      const initial = unwrap(deriveAesInitialKey(bdk, initialKeyId));
      try {
        return this.#wrap(protection, initial.key, 'B1', 'X', [{ id: 'IK', data: toHex(initialKeyId) }]);
      } finally {
        initial.key.wipe();
      }
    });
  }

  wrapTagKey(protection: string, key: string): Result<WrappedKey, 'VAULT_KEY_UNKNOWN'> {
    return this.#with(key, 'negative-tag', (tagKey) => this.#wrap(protection, tagKey, 'M6', 'C', []));
  }

  #wrap(
    protection: string,
    key: Secret<'key'>,
    keyUsage: string,
    modeOfUse: string,
    optionalBlocks: readonly OptionalBlock[],
    protectionUse: 'key-block-protection' | 'zone-protection' = 'key-block-protection',
  ): Result<WrappedKey, 'VAULT_KEY_UNKNOWN'> {
    return this.#with(protection, protectionUse, (kbpk) => {
      const attributes = {
        versionId: 'D',
        keyUsage,
        algorithm: 'A',
        modeOfUse,
        keyVersion: '00',
        exportability: 'N',
        reserved: '00',
      } as const;
      const { entropy } = this.#world;
      const keyBlock = unwrap(wrapKeyBlock(kbpk, { attributes, optionalBlocks, key, entropy }));
      return ok({ keyBlock, checkValue: aesCheckValue(key) });
    });
  }

  wrapZonePin(protection: string, key: string, mode: 'D' | 'E' = 'D'): Result<WrappedKey, 'VAULT_KEY_UNKNOWN'> {
    return this.#with(key, 'zone-pin', (pinKey) => this.#wrap(protection, pinKey, 'P0', mode, [], 'zone-protection'));
  }

  translatePin(
    from: { readonly base: string; readonly ksn: Uint8Array } | { readonly zone: string },
    to: string,
    block: Uint8Array,
    pan: Secret<'pan'>,
  ): Result<Uint8Array, 'VAULT_KEY_UNKNOWN' | 'KSN_LENGTH_INVALID' | 'DUKPT_COUNTER_INVALID' | 'PINBLOCK_UNREADABLE'> {
    const translate = (pinKey: Secret<'key'>) =>
      this.#with(to, 'zone-pin', (zoneKey): Result<Uint8Array, 'PINBLOCK_UNREADABLE'> => {
        const { entropy } = this.#world;
        const into = { format: 4, key: zoneKey } as const;
        const translated = translatePinBlock(block, { format: 4, key: pinKey }, into, pan, entropy);
        return translated.ok ? translated : fail('PINBLOCK_UNREADABLE');
      });
    if ('zone' in from) return this.#with(from.zone, 'zone-pin', translate);
    return this.#withTransaction(from.base, from.ksn, (transaction) => {
      const pinKey = unwrap(deriveAesWorkingKey(transaction, 'pinEncryption', 'AES128'));
      try {
        return translate(pinKey);
      } finally {
        pinKey.wipe();
      }
    });
  }

  dukptKeys(
    base: string,
    ksn: Uint8Array,
  ): Result<DukptWorkingKeys, 'VAULT_KEY_UNKNOWN' | 'KSN_LENGTH_INVALID' | 'DUKPT_COUNTER_INVALID'> {
    return this.#withTransaction<DukptWorkingKeys, never>(base, ksn, (transaction) => {
      const keys = dukptKeyUsages
        .filter((usage) => usage !== 'pinEncryption')
        .map((usage) => [usage, unwrap(deriveAesWorkingKey(transaction, usage, 'AES128'))] as const);
      return ok(Object.fromEntries(keys) as DukptWorkingKeys);
    });
  }

  /** Lends the key of one transaction to `work`, and wipes it. */
  #withTransaction<T, C extends WorkCode>(
    base: string,
    ksn: Uint8Array,
    work: (key: AesTransactionKey) => Result<T, C>,
  ): Result<T, C | 'VAULT_KEY_UNKNOWN' | 'KSN_LENGTH_INVALID' | 'DUKPT_COUNTER_INVALID'> {
    const serial = parseAesKsn(ksn);
    if (!serial.ok) return serial;
    return this.#with<T, C | 'DUKPT_COUNTER_INVALID'>(base, 'dukpt-base', (bdk) => {
      const initial = unwrap(deriveAesInitialKey(bdk, serial.value.initialKeyId));
      const transaction = deriveAesTransactionKey(initial, serial.value.counter);
      initial.key.wipe();
      if (!transaction.ok) return transaction;
      try {
        return work(transaction.value);
      } finally {
        transaction.value.derivationKey.wipe();
      }
    });
  }

  negativeTag(key: string, pan: Secret<'pan'>): Result<Uint8Array, 'VAULT_KEY_UNKNOWN'> {
    return this.#with(key, 'negative-tag', (tagKey) => ok(unwrap(panMac(tagKey, pan))));
  }

  negativePlace(key: string, pan: Secret<'pan'>): Result<PermutedPan | undefined, 'VAULT_KEY_UNKNOWN'> {
    return this.#with(key, 'negative-tag', (tagKey) => {
      const permuting = permutationKey(tagKey);
      try {
        return ok(permutePan(permuting, pan));
      } finally {
        permuting.wipe();
      }
    });
  }

  panToken(pan: Secret<'pan'>): string {
    const mac = pan.use((digits) =>
      createHmac('sha256', this.#ready(tokenKey, 'pan-token')).update(digits).digest('hex'),
    );
    return `tok_${mac.slice(0, 20)}`;
  }

  seal(context: string, bytes: Uint8Array): Uint8Array {
    return sealBox(this.#ready(sealingKey, 'sealing'), this.#world.entropy(12), context, bytes);
  }

  open(context: string, sealed: Uint8Array): Result<Uint8Array, 'VAULT_DAMAGED'> {
    const clear = openBox(this.#ready(sealingKey, 'sealing'), context, sealed);
    return clear ? ok(clear) : fail('VAULT_DAMAGED', { facts: { context } });
  }

  async close(): Promise<void> {
    await this.#writer.close();
    this.#signers.clear();
    this.#readied.clear();
    this.#kept.clear();
    this.#master.fill(0);
  }

  /** Lends a key out of its box to `work`, and wipes it. */
  #with<T, C extends WorkCode>(
    id: string,
    use: KeyUse,
    work: (key: Secret<'key'>) => Result<T, C>,
  ): Result<T, C | 'VAULT_KEY_UNKNOWN'> {
    const key = this.#take(id, use);
    if (!key.ok) return key;
    try {
      return work(key.value);
    } finally {
      key.value.wipe();
    }
  }

  /** A key that is used with every transaction: OpenSSL holds it until it is destroyed or the vault closes, as it does those that sign. */
  #ready(id: string, use: KeyUse): KeyObject {
    const known = this.#readied.get(id);
    if (known) return known;
    const key = unwrap(this.#take(id, use));
    const readied = key.use((bytes) => createSecretKey(bytes));
    key.wipe();
    this.#readied.set(id, readied);
    return readied;
  }

  #take(id: string, use: KeyUse): Result<Secret<'key'>, 'VAULT_KEY_UNKNOWN'> {
    const kept = this.#kept.get(id);
    if (kept?.use !== use) return fail('VAULT_KEY_UNKNOWN', { facts: { key: id, use } });
    const clear = openBox(this.#master, boxContext(id, use), kept.box);
    return clear
      ? ok(Secret.take('key', clear))
      : fail('VAULT_KEY_UNKNOWN', { facts: { key: id, use, damaged: true } });
  }
}

/** What work with a key may find. */
type WorkCode = 'INPUT_INVALID' | 'VAULT_KEY_UNKNOWN' | 'DUKPT_COUNTER_INVALID' | 'PINBLOCK_UNREADABLE';

const factsOf = ({ id, use, checkValue }: KeyFacts): KeyFacts => ({ id, use, checkValue });

const aesCheckValue = (key: Secret<'key'>): string => toHex(unwrap(checkValue('AES', 'cmac', key)));

function privateKeyOf(pkcs8: Secret<'key'>): KeyObject {
  const key = pkcs8.use((bytes) => createPrivateKey({ key: Buffer.from(bytes), format: 'der', type: 'pkcs8' }));
  pkcs8.wipe();
  return key;
}
