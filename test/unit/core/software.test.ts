import { createHash, generateKeyPairSync, X509Certificate } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import { devicePaths, openDocument, signedDocument } from '@tsunagu/protocols/fleet';
import { unwrap } from '@tsunagu/protocols/kit';
import { applyVcdiff, encodeSoftwareImage } from '@tsunagu/protocols/software';
import { signAttestation } from '@tsunagu/protocols/workshop';
import { brotliDecompressSync } from 'node:zlib';
import { draftFirst, draftRoot, draftTargets, openKeyring, readPublished } from 'tsunagu/signing/index';
import { BaseFetcher, Updater } from 'tuf-js';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { person } from './person.ts';
import {
  device,
  enrol,
  newFolder,
  pemOf,
  removeFolder,
  sha256,
  signedIn,
  type TestHouse,
  testHouse,
  TestLink,
  type TestTerminal,
} from './support.ts';

const folder = newFolder();
const keys = newFolder();
let house: TestHouse;
let publisher: Awaited<ReturnType<typeof person>>;
let terminal: TestTerminal;
beforeAll(async () => {
  house = await testHouse(folder);
  publisher = await person(house, folder, keys);
  terminal = await enrol(house, await house.register('SOFT-0001'));
});
afterAll(async () => {
  await house.house.close();
  removeFolder(folder);
  removeFolder(keys);
});

const token = (): string => JSON.parse(readFileSync(join(folder, 'access.json'), 'utf8')).token as string;
const upload = async (bytes: Uint8Array) => {
  const answer = await fetch(`${house.house.managementUrl}/api/v1/software`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token()}`, 'content-type': 'application/octet-stream' },
    body: Uint8Array.from(bytes),
  });
  return { status: answer.status, body: (await answer.json()) as Record<string, never> & { code?: string } };
};
const order = (serial: string, body: object) => house.call('POST', `/terminals/${serial}/software`, body);
const program = (seed: number, length = 200_000): Uint8Array =>
  createHash('shake256', { outputLength: length }).update(`program ${seed}`).digest();
const image = encodeSoftwareImage({ version: '2', model: 'CT-5100', counter: 2 }, program(2));
/** Asks the device API as the terminal. */
const asTerminal = (path: string, headers: Record<string, string> = {}) =>
  device(house.house.ports.device ?? 0, terminal.claim.rootCertificate, 'GET', path, {
    cert: terminal.answer.certificateChain,
    key: pemOf(terminal.key),
    headers,
  });

it('has no repository at first, and orders nothing', async () => {
  expect((await upload(Buffer.from('no image'))).body.code).toBe('SOFTWARE_IMAGE_INVALID');
  const uploaded = await upload(image);
  expect(uploaded).toMatchObject({
    status: 201,
    body: { version: '2', model: 'CT-5100', counter: 2, size: image.length },
  });
  expect(await upload(image)).toEqual(uploaded);
  const { digest } = uploaded.body as unknown as { digest: string };
  expect((await order('SOFT-0001', { digest })).body.code).toBe('SOFTWARE_REPOSITORY_MISSING');
  expect((await asTerminal(`${devicePaths.softwareMetadata}/1.root.json`)).status).toBe(404);
});

it('takes a root that names its own keys only, and keeps no key of root or targets', async () => {
  const foreign = unwrap(await openKeyring(house.world, newFolder(), {}));
  const stranger = { ...publisher.client, softwareKeys: async () => ({ ok: true as const, value: strangersKeys() }) };
  const draft = unwrap(await draftFirst(house.world, stranger, foreign, { rootKeys: 1, rootThreshold: 1 }));
  expect(await publisher.client.publishSoftware(draft)).toMatchObject({
    fault: { code: 'SOFTWARE_METADATA_MISMATCH' },
  });
  await publisher.init(3, 2);
  const roles = unwrap(await publisher.client.softwareRoles());
  expect(roles.map(({ role, version, threshold, isOnline }) => [role, version, threshold, isOnline])).toEqual([
    ['root', 1, 2, false],
    ['timestamp', 1, 1, true],
    ['snapshot', 1, 1, true],
    ['targets', 1, 1, false],
  ]);
  const vault = readFileSync(join(folder, 'server', 'vault.jsonl'), 'utf8');
  for (const { keyId } of publisher.keyring.signers) expect(vault).not.toContain(keyId);
});

it('takes no root that is over already: terminals would follow it, and take nothing from then on', async () => {
  const before = {
    ...house.world,
    clock: { ...house.world.clock, now: () => house.world.clock.now() - 4 * 365 * 86_400_000 },
  };
  const published = unwrap(await readPublished(publisher.client));
  const draft = unwrap(await draftRoot(before, publisher.client, published, publisher.keyring, 'none'));
  expect(await publisher.client.publishSoftware(draft)).toMatchObject({
    fault: { code: 'SOFTWARE_METADATA_EXPIRED', field: 'root' },
  });
  expect(unwrap(await publisher.client.softwareRoles())[0]).toMatchObject({ role: 'root', version: 1 });
});

function strangersKeys() {
  const key = () => {
    const spki = generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'der' });
    return { keytype: 'ed25519', scheme: 'ed25519', keyval: { public: spki.subarray(-32).toString('hex') } };
  };
  return { snapshot: key(), timestamp: key() };
}

it('orders what is published, in a signed document, and says why it does not order the rest', async () => {
  const digest = sha256(image);
  expect((await order('SOFT-0001', { digest })).body.code).toBe('SOFTWARE_NOT_PUBLISHED');
  await publisher.publish(image);
  expect((await house.call('GET', '/software')).body).toMatchObject({
    items: [{ path: 'CT-5100/2.tsw', digest, model: 'CT-5100', version: '2', counter: 2, requires: null }],
    next: null,
  });
  await house.register('SOFT-0002', 'CATS200');
  expect((await order('SOFT-0002', { digest })).body.code).toBe('SOFTWARE_NOT_FOR_MODEL');
  expect((await order('SOFT-0001', { digest: 'f'.repeat(64) })).body.code).toBe('SOFTWARE_NOT_PUBLISHED');
  expect((await order('NOBODY-1', { digest })).body.code).toBe('TERMINAL_UNKNOWN');
  expect((await order('SOFT-0001', { digest, proofTimeoutMs: 5_000 })).status).toBe(202);

  const link = await TestLink.open(house, terminal);
  await link.hello({ keys: [] });
  const orders: string[] = [];
  for (let pulls = 0; pulls < 4; pulls++) {
    const answer = await link.ask('pull', 'request', { pull: 'job' });
    if (answer.kind !== 'job' || !answer.order) break;
    const payload = unwrap(openDocument('tsunagu-job-v1', signedDocument.parse(answer.order), terminal.answer.jobKey));
    orders.push(payload);
    const { job } = JSON.parse(payload) as { job: string };
    await link.ask({ kind: 'job', job } as never, 'job', { attempt: 1, state: 'failed', fault: 'KEY_SLOT_EMPTY' });
  }
  await link.close();
  const installs = orders.filter((text) => text.includes('software.install'));
  expect(installs).toHaveLength(1);
  expect(JSON.parse(installs[0] ?? '')).toMatchObject({
    serial: 'SOFT-0001',
    params: { digest, size: image.length, version: '2', counter: 2, proofTimeoutMs: 5_000, allowDowngrade: false },
  });
  // The hello told of 1.0.0.
  const older = encodeSoftwareImage({ version: '0.9', model: 'CT-5100', counter: 2 }, program(9));
  const oldDigest = await publisher.publish(older);
  expect((await order('SOFT-0001', { digest: oldDigest })).body.code).toBe('SOFTWARE_DOWNGRADE');
  expect((await order('SOFT-0001', { digest: oldDigest, allowDowngrade: true })).status).toBe(202);
  const far = encodeSoftwareImage({ version: '9', model: 'CT-5100', counter: 2 }, program(3));
  const farDigest = await publisher.publish(far, { requires: { versionMin: '8' } });
  expect((await order('SOFT-0001', { digest: farDigest })).body.code).toBe('SOFTWARE_VERSION_TOO_OLD');
});

it('publishes nothing that is not signed by its holders, not the next version, or not as it says', async () => {
  const published = unwrap(await readPublished(publisher.client));
  const stranger = unwrap(await openKeyring(house.world, newFolder(), {}));
  await stranger.make('targets');
  const code = async (draft: object) => {
    const answer = await publisher.client.publishSoftware(draft);
    return answer.ok ? 'taken' : answer.fault.code;
  };
  expect(await code(draftTargets(house.world, published, stranger))).toBe('SOFTWARE_METADATA_UNSIGNED');
  const again = {
    ...published,
    targets: { ...published.targets, signed: { ...published.targets.signed, version: 1 } },
  };
  expect(await code(draftTargets(house.world, again, publisher.keyring))).toBe('SOFTWARE_METADATA_ROLLBACK');
  const lying = draftTargets(house.world, published, publisher.keyring, (listed) =>
    Object.fromEntries(Object.entries(listed).map(([path, file]) => [path, { ...file, length: file.length + 1 }])),
  );
  expect(await code(lying)).toBe('SOFTWARE_NOT_AS_ANNOUNCED');
  expect(await code({ root: 'no root' })).toBe('SOFTWARE_METADATA_INVALID');
});

it('follows its people: a root key is replaced, and those of the server', async () => {
  for (const rotation of ['root', 'online', 'targets', 'none'] as const) {
    const published = unwrap(await readPublished(publisher.client));
    const draft = unwrap(await draftRoot(house.world, publisher.client, published, publisher.keyring, rotation));
    const roles = unwrap(await publisher.client.publishSoftware(draft));
    expect(roles.find(({ role }) => role === 'root')?.version).toBe(published.root.signed.version + 1);
  }
});

/** Fetches as the terminal does: by its certificate. */
class TerminalFetcher extends BaseFetcher {
  readonly asked: string[] = [];
  fetch(url: string): Promise<NodeJS.ReadableStream> {
    const { pathname, port } = new URL(url);
    this.asked.push(pathname);
    return new Promise((resolve, reject) => {
      const { key, answer, claim } = terminal;
      request(
        {
          host: '127.0.0.1',
          port,
          path: pathname,
          key: pemOf(key),
          cert: answer.certificateChain,
          ca: claim.rootCertificate,
        },
        (response) => {
          const { statusCode = 0 } = response;
          if (statusCode === 200) return resolve(response);
          response.resume();
          // What tuf-js knows as "there is none".
          reject(Object.assign(new Error(`HTTP ${statusCode}`), { statusCode }));
        },
      )
        .on('error', reject)
        .end();
    });
  }
}

it('is a repository for tuf-js, which fetches and verifies a target from the device API', async () => {
  const { DownloadHTTPError } = (await import('tuf-js/dist/error.js')) as {
    DownloadHTTPError: new (m: string, s: number) => Error;
  };
  const fetcher = new TerminalFetcher();
  const fetchPlain = fetcher.fetch.bind(fetcher);
  fetcher.fetch = (url) =>
    fetchPlain(url).catch((error: Error & { statusCode?: number }) => {
      throw new DownloadHTTPError(error.message, error.statusCode ?? 0);
    });
  const cache = newFolder();
  mkdirSync(join(cache, 'targets'));
  // What came with the device: the first root, out of band.
  writeFileSync(join(cache, 'root.json'), (await asTerminal(`${devicePaths.softwareMetadata}/1.root.json`)).bytes);
  const base = `https://127.0.0.1:${house.house.ports.device}`;
  const updater = new Updater({
    metadataDir: cache,
    metadataBaseUrl: `${base}${devicePaths.softwareMetadata}`,
    targetDir: join(cache, 'targets'),
    targetBaseUrl: `${base}${devicePaths.softwareTargets}`,
    fetcher,
  });
  await updater.refresh();
  const target = await updater.getTargetInfo('CT-5100/2.tsw');
  if (!target) throw new Error('tuf-js finds no target');
  const path = await updater.downloadTarget(target);
  expect(readFileSync(path).equals(image)).toBe(true);
  // It followed four rotations on its way.
  expect(fetcher.asked).toContain(`${devicePaths.softwareMetadata}/5.root.json`);
  expect(fetcher.asked).toContain(`${devicePaths.softwareTargets}/CT-5100/${sha256(image)}.2.tsw`);
  removeFolder(cache);
});

it('makes a delta when it is asked for first, and serves it as an artefact', async () => {
  const next = encodeSoftwareImage(
    { version: '2.1', model: 'CT-5100', counter: 2 },
    Uint8Array.from(program(2), (byte, at) => (at % 50_000 === 7 ? byte ^ 1 : byte)),
  );
  const to = await publisher.publish(next);
  const from = sha256(image);
  const ask = () => asTerminal(`${devicePaths.softwareDeltas}/${from}-${to}`);
  const [told, again] = await Promise.all([ask(), ask()]);
  const { digest, size, chunks } = told.json() as { digest: string; size: number; chunks: string[] };
  expect(again.json()).toEqual(told.json());
  expect(chunks).toHaveLength(Math.ceil(size / 65_536));
  expect(size).toBeLessThan(1_000);
  const delta = (await asTerminal(`${devicePaths.artefacts}/${digest}`)).bytes;
  expect(sha256(delta)).toBe(digest);
  const made = unwrap(applyVcdiff(brotliDecompressSync(delta), image, next.length));
  expect(sha256(made)).toBe(to);
  // Nothing in common: no delta is worth it. And none leads to what is no target.
  const other = await publisher.publish(
    encodeSoftwareImage({ version: '5', model: 'CT-5100', counter: 2 }, program(77)),
  );
  expect((await asTerminal(`${devicePaths.softwareDeltas}/${from}-${other}`)).status).toBe(404);
  expect((await asTerminal(`${devicePaths.softwareDeltas}/${to}-${'0'.repeat(64)}`)).status).toBe(404);
});

it('binds an attestation to an image only by the key that its target names, for this image, and all green', async () => {
  const bridge = generateKeyPairSync('ed25519');
  const spki = Uint8Array.from(bridge.publicKey.export({ type: 'spki', format: 'der' }));
  const attested = encodeSoftwareImage({ version: '6', model: 'CT-5100', counter: 2 }, program(6));
  const digest = await publisher.publish(attested, { requires: { attestation: Buffer.from(spki).toString('base64') } });
  expect((await order('SOFT-0001', { digest })).body.code).toBe('SOFTWARE_NOT_ATTESTED');
  const attestation = (nonce: string, failed: number, by = bridge.privateKey, isEmulated = false, skipped = 0) =>
    unwrap(
      signAttestation(
        {
          v: 1,
          madeAt: new Date().toISOString(),
          nonce,
          bridge: { version: '0.1.0', node: process.version, platform: 'linux x64' },
          runs: [
            {
              reader: { name: 'ACR122U', vendorId: 0x72f, productId: 0x2200, isEmulated },
              card: 'visa-contactless',
              script: 'certify',
              steps: {},
              passed: 12,
              failed,
              skipped,
              traceHash: 'a'.repeat(64),
              tookMs: 5,
            },
          ],
          digest: 'b'.repeat(64),
        },
        by,
        spki,
      ),
    );
  const hand = async (text: string) =>
    (await house.call('POST', `/software/${digest}/attestations`, { attestation: text })).body;
  expect((await hand(attestation(digest, 0, generateKeyPairSync('ed25519').privateKey))).code).toBe(
    'ATTESTATION_NOT_AUTHENTIC',
  );
  expect((await hand(attestation('another', 0))).code).toBe('ATTESTATION_FOR_ANOTHER');
  expect((await hand(attestation(digest, 1))).code).toBe('SOFTWARE_ATTESTATION_FAILED');
  expect((await hand(attestation(digest, 0, bridge.privateKey, true))).code).toBe('ATTESTATION_EMULATED');
  // Nothing failed, since most of it was left out.
  expect((await hand(attestation(digest, 0, bridge.privateKey, false, 12))).code).toBe('ATTESTATION_TOO_THIN');
  expect(await hand(attestation(digest, 0))).toMatchObject({ passed: 12, readers: 1 });
  expect(
    (
      await house.call('POST', `/software/${sha256(image)}/attestations`, {
        attestation: attestation(sha256(image), 0),
      })
    ).body.code,
  ).toBe('ATTESTATION_NOT_AUTHENTIC');
  expect((await order('SOFT-0001', { digest })).status).toBe(202);
  expect((await house.call('GET', '/software?model=CT-5100&limit=1')).body).toMatchObject({
    items: [{ version: '9', attestation: null }],
    next: 'CT-5100/9.tsw',
  });
});

it('comes up again with what it had published', async () => {
  const before = (await house.call('GET', '/software/roles')).body;
  await house.house.close();
  house = await testHouse(folder);
  expect((await house.call('GET', '/software/roles')).body).toEqual(before);
  expect(new X509Certificate(terminal.answer.certificateChain).subject).toContain('SOFT-0001');
});

it('a terminal that is shown another repository than people signed is an alarm', async () => {
  expect((await order('SOFT-0001', { digest: sha256(image), allowDowngrade: true })).status).toBe(202);
  const link = await TestLink.open(house, terminal);
  await link.hello({ keys: [] });
  const answer = await link.ask('pull', 'request', { pull: 'job' });
  if (answer.kind !== 'job' || !answer.order) throw new Error('there is no order');
  const payload = unwrap(openDocument('tsunagu-job-v1', signedDocument.parse(answer.order), terminal.answer.jobKey));
  const { job, attempt } = JSON.parse(payload) as { job: string; attempt: number };
  const fault = 'SOFTWARE_METADATA_ROLLBACK';
  await link.ask({ kind: 'job', job } as never, 'job', { attempt, state: 'failed', fault });
  await link.close();
  expect((await house.call('GET', `/jobs/${job}`)).body).toMatchObject({ state: 'failed', fault });
  const timeline = (await house.call('GET', '/terminals/SOFT-0001/timeline?limit=100')).body as unknown as {
    items: { kind: string; facts: object }[];
  };
  expect(timeline.items.filter(({ kind }) => kind === 'alarm').map(({ facts }) => facts)).toEqual([
    { code: fault, job },
  ]);
});

it('orders nothing while what people signed has run out, and says which; signed anew, all goes on by itself', async () => {
  await house.house.close();
  const laterMs = 400 * 86_400_000;
  house = await testHouse(folder, {
    around: (world) => ({ ...world, clock: { ...world.clock, now: () => world.clock.now() + laterMs } }),
  });
  const digest = sha256(image);
  const refused = { code: 'SOFTWARE_METADATA_EXPIRED', field: 'targets' };
  expect((await order('SOFT-0001', { digest, allowDowngrade: true })).body).toMatchObject(refused);
  const campaign = {
    name: 'late',
    target: 'model = CT-5100',
    action: { kind: 'software', images: [digest], back: [], allowDowngrade: true },
    gate: null,
  };
  const operator = await signedIn(house, 'campaigner', 'operator');
  expect(await operator('/campaigns', campaign)).toMatchObject(refused);
  publisher = await person(house, folder, keys);
  await publisher.publish(image);
  expect((await order('SOFT-0001', { digest, allowDowngrade: true })).status).toBe(202);
  expect(await operator('/campaigns', campaign)).toMatchObject({ phase: 'proposed' });
});
