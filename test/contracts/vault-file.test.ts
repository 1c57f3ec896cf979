import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openFileVault } from '@tsunagu/fleet-server/vault/index';
import { hex, Secret, unwrap } from '@tsunagu/protocols/kit';
import { systemWorld } from '@tsunagu/protocols/world';
import { afterAll, describe, expect, it } from 'vitest';
import { vaultContract } from './vault.ts';

const folder = mkdtempSync(join(tmpdir(), 'tsunagu-vault-'));
afterAll(() => rmSync(folder, { recursive: true }));
let places = 0;
const place = () => join(folder, `vault-${places++}`);
const world = systemWorld(() => undefined);
const open = (path: string, passphrase = 'correct horse') => openFileVault(path, passphrase, world);
const kbpk = () => Secret.take('key', hex('00'.repeat(31) + '01'));
const lines = (path: string) => readFileSync(path, 'utf8').split('\n');

vaultContract({ name: 'a file', newPlace: place, open });

describe("a vault's file", () => {
  it('is for its owner alone', async () => {
    const path = place();
    await unwrap(await open(path)).close();
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  it('notices a key that was moved to another use in it', async () => {
    const path = place();
    const vault = unwrap(await open(path));
    await vault.keep('kbpk', 'key-block-protection', kbpk());
    await vault.ensure('tags', 'negative-tag');
    await vault.close();
    const text = readFileSync(path, 'utf8');
    writeFileSync(path, text.replace('"use":"key-block-protection"', '"use":"zone-protection"'));
    expect(await open(path)).toMatchObject({ fault: { code: 'VAULT_DAMAGED', facts: { line: 4 } } });
  });

  it('notices a line that was taken out, doubled, or moved', async () => {
    const path = place();
    const vault = unwrap(await open(path));
    for (const id of ['bdk/1', 'bdk/2', 'bdk/3']) await vault.ensure(id, 'dukpt-base');
    await vault.close();
    const [head = '', ...rest] = lines(path);
    for (const changed of [
      rest.toSpliced(2, 1),
      rest.toSpliced(2, 0, rest[2] ?? ''),
      rest.toSpliced(2, 2, rest[3] ?? '', rest[2] ?? ''),
    ]) {
      writeFileSync(path, [head, ...changed].join('\n'));
      expect(await open(path)).toMatchObject({ ok: false, fault: { code: 'VAULT_DAMAGED' } });
    }
  });

  it('forgets what a power cut left half written, and nothing before it, wherever the cut was', async () => {
    const path = place();
    const vault = unwrap(await open(path));
    const made = await vault.ensure('bdk/1', 'dukpt-base');
    const whole = readFileSync(path);
    await vault.ensure('bdk/2', 'dukpt-base');
    await vault.close();
    const longer = readFileSync(path);
    for (const cut of [1, 20, longer.length - whole.length - 1]) {
      writeFileSync(path, longer.subarray(0, whole.length + cut));
      const again = unwrap(await open(path));
      expect(again.find('bdk/1')).toEqual(made);
      expect(again.find('bdk/2')).toBeUndefined();
      await again.ensure('bdk/2', 'dukpt-base');
      await again.close();
      expect(readFileSync(path).subarray(0, whole.length)).toEqual(whole);
      expect(unwrap(await open(path)).find('bdk/2')).toBeDefined();
    }
  });

  it('says so when a line in the middle is damaged', async () => {
    const path = place();
    await unwrap(await open(path)).close();
    const [head = '', ...rest] = lines(path);
    writeFileSync(path, [head, 'damaged', ...rest].join('\n'));
    expect(await open(path)).toMatchObject({ ok: false, fault: { code: 'VAULT_DAMAGED', facts: { line: 2 } } });
    writeFileSync(path, [head.replace('"cost":32768', '"cost":1099511627776'), ...rest].join('\n'));
    expect(await open(path)).toMatchObject({ ok: false, fault: { code: 'VAULT_DAMAGED', facts: { line: 1 } } });
  });

  it('notices that an older file was put back, and goes on from a newer one', async () => {
    const path = place();
    const vault = unwrap(await open(path));
    const early = vault.head();
    const old = readFileSync(path);
    await vault.ensure('bdk/1', 'dukpt-base');
    const late = vault.head();
    await vault.close();
    const newest = readFileSync(path);
    const openSeeing = (seen: typeof late) => openFileVault(path, 'correct horse', world, seen);
    await unwrap(await openSeeing(early)).close();
    writeFileSync(path, old);
    expect(await openSeeing(late)).toMatchObject({ ok: false, fault: { code: 'VAULT_ROLLED_BACK' } });
    // As many records, but others.
    const other = unwrap(await open(path));
    await other.ensure('bdk/1', 'dukpt-base');
    await other.close();
    expect(await openSeeing(late)).toMatchObject({ ok: false, fault: { code: 'VAULT_ROLLED_BACK' } });
    rmSync(path);
    expect(await openSeeing(late)).toMatchObject({ ok: false, fault: { code: 'VAULT_ROLLED_BACK' } });
    writeFileSync(path, newest);
    await unwrap(await openSeeing(late)).close();
  });

  it('keeps nothing of a destroyed key once it was opened again', async () => {
    const path = place();
    const vault = unwrap(await open(path));
    await vault.keep('kbpk', 'key-block-protection', kbpk());
    await vault.ensure('bdk/1', 'dukpt-base');
    await vault.destroy('kbpk');
    const seen = vault.head();
    await vault.close();
    const again = unwrap(await openFileVault(path, 'correct horse', world, seen));
    expect(readFileSync(path, 'utf8')).not.toContain('kbpk');
    expect(again.find('bdk/1')).toBeDefined();
    expect(again.head()?.generation).toBe(1);
    await again.close();
    const later = unwrap(await openFileVault(path, 'correct horse', world, again.head()));
    expect(later.find('bdk/1')).toBeDefined();
    await later.close();
  });

  it('still opens a file of before its lines had MACs, and covers them from then on', async () => {
    const path = place();
    const vault = unwrap(await open(path));
    await vault.ensure('bdk/1', 'dukpt-base');
    await vault.close();
    writeFileSync(path, readFileSync(path, 'utf8').replaceAll(/,"mac":"[0-9a-f]{64}"/g, ''));
    const again = unwrap(await open(path));
    await again.ensure('bdk/2', 'dukpt-base');
    await again.close();
    await unwrap(await open(path)).close();
    const [head = '', first = '', ...rest] = lines(path);
    writeFileSync(path, [head, ...rest, first].join('\n'));
    expect(await open(path)).toMatchObject({ ok: false, fault: { code: 'VAULT_DAMAGED' } });
  });
});
