import { isDayOver, lastEndOf } from '@tsunagu/firmware-bridge/payment/business-day';
import { unwrap } from '@tsunagu/protocols/kit';
import { afterEach, expect, it, test } from 'vitest';
import { Centre } from './centre.ts';
import { boot, type Booted } from './terminal.ts';

const at = (text: string): number => Date.parse(`2026-11-${text}+09:00`);
const tokyo = 'Asia/Tokyo';

test.each([
  ['04:00', tokyo, '27T04:00:00', '27T04:00:00'],
  ['04:00', tokyo, '27T03:59:59', '26T04:00:00'],
  ['00:00', tokyo, '27T23:59:59', '27T00:00:00'],
  ['23:30', tokyo, '27T00:10:00', '26T23:30:00'],
  ['04:00', 'America/New_York', '27T18:00:00', '27T18:00:00'],
])('a day that ends at %s in %s ended the last time before %s at %s', (ends, zone, now, end) => {
  expect(lastEndOf(ends, zone, at(now))).toBe(at(end));
});

test.each<[string, boolean, { first?: string; closed?: string; now: string; ends?: string }]>([
  ['it has nothing in it', false, { now: '27T04:00:00' }],
  ['its end is to come', false, { first: '26T09:00:00', now: '27T03:59:59' }],
  ['its end has come', true, { first: '26T09:00:00', now: '27T04:00:00' }],
  ['the terminal was off at its end', true, { first: '24T09:00:00', now: '27T09:00:00' }],
  ['it began after the end', false, { first: '27T04:00:01', now: '27T23:00:00' }],
  ['a person closes it', false, { first: '26T09:00:00', now: '27T09:00:00', ends: '' }],
  // The clock was set back over the end, after the day was closed: what is sold before it is no day of its own.
  ['the clock is set back', false, { first: '27T03:59:30', closed: '27T04:00:10', now: '27T04:00:00' }],
  [
    'a sale was before a clock was put right',
    true,
    { first: '26T09:00:00', closed: '29T09:00:00', now: '27T04:00:00' },
  ],
])('whether the open day is over when %s: %s', (_, isOver, { first, closed, now, ends = '04:00' }) => {
  const day = { firstAt: first && at(first), closedAt: closed && at(closed) };
  expect(
    isDayOver(ends, tokyo, { firstAt: day.firstAt || undefined, closedAt: day.closedAt || undefined }, at(now)),
  ).toBe(isOver);
});

let opened: Booted | undefined;
afterEach(async () => {
  await opened?.side.close();
  opened = undefined;
});

async function terminal(businessDayEnd: string): Promise<Booted> {
  const centre = new Centre();
  opened = await boot({ acquirer: (isAlive) => centre.line(isAlive), configuration: { businessDayEnd } });
  return opened;
}
const minuteAgo = (now: number): string => new Date(now + 9 * 3_600_000 - 60_000).toISOString().slice(11, 16);

it('a terminal closes its day by itself, and its totals can still be seen and printed', async () => {
  const booted = await terminal('');
  const { side, ports, world } = booted;
  expect(side.lastTotals()).toMatchObject({ ok: false, fault: { code: 'DAY_NOT_CLOSED' } });
  await side.run({ kind: 'sale', amountMinor: 1_280, card: 'visa-stripe' });
  expect(unwrap(await side.endDay())).toBeUndefined();
  // Its sale was made the minute before the end.
  const sold = ports.sales.all()[0];
  if (!sold) throw new Error('nothing was sold');
  unwrap(await ports.sales.put({ ...sold, at: world.clock.now() - 300_000 }));
  Object.assign(booted.ports, {
    configuration: ((before) => () => ({ ...before(), businessDayEnd: minuteAgo(world.clock.now()) }))(
      ports.configuration,
    ),
  });
  expect(unwrap(await side.endDay())).toMatchObject({ day: 1, isClosed: true, netMinor: 1_280 });
  expect(ports.sales.day).toBe(2);
  expect(unwrap(await side.endDay())).toBeUndefined();
  expect(unwrap(side.lastTotals())).toMatchObject({ day: 1, netMinor: 1_280 });
  const order = { what: 'last-totals', format: 'text', copy: 'merchant', language: 'ja', columns: 32 } as const;
  expect(Buffer.from(unwrap(await side.print(order)).base64, 'base64').toString()).toMatch(/締め済[\s\S]*¥1,280/);
});

it.each([
  ['04:00', true],
  ['', false],
])('with its end at "%s" a day that holds all that can be kept is closed before it: %s', async (ends, isClosed) => {
  const { side, ports } = await terminal(ends);
  await side.run({ kind: 'sale', amountMinor: 100, card: 'visa-stripe' });
  const [first] = ports.sales.all();
  if (!first) throw new Error('nothing was sold');
  for (let slip = 2; ports.sales.nextSlip().ok; slip++) unwrap(await ports.sales.put({ ...first, slip }));
  const ended = unwrap(await side.endDay());
  expect(ended?.netMinor).toBe(isClosed ? 50_000 : undefined);
  expect((await side.run({ kind: 'sale', amountMinor: 100, card: 'visa-stripe' })).reason).toBe(
    isClosed ? undefined : 'SALE_STORE_FULL',
  );
});
