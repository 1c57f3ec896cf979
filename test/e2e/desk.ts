import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const path = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

/** A process that says in a line of JSON that it is ready; its end is awaited by whoever kills it. */
export class Program {
  readonly #child: ChildProcess;
  readonly ended: Promise<unknown>;
  readonly ready: Promise<unknown>;
  constructor(args: readonly string[], env: NodeJS.ProcessEnv = {}) {
    const child = spawn(process.execPath, args, {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: { ...process.env, TSUNAGU_LIFELINE: '1', ...env },
    });
    this.#child = child;
    this.ended = once(child, 'exit');
    this.ready = once(createInterface({ input: child.stdout }), 'line');
  }
  /** Waits until it killed itself (`dies.mjs`). */
  async died(): Promise<void> {
    const [code, signal] = (await this.ended) as [number | null, NodeJS.Signals | null];
    if (signal !== 'SIGKILL') throw new Error(`it ended by itself, with ${code}`);
  }
  get isDead(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }
  async kill(): Promise<void> {
    if (!this.isDead) this.#child.kill('SIGKILL');
    await this.ended;
  }
}

/** What has a program end by SIGKILL at one named write (`dies.mjs`); nothing without a moment. */
export const dying = (moment: string | undefined): { node?: readonly string[]; env?: NodeJS.ProcessEnv } =>
  moment === undefined ? {} : { node: ['--import', path('dies.mjs')], env: { DIES_AT: moment } };

/** A server without anything around it. */
export const serverProgram = (
  data: string,
  portBase: string,
  {
    node = [],
    args = [],
    env = {},
  }: { node?: readonly string[]; args?: readonly string[]; env?: NodeJS.ProcessEnv } = {},
): Program =>
  new Program(
    [...node, path('../../fleet-server/dist/main.js'), '--data', data, '--port-base', portBase, ...args],
    env,
  );

/** A terminal in a process of its own, on a folder of its own. */
export const agentProgram = (
  folder: string,
  args: readonly string[] = [],
  { node = [], env = {} }: { node?: readonly string[]; env?: NodeJS.ProcessEnv } = {},
): Program =>
  new Program([...node, path('../../firmware-bridge/dist/main.js'), 'terminal', '--data', folder, ...args], env);

/** Calls of the management API of a server, by its owner and by people with tokens of their own. */
export interface Desk {
  readonly owner: string;
  call(token: string, to: string, body?: object): Promise<{ status: number; body: unknown }>;
  /** Somebody with one role: the token. */
  person(name: string, role: string): Promise<string>;
}

export function openDesk(data: string): Desk {
  const { url: base, token: owner } = JSON.parse(readFileSync(join(data, 'access.json'), 'utf8')) as {
    url: string;
    token: string;
  };
  const call: Desk['call'] = async (token, to, body) => {
    const answer = await fetch(new URL(to, base), {
      method: body ? 'POST' : 'GET',
      headers: {
        authorization: `Bearer ${token}`,
        'content-type': 'application/json',
        'idempotency-key': randomUUID(),
      },
      ...(body && { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    return { status: answer.status, body: text === '' ? undefined : JSON.parse(text) };
  };
  return {
    owner,
    call,
    async person(name, role) {
      const { id } = (await call(owner, '/api/v1/people', { name, roles: [role] })).body as { id: string };
      const { url } = (await call(owner, `/api/v1/people/${id}/sign-ins`, {})).body as { url: string };
      const post = (to: string, body: object, cookie = '') =>
        fetch(new URL(to, base), {
          method: 'POST',
          headers: { 'content-type': 'application/json', origin: new URL(base).origin, cookie },
          body: JSON.stringify(body),
        });
      const signed = await post('/api/v1/sessions', { token: url.split('#')[1] });
      const cookie = (signed.headers.get('set-cookie') ?? '').split(';')[0] ?? '';
      const made = await post('/api/v1/tokens', { name: 'test', roles: [role] }, cookie);
      return ((await made.json()) as { token: string }).token;
    },
  };
}
