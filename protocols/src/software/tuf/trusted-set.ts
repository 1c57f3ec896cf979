import { createHash } from 'node:crypto';
import { fail, ok, type Result } from '../../kit/index.ts';
import { type MetaFile, type Metadata, momentOf, readMetadata, type TufRole } from './metadata.ts';
import { isSigned } from './signing.ts';

/** What a client believes: a root, and below it what was verified so far. */
export interface TrustedSet {
  readonly root: Metadata<'root'>;
  readonly timestamp?: Metadata<'timestamp'> | undefined;
  readonly snapshot?: Metadata<'snapshot'> | undefined;
  readonly targets?: Metadata<'targets'> | undefined;
  /** The latest moment that a verified timestamp told, milliseconds since 1970: no clock is believed to be before it. */
  readonly timeMs: number;
}

/** Why a file is not believed. */
export type TufFault =
  | 'SOFTWARE_METADATA_INVALID'
  | 'SOFTWARE_METADATA_UNSIGNED'
  | 'SOFTWARE_METADATA_ROLLBACK'
  | 'SOFTWARE_METADATA_EXPIRED'
  | 'SOFTWARE_METADATA_MISMATCH';

const rollback = (role: TufRole, version: number, trusted: number) =>
  fail('SOFTWARE_METADATA_ROLLBACK', { field: role, facts: { version, trusted } });
const mismatch = (role: TufRole, field: string) =>
  fail('SOFTWARE_METADATA_MISMATCH', { field: role, facts: { field } });

/** Begins with a root that is trusted for a reason of its own: it came with the device, or over the first authentic connection. 5.2. */
export function trustRoot(bytes: Uint8Array | string): Result<TrustedSet, TufFault> {
  const root = readMetadata('root', bytes);
  if (!root.ok) return root;
  const signed = isSigned(root.value.signed, 'root', root.value);
  return signed.ok ? ok({ root: root.value, timeMs: 0 }) : signed;
}

/** Follows one rotation: signed by the old root's keys and by its own, its version one more. 5.3.4, 5.3.5. */
export function updateRoot(set: TrustedSet, bytes: Uint8Array | string): Result<TrustedSet, TufFault> {
  const root = readMetadata('root', bytes);
  if (!root.ok) return root;
  for (const by of [set.root.signed, root.value.signed]) {
    const signed = isSigned(by, 'root', root.value);
    if (!signed.ok) return signed;
  }
  const { version } = root.value.signed;
  if (version !== set.root.signed.version + 1) return rollback('root', version, set.root.signed.version);
  return ok(hasRotated(set.root, root.value) ? { root: root.value, timeMs: set.timeMs } : { ...set, root: root.value });
}

/**
 * Whether the keys that are online changed: then what they signed before is forgotten, and a thief's version numbers with it
 * (fast-forward attack, 5.3.11).
 */
function hasRotated(before: Metadata<'root'>, after: Metadata<'root'>): boolean {
  return (['timestamp', 'snapshot'] as const).some((role) => {
    const [was, is] = [before.signed.roles[role].keyids, after.signed.roles[role].keyids];
    return was.some((id) => !is.includes(id)) || is.some((id) => !was.includes(id));
  });
}

/** When the root in the end has not expired. 5.3.10. */
export const checkRoot = (set: TrustedSet, nowMs: number): Result<void, TufFault> => checkExpiry(set, set.root, nowMs);

/** 5.4.2 to 5.4.5. An equal version is the one that is known: nothing changes but that it may have expired. */
export function updateTimestamp(
  set: TrustedSet,
  bytes: Uint8Array | string,
  nowMs: number,
): Result<TrustedSet, TufFault> {
  const timestamp = readMetadata('timestamp', bytes);
  if (!timestamp.ok) return timestamp;
  const signed = isSigned(set.root.signed, 'timestamp', timestamp.value);
  if (!signed.ok) return signed;
  const known = set.timestamp?.signed;
  const told = timestamp.value.signed;
  if (known && told.version < known.version) return rollback('timestamp', told.version, known.version);
  const [was, is] = [known?.meta['snapshot.json'].version ?? 0, told.meta['snapshot.json'].version];
  if (is < was) return rollback('snapshot', is, was);
  if (set.timestamp && told.version === known?.version) {
    const expiry = checkExpiry(set, set.timestamp, nowMs);
    return expiry.ok ? ok(set) : expiry;
  }
  const signedAtMs = told.signed_at === undefined ? 0 : momentOf(told.signed_at);
  // A time that is past its own expiry is no time.
  const timeMs = signedAtMs < momentOf(told.expires) ? Math.max(set.timeMs, signedAtMs) : set.timeMs;
  const next = { ...set, timestamp: timestamp.value, timeMs };
  const expiry = checkExpiry(next, timestamp.value, nowMs);
  return expiry.ok ? ok(next) : expiry;
}

/** 5.5.2 to 5.5.6. */
export function updateSnapshot(
  set: TrustedSet,
  bytes: Uint8Array | string,
  nowMs: number,
): Result<TrustedSet, TufFault> {
  const announced = set.timestamp?.signed.meta['snapshot.json'];
  const snapshot = readAnnounced(set, 'snapshot', announced, bytes);
  if (!snapshot.ok) return snapshot;
  for (const [name, known] of Object.entries(set.snapshot?.signed.meta ?? {})) {
    const told = snapshot.value.signed.meta[name];
    // A file that was listed once is listed for ever (5.5.5).
    if (told === undefined || told.version < known.version)
      return rollback('targets', told?.version ?? 0, known.version);
  }
  const expiry = checkExpiry(set, snapshot.value, nowMs);
  return expiry.ok ? ok({ ...set, snapshot: snapshot.value }) : expiry;
}

/** 5.6.2 to 5.6.6. */
export function updateTargets(
  set: TrustedSet,
  bytes: Uint8Array | string,
  nowMs: number,
): Result<TrustedSet, TufFault> {
  const announced = set.snapshot?.signed.meta['targets.json'];
  const targets = readAnnounced(set, 'targets', announced, bytes);
  if (!targets.ok) return targets;
  const expiry = checkExpiry(set, targets.value, nowMs);
  return expiry.ok ? ok({ ...set, targets: targets.value }) : expiry;
}

/** A file that another one announced: its hash, its signatures, its version, in this order. */
function readAnnounced<Role extends 'snapshot' | 'targets'>(
  set: TrustedSet,
  role: Role,
  announced: MetaFile | undefined,
  bytes: Uint8Array | string,
): Result<Metadata<Role>, TufFault> {
  if (announced === undefined) return mismatch(role, 'order');
  if (announced.length !== undefined && Buffer.byteLength(bytes) > announced.length) return mismatch(role, 'length');
  if (announced.hashes && createHash('sha256').update(bytes).digest('hex') !== announced.hashes.sha256)
    return mismatch(role, 'hash');
  const read = readMetadata(role, bytes);
  if (!read.ok) return read;
  const signed = isSigned(set.root.signed, role, read.value);
  if (!signed.ok) return signed;
  return read.value.signed.version === announced.version ? read : mismatch(role, 'version');
}

/** Expiry by what the client knows of the time: its clock, but never before a moment that was verified. */
function checkExpiry(
  { timeMs }: TrustedSet,
  { signed }: Metadata<TufRole>,
  nowMs: number,
): Result<void, 'SOFTWARE_METADATA_EXPIRED'> {
  const now = Math.max(nowMs, timeMs);
  return momentOf(signed.expires) > now
    ? ok(undefined)
    : fail('SOFTWARE_METADATA_EXPIRED', {
        field: signed._type,
        facts: { expires: signed.expires, now: new Date(now).toISOString() },
      });
}
