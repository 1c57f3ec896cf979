import { afterAll, beforeAll, expect, test } from 'vitest';
import { type House, startHouse } from './house.ts';

let house: House;
beforeAll(async () => {
  house = await startHouse({ args: ['--sale-every-seconds', '3600'] });
}, 180_000);
afterAll(() => house.stop());

const serial = 'CT5100-0001';
const cable = (...args: string[]) => house.cli('emulate', 'cable', serial, ...args);
const sale = () => house.cli('sale', serial, '--amount', '700', '--card', 'visa-contact');

test('a reader of a running house is unplugged and plugged in again, also in the middle of a sale', async () => {
  expect(await sale()).toMatchObject({ code: 0 });

  expect(await cable('pull', 'contact')).toMatchObject({ code: 0, stdout: expect.stringContaining('is unplugged') });
  const without = await sale();
  expect(without.code).not.toBe(0);
  expect(without.stdout).toContain('USB_NOT_FOUND');
  expect(without.stderr).toContain('next:');

  expect(await cable('plug', 'contact')).toMatchObject({ code: 0, stdout: expect.stringContaining('is plugged in') });
  expect(await sale()).toMatchObject({ code: 0 });

  // Power-on is the first transfers, then the application is chosen: the card was begun with.
  const armed = await cable('pull', 'contact', '--at-transfer', '8');
  expect(armed).toMatchObject({ code: 0, stdout: expect.stringContaining('transfer 8') });
  expect(armed.stderr).toContain('contact: plugged in');
  const cut = await sale();
  expect(cut.code).not.toBe(0);
  expect(cut.stdout).toContain('USB_UNPLUGGED');
  expect(cut.stderr).toContain('next: Plug it in again');
  expect(cut.stderr).toContain('card presented');
  expect((await house.cli('trace', serial)).stdout).toMatch(/SELECT/);

  expect(await cable('plug', 'contact')).toMatchObject({ code: 0 });
  expect(await sale()).toMatchObject({ code: 0 });
}, 180_000);

test('wrong input says what it wants, in both languages', async () => {
  const stripe = await house.cli('--lang', 'ja', 'emulate', 'cable', 'CT9999-0001', 'pull', 'contact');
  expect(stripe.code).not.toBe(0);
  expect(stripe.stderr).toContain('TERMINAL_UNKNOWN');
  expect((await cable('cut', 'contact')).stderr).toMatch(/pull, plug/);
  expect((await cable('pull', 'antenna')).stderr).toMatch(/stripe, contact, contactless, felica/);
  expect((await cable('pull', 'contact', '--at-transfer', '0')).code).not.toBe(0);
  const pulled = await house.cli('--lang', 'ja', 'emulate', 'cable', serial, 'pull', 'stripe');
  expect(pulled).toMatchObject({ code: 0, stdout: expect.stringContaining('磁気リーダーのケーブルを抜きました') });
});
