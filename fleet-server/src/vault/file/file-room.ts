import {
  createHmac,
  createPrivateKey,
  createSecretKey,
  createPublicKey,
  generateKeyPair,
  hkdfSync,
  type KeyObject,
  scrypt,
  sign as signBytes,
} from 'node:crypto';
import { promisify } from 'node:util';
import { keyIdOf } from '@tsunagu/protocols/fleet';
import { type BlockEncrypter, blockEncrypter } from '@tsunagu/protocols/internal/cipher';
import { customaryCheckValue } from '@tsunagu/protocols/kcv';
import { fail, ok, type Result, Secret, toHex, unwrap } from '@tsunagu/protocols/kit';
import type { World } from '@tsunagu/protocols/world';
import { type KeyFacts, type KeyUse, keyUses, type ReleasedUse, type SigningUse, type SymmetricUse } from '../port.ts';
import { noCheckValue, type StrongRoom } from '../strong-room.ts';
import type { VaultHead } from '../port.ts';
import { openBox, sealBox } from './sealed-box.ts';
import {
  brokenLine,
  goesOnFrom,
  readVaultFile,
  type VaultHeader,
  type VaultRecord,
  VaultWriter,
} from './vault-file.ts';

/** scrypt (RFC 7914) with N = 2^15, r = 8: 32 MiB and about a tenth of a second, once per start. */
const cost = { cost: 2 ** 15, blockSize: 8, parallel: 1 };
const checkText = 'tsunagu vault';

type Randomness = Pick<World, 'entropy'>;

interface Kept extends KeyFacts {
  readonly publicKey?: KeyObject;
  /** The key, sealed under the master key with its id and use. */
  readonly box: Uint8Array;
}

/** Why a file does not open. VAULT_ROLLED_BACK: it is an older one than was last seen. */
export type FileRoomError = 'VAULT_LOCKED' | 'VAULT_DAMAGED' | 'VAULT_ROLLED_BACK';

/**
 * Opens the strong room in this file, or makes one. VAULT_LOCKED: the passphrase is not the one it was made with.
 * VAULT_DAMAGED: a line of the file cannot be read, or the file is not as it was written. A file that holds keys which were destroyed is written
 * anew without them.
 *
 * @param seen how far the file was when somebody last looked.
 */
export async function openFileRoom(
  path: string,
  passphrase: string,
  world: Randomness,
  seen?: VaultHead,
): Promise<Result<StrongRoom, FileRoomError>> {
  const contents = await readVaultFile(path);
  if (contents.state === 'damaged') return fail('VAULT_DAMAGED', { facts: { line: contents.line } });
  if (contents.state === 'absent') {
    if (seen) return fail('VAULT_ROLLED_BACK', { facts: { records: 0, seen: seen.records } });
    const salt = world.entropy(16);
    const kdf = { name: 'scrypt', salt: Buffer.from(salt).toString('base64'), ...cost } as const;
    const master = await masterKey(passphrase, kdf);
    const writer = await VaultWriter.open(path, chainKey(master), { header: headerOf(master, kdf, 0, world) });
    return ok(new FileRoom(master, writer, new Map(), world));
  }
  const { header, lines } = contents;
  const generation = header.generation ?? 0;
  const master = await masterKey(passphrase, header.kdf);
  if (!openBox(master, checkContext(generation), Buffer.from(header.check, 'base64'))) return fail('VAULT_LOCKED');
  const chain = chainKey(master);
  const line = brokenLine(lines, chain);
  if (line !== undefined) return fail('VAULT_DAMAGED', { facts: { line } });
  const now = { generation, records: lines.length, mac: lines.at(-1)?.mac ?? '' };
  if (seen && !goesOnFrom(seen, now, (record) => lines[record - 1]?.mac))
    return fail('VAULT_ROLLED_BACK', { facts: { records: now.records, seen: seen.records } });
  const kept = new Map<string, Kept>();
  for (const { record } of lines)
    if ('destroyed' in record) kept.delete(record.id);
    else kept.set(record.id, keptOf(record));
  const isClean = lines.length === kept.size;
  const writer = isClean
    ? await VaultWriter.open(path, chain, contents)
    : await VaultWriter.compact(
        path,
        chain,
        headerOf(master, header.kdf, generation + 1, world),
        [...kept.values()].map(recordOf),
      );
  return ok(new FileRoom(master, writer, kept, world));
}

const checkContext = (generation: number): string => (generation === 0 ? 'check' : `check/${generation}`);

const headerOf = (master: Uint8Array, kdf: VaultHeader['kdf'], generation: number, world: Randomness): VaultHeader => ({
  vault: 'tsunagu-vault-v1',
  kdf,
  check: Buffer.from(sealBox(master, world.entropy(12), checkContext(generation), Buffer.from(checkText))).toString(
    'base64',
  ),
  ...(generation > 0 && { generation }),
});

const keptOf = (record: Exclude<VaultRecord, { destroyed: true }>): Kept => ({
  id: record.id,
  use: record.use,
  checkValue: record.checkValue,
  box: Uint8Array.from(Buffer.from(record.box, 'base64')),
  ...(record.publicKey !== undefined && {
    publicKey: createPublicKey({ key: Buffer.from(record.publicKey, 'base64'), format: 'der', type: 'spki' }),
  }),
});

const recordOf = ({ id, use, checkValue: value, box, publicKey }: Kept): VaultRecord => ({
  id,
  use,
  checkValue: value,
  box: Buffer.from(box).toString('base64'),
  ...(publicKey && { publicKey: publicKey.export({ format: 'der', type: 'spki' }).toString('base64') }),
});

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

/** The key of the chain of MACs; the master key itself seals boxes only. */
const chainKey = (master: Uint8Array): Uint8Array =>
  new Uint8Array(hkdfSync('sha256', master, new Uint8Array(0), 'tsunagu-vault-chain', 32));

const boxContext = (id: string, use: KeyUse): string => `key\n${id}\n${use}`;

const pairOf = promisify(generateKeyPair);

class FileRoom implements StrongRoom {
  readonly #master: Uint8Array;
  readonly #writer: VaultWriter;
  readonly #kept: Map<string, Kept>;
  readonly #world: Randomness;
  /** Private keys of signers, ready for use: parsing one costs more than its signature. */
  readonly #signers = new Map<string, KeyObject>();
  /** Keys that tag and seal with every transaction: OpenSSL holds them until they are destroyed or the vault closes. */
  readonly #readied = new Map<string, KeyObject>();
  #making: Promise<unknown> = Promise.resolve();
  #moved: ((head: VaultHead) => void) | undefined;

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
    if (made.kind === 'aes' || made.kind === 'tdes' || made.kind === 'hmac')
      return await this.#add(id, use, Secret.take('key', this.#world.entropy(made.lengthBytes)));
    const pair =
      made.kind === 'p256'
        ? await pairOf('ec', { namedCurve: 'P-256' })
        : made.kind === 'rsa'
          ? await pairOf('rsa', { modulusLength: 2048 })
          : await pairOf('ed25519', undefined);
    const pkcs8 = Secret.take('key', new Uint8Array(pair.privateKey.export({ format: 'der', type: 'pkcs8' })));
    return await this.#add(id, use, pkcs8, pair.publicKey);
  }

  async keep(id: string, use: SymmetricUse, key: Secret<'key'>): Promise<KeyFacts> {
    if (this.#kept.has(id)) throw new Error(`key ${id} is there already`);
    if (key.length !== keyUses[use].lengthBytes) throw new Error(`a key for ${use} has another length`);
    return await this.#add(id, use, key);
  }

  async #add(id: string, use: KeyUse, key: Secret<'key'>, publicKey?: KeyObject): Promise<KeyFacts> {
    const value = publicKey ? keyIdOf(publicKey.export({ format: 'der', type: 'spki' })) : checkValueOf(use, key);
    const box = key.use((bytes) => sealBox(this.#master, this.#world.entropy(12), boxContext(id, use), bytes));
    key.wipe();
    const kept: Kept = { id, use, checkValue: value, box, ...(publicKey && { publicKey }) };
    await this.#writer.append(recordOf(kept));
    this.#kept.set(id, kept);
    this.#moved?.(this.head());
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
    this.#signers.delete(id);
    this.#readied.delete(id);
    this.#moved?.(this.head());
  }

  publicKey(id: string): Result<KeyObject, 'VAULT_KEY_UNKNOWN'> {
    const key = this.#kept.get(id)?.publicKey;
    return key ? ok(key) : fail('VAULT_KEY_UNKNOWN', { facts: { key: id } });
  }

  sign(id: string, use: SigningUse, bytes: Uint8Array): Result<Uint8Array, 'VAULT_KEY_UNKNOWN'> {
    let signer = this.#signers.get(id);
    if (!signer || this.#kept.get(id)?.use !== use) {
      const pkcs8 = this.#take(id, use);
      if (!pkcs8.ok) return pkcs8;
      signer = pkcs8.value.use((der) => createPrivateKey({ key: Buffer.from(der), format: 'der', type: 'pkcs8' }));
      pkcs8.value.wipe();
      this.#signers.set(id, signer);
    }
    return ok(signBytes(keyUses[use].kind === 'ed25519' ? null : 'sha256', bytes, signer));
  }

  cipher(id: string, use: SymmetricUse): Result<BlockEncrypter, 'VAULT_KEY_UNKNOWN'> {
    return this.#with(id, use, (key) =>
      key.use((bytes) => blockEncrypter(keyUses[use].kind === 'tdes' ? 'TDES' : 'AES', bytes)),
    );
  }

  hmac(id: string, use: SymmetricUse, bytes: Uint8Array): Result<Uint8Array, 'VAULT_KEY_UNKNOWN'> {
    const key = this.#ready(id, use);
    return key.ok ? ok(new Uint8Array(createHmac('sha256', key.value).update(bytes).digest())) : key;
  }

  seal(id: string, use: SymmetricUse, context: string, bytes: Uint8Array): Result<Uint8Array, 'VAULT_KEY_UNKNOWN'> {
    const key = this.#ready(id, use);
    return key.ok ? ok(sealBox(key.value, this.#world.entropy(12), context, bytes)) : key;
  }

  open(
    id: string,
    use: SymmetricUse,
    context: string,
    sealed: Uint8Array,
  ): Result<Uint8Array | undefined, 'VAULT_KEY_UNKNOWN'> {
    const key = this.#ready(id, use);
    return key.ok ? ok(openBox(key.value, context, sealed)) : key;
  }

  release(id: string, use: ReleasedUse): Result<Secret<'key'>, 'VAULT_KEY_UNKNOWN'> {
    return this.#take(id, use);
  }

  head(): VaultHead {
    return this.#writer.head;
  }

  onHead(moved: (head: VaultHead) => void): void {
    this.#moved = moved;
  }

  async close(): Promise<void> {
    await this.#writer.close();
    this.#signers.clear();
    this.#readied.clear();
    this.#kept.clear();
    this.#master.fill(0);
  }

  /** Lends a key out of its box to `work`, and wipes it. */
  #with<T>(id: string, use: KeyUse, work: (key: Secret<'key'>) => T): Result<T, 'VAULT_KEY_UNKNOWN'> {
    const key = this.#take(id, use);
    if (!key.ok) return key;
    try {
      return ok(work(key.value));
    } finally {
      key.value.wipe();
    }
  }

  #ready(id: string, use: KeyUse): Result<KeyObject, 'VAULT_KEY_UNKNOWN'> {
    const known = this.#readied.get(id);
    if (known && this.#kept.get(id)?.use === use) return ok(known);
    const key = this.#take(id, use);
    if (!key.ok) return key;
    const readied = key.value.use((bytes) => createSecretKey(bytes));
    key.value.wipe();
    this.#readied.set(id, readied);
    return ok(readied);
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

function checkValueOf(use: KeyUse, key: Secret<'key'>): string {
  const { kind } = keyUses[use];
  if (kind !== 'aes' && kind !== 'tdes') return noCheckValue;
  return toHex(unwrap(customaryCheckValue(kind === 'aes' ? 'AES' : 'TDES', key)));
}

const factsOf = ({ id, use, checkValue: value }: KeyFacts): KeyFacts => ({ id, use, checkValue: value });
