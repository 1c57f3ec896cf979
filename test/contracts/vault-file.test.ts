import { appendFileSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { verify } from 'node:crypto';
import { openFileVault, type Vault } from '@tsunagu/fleet-server/vault/index';
import { checkValue } from '@tsunagu/protocols/kcv';
import { hex, Secret, secretPan, toHex, unwrap } from '@tsunagu/protocols/kit';
import { unwrapKeyBlock } from '@tsunagu/protocols/tr31';
import { systemWorld } from '@tsunagu/protocols/world';
import { afterAll, describe, expect, it } from 'vitest';

const folder = mkdtempSync(join(tmpdir(), 'tsunagu-vault-'));
afterAll(() => rmSync(folder, { recursive: true }));
let places = 0;
const place = () => join(folder, `vault-${places++}`);
const world = systemWorld(() => undefined);
const open = (path: string, passphrase = 'correct horse') => openFileVault(path, passphrase, world);
const kbpk = () => Secret.take('key', hex('00'.repeat(31) + '01'));

describe('a vault in a file', () => {
  it('finds its keys again with the passphrase, and does not open without it', async () => {
    const path = place();
    const first = unwrap(await open(path));
    const made = await first.ensure('bdk/1', 'dukpt-base');
    const token = first.panToken(secretPan('4761739001010010'));
    await first.close();
    const again = unwrap(await open(path));
    expect(again.find('bdk/1')).toEqual(made);
    expect(again.panToken(secretPan('4761739001010010'))).toBe(token);
    expect(again.panToken(secretPan('4761739001010119'))).not.toBe(token);
    await again.close();
    expect(await open(path, 'another')).toMatchObject({ ok: false, fault: { code: 'VAULT_LOCKED' } });
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  it('makes a named key once, however many ask for it at the same time', async () => {
    const vault = unwrap(await open(place()));
    const made = await Promise.all(Array.from({ length: 8 }, () => vault.ensure('bdk/1', 'dukpt-base')));
    expect(new Set(made.map((key) => key.checkValue)).size).toBe(1);
    await vault.close();
  });

  it('binds each key to its use', async () => {
    const vault = unwrap(await open(place()));
    await vault.ensure('bdk/1', 'dukpt-base');
    await vault.ensure('tags', 'negative-tag');
    await vault.keep('kbpk', 'key-block-protection', kbpk());
    expect(vault.wrapTagKey('kbpk', 'bdk/1')).toMatchObject({ ok: false, fault: { code: 'VAULT_KEY_UNKNOWN' } });
    expect(vault.wrapInitialKey('kbpk', 'tags', new Uint8Array(8))).toMatchObject({ ok: false });
    expect(vault.wrapTagKey('tags', 'tags')).toMatchObject({ ok: false });
    expect(vault.dukptKeys('kbpk', new Uint8Array(12))).toMatchObject({ ok: false });
    expect(vault.zoneKey('kbpk')).toMatchObject({ ok: false });
    expect(vault.wrapZonePin('kbpk', 'tags')).toMatchObject({ ok: false });
    const ksn = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 1);
    expect(Object.keys(unwrap(vault.dukptKeys('bdk/1', ksn)))).not.toContain('pinEncryption');
    const pan = Secret.take('pan', Uint8Array.from(Buffer.from('4761739001010010')));
    expect(vault.translatePin({ base: 'bdk/1', ksn }, 'tags', new Uint8Array(16), pan)).toMatchObject({
      fault: { code: 'VAULT_KEY_UNKNOWN' },
    });
    await vault.ensure('zone-pin/1', 'zone-pin');
    expect(vault.translatePin({ base: 'bdk/1', ksn }, 'zone-pin/1', new Uint8Array(16), pan)).toMatchObject({
      fault: { code: 'PINBLOCK_UNREADABLE' },
    });
    await expect(vault.ensure('bdk/1', 'negative-tag')).rejects.toThrow('is for dukpt-base');
    await vault.close();
  });

  it('notices a key that was moved to another use in its file', async () => {
    const path = place();
    const vault = unwrap(await open(path));
    await vault.keep('kbpk', 'key-block-protection', kbpk());
    await vault.ensure('tags', 'negative-tag');
    await vault.close();
    const text = readFileSync(path, 'utf8');
    writeFileSync(path, text.replace('"use":"key-block-protection"', '"use":"zone-protection"'));
    const forged = unwrap(await open(path));
    expect(forged.zoneKey('kbpk')).toMatchObject({ ok: false, fault: { code: 'VAULT_KEY_UNKNOWN' } });
    await forged.close();
  });

  it('forgets what a power cut left half written, and nothing before it', async () => {
    const path = place();
    const vault = unwrap(await open(path));
    const made = await vault.ensure('bdk/1', 'dukpt-base');
    await vault.close();
    const whole = readFileSync(path);
    appendFileSync(path, '{"id":"bdk/2","use":"dukpt-ba');
    const again = unwrap(await open(path));
    expect(again.find('bdk/1')).toEqual(made);
    expect(again.find('bdk/2')).toBeUndefined();
    await again.ensure('bdk/2', 'dukpt-base');
    await again.close();
    expect(readFileSync(path).subarray(0, whole.length)).toEqual(whole);
    expect(unwrap(await open(path)).find('bdk/2')).toBeDefined();
  });

  it('says so when a line in the middle is damaged', async () => {
    const path = place();
    await unwrap(await open(path)).close();
    const [head = '', ...rest] = readFileSync(path, 'utf8').split('\n');
    writeFileSync(path, [head, 'damaged', ...rest].join('\n'));
    expect(await open(path)).toMatchObject({ ok: false, fault: { code: 'VAULT_DAMAGED', facts: { line: 2 } } });
  });

  it('forgets a destroyed key for good', async () => {
    const path = place();
    const vault = unwrap(await open(path));
    await vault.keep('kbpk', 'key-block-protection', kbpk());
    expect(vault.idsFor('key-block-protection')).toEqual(['kbpk']);
    await vault.destroy('kbpk');
    await vault.close();
    const again = unwrap(await open(path));
    expect(again.find('kbpk')).toBeUndefined();
    await again.close();
  });

  it('wraps an initial key so that its terminal can read it, with its id and check value', async () => {
    const vault = unwrap(await open(place()));
    await vault.ensure('bdk/1', 'dukpt-base');
    await vault.keep('kbpk', 'key-block-protection', kbpk());
    const id = hex('0102030405060708');
    const wrapped = unwrap(vault.wrapInitialKey('kbpk', 'bdk/1', id));
    const read = unwrap(unwrapKeyBlock(kbpk(), wrapped.keyBlock));
    expect(read.header).toMatchObject({
      versionId: 'D',
      keyUsage: 'B1',
      algorithm: 'A',
      modeOfUse: 'X',
      exportability: 'N',
    });
    expect(read.optionalBlocks[0]).toEqual({ id: 'IK', data: '0102030405060708' });
    expect(toHex(unwrap(checkValue('AES', 'cmac', read.key)))).toBe(wrapped.checkValue);
    await vault.close();
  });

  it('signs with a key that never leaves it, and seals for one context only', async () => {
    const vault: Vault = unwrap(await open(place()));
    await vault.ensure('sign/jobs', 'job-signing');
    const message = Buffer.from('order');
    const signature = vault.sign('sign/jobs', 'job-signing', message);
    expect(verify(null, message, unwrap(vault.publicKey('sign/jobs')), signature)).toBe(true);
    expect(() => vault.sign('sign/jobs', 'negative-signing', message)).toThrow('VAULT_KEY_UNKNOWN');
    const sealed = vault.seal('claim/A', Uint8Array.of(1, 2, 3));
    expect(unwrap(vault.open('claim/A', sealed))).toEqual(Uint8Array.of(1, 2, 3));
    expect(vault.open('claim/B', sealed)).toMatchObject({ ok: false, fault: { code: 'VAULT_DAMAGED' } });
    await vault.close();
  });
});
