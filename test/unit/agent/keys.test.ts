import { keyBlockProtectionKeyRecord } from '@tsunagu/firmware-bridge/enrolment/index';
import { openTerminalKeys } from '@tsunagu/firmware-bridge/keys/index';
import { openSealedStore, type SealedStore } from '@tsunagu/firmware-bridge/sealed-store/index';
import { aesInitialKey, deriveAesTransactionKey, ksnOf } from '@tsunagu/protocols/dukpt';
import { checkValue } from '@tsunagu/protocols/kcv';
import { Secret, secretPan, toHex, unwrap } from '@tsunagu/protocols/kit';
import { panMac } from '@tsunagu/protocols/negative';
import { systemWorld } from '@tsunagu/protocols/world';
import { expect, test } from 'vitest';
import { keyLoadOf } from './key-loads.ts';
import { MemoryFiles } from './memory-files.ts';

const world = systemWorld(() => undefined);
const kbpk = Secret.copy('key', new Uint8Array(32).fill(7));
const initialKey = Secret.copy('key', new Uint8Array(16).fill(3));
const initialKeyId = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
const order = { job: '00000000-0000-4000-8000-000000000001', attempt: 1 };

async function storeOn(files: MemoryFiles): Promise<SealedStore> {
  const store = unwrap(await openSealedStore(files, world));
  unwrap(await store.write(keyBlockProtectionKeyRecord, {}, kbpk));
  return store;
}
const openKeys = async (store: SealedStore) => unwrap(await openTerminalKeys(store, world.clock));
const dukpt = () => keyLoadOf('dukpt', kbpk, initialKey, world, initialKeyId);

test('a key block becomes a slot, with the key’s own check value as evidence', async () => {
  const keys = await openKeys(await storeOn(new MemoryFiles()));
  const evidence = unwrap(await keys.load(dukpt(), order));
  const kcv = toHex(unwrap(checkValue('AES', 'cmac', initialKey)));
  expect(evidence).toEqual({ slot: 'dukpt', kcv, ksn: '010203040506070800000001' });
  expect(keys.slots()).toEqual([evidence]);
});

test('transaction keys are those that the host derives, one after the other, and the state is stored before each', async () => {
  const files = new MemoryFiles();
  const keys = await openKeys(await storeOn(files));
  unwrap(await keys.load(dukpt(), order));
  const host = unwrap(aesInitialKey(initialKey, initialKeyId));
  for (const counter of [1, 2, 3, 4]) {
    const before = files.log.length;
    const taken = keys.takeTransactionKey().then((key) => ({ key: unwrap(key), log: files.log.slice(before) }));
    const { key, log } = await taken;
    expect(key.ksn.counter).toBe(counter);
    expect(log).toEqual(['write key-dukpt.sealed.new', 'rename key-dukpt.sealed', 'sync']);
    const derived = unwrap(deriveAesTransactionKey(host, counter));
    expect('derivationKey' in key && key.derivationKey.use(toHex)).toBe(derived.derivationKey.use(toHex));
  }
});

test('whichever change the power fails at, no transaction key is ever handed out twice', async () => {
  const first = new MemoryFiles();
  const store = await storeOn(first);
  unwrap(await (await openKeys(store)).load(dukpt(), order));
  const base = first.afterPowerLoss(true);
  for (let failAt = 1; failAt <= 10; failAt++)
    for (const keepUnsynced of [false, true]) {
      const used = new Set<string>();
      const use = async (files: MemoryFiles): Promise<void> => {
        const keys = await openKeys(unwrap(await openSealedStore(files, world)));
        for (let times = 0; times < 3; times++) {
          const key = await keys.takeTransactionKey();
          if (!key.ok) continue;
          const ksn = toHex(ksnOf(key.value));
          expect(used.has(ksn), ksn).toBe(false);
          used.add(ksn);
        }
      };
      const failing = base.afterPowerLoss(true, failAt);
      await use(failing);
      await use(failing.afterPowerLoss(keepUnsynced));
      expect(used.size).toBeGreaterThanOrEqual(3);
    }
});

test('two takers at once get two keys', async () => {
  const keys = await openKeys(await storeOn(new MemoryFiles()));
  unwrap(await keys.load(dukpt(), order));
  const taken = await Promise.all([keys.takeTransactionKey(), keys.takeTransactionKey(), keys.takeTransactionKey()]);
  expect(new Set(taken.map((key) => unwrap(key).ksn.counter)).size).toBe(3);
});

test('the same initial key again, by whichever order, never sets the counter back', async () => {
  const files = new MemoryFiles();
  const store = await storeOn(files);
  const keys = await openKeys(store);
  unwrap(await keys.load(dukpt(), order));
  unwrap(await keys.takeTransactionKey());
  unwrap(await keys.takeTransactionKey());
  for (const again of [order, { ...order, attempt: 2 }, { job: '00000000-0000-4000-8000-000000000002', attempt: 1 }])
    expect(unwrap(await keys.load(dukpt(), again)).ksn).toBe('010203040506070800000003');
  expect(unwrap(await (await openKeys(store)).takeTransactionKey()).ksn.counter).toBe(3);
});

test('a key under another protection key, of another use, or with another check value stays out', async () => {
  const keys = await openKeys(await storeOn(new MemoryFiles()));
  const other = Secret.copy('key', new Uint8Array(32).fill(9));
  expect(await keys.load(keyLoadOf('dukpt', other, initialKey, world, initialKeyId), order)).toMatchObject({
    fault: { code: 'TR31_NOT_AUTHENTIC' },
  });
  const mac = keyLoadOf('negative', kbpk, initialKey, world);
  expect(await keys.load({ ...mac, slot: 'dukpt' }, order)).toMatchObject({
    fault: { code: 'KEY_NOT_AS_ANNOUNCED', field: 'usage' },
  });
  expect(await keys.load({ ...dukpt(), kcv: '0000000000' }, order)).toMatchObject({
    fault: { code: 'KEY_NOT_AS_ANNOUNCED', field: 'kcv' },
  });
  expect(keys.slots()).toEqual([]);
  expect(await keys.takeTransactionKey()).toMatchObject({ fault: { code: 'KEY_SLOT_EMPTY' } });
});

test('the negative key makes the tags that the server makes', async () => {
  const store = await storeOn(new MemoryFiles());
  const keys = await openKeys(store);
  const pan = secretPan('4761739001010127');
  expect(keys.negativeTags(pan)).toEqual([]);
  const load = keyLoadOf('negative', kbpk, initialKey, world);
  unwrap(await keys.load(load, order));
  expect((await openKeys(store)).negativeTags(pan)).toEqual([{ kcv: load.kcv, mac: unwrap(panMac(initialKey, pan)) }]);
});

test('the next key of negative lists lies beside the one in use, and the slot of the old one is emptied by its name alone', async () => {
  const files = new MemoryFiles();
  const store = await storeOn(files);
  const keys = await openKeys(store);
  const pan = secretPan('4761739001010127');
  const old = keyLoadOf('negative', kbpk, initialKey, world);
  const nextKey = Secret.copy('key', new Uint8Array(16).fill(7));
  const next = keyLoadOf('negative/2', kbpk, nextKey, world);
  unwrap(await keys.load(old, order));
  unwrap(await keys.load(next, { job: 'another', attempt: 1 }));
  const both = [
    { kcv: old.kcv, mac: unwrap(panMac(initialKey, pan)) },
    { kcv: next.kcv, mac: unwrap(panMac(nextKey, pan)) },
  ];
  expect(keys.negativeTags(pan)).toEqual(both);
  expect(keys.negativePlace(pan, next.kcv)).not.toEqual(keys.negativePlace(pan, old.kcv));
  expect((await openKeys(store)).negativeTags(pan)).toEqual(both);
  expect(unwrap(await keys.check()).map(({ slot }) => slot)).toEqual(['negative', 'negative/2']);
  // Whoever takes the one slot for the other empties none.
  expect(await keys.erase({ slot: 'negative', kcv: next.kcv })).toMatchObject({
    fault: { code: 'KEY_NOT_AS_ANNOUNCED', field: 'negative' },
  });
  unwrap(await keys.erase({ slot: 'negative', kcv: old.kcv }));
  unwrap(await keys.erase({ slot: 'negative', kcv: old.kcv }));
  expect(keys.negativeTags(pan)).toEqual([both[1]]);
  expect((await openKeys(store)).slots()).toEqual([{ slot: 'negative/2', kcv: next.kcv }]);
  // What is destroyed is destroyed in either slot.
  unwrap(await keys.destroy());
  expect(keys.negativeTags(pan)).toEqual([]);
  expect((await openKeys(store)).slots()).toEqual([]);
});
