import { openPkcs11Vault } from '@tsunagu/fleet-server/vault/index';
import { unwrap } from '@tsunagu/protocols/kit';
import { systemWorld } from '@tsunagu/protocols/world';
import { describe, expect, it } from 'vitest';
import { modulePath, newToken, objectsOn, pin } from './softhsm.ts';
import { vaultContract } from './vault.ts';

const world = systemWorld(() => undefined);

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
    const listed = objectsOn(place);
    const accessOf = (name: string) => listed.slice(listed.indexOf(name)).match(/Access:\s+(.*)/)?.[1];
    expect(accessOf('tsunagu/dukpt-base/bdk/1')).toContain('never extractable');
    expect(accessOf('tsunagu/dukpt-base/bdk/1')).not.toBe(accessOf('tsunagu/zone-protection/zone/1'));
  });
});
