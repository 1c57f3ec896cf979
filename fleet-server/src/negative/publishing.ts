import { readFile } from 'node:fs/promises';
import { fail, type Result, toHex, unwrap } from '@tsunagu/protocols/kit';
import {
  type Beside,
  decodeContainer,
  encodeContainer,
  entryOf,
  hashSet,
  hashTag,
  leavesOf,
  makeDelta,
  type NegativeSet,
  openContainer,
  rootOf,
  type NegativeCodec,
  type Partition,
  partitionSize,
  sortEntries,
  stepNodes,
} from '@tsunagu/protocols/negative';
import { encodeManifest, type SignedBytes } from '@tsunagu/protocols/negative/authority';
import type { World } from '@tsunagu/protocols/world';
import type { Artefacts } from '../artefacts/index.ts';
import type { Store } from '../store/index.ts';
import type { Vault } from '../vault/index.ts';
import { placeIn } from './place.ts';
import { manifestLifeMs, numberOf } from './rules.ts';
import type { NegativeSigning } from './signing.ts';

/** A version of a list whose files are on disk, but for its manifest. */
export interface MadeVersion {
  readonly root: string;
  readonly container: string;
  readonly steps: string;
  /** With the signatures that can be made here. */
  readonly manifest: SignedBytes;
  readonly count: number;
  readonly size: number;
}

/** What a container is made of. `place` is there in exact lists. */
export interface ListedCard {
  readonly tag: Uint8Array;
  readonly place: Uint8Array | null;
  readonly reason: string;
}

/** Makes versions of a list, and deltas between them when somebody asks. Files first: no head names what is not there. */
export interface Publishing {
  make(wanted: {
    readonly list: string;
    readonly epoch: number;
    readonly version: number;
    readonly set: NegativeSet;
    readonly tagKey: string;
    readonly isSignedTwice: boolean;
  }): Promise<MadeVersion>;
  /** The artefact behind a name of `negativeNames`; a delta is made when it is asked for first. */
  locate(name: string): Promise<string | undefined>;
  /** The list of a version. */
  read(container: string): Promise<Result<NegativeSet, 'NEGATIVE_FILE_INVALID'>>;
}

/** How much of a check value a manifest has room for. */
const keyCheckBytes = 3;
const hexOf = (bytes: Uint8Array): string => toHex(bytes).toLowerCase();
/** Deltas that are kept by name; their files stay on disk, and a forgotten one is made again to the same bytes. */
const deltasMax = 512;

export function openPublishing(
  world: World,
  store: Store,
  artefacts: Artefacts,
  signing: NegativeSigning,
  vault: Vault,
): Publishing {
  const deltas = new Map<string, Promise<string | undefined>>();

  const read: Publishing['read'] = async (container) => {
    const found = await artefacts.find(container);
    return found ? decodeContainer(Uint8Array.from(await readFile(found.path))) : fail('NEGATIVE_FILE_INVALID');
  };

  const versionOf = (root: string) =>
    store.db
      .selectFrom('negative_versions')
      .selectAll()
      .where('root', '=', root)
      .orderBy('version', 'desc')
      .executeTakeFirst();

  async function delta(baseRoot: string, headRoot: string): Promise<string | undefined> {
    const [base, head] = [await versionOf(baseRoot), await versionOf(headRoot)];
    if (!base || !head || base.list !== head.list || base.epoch !== head.epoch) return undefined;
    const [from, to] = [await read(base.container), await read(head.container)];
    if (!from.ok || !to.ok) return undefined;
    const bytes = makeDelta(from.value, to.value, Uint8Array.from(Buffer.from(baseRoot, 'hex')));
    const { digest } = await artefacts.put(bytes);
    world.log('info', 'negativeDeltaMade', { from: base.version, to: head.version, size: bytes.length });
    return digest;
  }

  return {
    async make({ list, epoch, version, set, tagKey, isSignedTwice }) {
      const bytes = encodeContainer(set);
      const opened = unwrap(openContainer(bytes));
      const leaves = leavesOf(opened);
      const root = rootOf(leaves);
      const issuedAt = Math.floor(world.clock.now() / 1_000);
      const document = signing.sign(
        'manifest',
        list,
        encodeManifest({
          list,
          epoch,
          version,
          root,
          size: bytes.length,
          count: opened.count,
          issuedAt,
          notAfter: issuedAt + manifestLifeMs / 1_000,
          keyCheck: Uint8Array.from(
            Buffer.from(vault.find(tagKey)?.checkValue ?? '', 'hex').subarray(0, keyCheckBytes),
          ),
        }),
        isSignedTwice,
      );
      const container = await artefacts.put(bytes);
      const steps = await artefacts.put(stepNodes(leaves));
      return {
        root: hexOf(root),
        container: container.digest,
        steps: steps.digest,
        manifest: document,
        count: opened.count,
        size: bytes.length,
      };
    },

    async locate(name) {
      const authority = /^root-(\d{1,9})$/.exec(name)?.[1];
      if (authority !== undefined) {
        const document = await signing.rootDocument(Number(authority));
        return document && (await artefacts.put(document)).digest;
      }
      const [, root, kind] = /^([0-9a-f]{64})\.(nfs|steps)$/.exec(name) ?? [];
      if (root !== undefined) {
        const version = await versionOf(root);
        return kind === 'nfs' ? version?.container : version?.steps;
      }
      const [, base, head] = /^([0-9a-f]{64})-([0-9a-f]{64})\.nfd$/.exec(name) ?? [];
      if (base === undefined || head === undefined) return undefined;
      const known = deltas.get(name) ?? delta(base, head);
      deltas.delete(name);
      deltas.set(name, known);
      const [oldest] = deltas.keys();
      if (deltas.size > deltasMax && oldest !== undefined) deltas.delete(oldest);
      return await known;
    },

    read,
  };
}

/** The set that a container of these cards says. Cards that share a tag are one entry: it goes when the last of them goes. */
export function setOf(
  codec: NegativeCodec,
  hashBits: number,
  cards: readonly ListedCard[],
  beside: Beside,
): NegativeSet {
  if (codec === 'KH') {
    const entries = Float64Array.from(cards, ({ tag, reason }) => entryOf(hashTag(tag, hashBits), numberOf(reason)));
    return hashSet(hashBits, sortEntries(entries), beside);
  }
  const places = new Map<number, number[]>();
  for (const { place, reason } of cards) {
    if (!place) throw new Error('an exact list has a place for every card');
    const { partition, tag } = placeIn(place);
    const entries = places.get(partition);
    if (entries) entries.push(entryOf(tag, numberOf(reason)));
    else places.set(partition, [entryOf(tag, numberOf(reason))]);
  }
  const partitions: Partition[] = [...places].map(([id, entries]) => ({
    id,
    size: partitionSize(id),
    entries: sortEntries(Float64Array.from(entries)),
  }));
  return { codec, hashBits: 0, partitions: partitions.sort((a, b) => a.id - b.id), beside };
}

/** A list that refuses, beside its own, every card that another one of the same codec and width does; where both have it, the lower reason. */
export function keepingAll(set: NegativeSet, kept: NegativeSet): NegativeSet {
  const partitions = new Map(set.partitions.map((partition) => [partition.id, partition]));
  for (const { id, size, entries } of kept.partitions) {
    const own = partitions.get(id)?.entries ?? new Float64Array(0);
    const both = new Float64Array(own.length + entries.length);
    both.set(own);
    both.set(entries, own.length);
    partitions.set(id, { id, size, entries: sortEntries(both) });
  }
  const known = new Set(kept.beside.exceptions);
  const exceptions = set.beside.exceptions.filter((exception) => known.has(exception));
  return {
    ...set,
    beside: { ...set.beside, exceptions },
    partitions: [...partitions.values()].sort((a, b) => a.id - b.id),
  };
}
