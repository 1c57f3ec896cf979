import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { open, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { centreProfiles } from '@tsunagu/fleet-server/merchant-centre/profile';
import { portOf } from '@tsunagu/protocols/fleet';
import { openSwitchHouse, Program, type SwitchHouse } from '../e2e/switch-programs.ts';
import type { BenchReport } from './report.ts';

// The centre is a new process: of its first sales the times, and what they cost, are its own until its code is compiled.
const uncounted = 3_000;
/** Memory is looked at in so many parts of the sales. */
const parts = 10;
const portBase = 31_500;
/** Where the issuer is that a centre dials without the switch, and where the relay before it. */
const alonePort = portBase + 90;
const relayPort = portBase + 91;
/** Of what it gets through so much is asked, for so long, by callers who give up after so long and then take back what they asked. */
const overloads = [1.5, 2];
const overloadSeconds = 8;
/** How long half of the most is asked for. */
const halfSeconds = 10;
const patienceMs = 2_000;
/** A centre that asks no faster than it is answered has little in hand: with the room that it needs at full speed it stands still for 20 to 80 ms to clear that. */
const pacedYoungMb = 4;

/**
 * The switch between a merchant centre and an issuer, three processes on this machine; and the same two without it.
 * `--sales=N`: how many go through it as fast as they are answered; 24,000 unless told. A million (`--million`) take ten minutes or so.
 * `--rate=N`: sales a second at half load, for ten seconds; half of those unless told. Two versions are compared at one rate.
 * At half load a sale takes from when it was due, so that what the centre is late with counts against the switch and not for it; how long the centre stood
 * still itself is told beside it. So is what there was of the processors meanwhile, as the kernel counts it: what the three used, what everything else did
 * (threads of the kernel, other programs), and how long the thread of the switch that does its work was ready to run and had to wait. Nothing is measured by
 * working beside them: that alone made a sale at half load twice as long.
 */
export default async function run(flags: readonly string[] = []): Promise<BenchReport> {
  const told = (name: string): string | undefined =>
    flags.find((flag) => flag.startsWith(`--${name}=`))?.slice(name.length + 3);
  const sales = Number(told('sales') ?? (flags.includes('--million') ? 1_000_000 : 24_000));
  const few = Math.min(sales, 24_000);
  const [loadBefore = 0] = loadavg();
  const fsyncMs = await fsyncMedian();
  const house = await openSwitchHouse(portBase);
  const issuer = new Program('issuer', [...house.common, '--profile', 'load']);
  const alone = new Program('issuer', [...house.common, '--alone', '--profile', 'load', '--port', String(alonePort)]);
  const relay = spawn(
    process.execPath,
    [durableRelay, String(relayPort), String(alonePort), join(house.folder, 'relayed')],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  );
  try {
    await issuer.line('ready');
    await alone.line('ready');
    await once(relay.stdout, 'data');
    const load = async (
      count: number,
      way: 'switch' | 'alone' | 'relay',
      rate?: number,
      heard: (asked: number, centre: Program) => void = () => undefined,
      profile = 'load',
    ): Promise<Counts> => {
      const where = {
        switch: ['--link', 'pos-centre-1'],
        alone: ['--port', String(alonePort)],
        relay: ['--port', String(relayPort)],
      }[way];
      const args = [
        ...house.common,
        ...where,
        '--profile',
        profile,
        '--requests',
        String(count + uncounted),
        '--uncounted',
        String(uncounted),
        ...(rate === undefined ? [] : ['--rate', String(rate)]),
      ];
      const isPaced = rate !== undefined && profile === 'load';
      const centre = new Program('centre', args, isPaced ? pacedYoungMb : undefined);
      await centre.line('ready');
      for (;;) {
        const said = await centre.line('counts', 'ended');
        heard(Number(said['asked']) - uncounted, centre);
        if (said['event'] !== 'ended') continue;
        await centre.kill();
        return said as unknown as Counts;
      }
    };
    // The first of all warm everything up.
    await load(1_000, 'alone');
    const limit = await load(few, 'alone');
    await load(1_000, 'switch');
    const empty = await restarted(house);
    await load(1_000, 'switch');

    /** Memory in each part, and what the three had used of the processors at the first look that counts and at the last. */
    const memory: number[][] = Array.from({ length: parts }, () => []);
    const used: { readonly asked: number; readonly cpuMs: readonly number[] }[] = [];
    const most = await load(sales, 'switch', undefined, (asked, centre) => {
      if (asked < 0) return;
      memory[Math.min(parts - 1, Math.floor((asked * parts) / sales))]?.push(memoryMb(house.server.pid));
      const cpu = { asked, cpuMs: [house.server, issuer, centre].map(({ pid }) => cpuMs(pid)) };
      if (cpu.cpuMs.every((ms) => !Number.isNaN(ms))) used.push(cpu);
    });
    const durable = approvedOf(most);
    const memoryMbs = memory.map(median).filter((mb) => !Number.isNaN(mb));
    const [first, last] = [used[0], used.at(-1)];
    const cpuOf = (at: number): number =>
      ((last?.cpuMs[at] ?? 0) - (first?.cpuMs[at] ?? 0)) / ((last?.asked ?? 0) - (first?.asked ?? 0));
    const [ours, issuers, centres] = [cpuOf(0), cpuOf(1), cpuOf(2)];
    const [halfMb = Number.NaN, lastMb = Number.NaN] = [memoryMbs[Math.floor(memoryMbs.length / 2)], memoryMbs.at(-1)];
    // By the server as it has run until now: one that was just started compiles its code first.
    const half = Number(told('rate') ?? Math.max(1, Math.round(durable / 2)));
    const collectedBefore = await collected();
    const looks: Used[] = [];
    const halfLoad = await load(half * halfSeconds, 'switch', half, (asked, centre) => {
      const look = asked < 0 ? undefined : lookAt(house.server.pid, [house.server.pid, issuer.pid, centre.pid]);
      if (look) looks.push(look);
    });
    const collectedThen = await collected();
    const halfLimit = await load(half * halfSeconds, 'alone', half);
    const halfDurable = await load(half * halfSeconds, 'relay', half);
    const impatient = join(house.folder, 'impatient.json');
    const { name: _load, ...asLoad } = centreProfiles.load;
    await writeFile(
      impatient,
      JSON.stringify({ ...asLoad, name: 'impatient', inFlightMax: 10_000, timeoutMs: patienceMs }),
    );
    const goodput: number[] = [];
    for (const times of overloads) {
      const rate = Math.round(durable * times);
      goodput.push(approvedOf(await load(rate * overloadSeconds, 'switch', rate, undefined, impatient)));
    }
    const full = await restarted(house);
    const addedMs = halfLoad.sinceDueMs.p99 - halfLimit.sinceDueMs.p99;
    const boundMs = halfDurable.sinceDueMs.p99 - halfLimit.sinceDueMs.p99;
    return {
      name: `the switch, ${sales} durable sales as fast as they are answered, 256 at once; everything on this machine`,
      figures: {
        'load of the machine before (one minute)': loadBefore,
        'durable sales a second': durable,
        'without the switch: centre to issuer, a second': limit.perSecond,
        'approved of those asked, per cent': (100 * most.approved) / most.asked,
        'a flush of the disk (fdatasync of 512 bytes), median ms': fsyncMs,
        'at half load: sales a second': halfLoad.perSecond,
        'at half load: median through the switch, ms': halfLoad.sinceDueMs.p50,
        'at half load: median without it, ms': halfLimit.sinceDueMs.p50,
        'at half load: p99 through the switch, ms': halfLoad.sinceDueMs.p99,
        'at half load: p99 without it, ms': halfLimit.sinceDueMs.p99,
        'at half load: p99 added by the switch, ms': addedMs,
        'at half load: median through a relay with two flushes, ms': halfDurable.sinceDueMs.p50,
        'at half load: p99 added by a relay with two flushes, ms': boundMs,
        ...Object.fromEntries(
          Object.entries(collectedThen).map(([kind, { count, ms }]) => {
            const before = collectedBefore[kind] ?? { count: 0, ms: 0 };
            return [
              `at half load: one ${kind} collection of garbage in the switch, ms`,
              (ms - before.ms) / Math.max(1, count - before.count),
            ];
          }),
        ),
        'at half load: the centre stood still at the longest, ms': halfLoad.stoodStillMs,
        'at half load: of that for its own garbage, ms': halfLoad.collectedMs,
        ...Object.fromEntries(
          Object.entries(usedBetween(looks[0], looks.at(-1))).map(([what, ms]) => [
            `at half load: ${what}, ms a second`,
            ms,
          ]),
        ),
        'processor time of the switch a sale, ms': ours,
        'processor time of the issuer a sale, ms': issuers,
        'processor time of the merchant centre a sale, ms': centres,
        'sales a second that two processors have time for': 2_000 / (ours + issuers + centres),
        ...Object.fromEntries(
          memoryMbs.map((mb, at) => [`memory of the server, part ${at + 1} of ${memoryMbs.length}, MB`, mb]),
        ),
        'restart after kill -9 with a journal of some thousands, ms': empty.ms,
        'restart after kill -9 with all in the journal, ms': full.ms,
        'processor time of a restart with some thousands, ms': empty.cpuMs,
        'processor time of a restart with all, ms': full.cpuMs,
      },
      ratios: {
        'durable sales a second / 2,000': durable / 2_000,
        'through the switch / without it': durable / limit.perSecond,
        ...Object.fromEntries(overloads.map((times, at) => [overloadName(times), (goodput[at] ?? 0) / durable])),
        'two flushes and 10 ms / p99 added at half load': (2 * fsyncMs + 10) / Math.max(0.001, addedMs),
        'p99 added at half load: a relay with two flushes / the switch': boundMs / Math.max(0.001, addedMs),
        'memory in the middle / at the end': halfMb / lastMb,
        '5 s / a restart with all in the journal': 5_000 / full.ms,
      },
      goals: {
        'durable sales a second / 2,000': 1,
        'two flushes and 10 ms / p99 added at half load': 1,
        'memory in the middle / at the end': 0.95,
        '5 s / a restart with all in the journal': 1,
        ...Object.fromEntries(overloads.map((times) => [overloadName(times), 0.8])),
      },
      peers: {
        'without it':
          'the same merchant centre on the same kind of line to the same issuer, which answers from memory: the limit of both emulators',
        'a relay with two flushes':
          'between these two, bytes that nobody reads, on disk before they go on, request and answer: what whoever journals both is not below',
      },
    };
  } finally {
    await issuer.kill();
    await alone.kill();
    relay.kill();
    await house.close();
  }
}

const durableRelay = fileURLToPath(new URL('durable-relay.mjs', import.meta.url));

interface Counts {
  readonly asked: number;
  readonly approved: number;
  readonly perSecond: number;
  readonly sinceDueMs: { readonly p50: number; readonly p99: number };
  readonly stoodStillMs: number;
  readonly collectedMs: number;
}

/** How often the server has collected garbage since it began, and how long that took, by kind: what its metrics say. */
async function collected(): Promise<Record<string, { count: number; ms: number }>> {
  const text = await (await fetch(`http://127.0.0.1:${portOf(portBase, 'metrics')}/metrics`)).text();
  const kinds: Record<string, { count: number; ms: number }> = {};
  for (const [, what, kind = '', value] of text.matchAll(
    /^tsunagu_nodejs_gc_duration_seconds_(count|sum)\{kind="(\w+)"\} (\S+)$/gm,
  )) {
    const held = (kinds[kind] ??= { count: 0, ms: 0 });
    if (what === 'count') held.count = Number(value);
    else held.ms = Number(value) * 1_000;
  }
  return kinds;
}

/** What was approved, in time, a second. */
const approvedOf = ({ approved, asked, perSecond }: Counts): number => (perSecond * approved) / asked;
const overloadName = (times: number): string => `asked ${times} times as much: approved in time / durable sales`;

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

/** Kills the server and starts it anew; until it is ready. */
async function restarted(house: SwitchHouse): Promise<{ readonly ms: number; readonly cpuMs: number }> {
  const startedMs = performance.now();
  await house.server.kill();
  await house.restart();
  return { ms: performance.now() - startedMs, cpuMs: cpuMs(house.server.pid) };
}

/** User and system time of a process, all its threads, in milliseconds; the kernel counts in hundredths of a second. NaN for one that has ended. */
function cpuMs(pid: number | undefined): number {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return Number.NaN;
  }
  const fields = stat.split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

const memoryMb = (pid: number | undefined): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? Number.NaN) / 1_024;

/** What was used of the processors until a moment, milliseconds. */
interface Used {
  readonly atMs: number;
  readonly three: number;
  /** By everything that runs on this machine, the three among it. */
  readonly all: number;
  /** How long the first thread of the switch was ready to run and did not. */
  readonly waited: number;
}

/** Undefined where one of the three has ended. */
function lookAt(server: number | undefined, three: readonly (number | undefined)[]): Used | undefined {
  const [user = 0, nice = 0, system = 0, , , irq = 0, softIrq = 0] = (
    /^cpu +(.+)$/m.exec(readFileSync('/proc/stat', 'utf8'))?.[1] ?? ''
  )
    .split(' ')
    .map(Number);
  const used = three.reduce<number>((sum, pid) => sum + cpuMs(pid), 0);
  if (Number.isNaN(used)) return undefined;
  // Nanoseconds: on a processor, and in the queue for one. Documentation/scheduler/sched-stats.rst, "/proc/<pid>/schedstat".
  const [, waited = 0] = readFileSync(`/proc/${server}/task/${server}/schedstat`, 'utf8').split(' ').map(Number);
  return {
    atMs: performance.now(),
    three: used,
    all: (user + nice + system + irq + softIrq) * 10,
    waited: waited / 1e6,
  };
}

/** What went on between two looks, milliseconds a second. */
function usedBetween(from: Used | undefined, to: Used | undefined): Record<string, number> {
  const perSecond = (of: (used: Used) => number): number =>
    from && to ? (1_000 * (of(to) - of(from))) / (to.atMs - from.atMs) : Number.NaN;
  return {
    'processor time of the three': perSecond(({ three }) => three),
    'processor time of all else on this machine': perSecond(({ all, three }) => all - three),
    'the switch was ready to run and waited for a processor': perSecond(({ waited }) => waited),
  };
}

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
  return median(times);
}
