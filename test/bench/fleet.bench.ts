import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { tenantSchema } from '@tsunagu/protocols/fleet';
import { connect as connectMqtt } from 'mqtt';
import {
  Generator,
  pause,
  percentile,
  type Server,
  startAedes,
  startHouse,
  startMosquitto,
  startTls,
} from './fleet/rig.ts';
import { type Fleet, readJobs, seedFleet } from './fleet/seed.ts';
import type { BenchReport } from './report.ts';

const tenant = tenantSchema.parse('bench');
const option = (name: string, otherwise: number): number => {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? otherwise : Number(process.argv[at + 1]);
};
/** Files that a process needs besides its connections. */
const reserve = 200;
const generators = 2;
/** Handshakes under way at a time. */
const concurrency = 48;
const notices = 8;
/** Turns with a frozen terminal, at most, and how long there may be more of them than `notices`. */
const rounds = 24;
const frozenRoundsMs = 120_000;
const noticeBytes = 600;
/** V8 gives back what nobody needs when it has not marked the heap for 100 s (`kWatchdogDelayMs` of its memory reducer), in up to three rounds. */
const restMs = 125_000;

interface Connected {
  readonly started: number;
  readonly ended: number;
  readonly failed: number;
  readonly resumed: number;
  readonly latencies: readonly number[];
}

/** Raises the limit on open files as far as this process may; children inherit it. */
function filesMax(): number {
  try {
    execFileSync('prlimit', ['--pid', String(process.pid), '--nofile=100000:100000'], { stdio: 'ignore' });
  } catch {
    // Without the right to more, the hard limit it is.
    const hard = /Max open files\s+\d+\s+(\d+)/.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1] ?? '1024';
    execFileSync('prlimit', ['--pid', String(process.pid), `--nofile=${hard}:${hard}`], { stdio: 'ignore' });
  }
  return Number(/Max open files\s+(\d+)/.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1] ?? 1_024);
}

/**
 * Watches how a server's memory grows with its connections (its open files tell how many there are), until it is asked.
 * @returns the line through the points, kB: what it says of no connection at all (what the work of connecting costs once, whatever their
 *   number), and of one more
 */
function watchMemory(server: Server): () => { readonly once: number; readonly each: number } {
  const open = (): number => readdirSync(`/proc/${server.pid}/fd`).length;
  const first = open();
  const points: (readonly [connections: number, kB: number])[] = [];
  const timer = setInterval(() => points.push([open() - first, server.rss()]), 500);
  return () => {
    clearInterval(timer);
    const most = Math.max(...points.map(([connections]) => connections));
    // Code is compiled and the heap is laid out with the first ones.
    const line = points.filter(([connections]) => connections > most / 10);
    const mean = (of: (point: (typeof line)[number]) => number): number =>
      line.reduce((sum, point) => sum + of(point), 0) / line.length;
    const [x, y] = [mean(([connections]) => connections), mean(([, kB]) => kB)];
    const slope =
      mean(([connections, kB]) => (connections - x) * (kB - y)) / mean(([connections]) => (connections - x) ** 2);
    return { once: y - slope * x, each: slope };
  };
}

/** A fleet of many terminals against the whole fleet server, and against aedes and mosquitto alone, in one run. */
export default async function run(): Promise<BenchReport> {
  const wanted = option('terminals', 20_000);
  const count = Math.min(wanted, filesMax() - reserve);
  const jobs = Math.min(count, option('jobs', 1_000));
  const portBase = option('port-base', 23_000);
  const folder = mkdtempSync(join(tmpdir(), 'tsunagu-fleet-'));
  const figures: Record<string, number> = {};
  const say = (text: string): void =>
    console.error(`${new Date().toISOString().slice(11, 19)} ${text}, load ${loadavg()[0]?.toFixed(1)}`);
  const loads: number[] = [];

  const file = await seedFleet(folder, tenant, count, jobs);
  say(`${count} terminals are enrolled`);
  const all = async <T>(who: readonly Generator[], order: Parameters<Generator['tell']>[0]): Promise<T[]> =>
    await Promise.all(who.map((generator) => generator.tell<T>(order)));
  const summon = (port: number): Promise<Generator[]> =>
    Promise.all(
      Array.from({ length: generators }, (_, index) =>
        Generator.start(
          file,
          Math.floor((index * count) / generators),
          Math.floor(((index + 1) * count) / generators),
          port,
          tenant,
        ),
      ),
    );
  const span = (parts: readonly { started: number; ended: number }[]): number =>
    Math.max(...parts.map(({ ended }) => ended)) - Math.min(...parts.map(({ started }) => started));

  /** Everybody connects; what that costs. */
  async function connectAll(name: string, server: Server, who: readonly Generator[], resume: boolean): Promise<number> {
    // What a start leaves to do (the horizons of all terminals are reckoned) is no part of a connect.
    await quiet(server, 60);
    const spentBefore = who.reduce((sum, generator) => sum + generator.cpuMs(), 0);
    const cpuBefore = server.cpuMs();
    const rssBefore = server.rss();
    const lineOf = watchMemory(server);
    const parts = await all<Connected>(who, { do: 'connect', concurrency: concurrency / generators, resume });
    const perSecond = (1_000 * count) / span(parts);
    const cpuMs = (server.cpuMs() - cpuBefore) / count;
    const failed = parts.reduce((sum, part) => sum + part.failed, 0);
    const resumed = parts.reduce((sum, part) => sum + part.resumed, 0);
    figures[`${name}: connects a second`] = perSecond;
    figures[`${name}: processor of the broker a connect, ms`] = cpuMs;
    figures[`${name}: processor of the generators a connect, ms`] =
      (who.reduce((sum, generator) => sum + generator.cpuMs(), 0) - spentBefore) / count;
    figures[`${name}: connects that failed`] = failed;
    if (resume) figures[`${name}: sessions resumed, percent`] = (100 * resumed) / count;
    const { once, each } = lineOf();
    if (!resume) {
      figures[`${name}: kB that connecting costs once`] = once - rssBefore;
      figures[`${name}: kB of one connection more`] = each;
    }
    loads.push(loadavg()[0] ?? 0);
    say(`${name}: ${perSecond.toFixed(0)} connects/s, ${cpuMs.toFixed(2)} ms each, ${failed} failed`);
    return perSecond;
  }
  /** All hang up, and the server has put away what they leave: its connections are closed and it has little to do. */
  async function hangUp(server: Server, who: readonly Generator[]): Promise<void> {
    const open = (): number => readdirSync(`/proc/${server.pid}/fd`).length;
    const held = open();
    await all(who, { do: 'hangUp' });
    let spentMs = server.cpuMs();
    for (let seconds = 0; seconds < 3 + count / 100; seconds++) {
      await pause(1_000);
      const isQuiet = server.cpuMs() - spentMs < 100;
      spentMs = server.cpuMs();
      if (isQuiet && open() <= held - count * 0.9) return;
    }
  }
  const memoryPer = (server: Server, before: number): number => (server.rss() - before) / count;
  /** What its connections cost a server: five seconds after the last of them was busy, and when nobody has been for two minutes. */
  async function tellMemory(name: string, server: Server, before: number): Promise<void> {
    await pause(5_000);
    figures[`${name}: kB a connection, five seconds after they were busy`] = memoryPer(server, before);
    await pause(restMs);
    figures[`${name}: kB a connection`] = memoryPer(server, before);
  }

  /** When a notice came, after it was sent, at each terminal that it came to; NaN where it did not. */
  async function notice(who: readonly Generator[], send: () => Promise<void>): Promise<readonly number[]> {
    const waiting = await Promise.all(
      who.map((generator) =>
        generator.begin<{ arrivals: number[][]; expected: number }>({ do: 'await', notices: 1, timeoutMs: 20_000 }),
      ),
    );
    const sentMs = Number(process.hrtime.bigint()) / 1e6;
    await send();
    const parts = await Promise.all(waiting.map(({ done }) => done));
    const came = parts.flatMap(({ arrivals }) => arrivals.flat()).map((at) => at - sentMs);
    const expected = parts.reduce((sum, part) => sum + part.expected, 0);
    return [...came, ...Array.from({ length: Math.max(0, expected - came.length) }, () => Number.NaN)];
  }

  /** Tells the delays of notices. @returns their p99, ms */
  function tellNotices(name: string, all: readonly number[]): number {
    const delays = all.filter((delay) => !Number.isNaN(delay));
    const p99 = percentile(delays, 0.99);
    figures[`${name}: p50, ms`] = percentile(delays, 0.5);
    figures[`${name}: p99, ms`] = p99;
    figures[`${name}: last, ms`] = percentile(delays, 1);
    figures[`${name}: not delivered`] = all.length - delays.length;
    say(`${name}: p50 ${percentile(delays, 0.5).toFixed(0)} p99 ${p99.toFixed(0)} ms`);
    return p99;
  }

  /** Sends notices to all, one after another, and waits for each of them everywhere. */
  async function notify(name: string, who: readonly Generator[], send: () => Promise<void>): Promise<number> {
    const delays: number[] = [];
    for (let index = 0; index < notices; index++) for (const delay of await notice(who, send)) delays.push(delay);
    return tellNotices(name, delays);
  }

  /**
   * Notices to all, in turn: calm, beside a frozen terminal, calm again. Each is judged against those of its own turn, and the two calm ones
   * against each other say what the same thing differs by when it is measured twice.
   */
  async function notifyBesideFrozen(house: Server, who: readonly Generator[], send: () => Promise<void>) {
    const kinds = ['calm', 'beside', 'again'] as const;
    const delays: Record<(typeof kinds)[number], number[]> = { calm: [], beside: [], again: [] };
    const [besides, agains]: [number[], number[]] = [[], []];
    const droppedBefore = house.told('downlinkDropped');
    const ends = performance.now() + frozenRoundsMs;
    for (let turn = 0; turn < rounds && (turn < notices || performance.now() < ends); turn++) {
      const p99: Record<string, number> = {};
      for (let index = 0; index < kinds.length; index++) {
        const kind = kinds[(turn + index) % kinds.length] ?? 'calm';
        if (kind === 'beside') await who[0]?.tell({ do: 'freeze' });
        // What the notice before had everybody ask for is answered by then, and what a frozen one asked for is answered or dropped: a notice is measured by itself.
        await quiet(house, 4);
        const round = await notice(who, send);
        for (const delay of round) delays[kind].push(delay);
        p99[kind] = percentile(
          round.filter((delay) => !Number.isNaN(delay)),
          0.99,
        );
        if (kind !== 'beside') continue;
        const { isBack } = (await who[0]?.tell<{ isBack: boolean }>({ do: 'thaw' })) ?? { isBack: false };
        if (!isBack) throw new Error('the frozen terminal did not come back');
        await quiet(house, 3);
      }
      const { calm = Number.NaN, beside = Number.NaN, again = Number.NaN } = p99;
      besides.push((calm + again) / 2 / beside);
      agains.push(calm / again);
    }
    const tellSpread = (name: string, ratios: readonly number[]): void => {
      figures[`${name}: median of the turns`] = percentile(ratios, 0.5);
      figures[`${name}: a quarter of the turns is below`] = percentile(ratios, 0.25);
      figures[`${name}: a quarter of the turns is above`] = percentile(ratios, 0.75);
    };
    figures['ours: turns with a frozen terminal'] = besides.length;
    figures['ours: times that a frozen terminal had its queue full'] = house.told('downlinkDropped') - droppedBefore;
    tellSpread('ours: p99 of a notice, calm / beside a frozen terminal', besides);
    tellSpread('ours: p99 of a notice, calm / calm again', agains);
    tellNotices('ours: emergency notice beside a frozen one', delays.beside);
    return {
      calm: tellNotices('ours: emergency notice to all', [...delays.calm, ...delays.again]),
      beside: percentile(besides, 0.5),
    };
  }

  /** Waits until a server has little to do, for so many seconds at most. */
  async function quiet(server: Server, secondsMax: number): Promise<void> {
    let spentMs = server.cpuMs();
    for (let waited = 0; waited < secondsMax; waited += 0.2) {
      await pause(200);
      const isQuiet = server.cpuMs() - spentMs <= 30;
      spentMs = server.cpuMs();
      if (isQuiet) return;
    }
  }

  const ratios: Record<string, number> = {};
  let running: Server | undefined;
  let who: Generator[] = [];
  const next = async (): Promise<void> => {
    for (const generator of who) await generator.end();
    await running?.kill();
    who = [];
    running = undefined;
  };
  try {
    // The peers first, on ports of their own.
    const peers: Record<string, (() => Promise<Server>) | undefined> = {
      tls: () => startTls(file, portBase + 32),
      aedes: () => startAedes(file, portBase + 30),
      mosquitto: existsSync('/usr/sbin/mosquitto')
        ? () => startMosquitto(file, join(folder, 'mosquitto'), portBase + 31)
        : undefined,
    };
    const { key, root, terminals } = JSON.parse(readFileSync(file, 'utf8')) as Fleet;
    for (const [name, start] of Object.entries(peers)) {
      if (!start || process.argv.includes('--only=ours')) continue;
      const server = (running = await start());
      const before = server.rss();
      who = await summon(server.port);
      await connectAll(name, server, who, false);
      // The bound speaks no MQTT beyond its one answer.
      const isBroker = name !== 'tls';
      if (isBroker) await all(who, { do: 'subscribe', topic: 'tms/v1/bench/bc/neg/regular' });
      await tellMemory(name, server, before);
      if (isBroker) {
        const publisher = connectMqtt(`mqtts://127.0.0.1:${server.port}`, {
          ca: root,
          cert: terminals[0]?.certificate ?? '',
          key,
          clientId: 'publisher',
          protocolVersion: 4,
        });
        await new Promise((resolve) => publisher.once('connect', resolve));
        await notify(`${name}: notice to all`, who, async () => {
          await publisher.publishAsync('tms/v1/bench/bc/neg/regular', Buffer.alloc(noticeBytes), { qos: 1 });
        });
        await publisher.endAsync(true);
      }
      await hangUp(server, who);
      await connectAll(`${name}, resumed`, server, who, true);
      await next();
    }

    // The whole fleet server.
    let server = (running = await startHouse(folder, portBase, tenant));
    const { url, token } = JSON.parse(readFileSync(join(folder, 'access.json'), 'utf8')) as {
      url: string;
      token: string;
    };
    let serialNumber = 0;
    const list = async (): Promise<void> => {
      serialNumber += 1;
      const answer = await fetch(new URL('/api/v1/negative/entries', url), {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: JSON.stringify({ pan: testPan(serialNumber), reason: 'lost' }),
      });
      if (answer.status !== 201) throw new Error(`${answer.status} ${await answer.text()}`);
    };
    const before = server.rss();
    who = await summon(server.port);
    const cold = await connectAll('ours', server, who, false);
    const fixed = Math.max(0, figures['ours: kB that connecting costs once'] ?? 0);
    const births = await all<Connected>(who, { do: 'birth', concurrency: concurrency / generators });
    const toIdle = births.flatMap(({ latencies }) => latencies);
    figures['ours: hello to idle, p50 ms'] = percentile(toIdle, 0.5);
    figures['ours: hello to idle, p99 ms'] = percentile(toIdle, 0.99);
    figures['ours: hellos a second'] = (1_000 * count) / span(births);
    figures['ours: hellos without an answer'] = births.reduce((sum, { failed }) => sum + failed, 0);
    await tellMemory('ours', server, before);
    figures['ours: kB a connection, without what connecting costs once'] = memoryPer(server, before + fixed);
    say(`ours: hello to idle p50 ${percentile(toIdle, 0.5).toFixed(0)} ms, ${memoryPer(server, before).toFixed(1)} kB`);
    await notify('ours: warm-up', who, list);
    const { calm, beside } = await notifyBesideFrozen(server, who, list);
    await hangUp(server, who);
    const resumed = await connectAll('ours, resumed', server, who, true);

    // Under full load: everybody connected, jobs at work.
    await all(who, { do: 'birth', concurrency: concurrency / generators });
    await all(who, { do: 'work' });
    type Tally = { ready: number; idle: number; taken: number; acknowledged: number; twice: number; resumed: number };
    const tally = async (): Promise<Tally> => {
      const parts = await all<Tally>(who, { do: 'tally' });
      const sum = (field: keyof Tally): number => parts.reduce((total, part) => total + part[field], 0);
      return {
        ready: sum('ready'),
        idle: sum('idle'),
        taken: sum('taken'),
        acknowledged: sum('acknowledged'),
        twice: sum('twice'),
        resumed: sum('resumed'),
      };
    };
    while ((await tally()).acknowledged < jobs / 4) await pause(100);
    const atKill = await tally();
    say(`ours: killed, with ${atKill.acknowledged} of ${jobs} jobs acknowledged`);
    await server.kill();
    const killedMs = performance.now();
    server = running = await startHouse(folder, portBase, tenant);
    figures['killed: jobs acknowledged at that moment'] = atKill.acknowledged;
    figures['killed: seconds until the server listens again'] = (performance.now() - killedMs) / 1_000;
    let now = await tally();
    const end = performance.now() + 240_000;
    let toldMs = performance.now();
    /** Until so much holds, or the time is up: whoever watches is told every ten seconds how far it is. */
    const until = async (isSo: () => boolean): Promise<number> => {
      while (!isSo() && performance.now() < end) {
        await pause(250);
        now = await tally();
        if (performance.now() - toldMs < 10_000) continue;
        toldMs = performance.now();
        say(
          `ours: ${now.ready} connected, ${now.idle} have said hello, ${now.acknowledged} of ${jobs} jobs acknowledged`,
        );
      }
      return (performance.now() - killedMs) / 1_000;
    };
    figures['killed: seconds until all terminals are connected'] = await until(() => now.ready >= count);
    figures['killed: seconds until all have said hello'] = await until(() => now.idle >= count);
    figures['killed: terminals back, percent'] = (100 * now.idle) / count;
    figures['killed: sessions resumed, percent'] = (100 * now.resumed) / count;
    figures['killed: seconds until all jobs are done'] = await until(() => now.acknowledged >= jobs);
    figures['killed: jobs run twice'] = now.twice;
    loads.push(loadavg()[0] ?? 0);
    say(`ours: ${now.idle} back, ${now.acknowledged} of ${jobs} jobs acknowledged, ${now.twice} run twice`);
    await next();
    const kept = await readJobs(folder);
    figures['killed: jobs lost'] = jobs - kept.succeeded;
    figures['killed: attempts for all jobs'] = kept.attempts;
    figures['load average of the machine, least'] = Math.min(...loads);
    figures['load average of the machine, most'] = Math.max(...loads);

    ratios['45 kB / kB a connection, with all bookkeeping'] = 45 / (figures['ours: kB a connection'] ?? Number.NaN);
    const mosquitto = figures['mosquitto: connects a second'];
    if (mosquitto !== undefined) {
      ratios['connects a second: ours / mosquitto'] = cold / mosquitto;
      ratios['connects a second: ours resumed / mosquitto'] = resumed / mosquitto;
    }
    ratios['connects a second: ours / bare aedes'] = cold / (figures['aedes: connects a second'] ?? Number.NaN);
    ratios['connects a second: resumed / full handshake'] = resumed / cold;
    const perConnect = (name: string): number =>
      figures[`${name}: processor of the broker a connect, ms`] ?? Number.NaN;
    ratios['processor a connect: bound of node:tls / ours'] = perConnect('tls') / perConnect('ours');
    ratios['processor a resumed connect: bound of node:tls / ours'] =
      perConnect('tls, resumed') / perConnect('ours, resumed');
    ratios['processor a connect: full handshake / resumed'] = perConnect('ours') / perConnect('ours, resumed');
    ratios['kB a connection: bound of node:tls / ours'] =
      (figures['tls: kB a connection'] ?? Number.NaN) / (figures['ours: kB a connection'] ?? Number.NaN);
    ratios['2 s / p99 of an emergency notice to all'] = 2_000 / calm;
    ratios['p99 of a notice: calm / beside a frozen terminal'] = beside;
    return {
      name: `${count} terminals over TLS 1.3 with client certificates, generators and server on the same ${availableParallelism()} cores`,
      figures,
      ratios,
      goals: {
        '45 kB / kB a connection, with all bookkeeping': 1,
        'connects a second: ours / mosquitto': 1,
        'connects a second: resumed / full handshake': 2,
        '2 s / p99 of an emergency notice to all': 1,
        'p99 of a notice: calm / beside a frozen terminal': 0.9,
      },
      peers: {
        tls: 'node:tls with our settings of the process, and four bytes for every CONNECT: what no broker on Node goes below',
        aedes: 'aedes 1.2.0 as it comes over node:tls, one process, nothing behind it',
        mosquitto: existsSync('/usr/sbin/mosquitto')
          ? 'mosquitto of Debian, one process, who somebody is from the certificate'
          : 'not installed here',
        ours: `the whole fleet server with its store; every terminal has a certificate of its own, made ahead, all with one P-256 key; ${jobs} jobs${count < wanted ? `; ${wanted} were asked for, and a process may open ${count + reserve} files here` : ''}`,
      },
    };
  } finally {
    await next();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A test card number that is valid (ISO/IEC 7812-1, annex B) and nobody's. */
function testPan(index: number): string {
  const body = `411111${String(index).padStart(9, '0')}`;
  const sum = [...body].toReversed().reduce((total, digit, at) => {
    const doubled = Number(digit) * (at % 2 === 0 ? 2 : 1);
    return total + (doubled > 9 ? doubled - 9 : doubled);
  }, 0);
  return body + String((10 - (sum % 10)) % 10);
}
