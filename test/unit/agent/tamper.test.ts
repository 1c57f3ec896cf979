import { openTerminalKeys } from '@tsunagu/firmware-bridge/keys/index';
import { openSealedStore } from '@tsunagu/firmware-bridge/sealed-store/index';
import { openTamper } from '@tsunagu/firmware-bridge/tamper/index';
import { keyBlockProtectionKeyRecord } from '@tsunagu/firmware-bridge/enrolment/index';
import { ok, fail, Secret, secretPan, unwrap } from '@tsunagu/protocols/kit';
import { systemWorld } from '@tsunagu/protocols/world';
import { expect, test } from 'vitest';
import { keyLoadOf } from './key-loads.ts';
import { MemoryFiles } from './memory-files.ts';

const world = systemWorld(() => undefined);
const key = (byte: number, length = 16): Secret<'key'> => Secret.copy('key', new Uint8Array(length).fill(byte));

/** A terminal's store with all of its keys in it. */
async function keyed(): Promise<MemoryFiles> {
  const files = new MemoryFiles();
  const store = unwrap(await openSealedStore(files, world));
  unwrap(await store.write(keyBlockProtectionKeyRecord, {}, key(1, 32)));
  const keys = unwrap(await openTerminalKeys(store, world.clock));
  const initialKeyId = new Uint8Array(8).fill(9);
  unwrap(await keys.load(keyLoadOf('dukpt', key(1, 32), key(3), world, initialKeyId), { job: 'd', attempt: 1 }));
  unwrap(await keys.load(keyLoadOf('negative', key(1, 32), key(5), world), { job: 'n', attempt: 1 }));
  return files.afterPowerLoss(true);
}

async function opened(files: MemoryFiles, link = { isUp: false, publish: async () => ok(undefined) }) {
  const store = unwrap(await openSealedStore(files, world));
  const keys = unwrap(await openTerminalKeys(store, world.clock));
  const tamper = unwrap(await openTamper({ world, store, keys, link: () => link, changed: () => undefined }));
  return { store, keys, tamper };
}

test('a sensor that speaks destroys every key, for good, and none is taken after it', async () => {
  const files = await keyed();
  const { store, keys, tamper } = await opened(files);
  expect(keys.slots()).toHaveLength(2);
  await tamper.trip('case');
  expect(keys.slots()).toEqual([]);
  expect(await keys.takeTransactionKey()).toMatchObject({ fault: { code: 'KEY_SLOT_EMPTY' } });
  expect(keys.negativeTags(secretPan('4761739001010010'))).toEqual([]);
  expect(unwrap(await store.read(keyBlockProtectionKeyRecord))).toBeUndefined();
  const again = await opened(files.afterPowerLoss(false));
  expect(again.tamper.happened).toMatchObject({ sensor: 'case' });
  expect(
    await again.keys.load(keyLoadOf('negative', key(1, 32), key(5), world), { job: 'x', attempt: 1 }),
  ).toMatchObject({ fault: { code: 'TERMINAL_TAMPERED' } });
});

test('the server is told when the link is up, once', async () => {
  const told: unknown[] = [];
  const link = {
    isUp: false,
    publish: async (...message: unknown[]) => {
      told.push(message);
      return told.length === 1 ? fail('LINK_DOWN') : ok(undefined);
    },
  };
  const { tamper } = await opened(await keyed(), link as never);
  await tamper.trip('mesh');
  expect(told).toEqual([]);
  link.isUp = true;
  for (let tries = 0; tries < 4; tries++) await tamper.tell();
  expect(told).toHaveLength(2);
  expect(told[1]).toMatchObject([
    { kind: 'event', event: 'tamper' },
    'alarm',
    { code: 'TERMINAL_TAMPERED', detail: 'mesh' },
  ]);
});

test('whichever write the power fails at after a sensor spoke, no transaction key can be taken once the key is off the medium', async () => {
  const full = await keyed();
  const counted = full.afterPowerLoss(true);
  await (await opened(counted)).tamper.trip('case');
  for (let failAt = 1; failAt <= counted.changes; failAt++)
    for (const keepUnsynced of [false, true]) {
      const files = full.afterPowerLoss(true, failAt);
      const { tamper, keys } = await opened(files);
      await tamper.trip('case');
      // Without its medium it still sells nothing.
      expect(keys.slots()).toEqual([]);
      const after = await opened(files.afterPowerLoss(keepUnsynced));
      // The sensor still speaks at the next boot when nothing of it was stored.
      if (after.tamper.happened === undefined) await after.tamper.trip('case');
      expect(after.keys.slots(), `change ${failAt}`).toEqual([]);
      expect(unwrap(await after.store.read(keyBlockProtectionKeyRecord))).toBeUndefined();
    }
});
