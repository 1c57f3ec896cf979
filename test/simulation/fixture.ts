import { copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createHash, generateKeyPairSync } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { identityRecord, keyBlockProtectionKeyRecord } from '@tsunagu/firmware-bridge/enrolment/index';
import { openSealedStore } from '@tsunagu/firmware-bridge/sealed-store/index';
import { openAuthority } from '@tsunagu/fleet-server/identity/index';
import { storeTerminalCertificate } from '@tsunagu/fleet-server/identity/certificate-rows';
import { openKeys } from '@tsunagu/fleet-server/keys/index';
import { openStore } from '@tsunagu/fleet-server/store/index';
import { migrations } from '@tsunagu/fleet-server/store/migrations';
import { openFileVault, type Vault } from '@tsunagu/fleet-server/vault/index';
import {
  type ClaimBundle,
  keyIdOf,
  type PinnedKey,
  type Serial,
  serialSchema,
  type SignedDocument,
  signDocumentBy,
  tenantSchema,
} from '@tsunagu/protocols/fleet';
import { Secret, unwrap } from '@tsunagu/protocols/kit';
import { encodeSigned } from '@tsunagu/protocols/negative/authority';
import { chunked, encodeChunkList, encodeSoftwareImage } from '@tsunagu/protocols/software';
import { authority as negativeAuthority } from '../negative/signers.ts';
import { TestRepository } from '../unit/software/repository.ts';
import { chanceOf } from './random.ts';
import { Scheduler } from './scheduler.ts';
import { beginsAt, SimulatedWorld } from './world.ts';

export const tenant = tenantSchema.parse('demo');
export const model = 'CT-5100';
const terminalsMax = 8;
/** Where the databases of runs lie: on memory, where there is a file system in it. */
const folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'tsunagu-simulation-'));
process.once('exit', () => rmSync(folder, { recursive: true, force: true }));

/** A terminal as it comes out of its enrolment. */
export interface EnrolledTerminal {
  readonly serial: Serial;
  /** Its medium: claim, device key, identity, key-block protection key. */
  readonly disk: ReadonlyMap<string, Uint8Array>;
}

/** A software image that terminals can be told to install. */
export interface Image {
  readonly version: string;
  readonly counter: number;
  readonly bytes: Uint8Array;
}

/** What the device API has of software: a signed repository, and what it names. */
export interface Software {
  readonly images: readonly Image[];
  /** Files of the repository, by name. */
  readonly metadata: ReadonlyMap<string, string>;
  /** Images and their lists of chunks, by digest. */
  readonly artefacts: ReadonlyMap<string, Uint8Array>;
}

/** What every run of a process shares: keys, certificates, enrolled terminals, an empty house. Made once; nothing in it decides anything. */
export interface Fixture {
  readonly vault: Vault;
  readonly jobKey: PinnedKey;
  readonly sign: (payload: string) => SignedDocument;
  readonly terminals: readonly EnrolledTerminal[];
  readonly software: Software;
  /** A copy of the empty house's database, and how to throw it away. */
  database(): { readonly path: string; remove(): void };
}

const pair = () => generateKeyPairSync('ec', { namedCurve: 'prime256v1' });

/** An image comes in several chunks, so that there is something between the first and the last. */
const chunkLength = 4_096;
const imageLength = 10_000;

/** An artefact's name. */
export const digestOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

function software(): Software {
  const repository = new TestRepository(() => beginsAt);
  const artefacts = new Map<string, Uint8Array>();
  const images = [2, 3].map((counter): Image => {
    const header = { version: `0.${counter}.0`, model, counter };
    const bytes = encodeSoftwareImage(header, new Uint8Array(imageLength).fill(counter));
    const list = encodeChunkList(chunked(bytes, chunkLength));
    repository.addImage(bytes, header, { chunks: { length: chunkLength, digest: digestOf(list) } });
    for (const artefact of [bytes, list]) artefacts.set(digestOf(artefact), artefact);
    return { ...header, bytes };
  });
  return { images, metadata: repository.files, artefacts };
}

let made: Promise<Fixture> | undefined;
let copies = 0;

/** The fixture of this process. */
export const fixture = (): Promise<Fixture> => (made ??= make());

async function make(): Promise<Fixture> {
  const world = new SimulatedWorld(
    new Scheduler(),
    chanceOf(0, 'fixture'),
    () => 0,
    () => undefined,
  );
  const vault = unwrap(await openFileVault(join(folder, 'vault.jsonl'), 'simulation', world));
  await vault.ensure('sign/jobs', 'job-signing');
  const spki = unwrap(vault.publicKey('sign/jobs')).export({ format: 'der', type: 'spki' });
  const kid = keyIdOf(spki);
  const jobKey = { kid, publicKey: spki.toString('base64') };

  const template = join(folder, 'template.sqlite');
  const store = unwrap(await openStore(template, migrations, world.clock));
  const keys = await openKeys(world, store, vault);
  const authority = await openAuthority(world, store, vault, tenant);
  const negativeRoot = Buffer.from(encodeSigned(negativeAuthority(Math.floor(beginsAt / 1_000)).root)).toString(
    'base64',
  );
  const terminals: EnrolledTerminal[] = [];
  for (let index = 0; index < terminalsMax; index++) {
    const serial = serialSchema.parse(`SIM-000${index}`);
    const protection = world.entropy(32);
    const { privateKey, publicKey } = pair();
    const certificate = unwrap(await authority.issueTerminal(serial, publicKey));
    await store.write(async (tx) => {
      const place = { merchant: 'm', shop: 's', lane: String(index), parent: null, relay_port: null };
      await tx
        .insertInto('terminals')
        .values({ serial, model, ...place, registered_at: beginsAt, enrolled_at: beginsAt })
        .execute();
      // It has enrolled: who has not takes no sales.
      await tx
        .insertInto('claims')
        .values({ serial, secret_sealed: new Uint8Array(1), used_key: serial, used_at: beginsAt, trust_version: 1 })
        .execute();
      await storeTerminalCertificate(tx, serial, certificate, beginsAt);
      const kept = await vault.keep(`kbpk/${serial}`, 'key-block-protection', Secret.copy('key', protection));
      await keys.protect(tx, serial, kept.id, kept.checkValue);
    });
    const disk = new Map<string, Uint8Array>();
    const files = plainFiles(disk);
    const claim: ClaimBundle = {
      tenant,
      serial,
      model,
      claimSecret: Buffer.alloc(32, index + 1).toString('base64'),
      rootCertificate: authority.anchors,
      endpoints: { host: 'localhost', fleet: 1, device: 2, acquiring: 3 },
    };
    disk.set('claim.json', Buffer.from(JSON.stringify(claim)));
    const sealed = unwrap(await openSealedStore(files, world));
    const pkcs8 = Secret.take('key', Uint8Array.from(privateKey.export({ type: 'pkcs8', format: 'der' })));
    const certificateChain = certificate.chain;
    unwrap(await sealed.write(identityRecord, { step: 'enrolled', certificateChain, jobKey, negativeRoot }, pkcs8));
    unwrap(await sealed.write(keyBlockProtectionKeyRecord, {}, Secret.take('key', protection)));
    terminals.push({ serial, disk });
  }
  await store.close();
  return {
    vault,
    jobKey,
    sign: (payload) =>
      signDocumentBy('tsunagu-job-v1', payload, kid, (bytes) => vault.sign('sign/jobs', 'job-signing', bytes)),
    terminals,
    software: software(),
    database() {
      copies += 1;
      const path = join(folder, `run-${copies}.sqlite`);
      copyFileSync(template, path);
      return {
        path,
        remove() {
          for (const end of ['', '-wal', '-shm']) rmSync(path + end, { force: true });
        },
      };
    },
  };
}

/** A medium without faults, to begin with. */
function plainFiles(disk: Map<string, Uint8Array>) {
  return {
    read: async (name: string) => disk.get(name),
    write: async (name: string, bytes: Uint8Array) => void disk.set(name, Uint8Array.from(bytes)),
    append: async (name: string, bytes: Uint8Array) =>
      void disk.set(name, Buffer.concat([disk.get(name) ?? new Uint8Array(0), bytes])),
    rename: async (from: string, to: string) => {
      const bytes = disk.get(from);
      if (bytes) disk.set(to, bytes);
      disk.delete(from);
    },
    syncFolder: async () => undefined,
    remove: async (name: string) => void disk.delete(name),
    list: async () => [...disk.keys()],
  };
}
