import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openStore } from '@tsunagu/fleet-server/store/index';
import { migrations } from '@tsunagu/fleet-server/store/migrations';
import { openTwin } from '@tsunagu/fleet-server/twin/index';
import { type Serial, serialSchema } from '@tsunagu/protocols/fleet';
import { unwrap } from '@tsunagu/protocols/kit';
import { systemWorld } from '@tsunagu/protocols/world';

/** A terminal on the inventory of a test. */
export interface Placed {
  readonly serial: string;
  readonly model?: string;
  readonly merchant?: string;
  readonly shop?: string;
}

/** The real twin on a real store. */
export async function twinOnDisk(terminals: readonly Placed[] = [], steps = migrations) {
  const folder = mkdtempSync(join(tmpdir(), 'tsunagu-twin-'));
  const world = systemWorld(() => undefined);
  const store = unwrap(await openStore(join(folder, 'store.sqlite'), steps, world.clock));
  const told: Serial[] = [];
  const place = async (all: readonly Placed[]): Promise<void> => {
    for (let from = 0; from < all.length; from += 500)
      await store.db
        .insertInto('terminals')
        .values(
          all.slice(from, from + 500).map(({ serial, model = 'CT-5100', merchant = 'M', shop = 'S' }) => ({
            serial,
            model,
            merchant,
            shop,
            lane: '',
            parent: null,
            relay_port: null,
            registered_at: 0,
            enrolled_at: null,
          })),
        )
        .execute();
  };
  await place(terminals);
  const twin = await openTwin({
    world,
    store,
    note: () => Promise.resolve(),
    tell: (some) => told.push(...some.map(({ serial }) => serial)),
  });
  return {
    twin,
    store,
    told,
    place,
    world,
    folder,
    /** What a terminal is connected as. */
    link: (serial: string, state: 'ready' | 'lost') =>
      store.db
        .insertInto('presence')
        .values({ serial, state, since: 7, boot_seq: 1, hello_seq: 1, hello_at: 7, hello: '{}' })
        .onConflict((conflict) => conflict.column('serial').doUpdateSet({ state }))
        .execute(),
    async close() {
      await store.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export const serial = (text: string): Serial => serialSchema.parse(text);
export const by = { subject: 'taro', reason: 'test' };
