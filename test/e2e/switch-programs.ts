import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { serverProcess } from '@tsunagu/protocols/fleet';

const programs = {
  server: 'fleet-server/dist/main.js',
  issuer: 'fleet-server/dist/card-company.js',
  centre: 'fleet-server/dist/merchant-centre.js',
  oracle: 'fleet-server/dist/ledger-oracle.js',
  bridge: 'firmware-bridge/dist/main.js',
} as const;

/** Where a built program is. */
export const programPath = (name: keyof typeof programs): string =>
  fileURLToPath(new URL(`../../${programs[name]}`, import.meta.url));

/** A program of the switch's surroundings, as a process of its own. */
export class Program {
  readonly #child: ChildProcess;
  readonly #lines: Record<string, unknown>[] = [];
  readonly #waiting = new Set<() => void>();
  readonly ended: Promise<unknown>;

  /** @param youngMb room for what is young, of an emulator */
  constructor(name: keyof typeof programs, args: readonly string[], youngMb = 32) {
    // As `npm start` runs it. Emulators have room for all that waits for an answer: without, a load of thousands a second has a centre copy that again and again.
    const how = name === 'server' ? serverProcess : { flags: [`--max-semi-space-size=${youngMb}`], environment: {} };
    const child = spawn(process.execPath, [...how.flags, programPath(name), ...args], {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: { ...how.environment, ...process.env, TSUNAGU_LIFELINE: '1' },
    });
    this.#child = child;
    this.ended = once(child, 'exit').then(() => this.#wake());
    createInterface({ input: child.stdout }).on('line', (line) => {
      this.#lines.push(JSON.parse(line) as Record<string, unknown>);
      this.#wake();
    });
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** The next line with one of these events; lines before it are passed over. */
  async line(...events: readonly string[]): Promise<Record<string, unknown>> {
    const isWanted = (line: Record<string, unknown>): boolean => events.some((event) => line['event'] === event);
    for (;;) {
      const at = this.#lines.findIndex((line) => isWanted(line) || line['event'] === 'failed');
      const found = this.#lines.splice(0, at + 1).at(-1);
      if (found && isWanted(found)) return found;
      if (found || this.#child.exitCode !== null || this.#child.signalCode !== null)
        throw new Error(`${events.join(', ')} never came: ${JSON.stringify(found ?? null)}`);
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
    }
  }

  say(line: string): void {
    this.#child.stdin?.write(`${line}\n`);
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  /** Ends it at once, and waits for that. */
  async kill(): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) this.#child.kill('SIGKILL');
    await this.ended;
  }

  #wake(): void {
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }
}

/** A server with its switch, and folder and ports of its own. */
export interface SwitchHouse {
  readonly folder: string;
  readonly common: readonly string[];
  readonly server: Program;
  /** Starts the server again on the same data. */
  restart(): Promise<void>;
  close(): Promise<void>;
}

/** @param serverArgs more of what the server is told */
export async function openSwitchHouse(portBase: number, serverArgs: readonly string[] = []): Promise<SwitchHouse> {
  const folder = await mkdtemp(join(tmpdir(), 'tsunagu-switch-'));
  const common = ['--data', folder, '--port-base', String(portBase)];
  const start = async (): Promise<Program> => {
    const server = new Program('server', [...common, ...serverArgs]);
    await server.line('ready');
    return server;
  };
  let server = await start();
  return {
    folder,
    common,
    get server() {
      return server;
    },
    async restart() {
      server = await start();
    },
    async close() {
      await server.kill();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
