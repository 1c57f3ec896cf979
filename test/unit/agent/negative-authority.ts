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
  openContainer,
  overlayBits,
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
}

/** Publishes lists of keyed hashes at a tiny server, as the fleet server would. */
export function listAuthority(server: TinyServer, key: Secret<'key'>) {
  const now = () => Math.floor(Date.now() / 1_000);
  const born = now();
  const made = authority(born, true);
  server.negativeRoot = encodeSigned(made.root);
  const sets = new Map<string, NegativeSet>();
  const permuting = permutationKey(key);
  const placeOf = (pan: Secret<'pan'>) => permutePan(permuting, pan);
  const macOf = (pan: Secret<'pan'>): Uint8Array => unwrap(panMac(key, pan));

  /** Makes a version's files and puts them at the server; returns its head and overlay as they go out. */
  function publish(version: number, wanted: ListOf): Uint8Array {
    const { cards, more = 0, seq = 0, overlay = [] } = wanted;
    // `more` further cards, so that a list has many segments.
    const filler = Array.from({ length: more }, (_, at) => entryOf((at + 1) * Math.floor(2 ** bits / (more + 2)), 0));
    const entries = [...cards.map((pan) => entryOf(hashTag(macOf(pan), bits), 1)), ...filler];
    const set = hashSet(bits, sortEntries(Float64Array.from(entries)));
    const bytes = encodeContainer(set);
    const container = unwrap(openContainer(bytes));
    const root = containerRoot(container);
    const name = hexOf(root);
    for (const [base, from] of sets)
      server.negativeParts.set(
        negativeNames.delta(base, name),
        makeDelta(from, set, Uint8Array.from(Buffer.from(base, 'hex'))),
      );
    sets.set(name, set);
    server.negativeParts.set(negativeNames.container(name), bytes);
    server.negativeParts.set(negativeNames.steps(name), stepNodes(leavesOf(container)));
    const manifest = signed(
      'manifest',
      encodeManifest(
        made.manifestOf(version, {
          root,
          size: bytes.length,
          count: container.count,
          issuedAt: born,
          notAfter: born + 86_400,
          keyCheck: unwrap(checkValue('AES', 'cmac', key, 3)),
          ...wanted.manifest,
        }),
      ),
      ...(wanted.listSigners ?? [made.keys.list]),
    );
    server.artefacts.set(hexOf(documentDigest(manifest)), encodeSigned(manifest));
    const urgent = sortEntries(Float64Array.from(overlay, (pan) => entryOf(hashTag(macOf(pan), overlayBits), 2)));
    const epoch = wanted.manifest?.epoch ?? 1;
    const overlaid = signed(
      'overlay',
      encodeOverlayDocument({ list: 'regular', epoch, version, seq, issuedAt: 0, overlay: encodeOverlay(urgent) }),
      made.keys.emergency,
    );
    const head = signed(
      'head',
      encodeHead({
        list: 'regular',
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
  return { ...made, macOf, placeOf, publish };
}
