import { readFileSync } from 'node:fs';
import { open, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSwitchHouse, Program, type SwitchHouse } from '../e2e/switch-programs.ts';
import type { BenchReport } from './report.ts';

// `--million` takes an hour or more; what it shows beyond the usual run is memory and the restart. A quarter is of some thousands: the centre is a new
// process for each, and what it takes until its code is compiled is not what is measured.
const requests = process.argv.includes('--million')
  ? 1_000_000
  : Number(process.env['TSUNAGU_BENCH_REQUESTS'] ?? 24_000);
const parts = 4;
const portBase = 31_500;

/** The switch between a merchant centre and an issuer, three processes on this machine; and the same two without it. */
export default async function run(): Promise<BenchReport> {
  const fsyncMs = await fsyncMedian();
  const house = await openSwitchHouse(portBase);
  const issuer = new Program('issuer', [...house.common, '--profile', 'load']);
  const relay = new Program('issuer', [
    ...house.common,
    '--alone',
    '--profile',
    'load',
    '--port',
    String(portBase + 90),
  ]);
  try {
    await issuer.line('ready');
    await relay.line('ready');
    const load = async (count: number, rate: number | undefined, isDirect: boolean, uncounted = 0) => {
      const where = isDirect ? ['--port', String(portBase + 90)] : ['--link', 'pos-centre-1'];
      const centre = new Program('centre', [
        ...house.common,
        ...where,
        '--profile',
        'load',
        '--requests',
        String(count + uncounted),
        '--uncounted',
        String(uncounted),
        ...(rate === undefined ? [] : ['--rate', String(rate)]),
      ]);
      await centre.line('ready');
      const counts = await centre.line('ended');
      await centre.kill();
      return counts as unknown as Counts;
    };
    // The first of all warm everything up.
    await load(1_000, undefined, true);
    const limit = await load(requests, undefined, true);
    await load(1_000, undefined, false);
    const emptyMs = await restarted(house);
    await load(1_000, undefined, false);
    const cpuBefore = [house.server, issuer].map(({ pid }) => cpuMs(pid));
    const measured: Counts[] = [];
    const memory: number[] = [];
    for (let part = 0; part < parts; part += 1) {
      measured.push(await load(Math.round(requests / parts), undefined, false));
      memory.push(memoryMb(house.server.pid));
    }
    const most = sumOf(measured);
    const [ours = 0, issuers = 0] = [house.server, issuer].map(
      ({ pid }, at) => (cpuMs(pid) - (cpuBefore[at] ?? 0)) / most.asked,
    );
    const centres = most.cpuMs / most.asked;
    const [firstMb = 0, lastMb = 0] = [memory[0], memory.at(-1)];
    const half = Math.max(1, Math.round(most.perSecond / 2));
    // The centre is a new process: of its first two seconds the times are its own, with the switch and without it.
    const halfLoad = await load(Math.max(500, Math.round(requests / 4)), half, false, half * 2);
    const halfLimit = await load(Math.max(500, Math.round(requests / 4)), half, true, half * 2);
    const restartMs = await restarted(house);
    const addedMs = halfLoad.latencyMs.p99 - halfLimit.latencyMs.p99;
    return {
      name: `the switch, ${requests} durable sales as fast as they are answered, 256 at once; everything on this machine`,
      figures: {
        'durable sales a second': most.perSecond,
        'without the switch: centre to issuer, a second': limit.perSecond,
        'approved of those asked, per cent': (100 * most.approved) / most.asked,
        'a flush of the disk (fdatasync of 512 bytes), median ms': fsyncMs,
        'at half load: sales a second': halfLoad.perSecond,
        'at half load: median through the switch, ms': halfLoad.latencyMs.p50,
        'at half load: p99 through the switch, ms': halfLoad.latencyMs.p99,
        'at half load: p99 without it, ms': halfLimit.latencyMs.p99,
        'at half load: p99 added by the switch, ms': addedMs,
        'processor time of the switch a sale, ms': ours,
        'processor time of the issuer a sale, ms': issuers,
        'processor time of the merchant centre a sale, ms': centres,
        'sales a second that two processors have time for': 2_000 / (ours + issuers + centres),
        'memory of the server after a quarter of the sales, MB': firstMb,
        'memory of the server after all, MB': lastMb,
        'restart after kill -9 with a journal of 1,000 until ready, ms': emptyMs,
        'restart after kill -9 with all in the journal, ms': restartMs,
      },
      ratios: {
        'durable sales a second / 2,000': most.perSecond / 2_000,
        'through the switch / without it': most.perSecond / limit.perSecond,
        'memory after a quarter / after all': firstMb / lastMb,
        'two flushes and 10 ms / p99 added at half load': (2 * fsyncMs + 10) / Math.max(0.001, addedMs),
      },
      goals: {
        'durable sales a second / 2,000': 1,
        'two flushes and 10 ms / p99 added at half load': 1,
      },
      peers: {
        'without it':
          'the same merchant centre on the same kind of line to the same issuer, which answers from memory: the limit of both emulators',
      },
    };
  } finally {
    await issuer.kill();
    await relay.kill();
    await house.close();
  }
}

interface Counts {
  readonly asked: number;
  readonly cpuMs: number;
  readonly approved: number;
  readonly perSecond: number;
  readonly latencyMs: { readonly p50: number; readonly p99: number };
}

/** Several loads, one after the other, as one. */
function sumOf(loads: readonly Counts[]): Omit<Counts, 'latencyMs'> {
  const total = (of: (load: Counts) => number): number => loads.reduce((sum, load) => sum + of(load), 0);
  const asked = total((load) => load.asked);
  return {
    asked,
    approved: total((load) => load.approved),
    cpuMs: total((load) => load.cpuMs),
    perSecond: asked / total((load) => load.asked / load.perSecond),
  };
}

async function restarted(house: SwitchHouse): Promise<number> {
  const startedMs = performance.now();
  await house.server.kill();
  await house.restart();
  return performance.now() - startedMs;
}

/** User and system time of a process, all its threads, in milliseconds; the kernel counts in hundredths of a second. */
function cpuMs(pid: number | undefined): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

const memoryMb = (pid: number | undefined): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? Number.NaN) / 1_024;

async function fsyncMedian(): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'tsunagu-fsync-'));
  const file = await open(join(folder, 'file'), 'w');
  const times: number[] = [];
  for (let count = 0; count < 100; count += 1) {
    const startedMs = performance.now();
    await file.write(new Uint8Array(512));
    await file.datasync();
    times.push(performance.now() - startedMs);
  }
  await file.close();
  await rm(folder, { recursive: true, force: true });
  return times.sort((a, b) => a - b)[50] ?? Number.NaN;
}
