import type { Acquirer } from '@tsunagu/firmware-bridge/secure/index';
import type { Configuration, PaymentOrder } from '@tsunagu/protocols/fleet';
import type { Message } from '@tsunagu/protocols/iso8583';
import type { Secret } from '@tsunagu/protocols/kit';
import { afterEach, expect, it } from 'vitest';
import { Centre, type LineMood } from './centre.ts';
import { boot, type Booted } from './terminal.ts';

let opened: Booted[] = [];
afterEach(async () => {
  for (const one of opened) await one.side.close();
  opened = [];
});

/** What the line was given: MTI, and the PIN while it was there. */
async function terminal(mood: (mti: string) => LineMood = () => 'whole', settings: Partial<Configuration> = {}) {
  const centre = new Centre();
  centre.mood = ({ mti }) => mood(mti);
  const given: string[] = [];
  const asked: Message[] = [];
  const pins: Secret<'pin'>[] = [];
  const booted = await boot({
    configuration: settings,
    acquirer: (isAlive): Acquirer => {
      const line = centre.line(isAlive);
      return {
        exchange(message, options) {
          asked.push(message);
          if (options.pin) pins.push(options.pin.pin);
          given.push(
            `${message.mti} ${options.pin?.pin.use((digits) => Buffer.from(digits).toString('latin1')) ?? '-'}`,
          );
          return line.exchange(message, options);
        },
      };
    },
  });
  opened.push(booted);
  return { ...booted, asked, given, pins };
}

const textOf = (pin: Secret<'pin'>) => pin.use((digits) => Buffer.from(digits).toString('hex'));

it.each([
  [{ kind: 'sale', amountMinor: 1_280, card: 'visa-contact' }, '1200 1234'],
  [{ kind: 'sale', amountMinor: 1_280, card: 'visa-contact', pin: 'wrong' }, '1200 1235'],
  [{ kind: 'preauth', amountMinor: 1_280, card: 'visa-cda' }, '1100 1234'],
  [{ kind: 'balance', card: 'visa-dda' }, '1100 1234'],
  [{ kind: 'sale', amountMinor: 20_000, card: 'mastercard-contactless' }, '1200 1234'],
  // The card itself has judged it.
  [{ kind: 'sale', amountMinor: 1_280, card: 'jcb-contact' }, '1200 -'],
  [{ kind: 'sale', amountMinor: 1_280, card: 'visa-stripe' }, '1200 -'],
  // The service code of a cash card prompts for a PIN (726); that of a gift card does not (721). ISO/IEC 7813:2006, table 2.
  [{ kind: 'sale', amountMinor: 1_280, card: 'cash-card' }, '1200 1234'],
  [{ kind: 'sale', amountMinor: 1_280, card: 'cash-card', pin: 'wrong' }, '1200 1235'],
  [{ kind: 'balance', card: 'cash-card' }, '1100 1234'],
  [{ kind: 'sale', amountMinor: 1_280, card: 'gift-card' }, '1200 -'],
] as const satisfies readonly (readonly [PaymentOrder, string])[])(
  'gives the line the PIN of the request, and of no other message: %j',
  async (order, expected) => {
    const { side, given, pins, drained, ports } = await terminal();
    const made = await side.run(order);
    await drained();
    expect(given[0]).toBe(expected);
    expect(given.slice(1).every((line) => line.startsWith('14') && line.endsWith(' -'))).toBe(true);
    // Nothing is left of it when the payment has ended.
    for (const pin of pins) expect(textOf(pin)).toBe('00000000');
    const kept = await ports.sales.read(made.slip ?? 0);
    expect(kept).toMatchObject({ value: { posDataCode: expect.stringMatching(/^.{7}[0-9]/) } });
    if (expected.endsWith('1234')) expect(kept).toMatchObject({ value: { verification: 'onlinePin' } });
  },
);

it.each([
  ['cancel', 'CARDHOLDER_CANCELLED'],
  ['bypass', 'CARDHOLDER_CANCELLED'],
  ['timeout', 'PIN_TIMEOUT'],
] as const)('sends nothing for a cash card whose holder does this at the PIN pad: %s', async (pin, reason) => {
  const { side, given } = await terminal();
  expect(await side.run({ kind: 'sale', amountMinor: 1_280, card: 'cash-card', pin })).toMatchObject({
    outcome: 'refused',
    reason,
  });
  expect(given).toEqual([]);
});

it('leaves no PIN behind when the answer is lost', async () => {
  const { side, given, pins, drained } = await terminal((mti) => (mti === '1200' ? 'answerLost' : 'whole'));
  expect(await side.run({ kind: 'sale', amountMinor: 500, card: 'visa-contact' })).toMatchObject({
    outcome: 'reversed',
  });
  await drained();
  expect(given[0]).toBe('1200 1234');
  expect(given.slice(1).every((line) => line.endsWith(' -'))).toBe(true);
  expect(pins.map(textOf)).toEqual(['00000000']);
});

it('takes six digits and a signature of a UnionPay card, says both, and owes the signature', async () => {
  const { side, given, asked, ports } = await terminal();
  const made = await side.run({ kind: 'sale', amountMinor: 1_280, card: 'unionpay-contact' });
  expect(given[0]).toBe('1200 482915');
  // DE22 has room for the PIN alone; DE63 has both.
  expect(asked[0]?.fields).toMatchObject({ 22: expect.stringMatching(/^.{7}13/), 63: 'CV15' });
  const kept = await ports.sales.read(made.slip ?? 0);
  expect(kept).toMatchObject({ value: { verification: 'onlinePinAndSignature' } });
});

it.each([
  ['short', 'PIN_TOO_SHORT'],
  ['bypass', 'CARDHOLDER_CANCELLED'],
] as const)(
  'sends nothing of a UnionPay card whose holder does this at the PIN pad, whatever the terminal lets be: %s',
  async (pin, reason) => {
    const { side, given } = await terminal(undefined, { pinBypass: true });
    const order = { kind: 'sale', amountMinor: 1_280, pin } as const;
    expect(await side.run({ ...order, card: 'unionpay-contact' })).toMatchObject({ outcome: 'failed', reason });
    expect(given).toEqual([]);
    // A Visa card may go without there.
    if (pin === 'bypass') {
      await side.run({ ...order, card: 'visa-contact' });
      expect(given[0]).toBe('1200 -');
    }
  },
);
