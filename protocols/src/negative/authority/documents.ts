import type { Result } from '../../kit/index.ts';
import { FieldReader, FieldWriter } from './fields.ts';
import { negativeKeyId } from './signed-bytes.ts';

/** What a key may sign. `list` alone may take cards off; `emergency` can only add, and only so many; `head` says what is newest. */
export const negativeRoles = ['root', 'list', 'emergency', 'head'] as const;
export type NegativeRole = (typeof negativeRoles)[number];

/** A key and what it may do. */
export interface NegativeKey {
  readonly id: string;
  /** Ed25519, 32 bytes. */
  readonly publicKey: Uint8Array;
  readonly role: NegativeRole;
  /** The list it is for; "" for all. */
  readonly list: string;
  /** Seconds since 1970. */
  readonly notAfter: number;
}

/** How long a terminal may rely on what it holds. */
export interface FreshnessPolicy {
  /** Older than this: the offline limit is lowered. Seconds. */
  readonly softSeconds: number;
  /** Older than this: no offline approval. Seconds. */
  readonly hardSeconds: number;
  /** Offline approvals since the last head that was equalled; and their sum, minor units. A stopped clock cannot extend either. */
  readonly offlineCountMax: number;
  readonly offlineAmountMaxMinor: number;
}

/** Who may say what. Signed offline by `threshold` of the root keys before it and of its own. */
export interface RootDocument {
  /** Rises by one. */
  readonly version: number;
  readonly notAfter: number;
  readonly threshold: number;
  /** Cards that emergency keys may add within a day. */
  readonly emergencyPerDay: number;
  readonly policy: FreshnessPolicy;
  readonly keys: readonly NegativeKey[];
}

/** One version of a list: signed by a list key; by two when it shrinks by more than a twentieth. */
export interface Manifest {
  readonly list: string;
  /** Rises when the list's key changes. */
  readonly epoch: number;
  readonly version: number;
  /** Merkle root of the container. */
  readonly root: Uint8Array;
  readonly size: number;
  readonly count: number;
  readonly issuedAt: number;
  readonly notAfter: number;
  /** Check value of the key that cards are looked up with, 3 bytes. */
  readonly keyCheck: Uint8Array;
}

/** Emergency entries since a version. Cumulative, and only ever more. */
export interface OverlayDocument {
  readonly list: string;
  readonly epoch: number;
  readonly version: number;
  readonly seq: number;
  readonly issuedAt: number;
  /** `decodeOverlay`. */
  readonly overlay: Uint8Array;
}

/** What is newest: signed often, by a key that is online and short-lived. */
export interface Head {
  readonly list: string;
  readonly epoch: number;
  readonly version: number;
  readonly seq: number;
  /** SHA-256 of the manifest as it travels; first 16 bytes of that of the overlay. */
  readonly manifest: Uint8Array;
  readonly overlay: Uint8Array;
  readonly rootVersion: number;
  readonly issuedAt: number;
  readonly notAfter: number;
}

/** How much of an overlay's SHA-256 a head holds, bytes. */
export const overlayDigestBytes = 16;
const keysMax = 32;

/** Writes the payload of a root. */
export function encodeRoot(root: RootDocument): Uint8Array {
  const { policy } = root;
  const writer = new FieldWriter('root')
    .number(root.version, 4)
    .number(root.notAfter, 5)
    .number(root.threshold, 1)
    .number(root.emergencyPerDay, 2)
    .number(policy.softSeconds, 4)
    .number(policy.hardSeconds, 4)
    .number(policy.offlineCountMax, 2)
    .number(policy.offlineAmountMaxMinor, 6)
    .number(root.keys.length, 1);
  for (const { role, list, notAfter, publicKey } of root.keys)
    writer.number(negativeRoles.indexOf(role), 1).name(list).number(notAfter, 5).bytes(publicKey);
  return writer.take();
}

/** Reads the payload of a root. */
export function decodeRoot(payload: Uint8Array): Result<RootDocument, 'NEGATIVE_DOCUMENT_INVALID'> {
  const reader = new FieldReader(payload, 'root');
  const root = {
    version: reader.number(4),
    notAfter: reader.number(5),
    threshold: reader.number(1),
    emergencyPerDay: reader.number(2),
    policy: {
      softSeconds: reader.number(4),
      hardSeconds: reader.number(4),
      offlineCountMax: reader.number(2),
      offlineAmountMaxMinor: reader.number(6),
    },
    keys: Array.from({ length: Math.min(keysMax, reader.number(1)) }, (): NegativeKey => {
      const role = negativeRoles[reader.number(1)] ?? 'head';
      const list = reader.name(true);
      const notAfter = reader.number(5);
      const publicKey = reader.bytes(32);
      return { id: negativeKeyId(publicKey), publicKey, role, list, notAfter };
    }),
  };
  return reader.end(root);
}

/** Writes the payload of a manifest. */
export const encodeManifest = (manifest: Manifest): Uint8Array =>
  new FieldWriter('manifest')
    .name(manifest.list)
    .number(manifest.epoch, 2)
    .number(manifest.version, 4)
    .bytes(manifest.root)
    .number(manifest.size, 4)
    .number(manifest.count, 3)
    .number(manifest.issuedAt, 5)
    .number(manifest.notAfter, 5)
    .bytes(manifest.keyCheck)
    .take();

/** Reads the payload of a manifest. */
export function decodeManifest(payload: Uint8Array): Result<Manifest, 'NEGATIVE_DOCUMENT_INVALID'> {
  const reader = new FieldReader(payload, 'manifest');
  return reader.end({
    list: reader.name(),
    epoch: reader.number(2),
    version: reader.number(4),
    root: reader.bytes(32),
    size: reader.number(4),
    count: reader.number(3),
    issuedAt: reader.number(5),
    notAfter: reader.number(5),
    keyCheck: reader.bytes(3),
  });
}

/** Writes the payload of an overlay. */
export const encodeOverlayDocument = (overlay: OverlayDocument): Uint8Array =>
  new FieldWriter('overlay')
    .name(overlay.list)
    .number(overlay.epoch, 2)
    .number(overlay.version, 4)
    .number(overlay.seq, 4)
    .number(overlay.issuedAt, 5)
    .bytes(overlay.overlay)
    .take();

/** Reads the payload of an overlay; its entries stay unread. */
export function decodeOverlayDocument(payload: Uint8Array): Result<OverlayDocument, 'NEGATIVE_DOCUMENT_INVALID'> {
  const reader = new FieldReader(payload, 'overlay');
  return reader.end({
    list: reader.name(),
    epoch: reader.number(2),
    version: reader.number(4),
    seq: reader.number(4),
    issuedAt: reader.number(5),
    overlay: reader.rest(),
  });
}

/** Writes the payload of a head. */
export const encodeHead = (head: Head): Uint8Array =>
  new FieldWriter('head')
    .name(head.list)
    .number(head.epoch, 2)
    .number(head.version, 4)
    .number(head.seq, 4)
    .bytes(head.manifest)
    .bytes(head.overlay)
    .number(head.rootVersion, 4)
    .number(head.issuedAt, 5)
    .number(head.notAfter, 5)
    .take();

/** Reads the payload of a head. */
export function decodeHead(payload: Uint8Array): Result<Head, 'NEGATIVE_DOCUMENT_INVALID'> {
  const reader = new FieldReader(payload, 'head');
  return reader.end({
    list: reader.name(),
    epoch: reader.number(2),
    version: reader.number(4),
    seq: reader.number(4),
    manifest: reader.bytes(32),
    overlay: reader.bytes(overlayDigestBytes),
    rootVersion: reader.number(4),
    issuedAt: reader.number(5),
    notAfter: reader.number(5),
  });
}
