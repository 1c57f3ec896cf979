import { unwrap } from '@tsunagu/protocols/kit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { MemoryFiles } from '../agent/memory-files.ts';
import { Centre } from './centre.ts';
import { boot, type Booted } from './terminal.ts';

// A medium that damages one record: the terminal goes on, no number is given twice, and what was not sent is sent.
let centre: Centre;
let opened: Booted[] = [];
beforeEach(() => {
  centre = new Centre();
});
afterEach(async () => {
  for (const one of opened) await one.side.close();
  opened = [];
  expect(centre.complaints).toEqual([]);
});

async function start(files?: MemoryFiles): Promise<Booted> {
  const booted = await boot({ acquirer: (isAlive) => centre.line(isAlive), ...(files && { files }) });
  opened.push(booted);
  return booted;
}
const sale = (card: string, amountMinor: number) => ({ kind: 'sale', card, amountMinor }) as const;
const damage = (files: MemoryFiles, name: string) => files.write(`${name}.sealed`, Uint8Array.of(1, 2, 3));

async function restarted(before: Booted, ...damaged: string[]): Promise<Booted> {
  await before.side.close();
  const files = before.files.afterPowerLoss(false);
  for (const name of damaged) await damage(files, name);
  return await start(files);
}

test('the list of advices is made anew from the advices: each arrives once, in the order of its chain', async () => {
  centre.mood = () => 'down';
  const first = await start();
  const one = await first.side.run(sale('visa-offline', 700));
  await first.side.run(sale('mastercard-offline', 800));
  expect(one.outcome).toBe('approved');
  expect(first.ports.advices.entries()).toHaveLength(2);

  const second = await restarted(first, 'advices');
  expect(second.ports.advices.entries().map(({ amountMinor, attempts }) => [amountMinor, attempts])).toEqual([
    [700, 1],
    [800, 1],
  ]);
  centre.mood = () => 'whole';
  await second.drained();
  expect(centre.netMinor).toBe(1_500);
});

test('an advice that the books never knew does not come back with a list that is made anew', async () => {
  centre.mood = () => 'down';
  const first = await start();
  await first.side.run(sale('visa-offline', 700));
  const { message, card, transaction } = unwrap(await first.ports.advices.read(1));
  // Its body is on the medium, its place in the list was never written, and the books gave its slip to another sale.
  unwrap(
    await first.ports.advices.put({ message, card, transaction: { ...transaction, slip: 99, stan: '999999' } }, 'x'),
  );
  const second = await restarted(first, 'advices');
  expect(second.ports.advices.entries().map(({ stan }) => stan)).toEqual([transaction.stan]);
});

test('a damaged advice is shown as refused, and the others go past it', async () => {
  centre.mood = () => 'down';
  const first = await start();
  await first.side.run(sale('visa-offline', 700));
  await first.side.run(sale('mastercard-offline', 800));
  const second = await restarted(first, 'advice-1');
  centre.mood = () => 'whole';
  await second.drained();
  expect(centre.netMinor).toBe(800);
  expect(second.ports.advices.entries()).toMatchObject([{ state: 'refused', amountMinor: 700 }]);
  // It stays so: what was set aside is not read as one that was never there.
  const third = await restarted(second);
  await third.drained();
  expect(third.ports.advices.entries()).toHaveLength(1);
});

test('reversals are made anew from the books: what does not stand there is taken back, once', async () => {
  centre.mood = ({ mti }) => (mti.startsWith('14') ? 'down' : 'answerLost');
  const first = await start();
  const stans: string[] = [];
  for (const order of [sale('visa-stripe', 700), { kind: 'preauth', card: 'visa-stripe', amountMinor: 800 } as const])
    stans.push((await first.side.run(order)).stan);
  centre.mood = () => 'whole';
  await first.drained();
  expect(centre.reversals).toEqual(stans);
  centre.mood = ({ mti }) => (mti.startsWith('14') ? 'down' : 'answerLost');
  const { stan, outcome } = await first.side.run(sale('visa-stripe', 900));
  expect([outcome, centre.netMinor]).toEqual(['reversed', 900]);

  const second = await restarted(first, 'reversals');
  expect((await second.ports.reversals.list()).map(({ amountMinor }) => amountMinor)).toEqual([700, 800, 900]);
  centre.mood = () => 'whole';
  await second.drained();
  expect(centre.netMinor).toBe(0);
  expect(centre.reversals.at(-1)).toBe(stan);
  // Once: the record that was set aside makes none at the next start.
  const third = await restarted(second);
  expect(await third.ports.reversals.list()).toEqual([]);
});

test('a damaged sale leaves a hole: the others stay, its slip number is not given again, and it is named', async () => {
  const first = await start();
  for (const amountMinor of [100, 200, 300]) await first.side.run(sale('visa-stripe', amountMinor));
  const second = await restarted(first, 'sale-00002', 'sale-00003');
  expect(second.ports.sales.all().map(({ slip }) => slip)).toEqual([1]);
  expect(second.ports.sales.lost()).toEqual([2, 3]);
  expect(await second.ports.sales.read(2)).toMatchObject({
    fault: { code: 'STORE_RECORD_DAMAGED', field: 'sale-00002' },
  });
  expect((await second.side.run(sale('visa-stripe', 400))).slip).toBe(4);

  // A person took the damaged files away: the hole in the middle is still one.
  const files = second.files.afterPowerLoss(false);
  for (const name of await files.list()) if (name.endsWith('.damaged')) await files.remove(name);
  await files.syncFolder();
  await second.side.close();
  const third = await start(files);
  expect(third.ports.sales.all().map(({ amountMinor }) => amountMinor)).toEqual([100, 400]);
  expect(unwrap(third.ports.sales.nextSlip())).toBe(5);
});

test('a damaged sale whose advice still waits is written again from it', async () => {
  centre.mood = () => 'down';
  const first = await start();
  const { slip, stan } = await first.side.run(sale('visa-offline', 700));
  await first.side.run(sale('mastercard-offline', 800));
  const second = await restarted(first, `sale-${String(slip).padStart(5, '0')}`);
  expect(second.ports.sales.lost()).toEqual([]);
  expect(second.ports.sales.all().map((one) => one.stan)).toContain(stan);
});

test('the head of the books is found again: day and first slip', async () => {
  const first = await start();
  await first.side.run(sale('visa-stripe', 100));
  unwrap(await first.side.totals(true));
  await first.side.run(sale('visa-stripe', 200));
  const second = await restarted(first, 'sales');
  expect(second.ports.sales.day).toBe(2);
  expect(unwrap(second.ports.sales.nextSlip())).toBe(3);
  expect(unwrap(await second.side.totals(false))).toMatchObject({ day: 2, netMinor: 200 });
});

test('after power losses at any change while a record is set aside, it is there under one of its names', async () => {
  const first = await start();
  await first.side.run(sale('visa-stripe', 100));
  await first.side.run(sale('visa-stripe', 200));
  await first.side.close();
  const base = first.files.afterPowerLoss(false);
  await damage(base, 'sale-00001');
  for (const failAt of [1, 2, 3])
    for (const keepUnsynced of [false, true]) {
      const files = base.afterPowerLoss(false, failAt);
      await boot({ files, acquirer: (isAlive) => centre.line(isAlive) }).catch(() => undefined);
      const after = files.afterPowerLoss(keepUnsynced);
      expect((await after.list()).filter((name) => name.startsWith('sale-00001.'))).toHaveLength(1);
      expect((await start(after)).ports.sales.lost()).toEqual([1]);
    }
});
