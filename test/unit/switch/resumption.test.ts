import { createPrivateKey } from 'node:crypto';
import { once } from 'node:events';
import { directNetwork, secureNetwork } from '@tsunagu/firmware-bridge/link/index';
import { openAdmission } from '@tsunagu/fleet-server/identity/index';
import { unwrap } from '@tsunagu/protocols/kit';
import { serialSchema } from '@tsunagu/protocols/fleet';
import { systemWorld } from '@tsunagu/protocols/world';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openSmallHouse, type SmallHouse, tenant } from './small-house.ts';
import { putTerminals } from './terminal-row.ts';

// A terminal's real way to the switch, the real switch, and who is admitted from the store.
const world = systemWorld(() => undefined);
const serial = serialSchema.parse('CT5100-0001');
let house: SmallHouse;
beforeAll(async () => {
  house = await openSmallHouse(undefined, { admit: (store) => openAdmission(world, store, tenant) });
  await putTerminals(house.store, [serial]);
});
afterAll(() => house.close());

test('comes back to the switch by its ticket, which lets nobody in whose certificate has been revoked', async () => {
  const { cert, key, ca } = await house.credentials(serial);
  const network = secureNetwork(
    directNetwork({ host: '127.0.0.1', fleet: 1, device: 1, acquiring: house.sw.port }, world.timers),
    world.timers,
    { host: 'localhost', rootCertificate: ca },
    { certificateChain: cert, privateKey: createPrivateKey(key) },
  );
  const first = unwrap(await network.open('acquiring', 60_000));
  expect(first.isSessionReused()).toBe(false);
  first.resume();
  await once(first, 'session');
  const second = unwrap(await network.open('acquiring', 60_000));
  expect(second.isSessionReused()).toBe(true);
  first.destroy();
  second.destroy();

  await house.store.write((tx) =>
    tx.updateTable('certificates').set({ ended_at: world.clock.now(), revoked_at: world.clock.now() }).execute(),
  );
  const third = unwrap(await network.open('acquiring', 60_000));
  expect(third.isSessionReused()).toBe(true);
  third.resume();
  await once(third, 'close');
  expect(house.logs.filter((line) => line.includes('CLIENT_CERTIFICATE_REFUSED'))).toHaveLength(1);
});
