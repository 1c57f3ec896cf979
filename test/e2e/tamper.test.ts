import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { type House, startHouse, until } from './house.ts';

let house: House;
beforeAll(async () => {
  house = await startHouse({ args: ['--sale-every-seconds', '3600'] });
}, 180_000);
afterAll(() => house.stop());

const serial = 'CT5100-0001';
const terminal = async () =>
  z
    .looseObject({ lifecycle: z.string(), link: z.looseObject({ state: z.string() }) })
    .parse((await house.api(`/api/v1/terminals/${serial}`)).body);
const orders = async () =>
  z
    .object({
      items: z.array(z.looseObject({ serial: z.string(), intake: z.string(), reported: z.string().nullable() })),
    })
    .parse((await house.api('/api/v1/workshop/orders?open=true')).body).items;

test('a case that is opened cuts its terminal off on every wire and opens a work order, whatever became of its word', async () => {
  expect(await house.cli('sale', serial, '--amount', '700', '--card', 'visa-contact')).toMatchObject({ code: 0 });
  const opened = await house.cli('emulate', 'tamper', serial, '--sensor', 'mesh');
  expect(opened).toMatchObject({ code: 0 });
  await until(
    async () => (await terminal()).lifecycle === 'quarantined',
    30_000,
    () => house.logs().slice(-2_000),
  );
  expect(await orders()).toMatchObject([{ serial, intake: 'fault', reported: 'TM-TAMPER' }]);
  await until(
    async () => (await terminal()).link.state !== 'ready',
    30_000,
    () => 'it is still connected',
  );
  const shown = await house.cli('terminal', serial);
  expect(shown.stdout).toContain('TERMINAL_TAMPERED');
  expect(shown.stdout).toContain('a work order is open');
  const why = await house.cli('why', serial, '--target', 'key:dukpt');
  expect(why.stdout).toContain('quarantined');
  const metrics = await (await fetch(`http://127.0.0.1:${house.portBase + 1}/metrics`)).text();
  expect(metrics).toContain('tsunagu_key_block_seconds_count 1');
  // It went on ringing at the door: one order, one move.
  const life = z
    .object({ history: z.array(z.object({ to: z.string(), reason: z.string() })) })
    .parse((await house.api(`/api/v1/terminals/${serial}/lifecycle`)).body);
  expect(life.history.filter(({ to }) => to === 'quarantined')).toMatchObject([{ reason: 'TERMINAL_TAMPERED' }]);
}, 180_000);
