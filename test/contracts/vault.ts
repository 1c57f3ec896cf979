import { verify } from 'node:crypto';
import type { Vault } from '@tsunagu/fleet-server/vault/index';
import { deriveAesInitialKey } from '@tsunagu/protocols/dukpt';
import { checkValue, customaryCheckValue } from '@tsunagu/protocols/kcv';
import { hex, type ok, Secret, secretPan, toHex, unwrap } from '@tsunagu/protocols/kit';
import { panMac } from '@tsunagu/protocols/negative';
import { decipherPin, encipherPin } from '@tsunagu/protocols/pinblock';
import { unwrapKeyBlock } from '@tsunagu/protocols/tr31';
import {
  deriveAesTransactionKey,
  deriveAesWorkingKey,
  deriveTdesInitialKey,
  deriveTdesTransactionKey,
  deriveTdesWorkingKey,
  parseAesKsn,
  parseTdesKsn,
} from '@tsunagu/protocols/dukpt';
import { afterAll, describe, expect, it } from 'vitest';

/** How to open one implementation of the vault, again and again in the same place. */
export interface VaultUnderTest {
  readonly name: string;
  newPlace(): string;
  open(
    place: string,
    pin?: string,
  ): Promise<ReturnType<typeof ok<Vault>> | { readonly ok: false; readonly fault: { readonly code: string } }>;
}

/** Known keys, so that what a vault does can be held against what the protocols do with the same key. */
const kbpk = () => Secret.take('key', hex('00'.repeat(31) + '01'));
const bdk = () => Secret.take('key', hex('FEDCBA9876543210F1F1F1F1F1F1F1F1'));
const tagKey = () => Secret.take('key', hex('000102030405060708090A0B0C0D0E0F'));
const zonePin = () => Secret.take('key', hex('C1D0F8FB4958670DBA40AB1F3752EF0D'));
const kcv = (key: Secret<'key'>) => toHex(unwrap(checkValue('AES', 'cmac', key)));
const entropy = (lengthBytes: number) => new Uint8Array(lengthBytes).fill(0x5a);
const pan = () => secretPan('4761739001010010');
const ksn = hex('123456789012345600000001');

/** What every vault promises, wherever its keys are. */
export function vaultContract(subject: VaultUnderTest): void {
  describe(`a vault in ${subject.name}`, () => {
    const closers: (() => Promise<void>)[] = [];
    afterAll(async () => {
      for (const close of closers.splice(0)) await close();
    });
    /** One vault at a time: a token is signed in to once. */
    async function open(place = subject.newPlace()): Promise<Vault> {
      for (const close of closers.splice(0)) await close();
      const opened = await subject.open(place);
      if (!opened.ok) throw new Error(opened.fault.code);
      let isOpen = true;
      const close = () => (isOpen ? ((isOpen = false), opened.value.close()) : Promise.resolve());
      closers.push(close);
      return { ...opened.value, close };
    }

    it('finds its keys again with the passphrase, and does not open without it', async () => {
      const place = subject.newPlace();
      const first = await open(place);
      const made = await first.ensure('bdk/1', 'dukpt-base');
      const pair = await first.ensure('sign/jobs', 'job-signing');
      const token = first.panToken(pan());
      await first.close();
      const again = await open(place);
      expect(again.find('bdk/1')).toEqual(made);
      expect(again.find('sign/jobs')).toEqual(pair);
      expect(again.panToken(pan())).toBe(token);
      expect(token).toMatch(/^tok_[0-9a-f]{20}$/);
      expect(again.panToken(secretPan('4761739001010119'))).not.toBe(token);
      await again.close();
      expect(await subject.open(place, 'another')).toMatchObject({ ok: false, fault: { code: 'VAULT_LOCKED' } });
    });

    it('makes a named key once, however many ask for it at the same time', async () => {
      const vault = await open();
      const made = await Promise.all(Array.from({ length: 8 }, () => vault.ensure('bdk/1', 'dukpt-base')));
      expect(new Set(made.map((key) => key.checkValue)).size).toBe(1);
      expect(vault.idsFor('dukpt-base')).toEqual(['bdk/1']);
    });

    it('binds each key to its use', async () => {
      const vault = await open();
      await vault.ensure('bdk/1', 'dukpt-base');
      await vault.ensure('tags', 'negative-tag');
      await vault.keep('kbpk', 'key-block-protection', kbpk());
      expect(vault.wrapTagKey('kbpk', 'bdk/1')).toMatchObject({ ok: false, fault: { code: 'VAULT_KEY_UNKNOWN' } });
      expect(vault.wrapInitialKey('kbpk', 'tags', new Uint8Array(8))).toMatchObject({ ok: false });
      expect(vault.wrapTagKey('tags', 'tags')).toMatchObject({ ok: false });
      expect(vault.dukptKeys('kbpk', new Uint8Array(12))).toMatchObject({ ok: false });
      expect(vault.zoneKey('kbpk')).toMatchObject({ ok: false });
      expect(vault.wrapZonePin('kbpk', 'tags')).toMatchObject({ ok: false });
      expect(vault.wrapAcquirerKey('kbpk', 'bdk/1', 'acquirer-pin', 'A')).toMatchObject({ ok: false });
      expect(vault.tlsKey('kbpk')).toMatchObject({ ok: false });
      expect(Object.keys(unwrap(vault.dukptKeys('bdk/1', ksn)))).toEqual(['request', 'answer']);
      expect(vault.translatePin({ base: 'bdk/1', ksn }, 'tags', new Uint8Array(16), pan())).toMatchObject({
        fault: { code: 'VAULT_KEY_UNKNOWN' },
      });
      await vault.ensure('zone-pin/1', 'zone-pin');
      expect(vault.translatePin({ base: 'bdk/1', ksn }, 'zone-pin/1', new Uint8Array(16), pan())).toMatchObject({
        fault: { code: 'PINBLOCK_UNREADABLE' },
      });
      await expect(vault.ensure('bdk/1', 'negative-tag')).rejects.toThrow('is for dukpt-base');
      await expect(vault.keep('kbpk', 'key-block-protection', kbpk())).rejects.toThrow('there already');
      await expect(vault.keep('short', 'key-block-protection', bdk())).rejects.toThrow('another length');
    });

    it('forgets a destroyed key for good', async () => {
      const place = subject.newPlace();
      const vault = await open(place);
      await vault.keep('kbpk', 'key-block-protection', kbpk());
      await vault.ensure('sign/jobs', 'job-signing');
      expect(vault.idsFor('key-block-protection')).toEqual(['kbpk']);
      await vault.destroy('kbpk');
      await vault.destroy('sign/jobs');
      expect(vault.publicKey('sign/jobs')).toMatchObject({ ok: false });
      await vault.close();
      const again = await open(place);
      expect(again.find('kbpk')).toBeUndefined();
      expect(again.find('sign/jobs')).toBeUndefined();
    });

    it('wraps an initial key so that its terminal can read it, with its id and check value', async () => {
      const vault = await open();
      await vault.keep('bdk', 'dukpt-base', bdk());
      expect((await vault.keep('kbpk', 'key-block-protection', kbpk())).checkValue).toBe(kcv(kbpk()));
      const id = hex('1234567890123456');
      const wrapped = unwrap(vault.wrapInitialKey('kbpk', 'bdk', id));
      const read = unwrap(unwrapKeyBlock(kbpk(), wrapped.keyBlock));
      expect(read.header).toMatchObject({
        versionId: 'D',
        keyUsage: 'B1',
        algorithm: 'A',
        modeOfUse: 'X',
        exportability: 'N',
      });
      expect(read.optionalBlocks[0]).toEqual({ id: 'IK', data: '1234567890123456' });
      // The published worksheet's key (X9.24-3:2017, supplement): the same as the protocols derive.
      expect(kcv(read.key)).toBe(kcv(unwrap(deriveAesInitialKey(bdk(), id)).key));
      expect(wrapped.checkValue).toBe(kcv(read.key));
    });

    it('wraps the keys of a card company, each for its use and with its name', async () => {
      const vault = await open();
      await vault.keep('kbpk', 'key-block-protection', kbpk());
      for (const [use, keyUsage, modeOfUse] of [
        ['acquirer-pin', 'P0', 'E'],
        ['acquirer-mac', 'M6', 'C'],
        ['acquirer-data', 'D0', 'B'],
      ] as const) {
        const made = await vault.ensure(`acquirer/jcb/${use}`, use);
        const wrapped = unwrap(vault.wrapAcquirerKey('kbpk', made.id, use, 'jcb'));
        const read = unwrap(unwrapKeyBlock(kbpk(), wrapped.keyBlock));
        expect(read.header).toMatchObject({ keyUsage, modeOfUse, exportability: 'N' });
        expect(read.optionalBlocks).toContainEqual({ id: 'LB', data: 'jcb' });
        expect(kcv(read.key)).toBe(made.checkValue);
      }
    });

    it('derives the keys of a transaction, and translates its PIN without telling it', async () => {
      const vault = await open();
      await vault.keep('bdk', 'dukpt-base', bdk());
      await vault.keep('zone-pin', 'zone-pin', zonePin());
      const { initialKeyId, counter } = unwrap(parseAesKsn(ksn));
      const transaction = unwrap(deriveAesTransactionKey(unwrap(deriveAesInitialKey(bdk(), initialKeyId)), counter));
      const expected = unwrap(deriveAesWorkingKey(transaction, 'macGeneration', 'AES128'));
      expect(kcv(unwrap(vault.dukptKeys('bdk', ksn)).request.mac)).toBe(kcv(expected));
      const pinKey = unwrap(deriveAesWorkingKey(transaction, 'pinEncryption', 'AES128'));
      const pin = Secret.take('pin', Uint8Array.from(Buffer.from('1234')));
      const block = unwrap(encipherPin({ format: 4, pin, pan: pan(), key: pinKey, entropy }));
      const translated = unwrap(vault.translatePin({ base: 'bdk', ksn }, 'zone-pin', block, pan()));
      expect(unwrap(decipherPin(4, zonePin(), translated, pan())).use((digits) => Buffer.from(digits).toString())).toBe(
        '1234',
      );
      expect(vault.dukptKeys('bdk', hex('123456789012345600000000'))).toMatchObject({
        fault: { code: 'DUKPT_COUNTER_INVALID' },
      });
    });

    it('lends the data and MAC key that a terminal has of a card company, and translates a PIN from under its PIN key', async () => {
      const vault = await open();
      await vault.keep('zone-pin', 'zone-pin', zonePin());
      const data = await vault.ensure('acs/data', 'acquirer-data');
      const mac = await vault.ensure('acs/mac', 'acquirer-mac');
      await vault.keep('acs/pin', 'acquirer-pin', tagKey());
      const { request, answer } = unwrap(vault.acquirerKeys('acs/data', 'acs/mac'));
      for (const keys of [request, answer])
        expect([kcv(keys.encryption), kcv(keys.mac)]).toEqual([data.checkValue, mac.checkValue]);
      for (const [first, second] of [
        ['acs/mac', 'acs/data'],
        ['acs/data', 'acs/pin'],
        ['acs/data', 'nobody'],
      ] as const)
        expect(vault.acquirerKeys(first, second)).toMatchObject({ fault: { code: 'VAULT_KEY_UNKNOWN' } });
      const pin = Secret.take('pin', Uint8Array.from(Buffer.from('1234')));
      const block = unwrap(encipherPin({ format: 4, pin, pan: pan(), key: tagKey(), entropy }));
      const translated = unwrap(vault.translatePin({ acquirerPin: 'acs/pin' }, 'zone-pin', block, pan()));
      expect(unwrap(decipherPin(4, zonePin(), translated, pan())).use((digits) => Buffer.from(digits).toString())).toBe(
        '1234',
      );
      expect(vault.translatePin({ acquirerPin: 'acs/mac' }, 'zone-pin', block, pan()).ok).toBe(false);
    });

    it('does the same under TDES for terminals that can do nothing else', async () => {
      const vault = await open();
      // X9.24-1:2009, A.4: the worksheet's base key and its first transaction.
      const base = () => Secret.take('key', hex('0123456789ABCDEFFEDCBA9876543210'));
      const tdesKsn = hex('FFFF9876543210E00001');
      expect((await vault.keep('bdk-tdes', 'dukpt-base-tdes', base())).checkValue).toBe('08D7B4');
      await vault.keep('kbpk', 'key-block-protection', kbpk());
      await vault.keep('zone-pin', 'zone-pin', zonePin());
      expect(vault.idsFor('dukpt-base-tdes')).toEqual(['bdk-tdes']);
      const read = unwrap(parseTdesKsn(tdesKsn));
      const wrapped = unwrap(vault.wrapInitialKey('kbpk', 'bdk-tdes', read.initialKsn));
      const { key, header, optionalBlocks } = unwrap(unwrapKeyBlock(kbpk(), wrapped.keyBlock));
      expect(header).toMatchObject({
        versionId: 'D',
        keyUsage: 'B1',
        algorithm: 'T',
        modeOfUse: 'X',
        exportability: 'N',
      });
      expect(optionalBlocks[0]).toEqual({ id: 'KS', data: 'FFFF9876543210E00000' });
      expect(key.use(toHex)).toBe('6AC292FAA1315B4D858AB3A3D7D5933A');
      const initial = unwrap(deriveTdesInitialKey(base(), read));
      const transaction = unwrap(deriveTdesTransactionKey(initial, read.counter));
      const { request, answer } = unwrap(vault.dukptKeys('bdk-tdes', tdesKsn));
      const hexOf = (secret: Secret<'key'>) => secret.use(toHex);
      expect(hexOf(request.encryption)).toBe(hexOf(deriveTdesWorkingKey(transaction, 'dataRequest')));
      expect(hexOf(answer.mac)).toBe(hexOf(deriveTdesWorkingKey(transaction, 'macResponse')));
      const pin = Secret.take('pin', Uint8Array.from(Buffer.from('1234')));
      const pinKey = deriveTdesWorkingKey(transaction, 'pinEncryption');
      const block = unwrap(encipherPin({ format: 0, pin, pan: pan(), key: pinKey, entropy }));
      const translated = unwrap(vault.translatePin({ base: 'bdk-tdes', ksn: tdesKsn }, 'zone-pin', block, pan()));
      expect(unwrap(decipherPin(4, zonePin(), translated, pan())).use((digits) => Buffer.from(digits).toString())).toBe(
        '1234',
      );
      expect(vault.dukptKeys('bdk-tdes', ksn)).toMatchObject({ ok: false });
      await vault.destroy('bdk-tdes');
      expect(vault.dukptKeys('bdk-tdes', tdesKsn)).toMatchObject({ fault: { code: 'VAULT_KEY_UNKNOWN' } });
      expect(vault.idsFor('dukpt-base-tdes-variant')).toEqual([]);
      const made = await Promise.all(Array.from({ length: 4 }, () => vault.ensure('bdk-tdes/2', 'dukpt-base-tdes')));
      expect(new Set(made.map(({ checkValue }) => checkValue)).size).toBe(1);
    });

    it('tags a card as the lists of terminals do', async () => {
      const vault = await open();
      await vault.keep('tags', 'negative-tag', tagKey());
      expect(unwrap(vault.negativeTag('tags', pan()))).toEqual(unwrap(panMac(tagKey(), pan())));
      await vault.keep('kbpk', 'key-block-protection', kbpk());
      const read = unwrap(unwrapKeyBlock(kbpk(), unwrap(vault.wrapTagKey('kbpk', 'tags')).keyBlock));
      expect(kcv(read.key)).toBe(kcv(tagKey()));
    });

    it('signs with keys of every kind that never leave it', async () => {
      const vault = await open();
      const message = Buffer.from('order');
      for (const [use, digest] of [
        ['job-signing', null],
        ['certificate-signing', 'sha256'],
        ['key-distribution', 'sha256'],
      ] as const) {
        await vault.ensure(`sign/${use}`, use);
        const signature = vault.sign(`sign/${use}`, use, message);
        expect(verify(digest, message, unwrap(vault.publicKey(`sign/${use}`)), signature)).toBe(true);
        expect(verify(digest, Buffer.from('other'), unwrap(vault.publicKey(`sign/${use}`)), signature)).toBe(false);
      }
      expect(() => vault.sign('sign/job-signing', 'negative-signing', message)).toThrow('VAULT_KEY_UNKNOWN');
    });

    it('lends the TLS key that Node needs, and a link its zone key', async () => {
      const vault = await open();
      await vault.ensure('tls/server', 'tls');
      expect(unwrap(vault.tlsKey('tls/server'))).toContain('BEGIN PRIVATE KEY');
      const zone = await vault.ensure('zone/1', 'zone-protection');
      expect(kcv(unwrap(vault.zoneKey('zone/1')))).toBe(zone.checkValue);
    });

    it('seals for one context only', async () => {
      const vault = await open();
      for (const bytes of [new Uint8Array(0), Uint8Array.of(1, 2, 3), new Uint8Array(10_000).fill(7)]) {
        const sealed = vault.seal('claim/A', bytes);
        expect(unwrap(vault.open('claim/A', sealed))).toEqual(bytes);
        expect(vault.open('claim/B', sealed)).toMatchObject({ ok: false, fault: { code: 'VAULT_DAMAGED' } });
        expect(vault.open('claim/A', sealed.with(-1, (sealed.at(-1) ?? 0) ^ 1))).toMatchObject({ ok: false });
      }
      expect(vault.open('claim/A', new Uint8Array(5))).toMatchObject({ ok: false });
      expect(unwrap(vault.open('claim/A', vault.seal('claim/A', Uint8Array.of(9))))).toEqual(Uint8Array.of(9));
    });

    it('joins the components of custodians, and tells nothing but check values', async () => {
      const vault = await open();
      const parts = [hex('AA'.repeat(16)), hex('54DC10323FFE9A5C5B5B5B5B5B5B5B5B')].map((bytes, index) => {
        const context = `ceremony/1/${index}`;
        const clear = Secret.take('key', bytes.slice());
        return { context, ...unwrap(vault.sealComponent(context, 'dukpt-base', clear)) };
      });
      const whole = kcv(Secret.take('key', hex('FE76BA989554' + '30F6' + 'F1'.repeat(8))));
      expect(await vault.combine('bdk/9', 'dukpt-base', parts, 'FFFFFFFFFF')).toMatchObject({
        fault: { code: 'KCV_MISMATCH' },
      });
      expect(vault.find('bdk/9')).toBeUndefined();
      const swapped = parts.map((part, index) => ({ ...part, context: `ceremony/1/${1 - index}` }));
      expect(await vault.combine('bdk/9', 'dukpt-base', swapped, whole)).toMatchObject({
        fault: { code: 'VAULT_DAMAGED' },
      });
      expect(unwrap(await vault.combine('bdk/9', 'dukpt-base', parts, whole))).toMatchObject({
        id: 'bdk/9',
        checkValue: whole,
      });
    });

    it('joins a TDES base key, from which initial keys come as from one that was kept, and none that is weak', async () => {
      const vault = await open();
      const sealed = (...components: readonly string[]) =>
        components.map((part, index) => {
          const context = `ceremony/2/${index}`;
          return { context, ...unwrap(vault.sealComponent(context, 'dukpt-base-tdes', Secret.take('key', hex(part)))) };
        });
      // Together the key of X9.24-3:2017, annex C.
      const parts = sealed('AAAAAAAAAAAAAAAA5555555555555555', 'AB89EFCD23016745AB89EFCD23016745');
      expect(parts[0]?.kcv).toMatch(/^[0-9A-F]{6}$/);
      expect(unwrap(await vault.combine('bdk-tdes/9', 'dukpt-base-tdes', parts, '08D7B4')).checkValue).toBe('08D7B4');
      await vault.keep('bdk-tdes/8', 'dukpt-base-tdes', Secret.take('key', hex('0123456789ABCDEFFEDCBA9876543210')));
      const ksn = hex('FFFF9876543210E00001');
      const [joined, kept] = ['bdk-tdes/9', 'bdk-tdes/8'].map((base) => unwrap(vault.dukptKeys(base, ksn)));
      for (const way of ['request', 'answer'] as const)
        expect(joined?.[way].mac.use((bytes) => toHex(bytes))).toBe(kept?.[way].mac.use((bytes) => toHex(bytes)));
      const [one, other] = ['0123456789ABCDEF0000000000000001', '00000000000000000123456789ABCDEE'];
      const degenerate = sealed(one, other);
      const whole = toHex(
        unwrap(customaryCheckValue('TDES', Secret.take('key', hex('0123456789ABCDEF0123456789ABCDEF')))),
      );
      expect(await vault.combine('bdk-tdes/7', 'dukpt-base-tdes', degenerate, whole)).toMatchObject({
        fault: { code: 'KEY_WEAK' },
      });
      expect(vault.find('bdk-tdes/7')).toBeUndefined();
    });
  });
}
