import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openExpiry } from '@tsunagu/fleet-server/expiry/index';
import type { Store } from '@tsunagu/fleet-server/store/index';
import { serialSchema } from '@tsunagu/protocols/fleet';
import { systemWorld, type World } from '@tsunagu/protocols/world';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { openQuickly } from '../../empty-store.ts';

const serial = serialSchema.parse('HORIZON-0001');
const folder = mkdtempSync(join(tmpdir(), 'tsunagu-horizon-'));
const endsAt = Date.parse('2040-01-01T00:00:00Z');
const real = systemWorld(() => undefined);
let fire: () => void;
let store: Store;
let expiry: ReturnType<typeof openExpiry>;

beforeEach(async () => {
  store = await openQuickly(join(folder, 'store.sqlite'), real.clock);
  fire = () => undefined;
  const world: World = {
    ...real,
    timers: {
      ...real.timers,
      after: (_ms, work) => ((fire = work), { cancel() {} }),
      every: () => ({ cancel() {} }),
    },
  };
  expiry = openExpiry({
    world,
    store,
    sources: [
      {
        endings: (serials) =>
          Promise.resolve(new Map(serials.map((one) => [one, [{ kind: 'root', name: 'r', endsAt }] as const]))),
      },
    ],
    note: () => Promise.resolve(),
    announce: () => undefined,
  });
  await store.write(async (tx) => {
    const place = { merchant: 'm', shop: 's', lane: '1', parent: null, relay_port: null };
    const row = { serial, model: 'CT-5100', registered_at: 0, enrolled_at: null, ...place };
    await tx.insertInto('terminals').values(row).execute();
  });
  await expiry.refresh();
});
afterEach(async () => {
  expiry.close();
  await store.close();
  rmSync(folder, { recursive: true, force: true });
});

const lastContact = async (): Promise<string | null | undefined> => {
  const listed = await expiry.list({ limit: 10 });
  return listed.ok ? listed.value.items[0]?.silence.lastContact : undefined;
};

it('a contact whose transaction takes longer than the pause before the reckoning is in the horizon all the same', async () => {
  expect(await lastContact()).toBeNull();
  await store.write(async (tx) => {
    await expiry.contacted(tx, serial);
    // The pause is over while the transaction is under way, and everything that reads has its turn.
    fire();
    await real.timers.sleep(200);
  });
  await vi.waitFor(async () => expect(await lastContact()).not.toBeNull(), 60_000);
});

it('a contact that was rolled back leaves the horizon as it was', async () => {
  const kept = await expiry.list({ limit: 10 });
  const undone = store.write(async (tx) => {
    await expiry.contacted(tx, serial);
    fire();
    await real.timers.sleep(50);
    throw new Error('the rest of it failed');
  });
  await expect(undone).rejects.toThrow('the rest');
  // Behind the reckoning that the contact asked for.
  await expiry.refresh();
  expect(await expiry.list({ limit: 10 })).toEqual(kept);
});

it('who was revoked by a person hides nobody else: it has no horizon until its claim is issued anew', async () => {
  const claim = (ended_at: number | null) =>
    store.write(async (tx) => {
      const row = {
        serial,
        secret_sealed: new Uint8Array(1),
        used_key: null,
        used_at: null,
        trust_version: 1,
        ended_at,
      };
      await tx
        .insertInto('claims')
        .values(row)
        .onConflict((conflict) => conflict.doUpdateSet({ ended_at }))
        .execute();
      expiry.touch(serial);
    });
  const reckoned = async (): Promise<string | undefined> => {
    fire();
    // Behind what was touched, and touching nothing of it.
    await expiry.refresh();
    return (await expiry.summary()).earliest?.serial;
  };
  await claim(null);
  expect(await reckoned()).toBe(serial);
  await claim(1);
  expect(await reckoned()).toBeUndefined();
  await claim(null);
  expect(await reckoned()).toBe(serial);
});
