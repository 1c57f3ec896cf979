import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface Received {
  readonly mode: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** A receiver in a process of its own. */
export interface Receiver {
  readonly url: string;
  readonly port: number;
  say(mode: string): Promise<void>;
  /** All that came, in order, over restarts. */
  received(): readonly Received[];
  /** What it took: the events in the order in which it answered for them. */
  taken(): readonly { readonly id: string; readonly serial: string; readonly event: number }[];
  stop(): Promise<void>;
  restart(): Promise<void>;
}

export async function startReceiver(): Promise<Receiver> {
  const log = join(mkdtempSync(join(tmpdir(), 'tsunagu-receiver-')), 'log');
  let child: ChildProcess | undefined;
  let port = 0;
  const heard: string[] = [];
  const line = async (start: string): Promise<string> => {
    for (;;) {
      const index = heard.findIndex((each) => each.startsWith(start));
      if (index >= 0) return heard.splice(index, 1)[0] ?? '';
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  };
  const start = async (): Promise<void> => {
    child = spawn(process.execPath, [fileURLToPath(new URL('./receiver.mjs', import.meta.url)), String(port), log]);
    child.stdout?.on('data', (text: Buffer) => heard.push(...text.toString('utf8').trim().split('\n')));
    port = Number((await line('port')).split(' ')[1]);
  };
  const stop = async (): Promise<void> => {
    const ending = child;
    if (!ending || ending.exitCode !== null || ending.signalCode !== null) return;
    const ended = new Promise((resolve) => ending.once('exit', resolve));
    ending.kill('SIGKILL');
    await ended;
  };
  await start();
  const received = (): Received[] =>
    existsSync(log)
      ? readFileSync(log, 'utf8')
          .trim()
          .split('\n')
          .filter(Boolean)
          .map((text): Received => JSON.parse(text))
      : [];
  return {
    get url() {
      return `http://127.0.0.1:${port}/hook`;
    },
    get port() {
      return port;
    },
    async say(mode) {
      child?.stdin?.write(`${mode}\n`);
      await line(`mode ${mode}`);
    },
    received,
    taken: () =>
      received()
        .filter(({ mode }) => mode === 'ok')
        .map(({ headers, body }) => {
          const { data }: { data: { serial: string; id: number } } = JSON.parse(body);
          return { id: headers['webhook-id'] ?? '', serial: data.serial, event: data.id };
        }),
    stop,
    async restart() {
      await stop();
      await start();
    },
  };
}
