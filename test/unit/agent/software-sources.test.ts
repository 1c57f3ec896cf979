import { createHash, generateKeyPairSync } from 'node:crypto';
import { type AddressInfo, createServer } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { brotliCompressSync, constants } from 'node:zlib';
import { directNetwork, secureNetwork } from '@tsunagu/firmware-bridge/link/index';
import {
  openArtefactCache,
  openChunkStore,
  openNamedParts,
  openRelay,
  parentSource,
  relayedNetwork,
} from '@tsunagu/firmware-bridge/relay/index';
import { openSealedStore } from '@tsunagu/firmware-bridge/sealed-store/index';
import { findDelta } from '@tsunagu/firmware-bridge/software/delta';
import {
  bootSoftware,
  type RangeRead,
  serverSource,
  sharedLine,
  type SoftwareSource,
} from '@tsunagu/firmware-bridge/software/index';
import { modelOf } from '@tsunagu/protocols/catalogue';
import { jobIdSchema, type Serial, serialSchema, type SoftwareInstall } from '@tsunagu/protocols/fleet';
import { unwrap } from '@tsunagu/protocols/kit';
import { chunked, encodeChunkList, encodeSoftwareImage, encodeVcdiff } from '@tsunagu/protocols/software';
import { systemWorld } from '@tsunagu/protocols/world';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { shapedLine } from '../../bench/shaped-line.ts';
import { MemoryFiles } from './memory-files.ts';
import { TinyServer, until } from './tiny-server.ts';

const lines: { event: string; facts: Readonly<Record<string, unknown>> }[] = [];
const world = systemWorld((_level, event, facts) => lines.push({ event, facts }));
const events = (name: string) => lines.filter(({ event }) => event === name);
const known = modelOf('CT-5100');
if (!known) throw new Error('the catalogue has no CT-5100');
const model = known;
const { signal } = new AbortController();
let server: TinyServer;
beforeAll(async () => {
  server = await new TinyServer().start();
});
afterAll(() => server.stop());
beforeEach(() => {
  server.onArtefact = undefined;
  server.artefactRequests.length = 0;
  server.deltas.clear();
  lines.length = 0;
});

const program = (label: string, length = 300_000): Buffer =>
  createHash('shake256', { outputLength: length }).update(label).digest();
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const job = (index: number) => jobIdSchema.parse(`00000000-0000-4000-8000-${String(index).padStart(12, '0')}`);

interface Published {
  readonly image: Uint8Array;
  readonly wanted: SoftwareInstall;
}

function publish(version: string, counter: number, bytes: Uint8Array, more: Partial<SoftwareInstall> = {}): Published {
  const image = encodeSoftwareImage({ version, model: 'CT-5100', counter }, bytes);
  const list = encodeChunkList(chunked(image));
  for (const artefact of [image, list]) server.artefacts.set(sha256(artefact), artefact);
  server.repository.addImage(image, { version, counter, model: 'CT-5100' });
  const wanted = {
    version,
    counter,
    digest: sha256(image),
    size: image.length,
    proofTimeoutMs: 60_000,
    allowDowngrade: false,
  };
  return { image, wanted: { ...wanted, ...more } };
}

/** The way to the server as one terminal has it. */
function source(
  serial = 'CT5100-0001',
  over = directNetwork({ host: '127.0.0.1', acquiring: 1, ...server.ports }, world.timers),
) {
  const keys = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const network = secureNetwork(
    over,
    world.timers,
    { host: '127.0.0.1', rootCertificate: server.rootCertificate },
    { certificateChain: server.terminalCertificate(keys.publicKey, serial), privateKey: keys.privateKey },
  );
  return { network, host: '127.0.0.1', signal } satisfies SoftwareSource;
}

async function boot(files: MemoryFiles, from: SoftwareSource = source()) {
  const store = unwrap(await openSealedStore(files, world));
  const software = unwrap(await bootSoftware(world, files, store, model, '0.1.0'));
  return {
    software,
    install: (wanted: SoftwareInstall, index = wanted.counter) =>
      software.install(from, wanted, { job: job(index), attempt: 1 }, () => undefined),
  };
}

/** Installs, boots the trial, and proves it. */
async function run(files: MemoryFiles, { wanted }: Published, from: SoftwareSource = source()): Promise<void> {
  expect(await (await boot(files, from)).install(wanted)).toEqual({ ok: true, value: 'restarting' });
  unwrap(await (await boot(files, from)).software.prove());
}
const runningVersion = async (files: MemoryFiles) => (await boot(files)).software.running.version;
/** Bytes of an artefact that were asked for. */
const askedFor = (digest: string): number =>
  server.artefactRequests
    .filter(({ name }) => name === digest)
    .map(({ range }) => /^bytes=(\d+)-(\d+)$/.exec(range ?? ''))
    .reduce((sum, match) => sum + Number(match?.[2]) - Number(match?.[1]) + 1, 0);

test('a download that the medium has no room for gives back what it took, and is made when there is room', async () => {
  const published = publish('2', 2, program('two'));
  /** A medium with room for so many bytes. */
  class SmallMedium extends MemoryFiles {
    room = 200_000;
    override async append(name: string, bytes: Uint8Array): Promise<void> {
      if ((await this.used()) + bytes.length > this.room)
        throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
      await super.append(name, bytes);
    }
    async used(): Promise<number> {
      let sum = 0;
      for (const name of await this.list()) sum += (await this.read(name))?.length ?? 0;
      return sum;
    }
  }
  const files = new SmallMedium();
  const { install } = await boot(files);
  const usedBefore = await files.used();
  expect(await install(published.wanted)).toMatchObject({ ok: false, fault: { code: 'STORE_WRITE_FAILED' } });
  // Metadata of the repository stay; of the image nothing does.
  expect(
    (await files.list()).filter((name) => name.startsWith(`software-${published.wanted.digest.slice(0, 16)}`)),
  ).toEqual([]);
  expect((await files.used()) - usedBefore).toBeLessThan(20_000);
  files.room = 1_000_000;
  await run(files, published);
  expect(await runningVersion(files)).toBe('2');
});

test('a line that breaks again and again costs nothing but what was on its way: the download goes on at the very byte', async () => {
  const published = publish('2', 2, program('two'));
  const { digest } = published.wanted;
  let sent = 0;
  server.onArtefact = (bytes, request, response) => {
    const range = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '');
    if (!range || sha256(bytes) !== digest) return false;
    const piece = bytes.subarray(Number(range[1]), Number(range[2]) + 1);
    // Every third answer is cut in its middle, at an odd byte.
    const isCut = server.artefactRequests.length % 3 === 0 && piece.length > 5_001;
    const part = isCut ? piece.subarray(0, 5_001) : piece;
    response.writeHead(206, {
      'content-length': piece.length,
      'content-range': `bytes ${range[1]}-${range[2]}/${bytes.length}`,
    });
    response.write(part, () => (isCut ? response.destroy() : response.end()));
    sent += part.length;
    return true;
  };
  const files = new MemoryFiles();
  await run(files, published);
  expect(await runningVersion(files)).toBe('2');
  expect(sent).toBe(published.image.length);
});

test('an image comes as a delta from the installed one, and nothing of the image itself crosses the line', async () => {
  const files = new MemoryFiles();
  const one = publish('2', 2, program('base'));
  await run(files, one);
  const two = publish(
    '3',
    3,
    Buffer.concat([program('base').subarray(0, 200_000), program('new', 3_000), program('base').subarray(200_000)]),
  );
  const size = offerDelta(one, two, one.image, two.image);
  expect(size).toBeLessThan(4_000);
  await run(files, two);
  expect(await runningVersion(files)).toBe('3');
  expect(askedFor(two.wanted.digest)).toBe(0);
  expect(events('softwarePatched')).toHaveLength(1);
});

test('over a line of 64 kbit/s that is cut at any byte the delta comes on, no byte of the image does, and payments are made meanwhile', async () => {
  const files = new MemoryFiles();
  const one = publish('2', 2, program('slow base'));
  await run(files, one);
  const two = publish('3', 3, Buffer.concat([program('slow base').subarray(0, 200_000), program('slow new', 24_000)]));
  const size = offerDelta(one, two, one.image, two.image);
  const paying = createTlsServer(server.tls, (socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => socket.write(new Uint8Array(500)));
  });
  await new Promise<void>((resolve) => paying.listen(0, '127.0.0.1', resolve));
  const { port } = paying.address() as AddressInfo;
  const slow = await shapedLine(64_000, 40, [server.ports.device, port]);
  const [device = 0, acquiring = 0] = slow.ports;
  const way = source(undefined, directNetwork({ host: '127.0.0.1', fleet: 1, acquiring, device }, world.timers));
  const line = sharedLine();
  let paid = 0;
  const pay = (): Promise<void> =>
    line.during(async () => {
      for (let isPaid = false; !isPaid; ) {
        const opened = await way.network.open('acquiring', 30_000);
        if (!opened.ok) continue;
        const socket = opened.value;
        isPaid = await new Promise<boolean>((resolve) => {
          socket.once('data', () => resolve(true)).once('close', () => resolve(false));
          socket.on('error', () => undefined);
          socket.write(new Uint8Array(600));
        });
        socket.destroy();
      }
      paid += 1;
    });
  // In a handshake, in the metadata, in what is said of the delta, and at odd bytes of the delta itself.
  const before = slow.crossed.down;
  const cuts = [1_001, 4_003, 6_007, 11_011, 14_321, 19_999, 26_001];
  const knife = setInterval(() => {
    if (slow.crossed.down - before < (cuts[0] ?? Number.POSITIVE_INFINITY)) return;
    cuts.shift();
    slow.cut();
    if (cuts.length % 3 === 0) void pay();
  }, 5);
  const { install } = await boot(files, { ...way, line });
  let installed = await install(two.wanted);
  // As the job engine does after a line that was down.
  for (let tries = 0; !installed.ok && tries < 20; tries++) installed = await install(two.wanted);
  clearInterval(knife);
  slow.close();
  paying.close();
  expect(installed).toEqual({ ok: true, value: 'restarting' });
  expect(cuts).toEqual([]);
  await until(() => paid === 3, 'the payments');
  expect(askedFor(two.wanted.digest)).toBe(0);
  expect(events('softwarePatched')).toHaveLength(1);
  const asked = server.artefactRequests.filter(({ name }) => name !== two.wanted.digest);
  console.log(`delta of ${size} bytes, ${slow.crossed.down - before} down the line, ${asked.length} requests`);
}, 120_000);

test('a line that breaks while a delta is asked for is down; only who answers can say that there is none', async () => {
  const wanted = { digest: 'b'.repeat(64), size: 9_000_000, chunkLength: 65_536, chunks: [] };
  const ask = (end: RangeRead['end']) =>
    findDelta(
      { name: 'server', read: async () => ({ bytes: new Uint8Array(0), end }), close: () => undefined },
      'a',
      wanted,
    );
  expect(await ask({ ok: false, fault: { code: 'LINK_DOWN' } })).toMatchObject({ fault: { code: 'LINK_DOWN' } });
  const none = { ok: false, fault: { code: 'ARTEFACT_UNAVAILABLE', facts: { status: 404 } } } as const;
  expect(await ask(none)).toEqual({ ok: true, value: undefined });
});

/** Offers a delta as the server would, made between any bytes. @returns its length */
function offerDelta(from: Published, to: Published, base: Uint8Array, target: Uint8Array): number {
  const steps = encodeVcdiff(base, target);
  for (;;) {
    const step = steps.next();
    if (step.done) return offer(from, to, brotliCompressSync(step.value));
  }
}
function offer({ wanted: from }: Published, { wanted: to }: Published, delta: Uint8Array): number {
  server.artefacts.set(sha256(delta), delta);
  server.deltas.set(`${from.digest}-${to.digest}`, chunked(delta));
  return delta.length;
}

/** The same bytes but for one in every hundred. */
const damaged = (bytes: Uint8Array): Uint8Array => bytes.map((byte, at) => (at % 100 === 99 ? byte ^ 1 : byte));

test.each([
  [
    'leads to other bytes',
    (from: Published, to: Published) =>
      void offerDelta(from, to, from.image, Buffer.concat([to.image.subarray(0, -1), Buffer.of(0)])),
  ],
  [
    'was made from another image',
    (from: Published, to: Published) => void offerDelta(from, to, damaged(from.image), damaged(to.image)),
  ],
  [
    'is a bomb: 64 MB under Brotli',
    (from: Published, to: Published) =>
      void offer(
        from,
        to,
        brotliCompressSync(Buffer.alloc(64 * 1024 * 1024), { params: { [constants.BROTLI_PARAM_QUALITY]: 3 } }),
      ),
  ],
  [
    'is a bomb: one instruction that makes 4 GB',
    (from: Published, to: Published) =>
      void offer(
        from,
        to,
        brotliCompressSync(
          Uint8Array.from([
            0xd6, 0xc3, 0xc4, 0, 0, 0, 18, 0x8f, 0xff, 0xff, 0xff, 0x7f, 0, 1, 6, 0, 0x61, 0, 0x8f, 0xff, 0xff, 0xff,
            0x7f,
          ]),
        ),
      ),
  ],
  ['is no delta at all', (from: Published, to: Published) => void offer(from, to, program('noise', 900))],
  [
    'is not the bytes that were announced',
    (from: Published, to: Published) => {
      offer(from, to, program('announced', 900));
      server.artefacts.set(sha256(program('announced', 900)), program('served', 900));
    },
  ],
])('a delta that %s is refused, and the whole image fetched', async (_, spoil) => {
  const files = new MemoryFiles();
  const one = publish('2', 2, program('base', 100_000));
  await run(files, one);
  const two = publish('3', 3, program('next', 120_000));
  spoil(one, two);
  await run(files, two);
  expect(await runningVersion(files)).toBe('3');
  expect(events('softwareDeltaRefused')).toHaveLength(1);
  expect(askedFor(two.wanted.digest)).toBe(two.image.length);
});

/** Of this image the server has no bytes from here on. */
const endsAt = ({ wanted }: Published, end: number): void => {
  server.onArtefact = (bytes, { headers }, response) => {
    const start = Number(/^bytes=(\d+)-/.exec(headers.range ?? '')?.[1]);
    if (start < end || sha256(bytes) !== wanted.digest) return false;
    response.writeHead(404).end();
    return true;
  };
};

/** The same bytes but for one bit. */
const spoilt = (bytes: Uint8Array, at: number): Uint8Array =>
  bytes.map((byte, index) => (index === at ? byte ^ 1 : byte));

/** A medium on which a file cannot be read any more. */
class WornMedium extends MemoryFiles {
  worn = '';
  override async read(name: string): Promise<Uint8Array | undefined> {
    if (name === this.worn) throw Object.assign(new Error('i/o error'), { code: 'EIO' });
    return super.read(name);
  }
}

test.each<readonly [string, (files: WornMedium, name: string, bytes: Uint8Array) => unknown]>([
  [
    'has one bit wrong',
    (files, name, bytes) =>
      files.write(
        name,
        bytes.map((byte, at) => (at === 999 ? byte ^ 1 : byte)),
      ),
  ],
  ['ends early', (files, name, bytes) => files.write(name, bytes.subarray(0, -7))],
  ['is longer', (files, name, bytes) => files.write(name, Buffer.concat([bytes, bytes.subarray(0, 5)]))],
  ['is of another image', (files, name, bytes) => files.write(name, program('another', bytes.length))],
  ['is not there', (files, name) => files.remove(name)],
  ['cannot be read', (files, name) => (files.worn = name)],
])(
  'a delta onto an installed image of which a file %s makes nothing: the whole is fetched, and the right bytes run',
  async (_, damage) => {
    const files = new WornMedium();
    const one = publish('2', 2, program('base', 150_000));
    await run(files, one);
    const two = publish('3', 3, Buffer.concat([program('base', 150_000), program('tail', 20_000)]));
    offerDelta(one, two, one.image, two.image);
    const name = `software-${one.wanted.digest.slice(0, 16)}.1`;
    await damage(files, name, (await files.read(name)) ?? new Uint8Array(0));
    await run(files, two);
    expect(await runningVersion(files)).toBe('3');
    expect(events('softwareDeltaRefused')).toHaveLength(1);
    expect(askedFor(two.wanted.digest)).toBe(two.image.length);
    const stored = [];
    for (let index = 0; index * 65_536 < two.image.length; index++)
      stored.push(await files.read(`software-${two.wanted.digest.slice(0, 16)}.${index}`));
    expect(sha256(Buffer.concat(stored.map((piece) => piece ?? new Uint8Array(0))))).toBe(two.wanted.digest);
    // And of the delta nothing stays behind.
    const kept = (await files.list()).filter((file) => /^software-[0-9a-f]{16}\./.test(file));
    expect(new Set(kept.map((file) => file.slice(9, 25))).size).toBeLessThanOrEqual(2);
  },
);

test.each<readonly [string, (files: WornMedium, name: string, bytes: Uint8Array) => unknown]>([
  ['has one bit wrong', (files, name, bytes) => files.write(name, spoilt(bytes, 999))],
  ['ends early', (files, name, bytes) => files.write(name, bytes.subarray(0, -7))],
  ['is not there', (files, name) => files.remove(name)],
])(
  'to install what is installed, and of which a file %s, fetches that file anew, and nothing else',
  async (_, damage) => {
    const files = new WornMedium();
    const one = publish('2', 2, program('base', 150_000));
    await run(files, one);
    server.artefactRequests.length = 0;
    expect(await (await boot(files)).install(one.wanted, 91)).toEqual({ ok: true, value: 'installed' });
    expect(server.artefactRequests).toEqual([]);
    const name = `software-${one.wanted.digest.slice(0, 16)}.1`;
    await damage(files, name, (await files.read(name)) ?? new Uint8Array(0));
    expect(await (await boot(files)).install(one.wanted, 92)).toEqual({ ok: true, value: 'installed' });
    expect(events('softwareDamaged')).toHaveLength(1);
    expect(askedFor(one.wanted.digest)).toBe(65_536);
    const stored = await Promise.all([0, 1, 2].map((index) => files.read(name.replace(/1$/, `${index}`))));
    expect(sha256(Buffer.concat(stored.map((piece) => piece ?? new Uint8Array(0))))).toBe(one.wanted.digest);
  },
);

test('a file that suffered between two tries of a download costs that file, and no try', async () => {
  const files = new MemoryFiles();
  const one = publish('2', 2, program('suffers', 150_000));
  endsAt(one, 131_072);
  expect(await (await boot(files)).install(one.wanted)).toMatchObject({ fault: { code: 'ARTEFACT_UNAVAILABLE' } });
  server.onArtefact = undefined;
  const name = `software-${one.wanted.digest.slice(0, 16)}.0`;
  await files.write(name, spoilt((await files.read(name)) ?? new Uint8Array(0), 7));
  expect(await (await boot(files)).install(one.wanted)).toEqual({ ok: true, value: 'restarting' });
});

test('nothing stays on the medium of images that did not prove themselves, or did not come whole', async () => {
  const files = new MemoryFiles();
  await run(files, publish('2', 2, program('stays', 90_000)));
  const failing = publish('3', 3, program('fails its trial', 90_000));
  expect(await (await boot(files)).install(failing.wanted)).toEqual({ ok: true, value: 'restarting' });
  unwrap(await (await boot(files)).software.giveUp());
  const torn = publish('4', 4, program('comes in part', 200_000));
  endsAt(torn, 131_072);
  expect(await (await boot(files)).install(torn.wanted)).toMatchObject({ fault: { code: 'ARTEFACT_UNAVAILABLE' } });
  server.onArtefact = undefined;
  const last = publish('5', 5, program('the next', 90_000));
  await run(files, last);
  const kept = (await files.list()).filter((file) => /^software-[0-9a-f]{16}\./.test(file));
  expect(new Set(kept.map((file) => file.slice(9, 25)))).not.toContain(failing.wanted.digest.slice(0, 16));
  expect(new Set(kept.map((file) => file.slice(9, 25)))).not.toContain(torn.wanted.digest.slice(0, 16));
});

test('another version than the server thinks is installed is no base for its delta: the terminal asks by what it has', async () => {
  const files = new MemoryFiles();
  const thought = publish('2', 2, program('base', 150_000));
  const own = publish('2-service', 2, program('service', 150_000));
  await run(files, own);
  const two = publish('3', 3, Buffer.concat([program('base', 150_000), program('tail', 20_000)]));
  offerDelta(thought, two, thought.image, two.image);
  await run(files, two);
  expect(await runningVersion(files)).toBe('3');
  expect(events('softwarePatched')).toEqual([]);
  expect(askedFor(two.wanted.digest)).toBe(two.image.length);
  // And a delta that is for another one all the same, under the name of what is installed, comes to nothing.
  const again = new MemoryFiles();
  await run(again, own);
  offerDelta(own, two, thought.image, two.image);
  server.artefactRequests.length = 0;
  await run(again, two);
  expect(await runningVersion(again)).toBe('3');
  expect(events('softwareDeltaRefused')).toHaveLength(1);
  expect(askedFor(two.wanted.digest)).toBe(two.image.length);
});

test('power may fail at any write of an update by delta: the order ends, and a whole image runs', async () => {
  const base = new MemoryFiles();
  const one = publish('2', 2, program('base', 90_000));
  await run(base, one);
  const two = publish('3', 3, Buffer.concat([program('base', 90_000), program('tail', 50_000)]));
  offerDelta(one, two, one.image, two.image);
  const probe = base.afterPowerLoss(true);
  await run(probe, two);
  for (let failAt = 1; failAt <= probe.changes; failAt++) {
    const cut = base.afterPowerLoss(true, failAt);
    await run(cut, two).catch(() => undefined);
    const files = cut.afterPowerLoss(failAt % 2 === 0);
    const { software, install } = await boot(files);
    if (software.proofTimeoutMs !== undefined) unwrap(await software.prove());
    const again = await install(two.wanted);
    if (again.ok && again.value === 'restarting') unwrap(await (await boot(files)).software.prove());
    const version = await runningVersion(files);
    const isReverted = !again.ok && again.fault.code === 'SOFTWARE_TRIAL_ENDED';
    expect(version, `change ${failAt}`).toBe(isReverted ? '2' : '3');
  }
}, 120_000);

test('the rollback counter outlives a return to the factory state; a downgrade is meant, or refused', async () => {
  const disk = new Map<string, Uint8Array>();
  const files = new MemoryFiles(disk);
  await run(files, publish('5', 5, program('five', 10_000)));
  const older = publish('4', 5, program('four', 10_000));
  expect(await (await boot(files)).install(older.wanted, 41)).toMatchObject({ fault: { code: 'SOFTWARE_DOWNGRADE' } });
  expect(await (await boot(files)).install({ ...older.wanted, allowDowngrade: true }, 42)).toMatchObject({
    value: 'restarting',
  });
  const broken = publish('6', 3, program('six', 10_000));
  // What a wipe takes: everything of the software but the counter.
  for (const name of disk.keys()) if (name === 'software.sealed' || name === 'software-trust.sealed') disk.delete(name);
  const wiped = new MemoryFiles(disk);
  expect(await runningVersion(wiped)).toBe('0.1.0');
  expect(await (await boot(wiped)).install(broken.wanted, 43)).toMatchObject({
    fault: { code: 'SOFTWARE_OLDER', facts: { counter: 3, counterMin: 5 } },
  });
});

test('ten children of one parent cost the line to the server one download, and check every byte themselves', async () => {
  const published = publish('2', 2, program('family', 400_000));
  const { digest, size } = published.wanted;
  const children = Array.from({ length: 10 }, (_, index) => serialSchema.parse(`JET-HANDY-${100 + index}`));
  const parent = source('CT5100-0001');
  const line = sharedLine();
  const cache = openArtefactCache(
    world,
    await openChunkStore(new MemoryFiles(), 16),
    await openNamedParts(new MemoryFiles()),
  );
  cache.setSource(serverSource(world.timers, parent, line));
  const direct = directNetwork({ host: '127.0.0.1', acquiring: 1, ...server.ports }, world.timers);
  const relay = unwrap(await openRelay({ world, host: '127.0.0.1', port: 0, children, network: direct, cache }));
  const place = { host: '127.0.0.1', port: relay.port, serial: serialSchema.parse('CT5100-0001') };
  const child = (serial: Serial): SoftwareSource => ({
    ...source(serial, relayedNetwork(place, serial, world.timers)),
    parent: parentSource(place, serial, world.timers, sharedLine()),
  });
  const disks = children.map(() => new MemoryFiles());
  await Promise.all(children.map((serial, index) => run(disks[index] ?? new MemoryFiles(), published, child(serial))));
  for (const files of disks) expect(await runningVersion(files)).toBe('2');
  // All of it through the parent, whose own certificate asked for it.
  expect(askedFor(digest)).toBe(size);
  expect(new Set(server.artefactRequests.filter(({ name }) => name === digest).map(({ serial }) => serial))).toEqual(
    new Set(['CT5100-0001']),
  );
  expect(events('sourceLied')).toEqual([]);
  // Each says where its bytes came from.
  expect(events('downloaded').map(({ facts }) => facts)).toEqual(
    children.map(() => ({ bytes: size, from: `CT5100-0001 ${size}` })),
  );
  // A stranger is not served.
  const stranger = parentSource(place, serialSchema.parse('STRANGER-1'), world.timers, sharedLine());
  expect((await stranger.read('/chunks/x', 'all')).end).toMatchObject({ fault: { code: 'RELAY_UNAVAILABLE' } });
  cache.close();
  await relay.close();
});

test('a parent that lies is named, and asked no more: the child goes to the server', async () => {
  const published = publish('2', 2, program('truth', 200_000));
  let answers = 0;
  const liar = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => {
      socket.write('OK\n');
      socket.on('data', (bytes) => {
        const [, start = '', end = ''] = /range: bytes=(\d+)-(\d+)/i.exec(bytes.toString()) ?? [];
        const length = Number(end) - Number(start) + 1;
        answers += 1;
        socket.write(`HTTP/1.1 206 OK\r\ncontent-length: ${length}\r\ncontent-range: bytes ${start}-${end}/*\r\n\r\n`);
        socket.write(new Uint8Array(length).fill(0x66));
      });
    });
  });
  await new Promise<void>((resolve) => liar.listen(0, '127.0.0.1', resolve));
  const port = (liar.address() as { port: number }).port;
  const place = { host: '127.0.0.1', port, serial: serialSchema.parse('LIAR-0001') };
  const line = sharedLine();
  const parent = parentSource(place, serialSchema.parse('CT5100-0001'), world.timers, line);
  const files = new MemoryFiles();
  await run(files, published, { ...source(), parent });
  expect(await runningVersion(files)).toBe('2');
  expect(events('sourceLied')).toHaveLength(1);
  expect(events('sourceLied')[0]?.facts).toMatchObject({
    fault: { code: 'SOFTWARE_CHUNK_WRONG', facts: { source: 'LIAR-0001', start: 0 } },
  });
  const before = answers;
  expect(before).toBeLessThan(20);
  expect(askedFor(published.wanted.digest)).toBe(published.image.length);
  parent.close();
  liar.close();
});

test('a cache holds so much and no more, and what is spoilt on its medium is fetched anew', async () => {
  const files = new MemoryFiles();
  const store = await openChunkStore(files, 4);
  const chunks = Array.from({ length: 9 }, (_, index) => program(`chunk ${index}`, 1_000));
  for (const chunk of chunks) await store.write(sha256(chunk), chunk);
  const held = await Promise.all(chunks.map((chunk) => store.read(sha256(chunk))));
  expect(held.map((chunk) => chunk !== undefined)).toEqual([false, false, false, false, false, true, true, true, true]);
  // Another start finds them; the one that was changed meanwhile is none.
  await files.write('cache.0', program('spoilt', 1_000));
  const again = await openChunkStore(files, 4);
  const found = await Promise.all(chunks.map((chunk) => again.read(sha256(chunk))));
  expect(found.filter((chunk) => chunk !== undefined)).toHaveLength(3);
});

test('a download stops for a payment at once, and goes on behind the last byte when it is over', async () => {
  const published = publish('2', 2, program('yield', 300_000));
  const { digest } = published.wanted;
  const line = sharedLine();
  let end: () => void = () => undefined;
  let payment: Promise<void> | undefined;
  let sent = 0;
  /** What a cardholder comes in the middle of, once the terminal has it. */
  let first: Uint8Array | undefined;
  let came = Buffer.alloc(0);
  const from = source();
  const open: typeof from.network.open = async (...asked) => {
    const opened = await from.network.open(...asked);
    if (opened.ok)
      opened.value.on('data', (bytes: Buffer) => {
        if (!first || payment) return;
        came = Buffer.concat([came, bytes]);
        if (!came.includes(Buffer.from(first))) return;
        first = undefined;
        // Whoever reads the answer hears of these bytes after us.
        setImmediate(() => {
          payment = line.during(() => new Promise((resolve) => (end = resolve)));
        });
      });
    return opened;
  };
  server.onArtefact = (bytes, request, response) => {
    const range = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '');
    if (!range || sha256(bytes) !== digest) return false;
    const piece = bytes.subarray(Number(range[1]), Number(range[2]) + 1);
    response.writeHead(206, {
      'content-length': piece.length,
      'content-range': `bytes ${range[1]}-${range[2]}/${bytes.length}`,
    });
    if (payment) {
      response.end(piece);
      sent += piece.length;
      return true;
    }
    first = piece.subarray(0, 1_000);
    sent += first.length;
    response.write(first);
    return true;
  };
  const files = new MemoryFiles();
  const installing = (await boot(files, { ...from, network: { ...from.network, open }, line })).install(
    published.wanted,
  );
  await until(() => payment !== undefined, 'the payment');
  const during = server.artefactRequests.length;
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(server.artefactRequests.length).toBe(during);
  end();
  expect(await installing).toEqual({ ok: true, value: 'restarting' });
  expect(sent).toBe(published.image.length);
});
