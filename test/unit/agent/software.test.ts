import { createHash } from 'node:crypto';
import { startTerminal } from '@tsunagu/firmware-bridge/agent/index';
import { directNetwork, secureNetwork } from '@tsunagu/firmware-bridge/link/index';
import { openCardSide } from '@tsunagu/firmware-bridge/payment/index';
import { openSealedStore } from '@tsunagu/firmware-bridge/sealed-store/index';
import {
  bootSlots,
  bootSoftware,
  commitTrial,
  factoryState,
  runningSlot,
  stageImage,
} from '@tsunagu/firmware-bridge/software/index';
import { modelOf } from '@tsunagu/protocols/catalogue';
import {
  configuration,
  configurationHash,
  type Hello,
  type JobReport,
  jobIdSchema,
  type SoftwareInstall,
} from '@tsunagu/protocols/fleet';
import { Secret, unwrap } from '@tsunagu/protocols/kit';
import {
  chunked,
  encodeChunkList,
  encodeSoftwareImage,
  readSoftwareHeader,
  type SoftwareHeader,
} from '@tsunagu/protocols/software';
import { systemWorld } from '@tsunagu/protocols/world';
import { generateKeyPairSync } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { MemoryFiles } from './memory-files.ts';
import { listAuthority } from './negative-authority.ts';
import { type Arrived, TinyServer, until } from './tiny-server.ts';

const world = systemWorld(() => undefined);
const known = modelOf('CT-5100');
if (!known) throw new Error('the catalogue has no CT-5100');
const model = known;
let server: TinyServer;
beforeAll(async () => {
  server = await new TinyServer().start();
  listAuthority(server, Secret.copy('key', new Uint8Array(16).fill(5)));
});
afterAll(() => server.stop());

const job = (index: number) => jobIdSchema.parse(`00000000-0000-4000-8000-${String(index).padStart(12, '0')}`);

/** Puts an image onto the device API and tells how it is ordered. Ten chunks of a download, unless it is told otherwise. */
function publish(
  header: Omit<SoftwareHeader, 'boot' | 'model'> & Partial<SoftwareHeader>,
  ordered: Partial<SoftwareInstall> = {},
  length = 600_000,
): SoftwareInstall {
  const image = encodeSoftwareImage({ model: 'CT-5100', ...header }, new Uint8Array(length).fill(header.counter));
  const digest = createHash('sha256').update(image).digest('hex');
  server.artefacts.set(digest, image);
  const list = encodeChunkList(chunked(image));
  server.artefacts.set(createHash('sha256').update(list).digest('hex'), list);
  const { version, counter, model = 'CT-5100' } = header;
  server.repository.addImage(image, { version, counter, model });
  return { version, counter, digest, size: image.length, proofTimeoutMs: 60_000, allowDowngrade: false, ...ordered };
}

test('a trial has one boot: proven it stays, otherwise the old software runs again', () => {
  const content = { version: '2', digest: 'd', size: 1, counter: 5, chunkLength: 65_536 };
  const staged = stageImage(factoryState('1'), content, { job: 'j', attempt: 1 }, 1_000);
  expect(runningSlot(staged)).toBe('A');
  const trying = bootSlots(staged);
  expect(runningSlot(trying)).toBe('B');
  const proven = commitTrial(trying);
  expect(proven).toMatchObject({ active: 'B', counterMin: 5, trial: null, reverted: null });
  expect(bootSlots(proven)).toEqual(proven);
  const reverted = bootSlots(trying);
  expect(runningSlot(reverted)).toBe('A');
  expect(reverted).toMatchObject({
    slots: { B: null },
    counterMin: 1,
    trial: null,
    reverted: { job: 'j', attempt: 1, why: 'ended' },
  });
  expect(commitTrial(reverted)).toEqual(reverted);
});

test('an image that lies about itself is refused at its byte', () => {
  const image = encodeSoftwareImage({ version: '2', model: 'CT-5100', counter: 1 }, new Uint8Array(3));
  expect(unwrap(readSoftwareHeader(image))).toMatchObject({ version: '2', boot: 'proves' });
  // No place in the order of versions, or that of another.
  for (const version of ['01', '1.02', 'v1.2', '1..2', '1.', '', '1-']) {
    const named = Uint8Array.from(Buffer.from(JSON.stringify({ version, model: 'CT-5100', counter: 1 })));
    const prefix = Uint8Array.from([...Buffer.from('TSW1'), 0, named.length]);
    expect(readSoftwareHeader(Uint8Array.from([...prefix, ...named]))).toMatchObject({ ok: false });
  }
  for (let length = 0; length < image.length - 3; length++)
    expect(readSoftwareHeader(image.subarray(0, length))).toMatchObject({ fault: { code: 'SOFTWARE_IMAGE_INVALID' } });
  expect(readSoftwareHeader(Uint8Array.from(image, (byte, at) => (at === 0 ? 0 : byte)))).toMatchObject({
    fault: { code: 'SOFTWARE_IMAGE_INVALID', offset: 0 },
  });
});

/** The boot loader and the installer against a device API on real sockets, without the rest of the terminal. */
function device() {
  const keys = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const network = secureNetwork(
    directNetwork({ host: '127.0.0.1', acquiring: 1, ...server.ports }, world.timers),
    world.timers,
    { host: '127.0.0.1', rootCertificate: server.rootCertificate },
    { certificateChain: server.terminalCertificate(keys.publicKey), privateKey: keys.privateKey },
  );
  const signal = new AbortController().signal;
  return async (files: MemoryFiles) => {
    const software = unwrap(
      await bootSoftware(world, files, unwrap(await openSealedStore(files, world)), model, '0.1.0'),
    );
    return {
      software,
      install: (wanted: SoftwareInstall, index: number, onPiece: (done: number) => void = () => undefined) =>
        software.install({ network, host: '127.0.0.1', signal }, wanted, { job: job(index), attempt: 1 }, onPiece),
    };
  };
}

test.each([
  [
    'another digest',
    () => ({ ...publish({ version: '2', counter: 2 }), digest: 'f'.repeat(64) }),
    'SOFTWARE_NOT_PUBLISHED',
  ],
  ['another version', () => publish({ version: '2', counter: 2 }, { version: '3' }), 'SOFTWARE_NOT_AS_ANNOUNCED'],
  ['another counter', () => publish({ version: '2', counter: 2 }, { counter: 9 }), 'SOFTWARE_NOT_AS_ANNOUNCED'],
  ['another model', () => publish({ version: '2', counter: 2, model: 'CATS200' }), 'SOFTWARE_NOT_FOR_MODEL'],
  ['a size that lies', () => publish({ version: '2', counter: 2 }, { size: 600_000 }), 'SOFTWARE_NOT_AS_ANNOUNCED'],
])('refuses an image of %s, and the running software stays', async (_, wanted, code) => {
  const boot = device();
  const files = new MemoryFiles();
  const { install } = await boot(files);
  expect(await install(wanted(), 1)).toMatchObject({ fault: { code } });
  expect((await boot(files)).software.running).toEqual({ version: '0.1.0', slot: 'A' });
});

test('bytes that were changed on the way are noticed, and fetched anew the next time', async () => {
  const wanted = publish({ version: '2', counter: 2 });
  const whole = server.artefacts.get(wanted.digest) ?? new Uint8Array(0);
  const boot = device();
  const files = new MemoryFiles();
  const { install } = await boot(files);
  server.artefacts.set(
    wanted.digest,
    Uint8Array.from(whole, (byte, at) => (at === 400_000 ? byte ^ 1 : byte)),
  );
  expect(await install(wanted, 1)).toMatchObject({
    fault: { code: 'SOFTWARE_CHUNK_WRONG', facts: { source: 'server', start: 393_216 } },
  });
  server.artefacts.set(wanted.digest, whole);
  expect(await install(wanted, 2)).toEqual({ ok: true, value: 'restarting' });
});

test('after a proof nothing below its counter is taken, and the other slot is used next', async () => {
  const boot = device();
  const files = new MemoryFiles();
  for (const [counter, slot] of [
    [4, 'B'],
    [5, 'A'],
  ] as const) {
    const wanted = publish({ version: `${counter}`, counter });
    unwrap(await (await boot(files)).install(wanted, counter));
    const tried = await boot(files);
    expect(tried.software.running).toEqual({ version: `${counter}`, slot });
    unwrap(await tried.software.prove());
    expect(unwrap(await tried.install(wanted, counter))).toBe('installed');
  }
  expect(await (await boot(files)).install(publish({ version: '4', counter: 4 }), 9)).toMatchObject({
    fault: { code: 'SOFTWARE_OLDER' },
  });
});

test('whichever write the power fails at, the order ends and a whole image runs', async () => {
  const wanted = publish({ version: '2', counter: 2 }, {}, 140_000);
  const boot = device();
  /** What the terminal does until its order is over; the power may fail anywhere in it. */
  async function live(files: MemoryFiles): Promise<'installed' | 'reverted'> {
    for (let boots = 0; boots < 4; boots++) {
      const { software, install } = await boot(files);
      if (software.proofTimeoutMs !== undefined) unwrap(await software.prove());
      const installed = await install(wanted, 1);
      if (!installed.ok && installed.fault.code === 'SOFTWARE_TRIAL_ENDED') return 'reverted';
      if (unwrap(installed) === 'installed') return 'installed';
    }
    throw new Error('the order never ends');
  }
  const count = new MemoryFiles();
  expect(await live(count)).toBe('installed');
  const ends = new Set<string>();
  for (let failAt = 1; failAt <= count.changes; failAt++)
    for (const keepUnsynced of [false, true]) {
      const cut = new MemoryFiles(new Map(), failAt);
      await live(cut).catch(() => undefined);
      const files = cut.afterPowerLoss(keepUnsynced);
      const end = await live(files);
      ends.add(end);
      const label = `change ${failAt}, unsynced ${keepUnsynced ? 'kept' : 'lost'}`;
      expect((await boot(files)).software.running.version, label).toBe(end === 'installed' ? '2' : '0.1.0');
    }
  // A cut between the boot of the trial and its proof is a trial that did not prove itself.
  expect(ends).toEqual(new Set(['installed', 'reverted']));
}, 120_000);

test('a terminal takes a new software, and runs the old one again when the new one hangs or stays mute', async () => {
  const orders: { job: string; params: SoftwareInstall }[] = [];
  server.answer = ({ topic, message }: Arrived) => {
    if (topic.kind === 'request') {
      const { pull } = message.body as { pull: string };
      if (pull === 'twin') {
        const values = configuration.parse({});
        return { kind: 'twin', version: 1, hash: configurationHash(values), values };
      }
      if (pull === 'time') return { kind: 'time', now: Date.now() };
      const next = orders[0];
      return {
        kind: 'job',
        order: next ? server.order({ job: next.job, type: 'software.install', params: next.params }) : null,
      };
    }
    if (topic.kind !== 'job') return undefined;
    orders.shift();
    return { kind: 'acknowledged', job: topic.job, state: (message.body as JobReport).state };
  };
  const of = <T>(kind: Arrived['topic']['kind']): T[] =>
    server.arrived.filter(({ topic }) => topic.kind === kind).map(({ message }) => message.body as T);
  const finals = () =>
    server.arrived
      .filter(({ topic, message }) => topic.kind === 'job' && message.corr !== undefined)
      .map(({ message }) => message.body as JobReport);
  const files = new MemoryFiles(new Map([['claim.json', Buffer.from(JSON.stringify(server.claim()))]]));
  const terminal = unwrap(await startTerminal({ world, files, openCardSide }));
  unwrap(await terminal.connected);
  const order = async (index: number, params: SoftwareInstall): Promise<JobReport | undefined> => {
    const before = finals().length;
    orders.push({ job: job(index), params });
    server.notify({ jobs: 1 });
    await until(() => finals().length > before, `the end of job ${index}`);
    return finals().at(-1);
  };
  expect(await order(1, publish({ version: '2', counter: 2 }))).toMatchObject({
    state: 'succeeded',
    software: { version: '2', slot: 'B' },
  });
  expect(await order(2, publish({ version: '3', counter: 3, boot: 'hangs' }))).toMatchObject({
    state: 'failed',
    fault: 'SOFTWARE_TRIAL_ENDED',
  });
  expect(
    await order(3, publish({ version: '4', counter: 4, boot: 'isMute' }, { proofTimeoutMs: 1_000 })),
  ).toMatchObject({ state: 'failed', fault: 'SOFTWARE_REVERTED' });
  await until(() => of<Hello>('hello').at(-1)?.software.version === '2', 'the old software');
  const boots = server.arrived.filter(({ topic }) => topic.kind === 'hello').map(({ message }) => message.boot);
  // Factory, 2; then 3 hangs in boot 3, which nobody hears, and 4 is mute in boot 5.
  expect([...new Set(boots)]).toEqual([1, 2, 4, 6]);
  await terminal.stop();
});
