import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync, appendFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';

const debian = '/usr/lib/postgresql';

/** Where Debian puts the newest server's programs; `PATH` elsewhere. */
const programs = existsSync(debian)
  ? join(debian, readdirSync(debian).toSorted((a, b) => Number(b) - Number(a))[0] ?? '', 'bin')
  : '';

/** PostgreSQL does not run as root: there it is the user that its package makes. */
const owner = ((): { readonly uid: number; readonly gid: number } | undefined => {
  if (userInfo().uid !== 0) return undefined;
  const id = (flag: string): number => Number(execFileSync('id', [flag, 'postgres']).toString());
  return { uid: id('-u'), gid: id('-g') };
})();

const run = (program: string, args: readonly string[]): void => {
  execFileSync(join(programs, program), args, {
    ...owner,
    stdio: ['ignore', 'ignore', 'inherit'],
    cwd: tmpdir(),
    env: { LC_ALL: 'C', PATH: process.env['PATH'] },
  });
};

/** A PostgreSQL server in a folder and on a port of its own, for one test. */
export class Postgres {
  readonly #child: ChildProcess;
  readonly #folder: string;
  readonly port: number;
  readonly #ended: Promise<unknown>;

  private constructor(folder: string, port: number) {
    this.#folder = folder;
    this.port = port;
    this.#child = spawn(join(programs, 'postgres'), ['-D', folder], {
      ...owner,
      cwd: folder,
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { LC_ALL: 'C' },
    });
    this.#ended = once(this.#child, 'exit');
    this.#child.stderr?.on('data', (bytes: Buffer) => {
      if (/FATAL|PANIC/.test(bytes.toString()) && process.env['TSUNAGU_TEST_VERBOSE']) process.stderr.write(bytes);
    });
  }

  /** A new and empty server; it trusts whoever reaches it on the loopback. @param settings lines of postgresql.conf */
  static async start(port: number, settings: readonly string[] = []): Promise<Postgres> {
    const folder = newFolder();
    run('initdb', ['-D', folder, '-U', 'postgres', '-A', 'trust', '--no-sync', '-E', 'UTF8']);
    return await Postgres.#open(folder, port, settings);
  }

  /** A server that copies this one, as it is now and from now on. @param name what the server knows it by */
  async copy(name: string, port: number): Promise<Postgres> {
    const folder = newFolder();
    run('pg_basebackup', [
      '-D',
      folder,
      '-R',
      '-X',
      'stream',
      '--checkpoint=fast',
      '--no-sync',
      '-d',
      `host=127.0.0.1 port=${this.port} user=postgres application_name=${name}`,
    ]);
    return await Postgres.#open(folder, port, []);
  }

  static async #open(folder: string, port: number, settings: readonly string[]): Promise<Postgres> {
    appendFileSync(
      join(folder, 'postgresql.conf'),
      [
        '',
        `port = ${port}`,
        "listen_addresses = '127.0.0.1'",
        "unix_socket_directories = ''",
        "shared_buffers = '32MB'",
        'logging_collector = off',
        'max_wal_senders = 4',
        ...settings,
        '',
      ].join('\n'),
    );
    const server = new Postgres(folder, port);
    await server.#ready();
    return server;
  }

  async #ready(): Promise<void> {
    for (let look = 0; look < 200; look += 1) {
      try {
        execFileSync(join(programs, 'pg_isready'), ['-h', '127.0.0.1', '-p', String(this.port), '-q']);
        return;
      } catch {
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    }
    throw new Error('PostgreSQL did not start');
  }

  url(database = 'postgres'): string {
    return `postgres://postgres@127.0.0.1:${this.port}/${database}`;
  }

  /** Runs statements, each by itself, and gives the rows back as lines of fields between bars. */
  sql(text: string, database = 'postgres'): string {
    return execFileSync(join(programs, 'psql'), ['-XAtq', '-v', 'ON_ERROR_STOP=1', '-c', text, this.url(database)], {
      env: {},
    })
      .toString()
      .trim();
  }

  /** Writes lines of the configuration, and has them read. */
  configure(lines: readonly string[]): void {
    appendFileSync(join(this.#folder, 'postgresql.conf'), `${lines.join('\n')}\n`);
    this.sql('SELECT pg_reload_conf()');
  }

  /** From now on this copy is the server. */
  promote(): void {
    this.sql('SELECT pg_promote()');
  }

  /** Ends it as a power cut does: all its processes at once. */
  async cut(): Promise<void> {
    // An immediate shutdown: nothing is written any more, the next start recovers.
    this.#child.kill('SIGQUIT');
    await this.#ended;
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) this.#child.kill('SIGQUIT');
    await this.#ended;
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'tsunagu-postgres-'));
  if (owner) chownSync(folder, owner.uid, owner.gid);
  return folder;
}
