import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { Key, Metadata, MetaFile, Root, Signature, Snapshot, TargetFile, Targets, Timestamp } from '@tufjs/models';
import { openSealedStore } from '@tsunagu/firmware-bridge/sealed-store/index';
import { type RangeSource, softwareTrust } from '@tsunagu/firmware-bridge/software/index';
import { fail, unwrap } from '@tsunagu/protocols/kit';
import { dateTimeOf, signMetadata, tufKeyId, tufKeyOf } from '@tsunagu/protocols/software';
import { systemWorld } from '@tsunagu/protocols/world';
import { expect, test } from 'vitest';
import { MemoryFiles, PowerLost } from '../agent/memory-files.ts';
import { customOf, day, newHolders, newSigner, rootOf, targetFileOf, TestRepository } from './repository.ts';

const image = new Uint8Array(100).fill(7);
const header = { model: 'CT-5100', version: '2', counter: 2 };

/** A terminal's trust over files that somebody serves, at a time of its own. */
async function client(files: ReadonlyMap<string, string | Uint8Array>, disk = new MemoryFiles()) {
  const world = systemWorld(() => undefined);
  const time = { nowMs: Date.now() };
  const store = unwrap(await openSealedStore(disk, world));
  const trust = softwareTrust(store, { now: () => time.nowMs });
  const asked: string[] = [];
  const source: RangeSource = {
    name: 'server',
    async read(path) {
      const name = path.slice(path.lastIndexOf('/') + 1);
      asked.push(name);
      const found = files.get(name);
      const end = found === undefined ? fail('ARTEFACT_UNAVAILABLE', { facts: { status: 404 } }) : 'whole';
      return { bytes: Buffer.from(found ?? ''), end };
    },
    close: () => undefined,
  };
  const refresh = async () => {
    const result = await trust.refresh(source);
    return result.ok ? 'taken' : `${result.fault.code} ${result.fault.field ?? ''}`.trim();
  };
  return { time, asked, refresh, targets: async () => unwrap(await trust.refresh(source)), disk };
}

function repository() {
  const made = new TestRepository();
  made.addImage(image, header);
  return made;
}

test('follows a repository in the order of the specification, and asks for each file by its version', async () => {
  const { asked, refresh, targets } = await client(repository().files);
  expect(await refresh()).toBe('taken');
  expect(asked).toEqual(['1.root.json', '2.root.json', 'timestamp.json', '2.snapshot.json', '2.targets.json']);
  expect((await targets()).targets['CT-5100/2.tsw']?.custom.antiRollback).toBe(2);
});

test('arbitrary software: what its holders did not sign in number is refused, however often one key signs (5.3.4, 4.2.1)', async () => {
  for (const role of ['targets', 'snapshot', 'timestamp'] as const) {
    const repo = repository();
    repo.holders = { ...repo.holders, [role]: { signers: [newSigner()], threshold: 1 } };
    repo.announce();
    expect(await (await client(repo.files)).refresh()).toBe(`SOFTWARE_METADATA_UNSIGNED ${role}`);
  }
  const repo = repository();
  const [one] = repo.holders.root.signers;
  const { refresh } = await client(repo.files);
  await refresh();
  // Two signatures by one key are one; two keys of three are enough.
  repo.root(repo.holders, one && [one, one]);
  expect(await refresh()).toBe('SOFTWARE_METADATA_UNSIGNED root');
  repo.files.set(
    '2.root.json',
    signMetadata(rootOf(repo.holders, 2, dateTimeOf(Date.now() + day)), repo.holders.root.signers.slice(1)),
  );
  expect(await refresh()).toBe('taken');
});

test('a root is followed by the old keys and its own, one version at a time (5.3.4, 5.3.5)', async () => {
  const repo = repository();
  const { refresh, asked } = await client(repo.files);
  await refresh();
  const before = repo.holders;
  repo.holders = newHolders();
  repo.root(before, before.root.signers);
  repo.announce();
  expect(await refresh()).toBe('SOFTWARE_METADATA_UNSIGNED root');
  repo.versions.root = 1;
  repo.root(before, repo.holders.root.signers);
  expect(await refresh()).toBe('SOFTWARE_METADATA_UNSIGNED root');
  // Version 3 under the name of 2.
  repo.root(before);
  repo.files.set('2.root.json', repo.files.get('3.root.json') ?? '');
  expect(await refresh()).toBe('SOFTWARE_METADATA_ROLLBACK root');
  repo.versions.root = 1;
  repo.root(before);
  repo.root();
  repo.root();
  asked.length = 0;
  expect(await refresh()).toBe('taken');
  expect(asked.slice(0, 4)).toEqual(['2.root.json', '3.root.json', '4.root.json', '5.root.json']);
});

test('rollback: no file is taken below the one that was verified, and what was listed stays listed (5.4.3, 5.5.5)', async () => {
  const repo = repository();
  const { refresh } = await client(repo.files);
  const old = new Map(repo.files);
  repo.announce();
  await refresh();
  for (const [name, text] of old) repo.files.set(name, text);
  expect(await refresh()).toBe('SOFTWARE_METADATA_ROLLBACK timestamp');
  // A new timestamp of an old snapshot.
  repo.announce({ timestamp: { meta: { 'snapshot.json': { version: 1 } } } });
  expect(await refresh()).toBe('SOFTWARE_METADATA_ROLLBACK snapshot');
  // A new snapshot of old targets, and one that leaves a file out.
  repo.announce({ snapshot: { meta: { 'targets.json': { version: 1 } } } });
  expect(await refresh()).toBe('SOFTWARE_METADATA_ROLLBACK targets');
  repo.announce({ snapshot: { meta: { 'targets.json': { version: 99 }, 'other.json': { version: 3 } } } });
  expect(await refresh()).toBe('SOFTWARE_METADATA_MISMATCH targets');
  repo.announce();
  expect(await refresh()).toBe('SOFTWARE_METADATA_ROLLBACK targets');
});

test('freeze: what has expired is refused, also when it is what was verified before (5.4.4, 5.5.6, 5.6.6, 5.3.10)', async () => {
  const repo = repository();
  const { refresh, time } = await client(repo.files);
  expect(await refresh()).toBe('taken');
  time.nowMs += 2 * day;
  expect(await refresh()).toBe('SOFTWARE_METADATA_EXPIRED timestamp');
  for (const [days, role] of [
    [31, 'snapshot'],
    [91, 'targets'],
    [366, 'root'],
  ] as const) {
    const stale = repository();
    const later = await client(stale.files);
    later.time.nowMs += days * day;
    // Everything but the role in question is fresh.
    const fresh = { expires: dateTimeOf(later.time.nowMs + day) };
    stale.announce({
      timestamp: fresh,
      ...(role !== 'snapshot' && { snapshot: fresh }),
      ...(role !== 'snapshot' && role !== 'targets' && { targets: fresh }),
    });
    expect(await later.refresh(), role).toBe(`SOFTWARE_METADATA_EXPIRED ${role}`);
  }
});

test('a clock that is set back does not bring back what had expired: the last verified moment counts', async () => {
  const repo = repository();
  const { refresh, time } = await client(repo.files);
  const old = new Map(repo.files);
  repo.nowMs = () => Date.now() + 10 * day;
  repo.announce();
  time.nowMs += 10 * day;
  expect(await refresh()).toBe('taken');
  // The battery was changed: it is 1970 for the terminal, and the repository is ten days old but newer by its version.
  time.nowMs = 0;
  for (const name of old.keys()) repo.files.set(name, old.get(name) ?? '');
  repo.nowMs = () => Date.now();
  repo.expiresInMs.timestamp = day;
  repo.announce();
  expect(await refresh()).toBe('SOFTWARE_METADATA_EXPIRED timestamp');
  repo.nowMs = () => Date.now() + 10 * day;
  repo.announce();
  expect(await refresh()).toBe('taken');
  // A clock in 2099 fails safe, and says so.
  time.nowMs = Date.UTC(2099, 0);
  expect(await refresh()).toBe('SOFTWARE_METADATA_EXPIRED root');
});

test('mix and match: files that are not those that were announced are refused (5.5.2, 5.5.4, 5.6.2, 5.6.4)', async () => {
  for (const role of ['snapshot', 'targets'] as const) {
    const repo = repository();
    const name = (version: number) => `${version}.${role}.json`;
    const version = repo.versions[role];
    repo.files.set(name(version), repo.files.get(name(version - 1)) ?? '');
    expect(await (await client(repo.files)).refresh()).toBe(`SOFTWARE_METADATA_MISMATCH ${role}`);
    repo.files.delete(name(version));
    expect(await (await client(repo.files)).refresh()).toBe(`SOFTWARE_METADATA_MISMATCH ${role}`);
  }
});

test('endless data: no more is believed than a role may have, or than was announced', async () => {
  const long = repository();
  long.files.set('timestamp.json', `${' '.repeat(16_384)}${long.files.get('timestamp.json')}`);
  expect(await (await client(long.files)).refresh()).toBe('SOFTWARE_METADATA_INVALID timestamp');
  const padded = repository();
  padded.files.set('2.targets.json', `${padded.files.get('2.targets.json')} `);
  expect(await (await client(padded.files)).refresh()).toBe('SOFTWARE_METADATA_MISMATCH targets');
  for (const text of [
    '{',
    '{"signatures":[],"signed":{"_type":"timestamp"}}',
    '['.repeat(16_000),
    '{"signed":{"_type":"timestamp","a":1.5},"signatures":[]}',
  ]) {
    const broken = repository();
    broken.files.set('timestamp.json', text);
    expect(await (await client(broken.files)).refresh()).toBe('SOFTWARE_METADATA_INVALID timestamp');
  }
});

test('a stolen timestamp key: after its rotation the thief’s version numbers are forgotten (fast-forward, 5.3.11)', async () => {
  const repo = repository();
  const { refresh } = await client(repo.files);
  await refresh();
  const honest = { ...repo.versions };
  repo.versions.timestamp = 2_000_000_000;
  repo.versions.snapshot = 2_000_000_000;
  repo.announce();
  expect(await refresh()).toBe('taken');
  Object.assign(repo.versions, honest);
  repo.announce();
  expect(await refresh()).toBe('SOFTWARE_METADATA_ROLLBACK timestamp');
  const before = repo.holders;
  repo.holders = { ...before, snapshot: newHolders().snapshot, timestamp: newHolders().timestamp };
  repo.root(before);
  repo.announce();
  expect(await refresh()).toBe('taken');
});

test('a targets key that was revoked signs nothing any more', async () => {
  const repo = repository();
  const { refresh } = await client(repo.files);
  await refresh();
  const before = repo.holders;
  repo.holders = { ...before, targets: newHolders().targets };
  repo.root(before);
  repo.holders = { ...repo.holders, targets: before.targets };
  repo.announce();
  expect(await refresh()).toBe('SOFTWARE_METADATA_UNSIGNED targets');
});

test('what was verified is on the medium step by step: whatever write the power fails at, nothing older is believed after it', async () => {
  const repo = repository();
  const old = new Map(repo.files);
  const base = new MemoryFiles();
  await (await client(repo.files, base)).refresh();
  repo.announce();
  const probe = base.afterPowerLoss(true);
  await (await client(repo.files, probe)).refresh();
  expect(probe.changes).toBeGreaterThan(5);
  for (let failAt = 1; failAt <= probe.changes; failAt++) {
    const cut = base.afterPowerLoss(true, failAt);
    await (await client(repo.files, cut)).refresh().catch((error: unknown) => {
      if (!(error instanceof PowerLost)) throw error;
    });
    const after = cut.afterPowerLoss(true);
    // An older repository is refused from the moment on that a newer timestamp is on the medium; the newer one is taken at once.
    const isNewer = (await (await client(old, after)).refresh()) !== 'taken';
    if (failAt > 3) expect(isNewer, `change ${failAt}`).toBe(true);
    expect(await (await client(repo.files, after)).refresh()).toBe('taken');
    expect(await (await client(old, after)).refresh()).toBe('SOFTWARE_METADATA_ROLLBACK timestamp');
  }
});

test('verifies a repository that @tufjs/models wrote', async () => {
  const keys = Object.fromEntries(
    (['root', 'targets', 'snapshot', 'timestamp'] as const).map((role) => {
      const pair = generateKeyPairSync('ed25519');
      const key = tufKeyOf(pair.publicKey);
      return [role, { ...pair, key: Key.fromJSON(tufKeyId(key), JSON.parse(JSON.stringify(key))) }];
    }),
  );
  const of = (role: string) => {
    const found = keys[role];
    if (!found) throw new Error(role);
    return found;
  };
  const expires = dateTimeOf(Date.now() + day);
  const common = { version: 1, specVersion: '1.0.31', expires };
  const root = new Root({ ...common, consistentSnapshot: true });
  for (const role of ['root', 'targets', 'snapshot', 'timestamp']) root.addKey(of(role).key, role);
  const target = targetFileOf(image, customOf(header, image));
  const targets = new Targets(common);
  targets.addTarget(
    new TargetFile({
      path: 'CT-5100/2.tsw',
      length: target.length,
      hashes: target.hashes,
      unrecognizedFields: { custom: JSON.parse(JSON.stringify(target.custom)) },
    }),
  );
  const written = <T extends Root | Targets | Snapshot | Timestamp>(signed: T, role: string): string => {
    const metadata = new Metadata(signed);
    metadata.sign(
      (data) =>
        new Signature({ keyID: of(role).key.keyID, sig: sign(null, data, of(role).privateKey).toString('hex') }),
    );
    return JSON.stringify(metadata.toJSON());
  };
  const fileOf = (text: string) =>
    new MetaFile({
      version: 1,
      length: Buffer.byteLength(text),
      hashes: { sha256: createHash('sha256').update(text).digest('hex') },
    });
  const targetsText = written(targets, 'targets');
  const snapshotText = written(new Snapshot({ ...common, meta: { 'targets.json': fileOf(targetsText) } }), 'snapshot');
  const files = new Map([
    ['1.root.json', written(root, 'root')],
    ['timestamp.json', written(new Timestamp({ ...common, snapshotMeta: fileOf(snapshotText) }), 'timestamp')],
    ['1.snapshot.json', snapshotText],
    ['1.targets.json', targetsText],
  ]);
  const { targets: verified } = await client(files);
  expect((await verified()).targets['CT-5100/2.tsw']).toMatchObject({ length: 100, custom: { model: 'CT-5100' } });
});
