import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { serverProcess } from '@tsunagu/protocols/fleet';
import type { Order } from './generator.ts';

const here = (file: string): string => fileURLToPath(new URL(file, import.meta.url));
const ours = ['--conditions=tsunagu-source', '--import', 'tsx'];

/** A server under test, in a process of its own. */
export interface Server {
  readonly pid: number;
  readonly port: number;
  /** Resident memory, kB. */
  rss(): number;
  /** Processor time spent so far, ms. */
  cpuMs(): number;
  /** Lines of its log so far that tell of an event. Ours only. */
  told(event: string): number;
  /** Pulls the plug. */
  kill(): Promise<void>;
}

function cpuMsOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  // Fields 14 and 15, in ticks of 10 ms.
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

function server(child: ChildProcess, port: number, log?: string): Server {
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const pid = child.pid ?? 0;
  return {
    pid,
    port,
    rss: () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0),
    cpuMs: () => cpuMsOf(pid),
    told: (event) => (log === undefined ? 0 : readFileSync(log, 'utf8').split(`"msg":"${event}"`).length - 1),
    async kill() {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

/** Waits for a line of a child's stdout that `isIt` takes. */
const line = (child: ChildProcess, isIt: (text: string) => boolean): Promise<void> =>
  new Promise((resolve, reject) => {
    if (!child.stdout) return reject(new Error('no stdout'));
    createInterface({ input: child.stdout }).on('line', (text) => isIt(text) && resolve());
    child.once('exit', (code) => reject(new Error(`ended with ${code}`)));
  });

/** The whole fleet server, built and started as `npm start` does it. */
export async function startHouse(dataDir: string, portBase: number, tenant: string): Promise<Server> {
  const child = spawn(
    process.execPath,
    [
      ...serverProcess.flags,
      here('../../../fleet-server/dist/main.js'),
      '--data',
      dataDir,
      '--port-base',
      String(portBase),
      '--tenant',
      tenant,
    ],
    { stdio: ['ignore', 'pipe', 'inherit'], env: { ...serverProcess.environment, ...process.env } },
  );
  await line(child, (text) => text.includes('"ready"'));
  return server(child, portBase + 3, join(dataDir, 'logs', 'fleet-server.log'));
}

/** aedes alone. */
export const startAedes = (fleetFile: string, port: number): Promise<Server> =>
  startBare('bare-aedes.mjs', fleetFile, port);

/** Node's TLS alone, with the settings of our own process. What any broker on Node costs, and more cannot be saved. */
export const startTls = (fleetFile: string, port: number): Promise<Server> =>
  startBare('bare-tls.mjs', fleetFile, port, serverProcess);

async function startBare(
  file: string,
  fleetFile: string,
  port: number,
  { flags, environment }: { flags: readonly string[]; environment: object } = { flags: [], environment: {} },
): Promise<Server> {
  const child = spawn(process.execPath, [...flags, here(file), fleetFile, String(port)], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...environment, ...process.env },
  });
  await line(child, (text) => text === 'ready');
  return server(child, port);
}

/** mosquitto from Debian's packages, with the same certificates and who they are as the name. */
export async function startMosquitto(fleetFile: string, folder: string, port: number): Promise<Server> {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const { root, issuing, server: own } = JSON.parse(readFileSync(fleetFile, 'utf8'));
  for (const [name, text] of Object.entries({ 'ca.pem': root + issuing, 'cert.pem': own.cert, 'key.pem': own.key }))
    writeFileSync(join(folder, name), String(text), { mode: 0o600 });
  const file = join(folder, 'mosquitto.conf');
  writeFileSync(
    file,
    [
      `listener ${port} 0.0.0.0`,
      `cafile ${join(folder, 'ca.pem')}`,
      `certfile ${join(folder, 'cert.pem')}`,
      `keyfile ${join(folder, 'key.pem')}`,
      'require_certificate true',
      'use_identity_as_username true',
      'tls_version tlsv1.3',
      `user ${process.env['USER'] ?? 'root'}`,
      'max_queued_messages 64',
      '',
    ].join('\n'),
  );
  const child = spawn('/usr/sbin/mosquitto', ['-c', file], { stdio: ['ignore', 'ignore', 'ignore'] });
  await listening(port);
  return server(child, port);
}

async function listening(port: number): Promise<void> {
  for (let tries = 0; tries < 100; tries++) {
    const isThere = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => {
        socket.destroy();
        resolve(true);
      }).once('error', () => resolve(false));
    });
    if (isThere) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`nobody listens on ${port}`);
}

/** Terminals in a process of their own. */
export class Generator {
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  /** Processor time spent so far, ms. */
  cpuMs(): number {
    return cpuMsOf(this.#child.pid ?? 0);
  }

  static async start(fleetFile: string, from: number, to: number, port: number, tenant: string): Promise<Generator> {
    const child = spawn(
      process.execPath,
      [
        ...ours,
        '--max-old-space-size=6000',
        here('generator.ts'),
        fleetFile,
        String(from),
        String(to),
        String(port),
        tenant,
      ],
      { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] },
    );
    await new Promise<void>((resolve, reject) => {
      child.once('message', () => resolve());
      child.once('exit', (code) => reject(new Error(`the generator ended with ${code}`)));
    });
    return new Generator(child);
  }

  async tell<T = Record<string, number>>(order: Order): Promise<T> {
    const { done } = await this.begin<T>(order);
    return await done;
  }

  /** Resolves when the generator waits; `done` when it is through. Orders that do not wait are through at once. */
  begin<T>(order: Order): Promise<{ done: Promise<T> }> {
    return new Promise((resolve) => {
      let settle: (value: T) => void = () => undefined;
      const done = new Promise<T>((given) => {
        settle = given;
      });
      if (order.do !== 'await') resolve({ done });
      const heard = (message: { waiting?: true; done?: T }): void => {
        if (message.waiting) resolve({ done });
        if (message.done === undefined) return;
        this.#child.off('message', heard);
        settle(message.done);
      };
      this.#child.on('message', heard);
      this.#child.send(order);
    });
  }

  async end(): Promise<void> {
    const ended = new Promise<void>((resolve) => this.#child.once('exit', () => resolve()));
    this.#child.kill('SIGKILL');
    await ended;
  }
}

/** The part of sorted values that a percentile cuts off. */
export const percentile = (values: readonly number[], part: number): number => {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * part) - 1)] ?? Number.NaN;
};

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
