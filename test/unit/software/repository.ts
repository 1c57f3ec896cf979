import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import {
  chunked,
  dateTimeOf,
  encodeChunkList,
  signMetadata,
  type SoftwareHeader,
  type TargetCustom,
  targetPath,
  tufKeyId,
  tufKeyOf,
  type TufRole,
  type TufSigner,
} from '@tsunagu/protocols/software';

/** A signer with a key of its own. */
export function newSigner(): TufSigner {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  return { key: tufKeyOf(publicKey), sign: (bytes) => Uint8Array.from(sign(null, bytes, privateKey)) };
}

export const day = 86_400_000;
const specVersion = '1.0.33';

export interface RoleKeys {
  readonly signers: readonly TufSigner[];
  readonly threshold: number;
}
export type Holders = Readonly<Record<TufRole, RoleKeys>>;

const one = (): RoleKeys => ({ signers: [newSigner()], threshold: 1 });
/** Root needs two of three; the others one key each. */
export const newHolders = (): Holders => ({
  root: { signers: [newSigner(), newSigner(), newSigner()], threshold: 2 },
  targets: one(),
  snapshot: one(),
  timestamp: one(),
});

/** What a root says. */
export const rootOf = (holders: Holders, version: number, expires: string) => ({
  _type: 'root',
  spec_version: specVersion,
  version,
  expires,
  consistent_snapshot: true,
  keys: Object.fromEntries(
    Object.values(holders).flatMap(({ signers }) => signers.map(({ key }) => [tufKeyId(key), key])),
  ),
  roles: Object.fromEntries(
    Object.entries(holders).map(([role, { signers, threshold }]) => [
      role,
      { keyids: signers.map(({ key }) => tufKeyId(key)), threshold },
    ]),
  ),
});

export const customOf = (
  header: Pick<SoftwareHeader, 'model' | 'version' | 'counter'>,
  image: Uint8Array,
  more: Partial<TargetCustom> = {},
): TargetCustom => {
  const cut = chunked(image);
  const list = createHash('sha256').update(encodeChunkList(cut)).digest('hex');
  const { model, version, counter: antiRollback } = header;
  return { model, version, antiRollback, chunks: { length: cut.chunkLength, digest: list }, ...more };
};

export const targetFileOf = (image: Uint8Array, custom: TargetCustom) => ({
  length: image.length,
  hashes: { sha256: createHash('sha256').update(image).digest('hex') },
  custom,
});

/** A whole repository in memory, every role in one hand: what a server and its people would publish, right or wrong. */
export class TestRepository {
  /** By their names, as a client asks for them. */
  readonly files = new Map<string, string>();
  readonly versions: Record<TufRole, number> = { root: 0, targets: 0, snapshot: 0, timestamp: 0 };
  holders: Holders = newHolders();
  targets: Record<string, ReturnType<typeof targetFileOf>> = {};
  nowMs: () => number;
  expiresInMs: Record<TufRole, number> = { root: 365 * day, targets: 90 * day, snapshot: 30 * day, timestamp: day };

  constructor(nowMs: () => number = () => Date.now()) {
    this.nowMs = nowMs;
    this.root();
    this.announce();
  }

  #expires(role: TufRole): string {
    return dateTimeOf(this.nowMs() + this.expiresInMs[role]);
  }

  /** Publishes the next root: signed by its own holders, and by those of before. */
  root(before: Holders = this.holders, signers?: readonly TufSigner[]): string {
    const version = (this.versions.root += 1);
    const by = signers ?? [...new Set([...before.root.signers, ...this.holders.root.signers])];
    const text = signMetadata(rootOf(this.holders, version, this.#expires('root')), by);
    this.files.set(`${version}.root.json`, text);
    return text;
  }

  addImage(
    image: Uint8Array,
    header: Pick<SoftwareHeader, 'model' | 'version' | 'counter'>,
    more: Partial<TargetCustom> = {},
  ) {
    this.targets[targetPath(header.model, header.version)] = targetFileOf(image, customOf(header, image, more));
    this.announce();
  }

  /** Signs targets, snapshot and timestamp anew. */
  announce(changes: Partial<Record<TufRole, object>> = {}): void {
    const targets = this.#sign('targets', { targets: this.targets, ...changes.targets });
    const snapshot = this.#sign('snapshot', {
      meta: { 'targets.json': this.#fileOf('targets', targets) },
      ...changes.snapshot,
    });
    this.#sign('timestamp', {
      signed_at: dateTimeOf(this.nowMs()),
      meta: { 'snapshot.json': this.#fileOf('snapshot', snapshot) },
      ...changes.timestamp,
    });
  }

  #sign(role: 'targets' | 'snapshot' | 'timestamp', body: object): string {
    const version = (this.versions[role] += 1);
    const signed = { _type: role, spec_version: specVersion, version, expires: this.#expires(role), ...body };
    const text = signMetadata(signed, this.holders[role].signers);
    this.files.set(role === 'timestamp' ? 'timestamp.json' : `${version}.${role}.json`, text);
    return text;
  }

  #fileOf(role: TufRole, text: string) {
    return {
      version: this.versions[role],
      length: Buffer.byteLength(text),
      hashes: { sha256: createHash('sha256').update(text).digest('hex') },
    };
  }
}
