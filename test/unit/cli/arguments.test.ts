import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { exit } from 'tsunagu/console/index';
import { expect, test } from 'vitest';

const program = join(import.meta.dirname, '../../../cli/bin/tsunagu.js');

// The bare program takes a word too many, to say that it is no command; its commands once took that over, and passed over what they
// did not understand: "revoke A B --confirm A" revoked A and kept silent about B.
test.each([
  ['ca', 'rotate', 'issuing'],
  ['terminals', 'nosuch'],
  ['revoke', 'A-0001', 'B-0001', '--confirm', 'A-0001'],
  ['job', 'approve', 'one', 'two'],
])('says what it does not understand, and does nothing: %s %s %s', { timeout: 120_000 }, (...argv) => {
  const { status, stderr } = spawnSync(process.execPath, [program, '--server', 'http://127.0.0.1:9', ...argv], {
    encoding: 'utf8',
    env: { ...process.env, TSUNAGU_TOKEN: 'x', LANG: 'C' },
  });
  expect([status, stderr]).toEqual([exit.usage, expect.stringContaining('COMMAND_INVALID')]);
});

test.each([
  ['software', 'make', 'x.tsw', '--model', 'CT-5100', '--counter', '1', '--version-name', ''],
  ['software', 'make', 'x.tsw', '--model', 'CT-5100', '--counter', '1', '--version-name', 'v1.2'],
  ['software', 'make', 'x.tsw', '--model', 'CT-5100', '--counter', '1', '--version-name', '01'],
  ['software', 'publish', 'x.tsw', '--requires-version', '1.02'],
  ['webhooks', 'replay', 'ID', '--from-event', 'abc'],
  ['webhooks', 'replay', 'ID', '--from', '2026-05-01'],
  ['webhooks', 'replay', 'ID', '--dead', '--from-event', '3'],
])('names the option whose value it cannot take: %s %s', { timeout: 120_000 }, (...argv) => {
  const { status, stderr } = spawnSync(process.execPath, [program, '--server', 'http://127.0.0.1:9', ...argv], {
    encoding: 'utf8',
    env: { ...process.env, TSUNAGU_TOKEN: 'x', LANG: 'C' },
  });
  expect([status, stderr]).toEqual([
    exit.usage,
    expect.stringMatching(/^OPTION_INVALID: .*--(?:version-name|requires-version|from)/),
  ]);
  expect(stderr).not.toContain('CT5100');
});

test('start names where the tables of the switch may stand, and which node this is', { timeout: 120_000 }, () => {
  const { status, stdout } = spawnSync(process.execPath, [program, 'start', '--help'], {
    encoding: 'utf8',
    env: { ...process.env, LANG: 'C' },
  });
  expect(status).toBe(exit.ok);
  expect(stdout).toContain('--switch-store <urls...>');
  expect(stdout).toContain('--node <name>');
});
