import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The built CLI. */
export const program = fileURLToPath(new URL('../../cli/bin/tsunagu.js', import.meta.url));

/** How a command of the CLI ended. */
export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A whole house of real processes on ports and a folder of its own. */
export interface House {
  readonly data: string;
  readonly portBase: number;
  readonly url: string;
  readonly token: string;
  readonly signInUrl: string;
  /** Milliseconds from the start to the screen. */
  readonly readyMs: number;
  readonly screen: () => string;
  readonly process: ChildProcess;
  cli(...args: string[]): Promise<Ran>;
  /** JSON of the management API. */
  api(path: string, init?: RequestInit): Promise<{ status: number; body: unknown }>;
  /** Every log line so far, of all processes. */
  logs(): string;
  /** Ctrl-C; resolves with the exit code. */
  stop(): Promise<number>;
}

export interface HouseOptions {
  readonly data?: string;
  readonly portBase?: number;
  readonly args?: readonly string[];
  readonly lang?: 'ja' | 'en';
  readonly keep?: boolean;
  /** How long it may take to its screen; two minutes unless told. */
  readonly readyTimeoutMs?: number;
}

/** Runs a command of the built CLI. */
export const runCli = (args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Ran> =>
  new Promise((resolve) => {
    execFile(
      process.execPath,
      [program, ...args],
      { env: { ...process.env, NO_COLOR: '1', TSUNAGU_LANG: 'en', ...env }, timeout: 120_000 },
      (error, stdout, stderr) =>
        resolve({ code: typeof error?.code === 'number' ? error.code : error ? 1 : 0, stdout, stderr }),
    );
  });

/**
 * The first of 199 ports that nobody listens on. The port above them is held until this process ends, so that no suite beside
 * this one is given them, also while a house between two starts has let them go. All are below those that a system gives to callers (32768).
 */
export async function freePortBase(): Promise<number> {
  for (let base = 10_000; base < 32_600; base += blockSize) {
    const claim = await listen(base + blockSize - 1);
    if (!claim) continue;
    claim.unref();
    const isFree = await Promise.all(
      Array.from({ length: blockSize - 1 }, async (_, offset) => {
        const server = await listen(base + offset);
        return server && new Promise<true>((resolve) => server.close(() => resolve(true)));
      }),
    );
    if (isFree.every(Boolean)) return base;
    claim.close();
  }
  throw new Error('no 200 ports in a row are free');
}

const blockSize = 200;

const listen = (port: number): Promise<Server | undefined> =>
  new Promise((resolve) => {
    const server: Server = createServer()
      .once('error', () => resolve(undefined))
      .listen(port, '127.0.0.1', () => resolve(server));
  });

/** Starts a house and waits for its screen. */
export async function startHouse(options: HouseOptions = {}): Promise<House> {
  const data = options.data ?? mkdtempSync(join(tmpdir(), 'tsunagu-'));
  const portBase = options.portBase ?? (await freePortBase());
  const started = performance.now();
  const args = [
    '--lang',
    options.lang ?? 'en',
    '--data',
    data,
    'start',
    '--port-base',
    String(portBase),
    ...(options.args ?? []),
  ];
  const child = spawn(process.execPath, [program, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, NO_COLOR: '1' },
  });
  let screen = '';
  let talk = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (screen += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (talk += text));
  const exited = new Promise<number>((resolve) => child.once('exit', (code) => resolve(code ?? -1)));
  await until(
    () => /Ctrl-C/.test(screen) || child.exitCode !== null,
    options.readyTimeoutMs ?? 120_000,
    () => `no screen: ${screen}${talk}`,
  ).catch(async (cause: unknown) => {
    // It is no load to whoever comes next.
    child.kill('SIGTERM');
    await exited;
    throw cause;
  });
  const logs = (): string =>
    ['fleet-server', 'card-company', 'bridge'].map((name) => readIfThere(join(data, 'logs', `${name}.log`))).join('\n');
  if (child.exitCode !== null)
    throw new Error(`the house ended with ${child.exitCode}: ${screen}${talk}\n${logs().slice(-2_000)}`);
  const { url, token } = JSON.parse(readFileSync(join(data, 'access.json'), 'utf8')) as { url: string; token: string };
  return {
    data,
    portBase,
    url,
    token,
    signInUrl: /http\S+#\S+/.exec(screen)?.[0] ?? '',
    readyMs: performance.now() - started,
    screen: () => screen + talk,
    process: child,
    cli: (...cliArgs) => runCli(['--data', data, ...cliArgs]),
    async api(path, init = {}) {
      const answer = await fetch(new URL(path, url), {
        ...init,
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', ...init.headers },
      });
      const text = await answer.text();
      return { status: answer.status, body: text ? JSON.parse(text) : undefined };
    },
    logs,
    async stop() {
      child.kill('SIGINT');
      const code = await exited;
      if (!options.keep && !options.data) rmSync(data, { recursive: true, force: true });
      return code;
    },
  };
}

const readIfThere = (path: string): string => (existsSync(path) ? readFileSync(path, 'utf8') : '');

/** Waits until something is so; says what it saw when it never was. */
export async function until(
  isSo: () => boolean | Promise<boolean>,
  timeoutMs: number,
  saw: () => string = () => '',
): Promise<void> {
  const end = performance.now() + timeoutMs;
  while (!(await isSo())) {
    if (performance.now() > end) throw new Error(`not within ${timeoutMs} ms. ${saw()}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
