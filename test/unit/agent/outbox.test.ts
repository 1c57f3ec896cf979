import type { Link } from '@tsunagu/firmware-bridge/link/index';
import { openOutbox } from '@tsunagu/firmware-bridge/sales/index';
import { openSealedStore } from '@tsunagu/firmware-bridge/sealed-store/index';
import type { SaleEvent } from '@tsunagu/protocols/fleet';
import { fail, ok, unwrap } from '@tsunagu/protocols/kit';
import { expect, test } from 'vitest';
import { SimulatedWorld } from '../../simulation/world.ts';
import { Scheduler } from '../../simulation/scheduler.ts';
import { chanceOf } from '../../simulation/random.ts';
import { MemoryFiles } from './memory-files.ts';

const event: SaleEvent = {
  at: 1,
  sale: {
    kind: 'sale',
    outcome: 'approved',
    amountMinor: 100,
    currency: 'JPY',
    card: 'visa-contact',
    scheme: 'visa',
    entry: 'contact',
    lastFour: '0010',
    stan: '000001',
    durationMs: 1,
  },
};

test('a sale that the broker does not take although the link is up is sent again, each time after a longer pause', async () => {
  const scheduler = new Scheduler();
  const world = new SimulatedWorld(
    scheduler,
    chanceOf(1, 'outbox'),
    () => 0,
    () => undefined,
  );
  const tries: { readonly atMs: number; readonly id: string }[] = [];
  let takes = false;
  const link = {
    isUp: true,
    publish: async (...[, , , { id = '' } = {}]: Parameters<Link['publish']>) => {
      tries.push({ atMs: scheduler.nowMs, id });
      return takes ? ok(undefined) : fail('LINK_DOWN');
    },
  };
  const outbox = unwrap(await openOutbox(world, unwrap(await openSealedStore(new MemoryFiles(), world)), () => link));
  await outbox.add(event);
  await scheduler.run(10 * 60_000);
  const failed = tries.length;
  // 1, 2, 4 … 60 s, less up to a half: some twenty tries in ten minutes.
  expect(failed).toBeGreaterThan(8);
  expect(failed).toBeLessThan(32);
  takes = true;
  await scheduler.run(12 * 60_000);
  expect(tries).toHaveLength(failed + 1);
  expect(new Set(tries.map(({ id }) => id)).size).toBe(1);
  expect(outbox.waiting).toBe(0);
});

test('a link that comes up is used at once, whatever the pause; one that is down is not waited for', async () => {
  const scheduler = new Scheduler();
  const world = new SimulatedWorld(
    scheduler,
    chanceOf(2, 'outbox'),
    () => 0,
    () => undefined,
  );
  let tries = 0;
  const link = {
    isUp: true,
    publish: async () => {
      tries += 1;
      link.isUp = false;
      return tries === 1 ? fail('LINK_DOWN') : ok(undefined);
    },
  };
  const outbox = unwrap(await openOutbox(world, unwrap(await openSealedStore(new MemoryFiles(), world)), () => link));
  await outbox.add(event);
  await scheduler.run(10 * 60_000);
  expect(tries).toBe(1);
  link.isUp = true;
  outbox.flush();
  await outbox.idle();
  expect([tries, outbox.waiting]).toEqual([2, 0]);
});
