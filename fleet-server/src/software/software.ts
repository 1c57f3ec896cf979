import { join } from 'node:path';
import type {
  SoftwareDelta,
  SoftwareImage,
  SoftwareInstall,
  SoftwareKeys,
  SoftwareRole,
  SoftwareTarget,
} from '@tsunagu/protocols/fleet';
import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import {
  compareVersions,
  findTarget,
  momentOf,
  type FoundTarget,
  readMetadata,
  type TargetFile,
  tufRoles,
} from '@tsunagu/protocols/software';
import type { World } from '@tsunagu/protocols/world';
import type { Artefacts } from '../artefacts/index.ts';
import type { Vault } from '../vault/index.ts';
import { type Attestations, openAttestations } from './attestations.ts';
import { openDeltas } from './deltas.ts';
import { openImages } from './images.ts';
import { openOnlineKeys } from './online-keys.ts';
import { openRepository, type Publication, type PublishFault } from './repository.ts';

/** What an order for an image wants to know of the terminal. */
export interface OrderedFor {
  readonly model: string;
  /** What runs, when that is known. */
  readonly version: string | undefined;
}

/** The software of terminals: images, the repository that vouches for them, deltas between them, attestations of them. */
export interface Software {
  /** Keeps an image. No terminal takes it before somebody with the targets key has published it. */
  upload(bytes: Uint8Array): Promise<Result<SoftwareImage, 'SOFTWARE_IMAGE_INVALID'>>;
  /** What a terminal is told to install, when nothing that is known here speaks against it. */
  order(
    wanted: Pick<SoftwareInstall, 'digest' | 'proofTimeoutMs' | 'allowDowngrade'>,
    terminal: OrderedFor,
  ): Promise<
    Result<
      SoftwareInstall,
      | 'SOFTWARE_REPOSITORY_MISSING'
      | 'SOFTWARE_REPOSITORY_TORN'
      | 'SOFTWARE_NOT_PUBLISHED'
      | 'SOFTWARE_NOT_FOR_MODEL'
      | 'SOFTWARE_DOWNGRADE'
      | 'SOFTWARE_VERSION_TOO_OLD'
      | 'SOFTWARE_NOT_ATTESTED'
    >
  >;
  /** Whether what was signed holds still: every terminal would refuse what does not. Nobody renews root and targets for people; the server the others. */
  inTime(): Result<void, 'SOFTWARE_METADATA_EXPIRED'>;
  /** The signed targets by model and version, newest version first. */
  targets(): Promise<readonly SoftwareTarget[]>;
  /** The keys of the roles that are signed here, for whoever makes a root. */
  keys(): SoftwareKeys;
  /** Makes new ones, for the next root. */
  renewKeys(): Promise<SoftwareKeys>;
  publish(
    publication: Publication,
  ): Promise<
    Result<
      readonly SoftwareRole[],
      PublishFault | 'ARTEFACT_UNKNOWN' | 'SOFTWARE_NOT_AS_ANNOUNCED' | 'SOFTWARE_IMAGE_INVALID'
    >
  >;
  attest(
    digest: string,
    text: string,
  ): Promise<Awaited<ReturnType<Attestations['bind']>> | Result<never, 'SOFTWARE_NOT_PUBLISHED'>>;
  /** When what each role signed expires, and when its keys stop being of use: for the horizon of all expiries. */
  expiries(): readonly SoftwareRole[];
  /** A file of the repository. */
  metadata(name: string): Promise<Uint8Array | undefined>;
  /** The artefact behind `MODEL/SHA256.NAME`. */
  target(path: string): string | undefined;
  delta(from: string, to: string): Promise<SoftwareDelta | undefined>;
  close(): Promise<void>;
}

const renewEveryMs = 600_000;

/** @param published what signed roles say has changed */
export async function openSoftware(
  world: World,
  folder: string,
  vault: Vault,
  artefacts: Artefacts,
  published: () => void = () => undefined,
): Promise<Software> {
  const keys = await openOnlineKeys(vault);
  const repository = await openRepository(world, join(folder, 'repository'), keys);
  const images = openImages(artefacts);
  const deltas = await openDeltas(world, join(folder, 'deltas'), artefacts, images);
  const attestations = await openAttestations(join(folder, 'attestations'));
  let renewing: Promise<void> = Promise.resolve();
  const renew = (): void => {
    renewing = repository
      .renew()
      .catch((cause: unknown) => world.log('error', 'timestampNotRenewed', { fault: { code: 'INTERNAL', cause } }));
  };
  const timer = world.timers.every(renewEveryMs, renew);

  const find = (digest: string): FoundTarget | undefined =>
    repository.inForce && findTarget(repository.inForce.targets.signed, digest);

  async function describe(path: string, { length, hashes, custom }: TargetFile): Promise<SoftwareTarget> {
    const { model, version, antiRollback, hardwareRevisions, requires } = custom;
    const attestation = await attestations.find({ length, hashes, custom });
    return {
      path,
      digest: hashes.sha256,
      size: length,
      model,
      version,
      counter: antiRollback,
      hardwareRevisions: hardwareRevisions ?? null,
      requires: requires ?? null,
      attestation: attestation ?? null,
    };
  }

  /** Every target is there, is cut as it says, and says of itself what its target says. */
  async function holdsAll(
    text: string,
  ): Promise<
    Result<
      void,
      'SOFTWARE_METADATA_INVALID' | 'ARTEFACT_UNKNOWN' | 'SOFTWARE_NOT_AS_ANNOUNCED' | 'SOFTWARE_IMAGE_INVALID'
    >
  > {
    const read = readMetadata('targets', text);
    if (!read.ok) return read;
    for (const [path, { length, hashes, custom }] of Object.entries(read.value.signed.targets)) {
      const found = await artefacts.find(hashes.sha256);
      if (!found || !(await artefacts.find(custom.chunks.digest))) return fail('ARTEFACT_UNKNOWN', { facts: { path } });
      const header = await images.header(hashes.sha256);
      if (!header.ok) return header;
      const { model, version, counter } = header.value;
      const isSame = model === custom.model && version === custom.version && counter === custom.antiRollback;
      if (!isSame || found.size !== length) return fail('SOFTWARE_NOT_AS_ANNOUNCED', { facts: { path } });
    }
    return ok(undefined);
  }

  function expiries(): readonly SoftwareRole[] {
    const { inForce } = repository;
    if (!inForce) return [];
    return tufRoles.map((role) => {
      const { version, expires } = inForce[role].signed;
      const { keyids, threshold } = inForce.root.signed.roles[role];
      return {
        role,
        version,
        expires,
        keyIds: [...keyids],
        threshold,
        isOnline: role === 'snapshot' || role === 'timestamp',
      };
    });
  }

  return {
    upload: (bytes) => images.upload(bytes),
    async order({ digest, proofTimeoutMs, allowDowngrade }, { model, version: running }) {
      const { torn } = repository;
      if (torn !== undefined) return fail('SOFTWARE_REPOSITORY_TORN', { field: torn, facts: { file: torn } });
      if (!repository.inForce) return fail('SOFTWARE_REPOSITORY_MISSING');
      const target = find(digest);
      if (!target) return fail('SOFTWARE_NOT_PUBLISHED', { facts: { digest } });
      const { length, custom } = target.file;
      if (custom.model !== model) return fail('SOFTWARE_NOT_FOR_MODEL', { facts: { model, made: custom.model } });
      const { version, antiRollback: counter, requires } = custom;
      if (running !== undefined && !allowDowngrade && compareVersions(version, running) < 0)
        return fail('SOFTWARE_DOWNGRADE', { facts: { version, running } });
      const versionMin = requires?.versionMin;
      if (running !== undefined && versionMin !== undefined && compareVersions(running, versionMin) < 0)
        return fail('SOFTWARE_VERSION_TOO_OLD', { facts: { version: running, versionMin } });
      if (requires?.attestation !== undefined && !(await attestations.find(target.file)))
        return fail('SOFTWARE_NOT_ATTESTED', { facts: { digest } });
      return ok({ version, digest, size: length, counter, proofTimeoutMs, allowDowngrade });
    },
    inTime() {
      const all = expiries().filter(({ expires }) => momentOf(expires) <= world.clock.now());
      // What people have to do comes first; what is signed here is due, and not waited for.
      const ended = all.find(({ isOnline }) => !isOnline) ?? all[0];
      if (ended?.isOnline === true) renew();
      return ended
        ? fail('SOFTWARE_METADATA_EXPIRED', { field: ended.role, facts: { expires: ended.expires } })
        : ok(undefined);
    },
    async targets() {
      const listed = Object.entries(repository.inForce?.targets.signed.targets ?? {});
      const described = await Promise.all(listed.map(([path, file]) => describe(path, file)));
      return described.sort(
        (a, b) => (a.model < b.model ? -1 : Number(a.model > b.model)) || compareVersions(b.version, a.version),
      );
    },
    keys: () => keys.newest(),
    renewKeys: () => keys.renew(),
    async publish(publication) {
      const held = publication.targets === undefined ? ok(undefined) : await holdsAll(publication.targets);
      if (!held.ok) return held;
      const done = await repository.publish(publication);
      if (!done.ok) return done;
      const { root, targets, timestamp } = done.value;
      world.log('info', 'softwarePublished', {
        root: root.signed.version,
        targets: targets.signed.version,
        timestamp: timestamp.signed.version,
      });
      published();
      return ok(expiries());
    },
    async attest(digest, text) {
      const target = find(digest);
      return target ? attestations.bind(target.file, text) : fail('SOFTWARE_NOT_PUBLISHED', { facts: { digest } });
    },
    expiries,
    metadata: (name) => repository.file(name),
    target(path) {
      const [, folder = '', digest = '', name = ''] = /^(.*\/|)([0-9a-f]{64})\.([^/]+)$/.exec(path) ?? [];
      const file = repository.inForce?.targets.signed.targets[`${folder}${name}`];
      return file?.hashes.sha256 === digest ? digest : undefined;
    },
    async delta(from, to) {
      const [base, target] = [await images.header(from), find(to)];
      return base.ok && base.value.model === target?.file.custom.model && from !== to
        ? deltas.find(from, to)
        : undefined;
    },
    async close() {
      timer.cancel();
      await renewing;
    },
  };
}
