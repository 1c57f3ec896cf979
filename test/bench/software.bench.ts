import { execFileSync } from 'node:child_process';
import { createHash, generateKeyPairSync } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer as createTlsServer } from 'node:tls';
import { brotliCompressSync, brotliDecompressSync } from 'node:zlib';
import { directNetwork, secureNetwork } from '@tsunagu/firmware-bridge/link/index';
import { openSealedStore } from '@tsunagu/firmware-bridge/sealed-store/index';
import { bootSoftware, sharedLine } from '@tsunagu/firmware-bridge/software/index';
import { makeDelta } from '@tsunagu/fleet-server/software/index';
import { modelOf } from '@tsunagu/protocols/catalogue';
import { jobIdSchema } from '@tsunagu/protocols/fleet';
import { unwrap } from '@tsunagu/protocols/kit';
import { applyVcdiff, chunked, encodeChunkList, encodeSoftwareImage } from '@tsunagu/protocols/software';
import { systemWorld } from '@tsunagu/protocols/world';
import { MemoryFiles } from '../unit/agent/memory-files.ts';
import { TinyServer } from '../unit/agent/tiny-server.ts';
import type { BenchReport } from './report.ts';
import { shapedLine } from './shaped-line.ts';

type Part = Pick<BenchReport, 'figures' | 'ratios' | 'goals'>;

const drawn = (label: string, length: number): Buffer =>
  createHash('shake256', { outputLength: length }).update(label).digest();

/** A real program of six megabytes, and what a maker makes of it: something inserted and so all behind it moved, words changed, parts new. */
function programs(): { readonly from: Buffer; readonly to: Buffer } {
  const from = Buffer.from(readFileSync(process.execPath).subarray(8_000_000, 14_000_000));
  const changed = Buffer.from(from);
  // Every address into what moved is another: one word in four kilobytes.
  for (let at = 2_000; at + 4 < changed.length; at += 4_096)
    changed.writeUInt32LE((changed.readUInt32LE(at) + 24) >>> 0, at);
  const to = Buffer.concat([
    changed.subarray(0, 1_500_000),
    drawn('a new function', 20_000),
    changed.subarray(1_500_000, 3_000_000),
    changed.subarray(3_050_000),
  ]);
  return { from, to };
}

async function delta(): Promise<Part> {
  const { from, to } = programs();
  const folder = mkdtempSync(join(tmpdir(), 'tsunagu-delta-'));
  const path = (name: string): string => join(folder, name);
  writeFileSync(path('from'), from);
  writeFileSync(path('to'), to);
  const beganMs = performance.now();
  const ours = await makeDelta(from, to, async () => undefined);
  const madeMs = performance.now() - beganMs;
  const applyBeganMs = performance.now();
  const made = unwrap(applyVcdiff(brotliDecompressSync(ours), from, to.length));
  const appliedMs = performance.now() - applyBeganMs;
  if (!to.equals(made)) throw new Error('the delta leads elsewhere');
  const sizeBy = (program: string, args: readonly string[]): number | undefined => {
    if (!existsSync(`/usr/bin/${program}`)) return undefined;
    execFileSync(program, args, { stdio: 'ignore' });
    return statSync(path('out')).size;
  };
  const peers = {
    'brotli of the whole, quality 9': brotliCompressSync(to, { params: { 1: 9 } }).length,
    'zstd -19 of the whole': sizeBy('zstd', ['-f', '-19', path('to'), '-o', path('out')]),
    'zstd -19 --patch-from': sizeBy('zstd', [
      '-f',
      '-19',
      '--long=24',
      `--patch-from=${path('from')}`,
      path('to'),
      '-o',
      path('out'),
    ]),
    'xdelta3 -9 -S lzma': sizeBy('xdelta3', [
      '-e',
      '-f',
      '-9',
      '-B',
      '16777216',
      '-S',
      'lzma',
      '-s',
      path('from'),
      path('to'),
      path('out'),
    ]),
    bsdiff: sizeBy('bsdiff', [path('from'), path('to'), path('out')]),
  };
  rmSync(folder, { recursive: true, force: true });
  const known = Object.entries(peers).flatMap(([name, size]) => (size === undefined ? [] : [[name, size] as const]));
  return {
    figures: {
      'image, bytes': to.length,
      'delta (VCDIFF under Brotli), bytes': ours.length,
      ...Object.fromEntries(known.map(([name, size]) => [`${name}, bytes`, size])),
      'delta made, ms': madeMs,
      'delta applied, ms': appliedMs,
    },
    ratios: {
      'image / delta': to.length / ours.length,
      ...Object.fromEntries(known.map(([name, size]) => [`${name} / delta`, size / ours.length])),
    },
    goals: { 'image / delta': 20, 'zstd -19 of the whole / delta': 5 },
  };
}

const bitsPerSecond = 64_000;
const world = systemWorld(() => undefined);

/** An update over a line of 64 kbit/s, with and without payments in its middle, on real TLS connections. */
async function slowLine(): Promise<Part> {
  const server = await new TinyServer().start();
  // A payment: a TLS 1.3 connection of its own, 600 bytes there, 500 back.
  const acquiring = createTlsServer(server.tls, (socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => socket.write(new Uint8Array(500)));
  });
  await new Promise<void>((resolve) => acquiring.listen(0, '127.0.0.1', resolve));
  const address = acquiring.address();
  const acquiringPort = typeof address === 'object' ? (address?.port ?? 0) : 0;
  const way = await shapedLine(bitsPerSecond, 40, [server.ports.device, acquiringPort]);
  const [device = 0, paying = 0] = way.ports;
  const keys = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const network = secureNetwork(
    directNetwork({ host: '127.0.0.1', fleet: 1, device, acquiring: paying }, world.timers),
    world.timers,
    { host: '127.0.0.1', rootCertificate: server.rootCertificate },
    { certificateChain: server.terminalCertificate(keys.publicKey), privateKey: keys.privateKey },
  );
  const pay = async (): Promise<number> => {
    const beganMs = performance.now();
    const socket = unwrap(await network.open('acquiring', 30_000));
    await new Promise<void>((resolve) => {
      socket.once('data', () => resolve());
      socket.write(new Uint8Array(600));
    });
    socket.destroy();
    return performance.now() - beganMs;
  };
  const idle: number[] = [];
  for (let count = 0; count < 5; count++) idle.push(await pay());

  const model = modelOf('CT-5100');
  if (!model) throw new Error('the catalogue has no CT-5100');
  const image = encodeSoftwareImage({ version: '2', model: model.id, counter: 2 }, drawn('slow', 320_000));
  const list = encodeChunkList(chunked(image));
  const digest = createHash('sha256').update(image).digest('hex');
  server.artefacts.set(digest, image);
  server.artefacts.set(createHash('sha256').update(list).digest('hex'), list);
  server.repository.addImage(image, { version: '2', model: model.id, counter: 2 });
  const line = sharedLine();
  const install = async () => {
    const files = new MemoryFiles();
    const software = unwrap(
      await bootSoftware(world, files, unwrap(await openSealedStore(files, world)), model, '0.1.0'),
    );
    const before = way.crossed.down;
    const beganMs = performance.now();
    const order = { job: jobIdSchema.parse('00000000-0000-4000-8000-000000000001'), attempt: 1 };
    const wanted = {
      version: '2',
      counter: 2,
      digest,
      size: image.length,
      proofTimeoutMs: 60_000,
      allowDowngrade: false,
    };
    const from = { network, host: '127.0.0.1', signal: new AbortController().signal, line };
    unwrap(await software.install(from, wanted, order, () => undefined));
    return { tookMs: performance.now() - beganMs, bytes: way.crossed.down - before };
  };
  const alone = await install();
  const during = async (isYielding: boolean): Promise<number[]> => {
    const installing = install();
    const took: number[] = [];
    for (let count = 0; count < 5; count++) {
      await world.timers.sleep(5_000);
      took.push(isYielding ? await line.during(pay) : await pay());
    }
    await installing;
    return took;
  };
  const yielding = await during(true);
  const heedless = await during(false);
  way.close();
  acquiring.close();
  await server.stop();
  const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0;
  const idealMs = (image.length * 8_000) / bitsPerSecond;
  return {
    figures: {
      'image over 64 kbit/s, bytes': image.length,
      'bytes down the line for it': alone.bytes,
      'update, s': alone.tookMs / 1_000,
      'bare bytes at line rate, s': idealMs / 1_000,
      'payment on the idle line, ms (median of 5)': median(idle),
      'payment during a download that yields, ms (median of 5)': median(yielding),
      'payment during a download that yields, ms (worst of 5)': Math.max(...yielding),
      'payment during a download that does not, ms (median of 5)': median(heedless),
    },
    ratios: {
      'image / bytes down the line': image.length / alone.bytes,
      'line rate / update': idealMs / alone.tookMs,
      'payment, idle / yielding': median(idle) / median(yielding),
      'payment, heedless / yielding': median(heedless) / median(yielding),
    },
    goals: { 'image / bytes down the line': 0.9, 'line rate / update': 0.75, 'payment, idle / yielding': 0.5 },
  };
}

/** Software updates: what a delta saves, and what a slow line sees of them. */
export default async function run(): Promise<BenchReport> {
  const parts = [await delta(), await slowLine()];
  return {
    name: 'software',
    figures: Object.assign({}, ...parts.map(({ figures }) => figures)),
    ratios: Object.assign({}, ...parts.map(({ ratios }) => ratios)),
    goals: Object.assign({}, ...parts.map(({ goals }) => goals)),
    peers: {
      'zstd, xdelta3, bsdiff':
        'the Debian packages, where they are installed; both versions are 6 MB of the node binary and a changed copy',
      'line rate':
        'the bytes of the image alone at 64 kbit/s, with 40 bytes of headers on each packet of 1,400 on the line itself',
      heedless: 'the same download without the shared line: it knows nothing of payments',
    },
  };
}
