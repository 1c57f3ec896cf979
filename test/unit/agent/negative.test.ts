import { createHash } from 'node:crypto';
import { identify, readClaim } from '@tsunagu/firmware-bridge/enrolment/index';
import { directNetwork, secureNetwork } from '@tsunagu/firmware-bridge/link/index';
import { openNegativeFile } from '@tsunagu/firmware-bridge/negative/index';
import { openSealedStore } from '@tsunagu/firmware-bridge/sealed-store/index';
import { Secret, secretPan, unwrap } from '@tsunagu/protocols/kit';
import { encodeSnapshot, type NegativeHead, negativeTag } from '@tsunagu/protocols/negative';
import { systemWorld } from '@tsunagu/protocols/world';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { MemoryFiles } from './memory-files.ts';
import { TinyServer, until } from './tiny-server.ts';

const lines: string[] = [];
const world = systemWorld((level, event, facts) => lines.push(JSON.stringify([level, event, facts])));
const key = Secret.copy('key', new Uint8Array(16).fill(5));
const tagOf = (pan: Secret<'pan'>) => unwrap(negativeTag(key, pan));
const base64 = (pan: Secret<'pan'>) => Buffer.from(tagOf(pan)).toString('base64');
const good = secretPan('4761739001010010');
const bad = secretPan('4761739001010127');
const worse = secretPan('5413330089020011');
let server: TinyServer;
let enrolled: MemoryFiles;
let kept = false;

beforeAll(async () => {
  server = await new TinyServer().start();
  enrolled = new MemoryFiles(new Map([['claim.json', Buffer.from(JSON.stringify(server.claim()))]]));
});
beforeEach(() => {
  server.artefacts.clear();
  server.artefactRequests.length = 0;
  server.onArtefact = undefined;
});
afterAll(() => server.stop());

function publish(version: number, tags: Uint8Array[], overlay: string[] = [], more: Partial<NegativeHead> = {}) {
  const bytes = encodeSnapshot('regular', version, tags);
  const digest = createHash('sha256').update(bytes).digest('hex');
  server.artefacts.set(digest, bytes);
  const head: NegativeHead = {
    list: 'regular',
    version,
    digest,
    size: bytes.length,
    overlay: { seq: overlay.length, tags: overlay },
    issuedAt: Date.now(),
    notAfter: Date.now() + 60_000,
    ...more,
  };
  return head;
}

async function open(files: MemoryFiles = enrolled.afterPowerLoss(true), bytesMax = 1_048_576, withKey = true) {
  const store = unwrap(await openSealedStore(files, world));
  const claim = unwrap(await readClaim(files));
  const stop = new AbortController();
  const bare = directNetwork(claim.endpoints, world.timers);
  const identity = unwrap(await identify({ world, store, claim, network: bare, signal: stop.signal }));
  // All tests are one enrolled terminal, each with a list of its own.
  if (!kept) enrolled = files.afterPowerLoss(true);
  kept = true;
  const trust = { host: '127.0.0.1', rootCertificate: claim.rootCertificate };
  const file = unwrap(
    await openNegativeFile({
      world,
      files,
      store,
      keys: { negativeTag: (pan) => (withKey ? tagOf(pan) : undefined) },
      trusted: identity.negativeKey,
      network: secureNetwork(bare, world.timers, trust, identity),
      host: '127.0.0.1',
      list: 'regular',
      bytesMax,
      changed: () => undefined,
      signal: stop.signal,
    }),
  );
  return { file, files, store, stop };
}

test('a terminal without a list or a key approves nothing offline', async () => {
  expect((await open()).file.check(good)).toBe('stale');
  expect((await open(undefined, undefined, false)).file.check(good)).toBe('unknown-key');
});

test('a signed head leads to a checked snapshot, which is there again after a restart', async () => {
  const { file, files } = await open();
  file.take('regular', server.head(publish(1, [tagOf(bad)])));
  await until(() => file.check(good) === 'clear');
  expect(file.check(bad)).toBe('listed');
  expect(file.report()).toMatchObject({ list: 'regular', version: 1, overlaySeq: 0 });
  expect(server.artefactRequests).toEqual([{ range: undefined, serial: 'CT5100-0001' }]);
  await file.idle();
  const again = await open(files.afterPowerLoss(false));
  expect([again.file.check(good), again.file.check(bad)]).toEqual(['clear', 'listed']);
});

test('an emergency entry counts at once, before the snapshot is here, and whatever its fate', async () => {
  server.onArtefact = (_, __, response) => {
    response.writeHead(500).end();
    return true;
  };
  const { file, stop } = await open();
  file.take('regular', server.head(publish(1, [], [base64(bad)])));
  expect(file.check(bad)).toBe('listed');
  expect(file.check(good)).toBe('stale');
  await file.idle();
  expect(file.check(bad)).toBe('listed');
  stop.abort();
});

test('no moment of a change of version lets a listed card through', async () => {
  const { file, stop } = await open();
  file.take('regular', server.head(publish(1, [], [base64(bad)])));
  await until(() => file.check(good) === 'clear');
  let release: () => void = () => undefined;
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  server.onArtefact = (bytes, _, response) => {
    void held.then(() => response.writeHead(200).end(bytes));
    return true;
  };
  // The new snapshot has taken the emergency entry in: its overlay no longer names it.
  file.take(
    'regular',
    server.head(publish(2, [tagOf(bad)], [base64(worse)], { overlay: { seq: 2, tags: [base64(worse)] } })),
  );
  expect(file.check(bad)).toBe('listed');
  expect(file.check(worse)).toBe('listed');
  release();
  await until(() => file.report()?.version === 2);
  expect([file.check(bad), file.check(worse), file.check(good)]).toEqual(['listed', 'listed', 'clear']);
  stop.abort();
});

test('an old head, a foreign signature and a head of another list change nothing', async () => {
  const { file, stop } = await open();
  const first = publish(5, [], [base64(bad)], { overlay: { seq: 9, tags: [base64(bad)] } });
  file.take('regular', server.head(first));
  await until(() => file.check(good) === 'clear');
  for (const head of [
    publish(4, []),
    publish(6, [], [], { overlay: { seq: 8, tags: [] } }),
    { ...first, overlay: { seq: 8, tags: [] } },
    { ...first, issuedAt: first.issuedAt - 1, notAfter: 1 },
    { ...publish(5, [tagOf(good)]), overlay: { seq: 10, tags: [] } },
  ])
    file.take('regular', server.head(head));
  file.take('regular', server.head(publish(7, [tagOf(good)], [], { overlay: { seq: 9, tags: [] } }), server.jobSigner));
  file.take('regular', server.head({ ...publish(8, [tagOf(good)]), list: 'other', overlay: { seq: 9, tags: [] } }));
  file.take('other', server.head({ ...publish(8, [tagOf(good)]), overlay: { seq: 9, tags: [] } }));
  await file.idle();
  expect([file.check(bad), file.check(good)]).toEqual(['listed', 'clear']);
  expect(file.report()).toMatchObject({ version: 5, overlaySeq: 9 });
  stop.abort();
});

test('a list that is past its time is stale, and still lists', async () => {
  const { file, stop } = await open();
  file.take('regular', server.head(publish(1, [tagOf(bad)], [], { notAfter: Date.now() - 1 })));
  await until(() => file.report()?.version === 1);
  expect([file.check(good), file.check(bad)]).toEqual(['stale', 'listed']);
  stop.abort();
});

test('a torn download goes on where it ended', async () => {
  let torn = false;
  server.onArtefact = (bytes, _, response) => {
    if (torn) return false;
    torn = true;
    response.writeHead(200, { 'content-length': bytes.length });
    response.write(bytes.subarray(0, 30), () => response.destroy());
    return true;
  };
  const { file, stop } = await open();
  file.take('regular', server.head(publish(1, [tagOf(bad)])));
  await until(() => file.check(good) === 'clear');
  expect(server.artefactRequests.map(({ range }) => range)).toEqual([undefined, 'bytes=30-']);
  stop.abort();
});

test('bytes that are not the announced ones are never in force', async () => {
  const { file, stop } = await open();
  const head = publish(1, [tagOf(bad)]);
  const forged = encodeSnapshot('regular', 1, [tagOf(good)]);
  server.artefacts.set(head.digest, forged);
  lines.length = 0;
  file.take('regular', server.head(head));
  await until(() => lines.some((line) => line.includes('NEGATIVE_FILE_INVALID')));
  expect(file.check(good)).toBe('stale');
  // The right bytes come with a later try.
  server.artefacts.set(head.digest, encodeSnapshot('regular', 1, [tagOf(bad)]));
  await until(() => file.check(good) === 'clear');
  stop.abort();
});

test('a list that does not fit into the model is refused by its head', async () => {
  const { file, stop } = await open(undefined, 64);
  file.take('regular', server.head(publish(1, [tagOf(bad), tagOf(worse), tagOf(good)])));
  await file.idle();
  expect(file.report()).toBeUndefined();
  expect(server.artefactRequests).toEqual([]);
  stop.abort();
});

test('whichever write the power fails at, the next boot has the old list or the new one, whole', async () => {
  const first = await open();
  first.file.take('regular', server.head(publish(1, [tagOf(bad)])));
  await until(() => first.file.report()?.version === 1);
  await first.file.idle();
  first.stop.abort();
  const base = first.files.afterPowerLoss(true);
  const next = publish(2, [tagOf(bad), tagOf(worse)]);
  for (let failAt = 1; failAt <= 9; failAt++) {
    const files = base.afterPowerLoss(true, failAt);
    const { file, stop } = await open(files);
    file.take('regular', server.head(next));
    await file.idle();
    stop.abort();
    for (const keepUnsynced of [true, false]) {
      const after = await open(files.afterPowerLoss(keepUnsynced));
      expect(after.file.check(bad), `change ${failAt}`).toBe('listed');
      expect(after.file.check(good), `change ${failAt}`).toBe('clear');
      const version = after.file.report()?.version ?? 0;
      expect(after.file.check(worse)).toBe(version === 2 ? 'listed' : 'clear');
      after.stop.abort();
      if (!keepUnsynced) break;
    }
  }
});
