import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { lockTerminal } from '@tsunagu/firmware-bridge/host/terminal-lock';
import { unwrap } from '@tsunagu/protocols/kit';
import { afterAll, beforeEach, expect, test } from 'vitest';

let folder: string;
const made: string[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tsunagu-lock-'));
  made.push(folder);
});
afterAll(() => {
  for (const one of made) rmSync(one, { recursive: true, force: true });
});
const path = () => join(folder, 'terminal.lock');

test('a terminal’s folder is one holder’s, until it is given back', () => {
  const release = unwrap(lockTerminal(folder));
  expect(lockTerminal(folder)).toMatchObject({ fault: { code: 'TERMINAL_IN_USE' } });
  release();
  expect(readdirSync(folder)).toEqual([]);
  unwrap(lockTerminal(folder))();
});

test('a process that lives is respected, and what a dead one left is taken over', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, ['-p', 'process.pid']);
  writeFileSync(path(), `${process.ppid}`);
  expect(lockTerminal(folder)).toMatchObject({ fault: { code: 'TERMINAL_IN_USE' } });
  for (const left of [stdout.trim(), '', 'nonsense', `${stdout.trim()} 12`]) {
    writeFileSync(path(), left);
    const release = unwrap(lockTerminal(folder));
    expect(readFileSync(path(), 'latin1')).toContain(String(process.pid));
    release();
  }
});

test.runIf(process.platform === 'linux')('a number that was given out again is not the process that died', () => {
  writeFileSync(path(), `${process.pid} 1`);
  unwrap(lockTerminal(folder))();
});

test('a folder that cannot be written is a fault', () => {
  expect(lockTerminal(join(folder, 'none'))).toMatchObject({ fault: { code: 'STORE_WRITE_FAILED' } });
});
