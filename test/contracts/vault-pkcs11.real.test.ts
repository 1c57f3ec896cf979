import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openPkcs11Vault } from '@tsunagu/fleet-server/vault/index';
import { unwrap } from '@tsunagu/protocols/kit';
import { systemWorld } from '@tsunagu/protocols/world';
import { afterAll, describe, expect, it } from 'vitest';
import { vaultContract } from './vault.ts';

/** Where Debian's softhsm2 puts its module. */
const modulePath = ['/usr/lib/softhsm/libsofthsm2.so', '/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so'].find(
  (path) => existsSync(path),
);
const folder = mkdtempSync(join(tmpdir(), 'tsunagu-softhsm-'));
afterAll(() => rmSync(folder, { recursive: true }));
mkdirSync(join(folder, 'tokens'));
writeFileSync(join(folder, 'softhsm2.conf'), `directories.tokendir = ${join(folder, 'tokens')}\nlog.level = ERROR\n`);
process.env['SOFTHSM2_CONF'] = join(folder, 'softhsm2.conf');

const world = systemWorld(() => undefined);
const pin = '271828';
let tokens = 0;
function newToken(): string {
  const label = `vault-${tokens++}`;
  execFileSync('softhsm2-util', ['--init-token', '--free', '--label', label, '--so-pin', '314159', '--pin', pin]);
  return `pkcs11:token=${label}?module-path=${modulePath}`;
}

vaultContract({
  name: 'a token behind PKCS #11 (SoftHSM)',
  newPlace: newToken,
  open: (place, given = pin) => openPkcs11Vault(place, given, world),
});

describe('a PKCS #11 vault', () => {
  it('says what is missing: the module, the token, a PIN that does not belong on a command line', async () => {
    expect(await openPkcs11Vault('pkcs11:token=x?module-path=/nowhere.so', pin, world)).toMatchObject({
      fault: { code: 'VAULT_MODULE_MISSING' },
    });
    expect(await openPkcs11Vault(`pkcs11:token=nobody?module-path=${modulePath}`, pin, world)).toMatchObject({
      fault: { code: 'VAULT_TOKEN_MISSING' },
    });
    expect(await openPkcs11Vault(`${newToken()}&pin-value=${pin}`, pin, world)).toMatchObject({
      fault: { code: 'OPTION_INVALID' },
    });
  });

  it('keeps base and protection keys where no one can wrap them out', async () => {
    const place = newToken();
    const vault = unwrap(await openPkcs11Vault(place, pin, world));
    await vault.ensure('bdk/1', 'dukpt-base');
    await vault.ensure('zone/1', 'zone-protection');
    await vault.close();
    const label = new URLSearchParams(place.slice('pkcs11:'.length).split('?')[0]).get('token') ?? '';
    const listed = execFileSync('pkcs11-tool', [
      '--module',
      modulePath ?? '',
      '--token-label',
      label,
      '--login',
      '--pin',
      pin,
      '-O',
    ]).toString();
    const accessOf = (name: string) => listed.slice(listed.indexOf(name)).match(/Access:\s+(.*)/)?.[1];
    expect(accessOf('tsunagu/dukpt-base/bdk/1')).toContain('never extractable');
    expect(accessOf('tsunagu/dukpt-base/bdk/1')).not.toBe(accessOf('tsunagu/zone-protection/zone/1'));
  });
});
