import {
  containerRoot,
  encodeContainer,
  encodeOverlay,
  entryOf,
  hashSet,
  hashTag,
  leavesOf,
  makeDelta,
  type NegativeSet,
  nothingBeside,
  openContainer,
  overlayBits,
  partitionSize,
  panMac,
  permutationKey,
  permutePan,
  sortEntries,
  stepNodes,
} from '@tsunagu/protocols/negative';
import {
  documentDigest,
  encodeHead,
  encodeManifest,
  encodeOverlayDocument,
  encodeRoot,
  encodeSigned,
  type Head,
  type Manifest,
  overlayDigestBytes,
} from '@tsunagu/protocols/negative/authority';
import { negativeNames } from '@tsunagu/protocols/fleet';
import { checkValue } from '@tsunagu/protocols/kcv';
import { concat, type Secret, unwrap } from '@tsunagu/protocols/kit';
import { authority, type Signer, signed } from '../../negative/signers.ts';
import type { TinyServer } from './tiny-server.ts';

const bits = 44;
const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** What a version of the test's list says; what is left out is as it should be. */
export interface ListOf {
  readonly cards: readonly Secret<'pan'>[];
  readonly more?: number;
  readonly seq?: number;
  readonly overlay?: readonly Secret<'pan'>[];
  readonly head?: Partial<Head>;
  readonly manifest?: Partial<Manifest>;
  readonly headSigner?: Signer;
  readonly listSigners?: readonly Signer[];
  /** The key that its tags are made with, where it is another than the authority's first. */
  readonly under?: Secret<'key'>;
}

/** Publishes lists of keyed hashes at a tiny server, as the fleet server would. */
export function listAuthority(server: TinyServer, key: Secret<'key'>) {
  const now = () => Math.floor(Date.now() / 1_000);
  const born = now();
  const made = authority(born, true);
  server.negativeRoot = encodeSigned(made.root);
  const sets = new Map<string, NegativeSet>();
  const permuting = permutationKey(key);
  let placesLeft = Number.POSITIVE_INFINITY;
  const placeOf = (pan: Secret<'pan'>) => (placesLeft-- > 0 ? permutePan(permuting, pan) : undefined);
  const macOf = (pan: Secret<'pan'>, under = key): Uint8Array => unwrap(panMac(under, pan));

  /** Makes a version's files and puts them at the server; returns its head and overlay as they go out. */
  function publish(version: number, wanted: ListOf): Uint8Array {
    const { cards, more = 0 } = wanted;
    // `more` further cards, so that a list has many segments.
    const filler = Array.from({ length: more }, (_, at) => entryOf((at + 1) * Math.floor(2 ** bits / (more + 2)), 0));
    const entries = [...cards.map((pan) => entryOf(hashTag(macOf(pan, wanted.under), bits), 1)), ...filler];
    return put('regular', version, hashSet(bits, sortEntries(Float64Array.from(entries))), sets, wanted);
  }

  /** Puts a list's files at the server, and what leads to them from those before. */
  function put(
    list: string,
    version: number,
    set: NegativeSet,
    before: Map<string, NegativeSet>,
    wanted: Omit<ListOf, 'cards'>,
  ): Uint8Array {
    const { seq = 0, overlay = [] } = wanted;
    const bytes = encodeContainer(set);
    const container = unwrap(openContainer(bytes));
    const root = containerRoot(container);
    const name = hexOf(root);
    for (const [base, from] of before)
      server.negativeParts.set(
        negativeNames.delta(base, name),
        makeDelta(from, set, Uint8Array.from(Buffer.from(base, 'hex'))),
      );
    before.set(name, set);
    server.negativeParts.set(negativeNames.container(name), bytes);
    server.negativeParts.set(negativeNames.steps(name), stepNodes(leavesOf(container)));
    const manifest = signed(
      'manifest',
      encodeManifest(
        made.manifestOf(version, {
          list,
          root,
          size: bytes.length,
          count: container.count,
          issuedAt: born,
          notAfter: born + 86_400,
          keyCheck: unwrap(checkValue('AES', 'cmac', wanted.under ?? key, 3)),
          ...wanted.manifest,
        }),
      ),
      ...(wanted.listSigners ?? [made.keys.list]),
    );
    server.artefacts.set(hexOf(documentDigest(manifest)), encodeSigned(manifest));
    const urgent = sortEntries(
      Float64Array.from(overlay, (pan) => entryOf(hashTag(macOf(pan, wanted.under), overlayBits), 2)),
    );
    const epoch = wanted.manifest?.epoch ?? 1;
    const overlaid = signed(
      'overlay',
      encodeOverlayDocument({ list, epoch, version, seq, issuedAt: 0, overlay: encodeOverlay(urgent) }),
      made.keys.emergency,
    );
    const head = signed(
      'head',
      encodeHead({
        list,
        epoch,
        version,
        seq,
        manifest: documentDigest(manifest),
        overlay: documentDigest(overlaid).slice(0, overlayDigestBytes),
        rootVersion: 1,
        issuedAt: now(),
        notAfter: now() + 86_400,
        ...wanted.head,
      }),
      wanted.headSigner ?? made.keys.head,
    );
    return concat(encodeSigned(head), encodeSigned(overlaid));
  }
  /** The root that names a list more, "house-cards", and versions of that: an exact list. */
  function houseCards() {
    const { keys } = made;
    const root = made.rootOf({
      version: 2,
      keys: [...made.rootOf().keys, keys.otherIssuer.key, { ...keys.emergency.key, list: 'house-cards' }],
    });
    const sets = new Map<string, NegativeSet>();
    return {
      root: encodeSigned(signed('root', encodeRoot(root), keys.roots[0], keys.roots[1])),
      publish(version: number, cards: readonly Secret<'pan'>[], more = 0): Uint8Array {
        const places = [
          ...cards.map((pan) => permutePan(permuting, pan) ?? { partition: 0, tag: 0 }),
          ...Array.from({ length: more }, (_, at) => ({ partition: 3_400_000, tag: at * 1_000_003 })),
        ];
        const ids = [...new Set(places.map(({ partition }) => partition))].sort((a, b) => a - b);
        const set: NegativeSet = {
          codec: 'KP',
          hashBits: 0,
          beside: nothingBeside,
          partitions: ids.map((id) => ({
            id,
            size: partitionSize(id),
            entries: sortEntries(
              Float64Array.from(places.flatMap(({ partition, tag }) => (partition === id ? [entryOf(tag, 1)] : []))),
            ),
          })),
        };
        return put('house-cards', version, set, sets, { listSigners: [keys.otherIssuer], head: { rootVersion: 2 } });
      },
    };
  }
  return {
    ...made,
    macOf,
    placeOf,
    publish,
    houseCards,
    get placesLeft(): number {
      return placesLeft;
    },
    set placesLeft(left: number) {
      placesLeft = left;
    },
  };
}
