import { execFile, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { authoritiesView, portOf } from '@tsunagu/protocols/fleet';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freePortBase, program, runCli, startHouse, until } from './house.ts';

let data: string;
let portBase: number;
beforeAll(async () => {
  data = mkdtempSync(join(tmpdir(), 'tsunagu-start-'));
  portBase = await freePortBase();
});
afterAll(() => rmSync(data, { recursive: true, force: true }));

/** What the built bridge says last. */
async function runBridge(args: readonly string[]): Promise<unknown> {
  const main = fileURLToPath(new URL('../../firmware-bridge/dist/main.js', import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [main, ...args], { timeout: 60_000 }).catch(
    (error: { stdout: string }) => error,
  );
  return JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '');
}

/** The process of a part of the house. */
function partOf(house: number, path: string): number {
  const listed = execFileSync('ps', ['--ppid', String(house), '-o', 'pid=,args='], { encoding: 'utf8' });
  return Number(
    listed
      .split('\n')
      .find((line) => line.includes(path))
      ?.trim()
      .split(' ')[0],
  );
}

const quiet = ['--terminals', '2', '--sale-every-seconds', '3600'];

describe('npm start', () => {
  test('names a taken port and the way out, and leaves nothing running', async () => {
    const port = portOf(portBase, 'acquiring');
    const holder = createServer().listen(port, '127.0.0.1');
    const { code, stderr } = await runCli(['--data', data, 'start', '--port-base', String(portBase), ...quiet]);
    holder.close();
    expect(code).toBe(1);
    expect(stderr).toContain('PORT_TAKEN');
    expect(stderr).toContain(String(port));
    expect(stderr).toContain('--port-base');
    expect(existsSync(join(data, 'house.pid'))).toBe(false);
  });

  test('ends cleanly with Ctrl-C, and a second start finds its data again', async () => {
    const first = await startHouse({ data, portBase, args: quiet, lang: 'ja' });
    expect(first.screen()).toContain('起動しました');
    // Keys of roots are here, and the way off is named for each.
    expect(first.screen()).toMatch(
      /鍵がこの機械にあります[\s\S]*ca root export[\s\S]*root-\*\.key\.json[\s\S]*negative root/,
    );
    const root = readdirSync(join(data, 'signing')).find((name) => name.startsWith('root-')) ?? '';
    renameSync(join(data, 'signing', root), join(data, 'off-this-machine.json'));
    const { authorities } = authoritiesView.parse((await first.api('/api/v1/authorities')).body);
    const id = authorities.find(({ kind }) => kind === 'root')?.id ?? '';
    for (const args of [
      ['ca', 'root', 'export', '--out', join(data, 'root.json')],
      ['ca', 'root', 'remove', '--root', join(data, 'root.json'), '--confirm', id],
    ]) {
      const done = await runCli(['--data', data, ...args], { TSUNAGU_ROOT_PASSPHRASE: 'correct horse battery' });
      expect(done.code, done.stderr).toBe(0);
    }
    expect((await first.cli('negative', 'add', '4111111111111111')).code).toBe(0);
    const before = await first.api('/api/v1/terminals/CATS200-0001');
    expect(await first.stop()).toBe(0);
    expect(statSync(join(data, 'access.json')).mode & 0o077).toBe(0);

    const second = await startHouse({ data, portBase, args: quiet });
    expect(second.screen()).toMatch(/keys that belong with people[\s\S]*negative root/i);
    expect(second.screen()).not.toMatch(/ca root export|key\.json/);
    const after = await second.api('/api/v1/terminals/CATS200-0001');
    expect(after.body).toMatchObject({ enrolledAt: (before.body as { enrolledAt: string }).enrolledAt });
    expect(JSON.parse((await second.cli('negative', 'list', '--json')).stdout)).toMatchObject({
      entries: [{ lastFour: '1111' }],
    });

    const third = await runCli(['--data', data, 'start', '--port-base', String(portBase), ...quiet]);
    expect(third.stderr).toContain('HOUSE_RUNNING');
    expect(await second.stop()).toBe(0);
  }, 180_000);

  test('keeps its terminals when it moves to other ports, and comes up though two of them are damaged', async () => {
    const moved = portBase + 100;
    writeFileSync(join(data, 'terminals', 'CATS200-0001', 'identity.sealed'), 'TSS1 that nobody sealed');
    writeFileSync(join(data, 'terminals', 'CATS220-0001', 'reversals.sealed'), 'TSS1 that nobody sealed');
    const house = await startHouse({ data, portBase: moved, args: quiet });
    expect(house.screen()).toMatch(/1 terminal is not well[\s\S]*STORE_RECORD_DAMAGED[^\n]*CATS200-0001[^\n]*identity/);
    const listed = await house.cli('terminals');
    expect(listed.stdout).toMatch(/CATS200-0001 {2}STORE_RECORD_DAMAGED {2}identity .*does not run/);
    expect(listed.stdout).toMatch(/CATS220-0001 {2}REVERSAL_RECORD_SET_ASIDE {2}reversals .*goes on/);
    const shown = JSON.parse((await house.cli('terminal', 'CATS200-0001', '--json')).stdout) as object;
    expect(shown).toMatchObject({ troubles: [{ code: 'STORE_RECORD_DAMAGED', record: 'identity', isRunning: false }] });
    // Another process cannot run what runs here.
    const twice = await runBridge(['fleet', '--data', join(data, 'terminals')]);
    expect(twice).toMatchObject({ event: 'failed', code: 'TERMINAL_IN_USE' });
    const sold = await house.cli('sale', 'CATS220-0001', '--amount', '100', '--card', 'visa-contact');
    expect(sold.code).toBe(0);
    expect(await house.stop()).toBe(0);
  }, 120_000);

  test('can be stopped while it is still starting', async () => {
    const started = spawn(process.execPath, [program, '--data', data, 'start', '--port-base', String(portBase)], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const exited = new Promise<number | null>((resolve) => started.once('exit', resolve));
    await new Promise<void>((resolve) => started.stderr.once('data', () => resolve()));
    started.kill('SIGINT');
    expect(await exited).toBe(0);
    expect(existsSync(join(data, 'house.pid'))).toBe(false);
  });

  test('stops when npm, which started it by a shell, is sent SIGTERM', async () => {
    // npm passes the signal to its shell alone, which does not wait for what it runs.
    const line = [
      '"$0" "$@"; true',
      process.execPath,
      program,
      '--data',
      data,
      'start',
      '--port-base',
      String(portBase),
    ];
    const shell = spawn('sh', ['-c', ...line], {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, npm_lifecycle_event: 'start' },
    });
    const ended = new Promise<void>((resolve) => shell.stderr.once('close', () => resolve()));
    await new Promise<void>((resolve) => shell.stderr.once('data', () => resolve()));
    shell.kill('SIGTERM');
    await ended;
    expect(existsSync(join(data, 'house.pid'))).toBe(false);
  });

  test('goes on when a part of it is killed, says so, and starts it again', async () => {
    const house = await startHouse({ data, portBase, args: quiet });
    const sold = async (): Promise<boolean> =>
      (await house.cli('sale', 'CATS220-0001', '--amount', '100', '--card', 'visa-contact')).code === 0;
    for (const [path, returned] of [
      [
        'firmware-bridge/dist/main.js',
        /terminals ended unexpectedly; started again in 1 s[\s\S]*terminals: running again/,
      ],
      ['card-company.js', /emulated issuers: running again/],
      ['fleet-server/dist/main.js', /fleet server and switch: running again\. .*http/],
    ] as const) {
      process.kill(partOf(house.process.pid ?? 0, path), 'SIGKILL');
      await until(() => returned.test(house.screen()), 90_000, house.screen);
      await until(sold, 90_000, house.screen);
    }
    expect(house.process.exitCode).toBeNull();
    expect(await house.stop()).toBe(0);
  }, 400_000);

  test('begins anew with --fresh', async () => {
    // What a person wrote stays: a link file, and whoever looks after the switch hears that it is none.
    mkdirSync(join(data, 'links'), { recursive: true });
    writeFileSync(join(data, 'links', 'mine.json'), '{"id":"mine-1"}');
    mkdirSync(join(data, 'merchant-centre'), { recursive: true });
    writeFileSync(join(data, 'merchant-centre', 'pos-centre-1.jsonl'), '');
    const house = await startHouse({ data, portBase, args: [...quiet, '--fresh'] });
    expect(JSON.parse((await house.cli('negative', 'list', '--json')).stdout)).toMatchObject({ entries: [] });
    expect(existsSync(join(data, 'links', 'mine.json'))).toBe(true);
    expect(existsSync(join(data, 'merchant-centre'))).toBe(false);
    expect((await house.cli('switch', 'alarms')).stdout).toMatch(
      /mine\.json +LINK_FILE_INVALID +field \S+ · file mine\.json/,
    );
    expect(await house.stop()).toBe(0);
  }, 120_000);
});

describe('tsunagu', () => {
  test('says what is wrong in one line and a next step, and ends with the documented codes', async () => {
    const nowhere = await runCli(['--data', join(data, 'none'), 'terminals']);
    expect(nowhere).toMatchObject({ code: 4, stdout: '' });
    expect(nowhere.stderr).toMatch(/ACCESS_MISSING[\s\S]*npm start/);
    expect((await runCli(['terminals', '--nonsense'])).code).toBe(2);
    const unreachable = await runCli(['terminals', '--json'], {
      TSUNAGU_URL: 'http://127.0.0.1:9',
      TSUNAGU_TOKEN: 'x',
    });
    expect(unreachable.code).toBe(1);
    expect(JSON.parse(unreachable.stdout)).toMatchObject({ error: { code: 'SERVER_UNREACHABLE' } });
    const japanese = await runCli(['--data', join(data, 'none'), '--lang', 'ja', 'terminals']);
    expect(japanese.stderr).toContain('接続先');
  });
});
