import { execFile, execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { authoritiesView, certificatesOf } from '@tsunagu/protocols/fleet';
import { openRootFile, rootFile } from '@tsunagu/protocols/offline-root';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { enrol, newFolder, removeFolder, type TestHouse, testHouse, TestLink } from './support.ts';

const folder = newFolder();
let house: TestHouse;
beforeAll(async () => {
  house = await testHouse(folder);
});
afterAll(async () => {
  await house.house.close();
  removeFolder(folder);
});

const authorities = async () => authoritiesView.parse((await house.call('GET', '/authorities')).body).authorities;
const roots = async () => (await authorities()).filter(({ kind }) => kind === 'root');
const openssl = (...args: string[]): string => {
  try {
    return execFileSync('openssl', args, { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  } catch (error) {
    return String((error as { stderr?: string }).stderr);
  }
};
const tsunagu = (...args: string[]): Promise<{ code: number; said: string }> =>
  new Promise((resolve) => {
    const main = new URL('../../../cli/dist/main.js', import.meta.url).pathname;
    const env = { ...process.env, TSUNAGU_ROOT_PASSPHRASE: 'correct horse battery' };
    execFile(
      process.execPath,
      [main, '--data', folder, '--lang', 'en', ...args],
      { cwd: folder, env },
      (error, out, err) => resolve({ code: typeof error?.code === 'number' ? error.code : 0, said: out + err }),
    );
  });

it('a ceremony with the commands: a root that is made off-line takes over, and the server runs with issuing keys alone', async () => {
  const terminal = await enrol(house, await house.register('OFFLINE-0001'));
  const own = (await roots())[0]?.id ?? '';
  const made = await Promise.all([
    tsunagu('ca', 'root', 'export', '--out', 'own.json'),
    tsunagu('ca', 'make-root', 'vault.json', '--name', 'Demo root of the safe'),
    tsunagu('ca', 'request', '--out', 'request.pem'),
  ]);
  expect(made.map(({ code }) => code)).toEqual([0, 0, 0]);
  expect(readFileSync(join(folder, 'own.json'), 'utf8')).not.toContain('PRIVATE');
  writeFileSync(join(folder, 'state.json'), (await tsunagu('--json', 'ca', 'show')).said);
  expect(
    (await tsunagu('ca', 'anchors', 'state.json', '--root', 'own.json', 'vault.json', '--out', 'told.json')).code,
  ).toBe(0);
  expect((await tsunagu('ca', 'announce', 'told.json')).said).toContain('Version 2');
  expect(
    (await tsunagu('ca', 'sign', 'request.pem', '--root', 'vault.json', '--out', 'issuing.pem', '--years', '5')).code,
  ).toBe(0);
  expect(openssl('verify', '-CAfile', 'safe.crt', 'issuing.pem')).not.toContain('OK');
  const file = rootFile.parse(JSON.parse(readFileSync(join(folder, 'vault.json'), 'utf8')));
  writeFileSync(join(folder, 'safe.crt'), file.certificate);
  expect(openssl('verify', '-CAfile', 'safe.crt', 'issuing.pem')).toContain('OK');
  expect(openRootFile(file, 'another passphrase')).toMatchObject({ fault: { code: 'ROOT_FILE_INVALID' } });
  expect((await tsunagu('ca', 'install', 'issuing.pem')).code).toBe(0);
  expect((await tsunagu('ca', 'install', 'safe.crt')).said).toContain('AUTHORITY_CERTIFICATE_INVALID');

  // The key of its own root goes, once the file was shown to open it; not with another root's.
  expect((await tsunagu('ca', 'root', 'remove', '--root', 'own.json')).code).toBe(2);
  const safe = (await roots()).find(({ id }) => id !== own)?.id ?? '';
  const wrong = await house.call('POST', `/authorities/${own}/key-removal`, { proof: 'A'.repeat(96) });
  expect(wrong.body.code).toBe('ROOT_PROOF_INVALID');
  expect((await tsunagu('ca', 'root', 'remove', '--root', 'own.json', '--confirm', own)).code).toBe(0);
  expect((await roots()).map(({ keyIsHere }) => keyIsHere)).toEqual([false, false]);
  // What gives way is named before anything is tried.
  const unconfirmed = await tsunagu('ca', 'rotate');
  const issuing = /--confirm ([\w-]+)/.exec(unconfirmed.said)?.[1] ?? '';
  expect([unconfirmed.code, unconfirmed.said.includes('CONFIRMATION_MISSING')]).toEqual([2, true]);
  expect((await tsunagu('ca', 'rotate', '--confirm', own)).said).toContain('CONFIRMATION_MISSING');
  expect((await tsunagu('ca', 'rotate', '--confirm', issuing)).said).toContain('ROOT_KEY_ELSEWHERE');

  // Normal running needs no root: enrolments, renewals and restarts go on.
  await house.house.close();
  house = await testHouse(folder);
  await (await TestLink.open(house, terminal)).close();
  const young = await enrol(house, await house.register('OFFLINE-0002'));
  expect(certificatesOf(young.claim.rootCertificate)).toHaveLength(2);
  expect(new X509Certificate(young.answer.certificateChain).issuer).toContain('CN=Tsunagu issuing demo 2');
  expect((await authorities()).find(({ id }) => id === safe)?.state).toBe('active');
  expect((await tsunagu('ca', 'show')).said).toContain('elsewhere');
}, 180_000);
