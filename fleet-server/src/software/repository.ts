import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import {
  dateTimeOf,
  isSigned,
  type Metadata,
  type MetaFile,
  momentOf,
  readMetadata,
  signMetadata,
  type TrustedSet,
  trustRoot,
  type TufFault,
  type TufRole,
  updateRoot,
} from '@tsunagu/protocols/software';
import type { World } from '@tsunagu/protocols/world';
import { writeWhole } from '../artefacts/index.ts';
import { type OnlineKeys, onlineRoles } from './online-keys.ts';

/** What a person publishes: a root, or targets, or both at once where a root changes who signs targets. */
export interface Publication {
  readonly root?: string | undefined;
  readonly targets?: string | undefined;
}

export type PublishFault =
  | TufFault
  | 'SOFTWARE_REPOSITORY_MISSING'
  | 'SOFTWARE_REPOSITORY_EXISTS'
  | 'SOFTWARE_REPOSITORY_TORN';

/** What of the repository is in force. */
export interface InForce {
  readonly root: Metadata<'root'>;
  readonly timestamp: Metadata<'timestamp'>;
  readonly snapshot: Metadata<'snapshot'>;
  readonly targets: Metadata<'targets'>;
}

/**
 * The software repository: files as TUF 1.0.33, 6.2 names them (consistent snapshots). Root and targets come signed from people;
 * snapshot and timestamp are signed here. `timestamp.json` is written last: until then clients see the state of before.
 */
export interface Repository {
  readonly inForce: InForce | undefined;
  /** The file that is gone or damaged though it was announced; until it is back nothing is in force, and nothing is signed or changed. */
  readonly torn: string | undefined;
  /** A file by its name. */
  file(name: string): Promise<Uint8Array | undefined>;
  /** Verifies as a client does, and puts into force. Concurrent calls take turns. */
  publish(publication: Publication): Promise<Result<InForce, PublishFault>>;
  /** Signs what is due: a timestamp past half of its life, a snapshot in its last half. */
  renew(): Promise<void>;
}

const hourMs = 3_600_000;
/** How long what is signed here holds. The timestamp bounds a freeze: nobody can hide news from a terminal for longer. */
export const livesMs = { timestamp: 24 * hourMs, snapshot: 30 * 24 * hourMs } as const;

export async function openRepository(world: World, folder: string, keys: OnlineKeys): Promise<Repository> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const { clock } = world;
  let turn: Promise<unknown> = Promise.resolve();
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const next = turn.then(work, work);
    turn = next.catch(() => undefined);
    return next;
  };

  const file = async (name: string): Promise<Uint8Array | undefined> =>
    /^(timestamp|\d{1,10}\.(root|snapshot|targets))\.json$/.test(name)
      ? readFile(join(folder, name)).catch(() => undefined)
      : undefined;
  async function load<Role extends TufRole>(role: Role, name: string): Promise<Metadata<Role> | undefined> {
    const bytes = await file(name);
    const read = bytes && readMetadata(role, bytes);
    return read?.ok ? read.value : undefined;
  }

  let root = await loadRoot();
  let targets = await loadTargets(root);
  let timestamp = await load('timestamp', 'timestamp.json');
  let snapshot =
    timestamp && (await load('snapshot', `${timestamp.signed.meta['snapshot.json'].version}.snapshot.json`));

  /** Follows the chain of roots that lie here. */
  async function loadRoot(): Promise<TrustedSet | undefined> {
    const first = await file('1.root.json');
    const begun = first && trustRoot(first);
    if (!begun?.ok) return undefined;
    for (let set = begun.value; ; ) {
      const next = await file(`${set.root.signed.version + 1}.root.json`);
      const updated = next && updateRoot(set, next);
      if (!updated?.ok) return set;
      set = updated.value;
    }
  }

  /** The newest targets that count: power may have failed before they were announced. */
  async function loadTargets(set: TrustedSet | undefined): Promise<Metadata<'targets'> | undefined> {
    const versions = (await readdir(folder))
      .flatMap((name) => /^(\d{1,10})\.targets\.json$/.exec(name)?.[1] ?? [])
      .map(Number)
      .sort((a, b) => b - a);
    for (const version of versions) {
      const found = await load('targets', `${version}.targets.json`);
      if (found && set && isSigned(set.root.signed, 'targets', found).ok) return found;
    }
    return undefined;
  }

  /**
   * What was announced and is not there as it was. A power cut leaves no such thing: what is announced last names files that were synced before. To
   * sign on without it would begin versions anew that terminals know to be higher (TUF 1.0.33, 5.4.3 and 5.5.5), and none of them would follow.
   */
  async function lookForTorn(): Promise<string | undefined> {
    if (!timestamp) {
      const names = await readdir(folder);
      const isAnnounced = names.includes('timestamp.json') || names.includes('2.snapshot.json');
      return isAnnounced ? 'timestamp.json' : undefined;
    }
    const shotAt = timestamp.signed.meta['snapshot.json'];
    if (!isAs(shotAt, snapshot)) return `${shotAt.version}.snapshot.json`;
    const listedAt = snapshot?.signed.meta['targets.json'];
    if (listedAt === undefined || (targets && targets.signed.version > listedAt.version)) return undefined;
    return isAs(listedAt, targets) ? undefined : `${listedAt.version}.targets.json`;
  }
  const torn = await lookForTorn();
  const tellTorn = () =>
    fail('SOFTWARE_REPOSITORY_TORN', { field: torn ?? '', facts: { file: join(folder, torn ?? '') } });

  const current = (): InForce | undefined =>
    torn === undefined && root && timestamp && snapshot && targets
      ? { root: root.root, timestamp, snapshot, targets }
      : undefined;

  /** Signs a snapshot of what is there, and a timestamp of it. */
  async function announce(set: TrustedSet, listed: Metadata<'targets'>): Promise<InForce> {
    const nowMs = clock.now();
    const isListed = snapshot?.signed.meta['targets.json'].version === listed.signed.version;
    const isYoung = snapshot && momentOf(snapshot.signed.expires) - nowMs > livesMs.snapshot / 2;
    const isOurs = snapshot && isSigned(set.root.signed, 'snapshot', snapshot).ok;
    const shot =
      snapshot && isListed && isYoung && isOurs
        ? snapshot
        : parsed('snapshot', {
            _type: 'snapshot',
            spec_version: '1.0.33',
            version: (snapshot?.signed.version ?? 0) + 1,
            expires: dateTimeOf(nowMs + livesMs.snapshot),
            meta: { 'targets.json': fileOf(listed) },
          });
    const stamp = parsed('timestamp', {
      _type: 'timestamp',
      spec_version: '1.0.33',
      version: (timestamp?.signed.version ?? 0) + 1,
      expires: dateTimeOf(nowMs + livesMs.timestamp),
      signed_at: dateTimeOf(nowMs),
      meta: { 'snapshot.json': fileOf(shot) },
    });
    if (shot !== snapshot) await writeWhole(join(folder, `${shot.signed.version}.snapshot.json`), shot.text);
    await writeWhole(join(folder, 'timestamp.json'), stamp.text);
    [root, targets, snapshot, timestamp] = [set, listed, shot, stamp];
    return { root: set.root, timestamp, snapshot, targets };

    function parsed<Role extends 'snapshot' | 'timestamp'>(role: Role, signed: object): Metadata<Role> {
      const read = readMetadata(role, signMetadata(signed, keys.signers(set.root.signed, role)));
      if (!read.ok) throw new Error(`the server wrote no ${role} that it can read`);
      return read.value;
    }
  }

  function nextRoot(text: string): Result<TrustedSet, PublishFault> {
    const next = root ? updateRoot(root, text) : trustRoot(text);
    if (!next.ok) return next;
    const { version, expires } = next.value.root.signed;
    if (!root && version !== 1)
      return fail('SOFTWARE_METADATA_ROLLBACK', { field: 'root', facts: { version, trusted: 0 } });
    // Every terminal would follow it, and take nothing from then on.
    if (momentOf(expires) <= clock.now())
      return fail('SOFTWARE_METADATA_EXPIRED', { field: 'root', facts: { expires } });
    // A root that leaves out our keys would make a repository that nobody can announce.
    const missing = onlineRoles.find(
      (role) => keys.signers(next.value.root.signed, role).length < next.value.root.signed.roles[role].threshold,
    );
    return missing ? fail('SOFTWARE_METADATA_MISMATCH', { field: 'root', facts: { field: missing } }) : next;
  }

  function nextTargets(set: TrustedSet, text: string | undefined): Result<Metadata<'targets'>, PublishFault> {
    const read = text === undefined ? undefined : readMetadata('targets', text);
    if (read && !read.ok) return read;
    const listed = read?.value ?? targets;
    if (!listed) return fail('SOFTWARE_REPOSITORY_MISSING');
    const signed = isSigned(set.root.signed, 'targets', listed);
    if (!signed.ok) return signed;
    const { version, expires } = listed.signed;
    const known = targets?.signed.version ?? 0;
    if (read && version !== known + 1)
      return fail('SOFTWARE_METADATA_ROLLBACK', { field: 'targets', facts: { version, trusted: known } });
    return momentOf(expires) > clock.now()
      ? ok(listed)
      : fail('SOFTWARE_METADATA_EXPIRED', { field: 'targets', facts: { expires } });
  }

  async function publish({
    root: rootText,
    targets: targetsText,
  }: Publication): Promise<Result<InForce, PublishFault>> {
    if (torn !== undefined) return tellTorn();
    if (rootText === undefined && !root) return fail('SOFTWARE_REPOSITORY_MISSING');
    const set = rootText === undefined ? undefined : nextRoot(rootText);
    if (set && !set.ok) return set;
    const counted = set?.value ?? root;
    if (!counted) return fail('SOFTWARE_REPOSITORY_MISSING');
    const listed = nextTargets(counted, targetsText);
    if (!listed.ok) return listed;
    if (targetsText !== undefined)
      await writeWhole(join(folder, `${listed.value.signed.version}.targets.json`), listed.value.text);
    if (set) await writeWhole(join(folder, `${set.value.root.signed.version}.root.json`), set.value.root.text);
    return ok(await announce(counted, listed.value));
  }

  async function renew(): Promise<void> {
    if (torn !== undefined) {
      world.log('error', 'softwareRepositoryTorn', { fault: tellTorn().fault });
      return;
    }
    if (!root || !targets) return;
    const listed = snapshot?.signed.meta['targets.json'].version;
    const isDue = !timestamp || momentOf(timestamp.signed.expires) - clock.now() < livesMs.timestamp / 2;
    const isUnsigned =
      (timestamp && !isSigned(root.root.signed, 'timestamp', timestamp).ok) ||
      (snapshot && !isSigned(root.root.signed, 'snapshot', snapshot).ok);
    if (isDue || isUnsigned || listed !== targets.signed.version) await announce(root, targets);
  }

  await inTurn(renew);
  return {
    get inForce() {
      return current();
    },
    torn,
    file,
    publish: (publication) => inTurn(() => publish(publication)),
    renew: () => inTurn(renew),
  };
}

/** Whether a file is the one that another names. */
const isAs = (named: MetaFile, found: Metadata<TufRole> | undefined): boolean => {
  if (!found) return false;
  const { version, hashes } = fileOf(found);
  return version === named.version && (named.hashes === undefined || named.hashes.sha256 === hashes?.sha256);
};

/** What one file says of another. */
const fileOf = ({ signed, text }: Metadata<TufRole>): MetaFile => ({
  version: signed.version,
  length: Buffer.byteLength(text),
  hashes: { sha256: createHash('sha256').update(text).digest('hex') },
});
