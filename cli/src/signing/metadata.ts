import { createHash } from 'node:crypto';
import type { SoftwareKeys } from '@tsunagu/protocols/fleet';
import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import {
  chunked,
  dateTimeOf,
  encodeChunkList,
  readSoftwareHeader,
  type Signed,
  type TargetCustom,
  type TargetFile,
  targetPath,
  tufKeyId,
  type TufKey,
} from '@tsunagu/protocols/software';

const specVersion = '1.0.33';
const dayMs = 86_400_000;
/** How long what people sign holds: they are alarmed long before (`/api/v1/software/roles`). */
const lifeMs = { root: 3 * 365 * dayMs, targets: 365 * dayMs } as const;

/** Who counts for a role, and how many of them are needed. */
export interface Holders {
  readonly keys: readonly TufKey[];
  readonly threshold: number;
}

/** A root for these people and this server. */
export const rootFor = (
  version: number,
  nowMs: number,
  { root, targets, online }: { readonly root: Holders; readonly targets: Holders; readonly online: SoftwareKeys },
) => {
  const held = { root, targets, snapshot: one(online.snapshot), timestamp: one(online.timestamp) };
  return {
    _type: 'root',
    spec_version: specVersion,
    version,
    expires: dateTimeOf(nowMs + lifeMs.root),
    consistent_snapshot: true,
    keys: Object.fromEntries(Object.values(held).flatMap(({ keys }) => keys.map((key) => [tufKeyId(key), key]))),
    roles: Object.fromEntries(
      Object.entries(held).map(([role, { keys, threshold }]) => [role, { keyids: keys.map(tufKeyId), threshold }]),
    ),
  };
};

const one = (key: TufKey): Holders => ({ keys: [key], threshold: 1 });

/** The keys that a root names for a role. */
export const holdersOf = (root: Signed<'root'>, role: 'root' | 'targets'): Holders => ({
  keys: root.roles[role].keyids.flatMap((id) => root.keys[id] ?? []),
  threshold: root.roles[role].threshold,
});

/** Targets anew: their version, and how long they hold. */
export const targetsFor = (version: number, nowMs: number, targets: Readonly<Record<string, TargetFile>>) => ({
  _type: 'targets',
  spec_version: specVersion,
  version,
  expires: dateTimeOf(nowMs + lifeMs.targets),
  targets,
});

/** An image as a target. Everything is computed from the bytes that lie here: what the server says of them is not asked. */
export function targetFor(
  image: Uint8Array,
  more: Pick<TargetCustom, 'hardwareRevisions' | 'requires'>,
): Result<{ readonly path: string; readonly file: TargetFile }, 'SOFTWARE_IMAGE_INVALID'> {
  const header = readSoftwareHeader(image);
  if (!header.ok) return fail('SOFTWARE_IMAGE_INVALID', header.fault);
  const { model, version, counter: antiRollback } = header.value;
  const cut = chunked(image);
  const list = createHash('sha256').update(encodeChunkList(cut)).digest('hex');
  const custom = { model, version, antiRollback, chunks: { length: cut.chunkLength, digest: list }, ...more };
  return ok({
    path: targetPath(model, version),
    file: { length: image.length, hashes: { sha256: cut.digest }, custom },
  });
}
