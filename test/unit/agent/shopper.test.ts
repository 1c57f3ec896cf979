import { dealOut, logLine } from '@tsunagu/firmware-bridge/host/index';
import { openShopper } from '@tsunagu/firmware-bridge/shopper/index';
import type { SaleResult } from '@tsunagu/protocols/fleet';
import { serialSchema } from '@tsunagu/protocols/fleet';
import { fail, Secret } from '@tsunagu/protocols/kit';
import { systemWorld, type World } from '@tsunagu/protocols/world';
import { expect, test } from 'vitest';

const cards = ['visa-contact', 'jcb-contactless', 'visa-silent', 'visa-declined-stripe', 'visa-listed'];

/** The first sales of a seed, with the pauses before them in milliseconds; time passes as fast as it can. */
async function shop(seed: string, count: number) {
  const real = systemWorld(() => undefined);
  const pauses: number[] = [];
  const world: World = {
    ...real,
    timers: {
      ...real.timers,
      async sleep(ms, signal) {
        signal?.throwIfAborted();
        pauses.push(ms);
      },
    },
  };
  const orders: { amountMinor: number; card: string }[] = [];
  await new Promise<void>((resolve) => {
    const shopper = openShopper({
      world,
      seed,
      meanSeconds: 20,
      cards,
      amountMaxMinor: () => 5_000,
      sell: async (order) => {
        orders.push(order);
        if (orders.length === count) {
          shopper.stop();
          resolve();
        }
        return {} as SaleResult;
      },
    });
    shopper.start();
    shopper.start();
  });
  return { orders, pauses };
}

test('the same seed makes the same sales, another one others', async () => {
  const [first, second, other] = await Promise.all([shop('1', 20), shop('1', 20), shop('2', 20)]);
  expect(second).toEqual(first);
  expect(other.orders).not.toEqual(first.orders);
});

test('the first sale comes within three seconds, the others about as often as was asked for', async () => {
  const { orders, pauses } = await shop('3', 2_000);
  expect(pauses[0]).toBeGreaterThanOrEqual(1_000);
  expect(pauses[0]).toBeLessThanOrEqual(3_000);
  const mean = pauses.slice(1).reduce((sum, pause) => sum + pause, 0) / (pauses.length - 1);
  expect(mean).toBeGreaterThan(18_000);
  expect(mean).toBeLessThan(22_000);
  expect(orders.every(({ amountMinor }) => amountMinor >= 100 && amountMinor <= 5_000 && amountMinor % 10 === 0)).toBe(
    true,
  );
  expect(orders.every(({ card }) => cards.includes(card))).toBe(true);
  const ordinary = orders.filter(({ card }) => card === 'visa-contact' || card === 'jcb-contactless');
  expect(ordinary.length / orders.length).toBeGreaterThan(0.8);
});

test('a model without readable cards has no customers', async () => {
  let sold = 0;
  const shopper = openShopper({
    world: systemWorld(() => undefined),
    seed: '1',
    meanSeconds: 1,
    cards: [],
    amountMaxMinor: () => 1,
    sell: async () => {
      sold += 1;
      return {} as SaleResult;
    },
  });
  shopper.start();
  shopper.stop();
  expect(sold).toBe(0);
});

test('up to sixteen terminals have a thread each; more share eight evenly, and none is left out', () => {
  const plans = (count: number) =>
    Array.from({ length: count }, (_, index) => ({
      serial: serialSchema.parse(`CT5100-${String(index).padStart(4, '0')}`),
      folder: '',
    }));
  expect(dealOut(plans(0))).toEqual([]);
  expect(dealOut(plans(16)).map((deal) => deal.length)).toEqual(Array.from({ length: 16 }, () => 1));
  const shared = dealOut(plans(50));
  expect(shared.map((deal) => deal.length)).toEqual([7, 7, 6, 6, 6, 6, 6, 6]);
  expect(new Set(shared.flat().map(({ serial }) => serial)).size).toBe(50);
});

test('a log line shows codes and causes, and no secret', () => {
  const fault = fail('LINK_DOWN', {
    facts: { port: 1 },
    cause: Object.assign(new Error('refused'), { code: 'ECONNREFUSED' }),
  }).fault;
  const secret = Secret.copy('key', Uint8Array.of(0xab, 0xcd));
  const line = JSON.parse(logLine(0, 'warn', 'linkLost', { fault, key: `${secret}` })) as object;
  expect(line).toEqual({
    level: 'warn',
    time: '1970-01-01T00:00:00.000Z',
    event: 'linkLost',
    fault: {
      code: 'LINK_DOWN',
      facts: { port: 1 },
      cause: { name: 'Error', code: 'ECONNREFUSED', message: 'refused' },
    },
    key: '[key]',
  });
});
