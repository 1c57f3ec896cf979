import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import {
  bytesToSign,
  type DocumentType,
  documentDigest,
  encodeHead,
  encodeManifest,
  encodeOverlayDocument,
  encodeRoot,
  type Head,
  type Manifest,
  type NegativeKey,
  negativeKeyId,
  type NegativeRole,
  overlayDigestBytes,
  rawKeyOfSpki,
  type RootDocument,
  type SignedBytes,
} from '@tsunagu/protocols/negative/authority';
import { encodeOverlay, entryOf, sortEntries } from '@tsunagu/protocols/negative';

/** A signing key of a role, with its private half. */
export interface Signer {
  readonly key: NegativeKey;
  readonly privateKey: KeyObject;
}

export function signer(role: NegativeRole, list = '', notAfter = 2_000_000_000): Signer {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const raw = rawKeyOfSpki(Uint8Array.from(publicKey.export({ type: 'spki', format: 'der' })));
  return { privateKey, key: { id: negativeKeyId(raw), publicKey: raw, role, list, notAfter } };
}

export const signed = (type: DocumentType, payload: Uint8Array, ...signers: readonly Signer[]): SignedBytes => ({
  payload,
  signatures: signers.map(({ key, privateKey }) => ({
    keyId: key.id,
    signature: Uint8Array.from(sign(null, bytesToSign(type, payload), privateKey)),
  })),
});

/** An authority with all its keys in one hand, for tests. Its root names the lists "regular" and "house-cards", or the first alone. */
export function authority(now: number, isAlone = false) {
  const keys = {
    roots: [signer('root'), signer('root'), signer('root')] as const,
    list: signer('list', 'regular'),
    second: signer('list', 'regular'),
    otherIssuer: signer('list', 'house-cards'),
    emergency: signer('emergency', 'regular'),
    head: signer('head'),
  };
  const rootOf = (more: Partial<RootDocument> = {}): RootDocument => ({
    version: 1,
    notAfter: now + 365 * 86_400,
    threshold: 2,
    emergencyPerDay: 100,
    policy: { softSeconds: 86_400, hardSeconds: 259_200, offlineCountMax: 50, offlineAmountMaxMinor: 500_000 },
    keys: [
      ...keys.roots,
      keys.list,
      keys.second,
      ...(isAlone ? [] : [keys.otherIssuer]),
      keys.emergency,
      keys.head,
    ].map(({ key }) => key),
    ...more,
  });
  const root = signed('root', encodeRoot(rootOf()), keys.roots[0], keys.roots[1]);
  const manifestOf = (version: number, more: Partial<Manifest> = {}): Manifest => ({
    list: 'regular',
    epoch: 1,
    version,
    root: new Uint8Array(32).fill(version),
    size: 1_000,
    count: 100,
    issuedAt: now,
    notAfter: now + 7 * 86_400,
    keyCheck: new Uint8Array(3),
    ...more,
  });
  const overlayOf = (version: number, seq: number, tags: readonly number[], epoch = 1) =>
    encodeOverlayDocument({
      list: 'regular',
      epoch,
      version,
      seq,
      issuedAt: now,
      overlay: encodeOverlay(sortEntries(Float64Array.from(tags, (tag) => entryOf(tag, 1)))),
    });
  /** A version as it is published: manifest, overlay and the head over both. */
  function publish(
    version: number,
    seq: number,
    more: {
      readonly tags?: readonly number[];
      readonly manifest?: Partial<Manifest>;
      readonly head?: Partial<Head>;
      readonly listSigners?: readonly Signer[];
      readonly emergencySigner?: Signer;
      readonly headSigner?: Signer;
    } = {},
  ) {
    const epoch = more.manifest?.epoch ?? 1;
    const manifest = signed(
      'manifest',
      encodeManifest(manifestOf(version, more.manifest)),
      ...(more.listSigners ?? [keys.list]),
    );
    const overlay = signed(
      'overlay',
      overlayOf(version, seq, more.tags ?? [], epoch),
      more.emergencySigner ?? keys.emergency,
    );
    const head = signed(
      'head',
      encodeHead({
        list: 'regular',
        epoch,
        version,
        seq,
        manifest: documentDigest(manifest),
        overlay: documentDigest(overlay).slice(0, overlayDigestBytes),
        rootVersion: 1,
        issuedAt: now,
        notAfter: now + 86_400,
        ...more.head,
      }),
      more.headSigner ?? keys.head,
    );
    return { manifest, overlay, head };
  }
  return { keys, root, rootOf, manifestOf, publish };
}
