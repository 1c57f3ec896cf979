import { devicePaths } from '@tsunagu/protocols/fleet';
import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import {
  checkRoot,
  type Metadata,
  readMetadata,
  rootRotationsMax,
  type Signed,
  type TrustedSet,
  trustRoot,
  type TufFault,
  tufLengthMax,
  type TufRole,
  updateRoot,
  updateSnapshot,
  updateTargets,
  updateTimestamp,
} from '@tsunagu/protocols/software';
import type { Clock } from '@tsunagu/protocols/world';
import { z } from 'zod';
import { type SealedStore, sealedRecord } from '../sealed-store/index.ts';
import type { RangeFault, RangeSource } from './range-source.ts';

/** What is believed of the software repository, each file as it came. */
const trustRecord = sealedRecord(
  'software-trust',
  z.object({
    root: z.string(),
    timestamp: z.string().optional(),
    snapshot: z.string().optional(),
    targets: z.string().optional(),
    timeMs: z.number(),
  }),
);

export type TrustFault =
  | TufFault
  | RangeFault
  | 'SOFTWARE_REPOSITORY_MISSING'
  | 'STORE_READ_FAILED'
  | 'STORE_RECORD_DAMAGED'
  | 'STORE_WRITE_FAILED';

/** What a terminal believes of the software repository. */
export interface SoftwareTrust {
  /**
   * Follows the repository by the client workflow of TUF 1.0.33, 5: each file is believed only when it is verified, and is on the
   * medium before the next one is fetched.
   */
  refresh(source: RangeSource): Promise<Result<Signed<'targets'>, TrustFault>>;
  /** Takes the first root of the first authentic connection, if there is none yet: from then on only its holders are believed. */
  pin(source: RangeSource): Promise<Result<void, TrustFault>>;
}

export function softwareTrust(store: SealedStore, clock: Pick<Clock, 'now'>): SoftwareTrust {
  async function fetch(
    source: RangeSource,
    name: string,
    role: TufRole,
  ): Promise<Result<Uint8Array | undefined, TrustFault>> {
    const { bytes, end } = await source.read(`${devicePaths.softwareMetadata}/${name}`, 'all');
    if (end === 'yielded') return fetch(source, name, role);
    if (end !== 'whole') return end.fault.facts?.['status'] === 404 ? ok(undefined) : end;
    return bytes.length > tufLengthMax[role] ? fail('SOFTWARE_METADATA_INVALID', { field: role }) : ok(bytes);
  }

  async function keep(set: TrustedSet): Promise<Result<TrustedSet, TrustFault>> {
    const { root, timestamp, snapshot, targets, timeMs } = set;
    const texts = { timestamp: timestamp?.text, snapshot: snapshot?.text, targets: targets?.text };
    const kept = await store.write(trustRecord, { root: root.text, ...texts, timeMs });
    return kept.ok ? ok(set) : kept;
  }

  /** What was verified before; a part that a rotation of keys has made unreadable is as good as none. */
  async function stored(): Promise<Result<TrustedSet | undefined, TrustFault>> {
    const record = await store.read(trustRecord);
    if (!record.ok) return record;
    if (!record.value) return ok(undefined);
    const { root, timeMs, ...texts } = record.value.facts;
    const set = trustRoot(root);
    if (!set.ok) return set;
    const read = <Role extends 'timestamp' | 'snapshot' | 'targets'>(role: Role): Metadata<Role> | undefined => {
      const text = texts[role];
      const metadata = text === undefined ? undefined : readMetadata(role, text);
      return metadata?.ok ? metadata.value : undefined;
    };
    return ok({
      root: set.value.root,
      timestamp: read('timestamp'),
      snapshot: read('snapshot'),
      targets: read('targets'),
      timeMs,
    });
  }

  async function pinned(source: RangeSource): Promise<Result<TrustedSet, TrustFault>> {
    const known = await stored();
    if (!known.ok) return known;
    if (known.value) return ok(known.value);
    const first = await fetch(source, '1.root.json', 'root');
    if (!first.ok) return first;
    if (!first.value) return fail('SOFTWARE_REPOSITORY_MISSING');
    const set = trustRoot(first.value);
    return set.ok ? keep(set.value) : set;
  }

  /** 5.3.2 to 5.3.11. */
  async function followRoots(
    source: RangeSource,
    from: TrustedSet,
    nowMs: number,
  ): Promise<Result<TrustedSet, TrustFault>> {
    let set = from;
    for (let rotations = 0; rotations < rootRotationsMax; rotations++) {
      const next = await fetch(source, `${set.root.signed.version + 1}.root.json`, 'root');
      if (!next.ok) return next;
      if (!next.value) break;
      const updated = updateRoot(set, next.value);
      if (!updated.ok) return updated;
      const kept = await keep(updated.value);
      if (!kept.ok) return kept;
      set = kept.value;
    }
    const fresh = checkRoot(set, nowMs);
    return fresh.ok ? ok(set) : fresh;
  }

  /** One file below the root: fetched, verified, kept. */
  async function step(
    source: RangeSource,
    set: TrustedSet,
    role: 'timestamp' | 'snapshot' | 'targets',
    name: string,
    nowMs: number,
  ): Promise<Result<TrustedSet, TrustFault>> {
    const fetched = await fetch(source, name, role);
    if (!fetched.ok) return fetched;
    if (!fetched.value) return fail('SOFTWARE_METADATA_MISMATCH', { field: role, facts: { field: 'missing' } });
    const updated = { timestamp: updateTimestamp, snapshot: updateSnapshot, targets: updateTargets }[role](
      set,
      fetched.value,
      nowMs,
    );
    return updated.ok && updated.value !== set ? keep(updated.value) : updated;
  }

  return {
    async pin(source) {
      const set = await pinned(source);
      return set.ok ? ok(undefined) : set;
    },
    async refresh(source) {
      // One moment for the whole of it (5.1): a clock that jumps in between changes nothing.
      const nowMs = clock.now();
      const first = await pinned(source);
      if (!first.ok) return first;
      const rooted = await followRoots(source, first.value, nowMs);
      if (!rooted.ok) return rooted;
      const timed = await step(source, rooted.value, 'timestamp', 'timestamp.json', nowMs);
      if (!timed.ok) return timed;
      const announced = timed.value.timestamp?.signed.meta['snapshot.json'].version ?? 0;
      const shot = await step(source, timed.value, 'snapshot', `${announced}.snapshot.json`, nowMs);
      if (!shot.ok) return shot;
      const listed = shot.value.snapshot?.signed.meta['targets.json'].version ?? 0;
      const done = await step(source, shot.value, 'targets', `${listed}.targets.json`, nowMs);
      if (!done.ok) return done;
      const targets = done.value.targets?.signed;
      return targets ? ok(targets) : fail('SOFTWARE_METADATA_MISMATCH', { field: 'targets' });
    },
  };
}
