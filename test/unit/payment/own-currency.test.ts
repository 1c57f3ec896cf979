import { mayBeForeign } from '@tsunagu/firmware-bridge/payment/own-currency';
import type { Acquirer, AcquirerFault } from '@tsunagu/firmware-bridge/secure/index';
import {
  answerTo,
  conversionElements,
  formatOfferTerms,
  isRateLookUp,
  terminalLink,
} from '@tsunagu/protocols/acquiring';
import type { SaleStep } from '@tsunagu/protocols/fleet';
import type { FieldValue, Message } from '@tsunagu/protocols/iso8583';
import { fail, ok } from '@tsunagu/protocols/kit';
import { afterEach, beforeEach, describe, expect, it, test } from 'vitest';
import { Centre } from './centre.ts';
import { boot, type Booted, type BootOptions } from './terminal.ts';

const terms = { reference: '0123456789AB', markUpBasisPoints: 400, until: 4_000_000_000_000 };
const dollars = { currency: '840', amountMinor: 887, rate: '96933333' };
const offered = { 39: '000', ...conversionElements(dollars), 62: formatOfferTerms(terms) };

type RateAnswer = { readonly said: { readonly [element: number]: FieldValue } } | { readonly lost: AcquirerFault };

let centre: Centre;
let opened: Booted[] = [];
/** What the switch says to a rate look-up. */
let rateAnswer: RateAnswer;
/** Everything that left, in order. */
let left: Message[] = [];
beforeEach(() => {
  centre = new Centre();
  rateAnswer = { said: offered };
  left = [];
});
afterEach(async () => {
  for (const one of opened) await one.side.close();
  opened = [];
  expect(centre.complaints).toEqual([]);
});

const isLookUp = ({ mti, fields }: Message): boolean =>
  mti === '1100' && typeof fields[3] === 'string' && isRateLookUp(fields[3]);

async function terminal(options: Partial<BootOptions> = {}) {
  const acquirer = (isAlive: () => boolean): Acquirer => {
    const line = centre.line(isAlive);
    return {
      async exchange(message, how) {
        left.push(message);
        if (!isLookUp(message)) return await line.exchange(message, how);
        if ('lost' in rateAnswer) return fail(rateAnswer.lost);
        return ok(answerTo(message, '1110', terminalLink.echoElements, rateAnswer.said));
      },
    };
  };
  const booted = await boot({ acquirer, configuration: { dcc: true }, ...options });
  opened.push(booted);
  const sell = async (card = 'visa-stripe', dcc: 'accept' | 'decline' = 'accept') => {
    const steps: SaleStep[] = [];
    const sale = await booted.side.run({ kind: 'sale', amountMinor: 1_280, card, dcc }, (step) => steps.push(step));
    return { sale, steps: steps.filter((step) => step.startsWith('rate-')) };
  };
  return { ...booted, sell };
}

const elementsOf = ({ fields }: Message | undefined = { mti: '', fields: {} }): readonly string[] =>
  Object.keys(fields);
const ownElements = ['6', '10', '51', '62'];

describe('a rate look-up', () => {
  it('names card, amount and the currency that the chip tells, and takes no cryptogram and no PIN along', async () => {
    const { sell } = await terminal();
    // This centre has no answer for the chip, which therefore refuses in the end; the switch's own is in `switch/dcc.test.ts`.
    await sell('visa-usd');
    const [asked, sold] = left;
    expect(asked?.fields).toMatchObject({ 3: '390000', 4: '000000001280', 24: '108', 49: '392', 51: '840' });
    expect(elementsOf(asked).filter((element) => ['35', '52', '55'].includes(element))).toEqual([]);
    expect(sold?.fields).toMatchObject({
      ...conversionElements(dollars, terms.reference),
      4: '000000001280',
      49: '392',
    });
    expect(elementsOf(sold)).toContain('55');
  });

  it('of a stripe, which tells no currency, asks without one and keeps its track for the sale', async () => {
    const { sell } = await terminal();
    expect((await sell('visa-stripe')).sale.ownCurrency).toMatchObject({ amountMinor: 887 });
    expect(elementsOf(left[0]).filter((element) => ['35', '51'].includes(element))).toEqual([]);
    expect(elementsOf(left[1])).toContain('35');
  });

  it.each([
    ['the shop does not do it', { configuration: { dcc: false } }],
    ['the model cannot show two currencies', { model: 'CATS200' }],
  ])('is not made where %s', async (_why, options) => {
    const { sell } = await terminal(options);
    const { sale, steps } = await sell();
    expect([sale.ownCurrency, steps, left.filter(isLookUp)]).toEqual([undefined, ['rate-not-offered'], []]);
  });
});

describe('a sale goes on in yen, and nothing of a currency is in it,', () => {
  it.each<[string, RateAnswer]>([
    ['when the switch offers nothing', { said: { 39: '115' } }],
    ['when no answer comes', { lost: 'ACQUIRER_TIMEOUT' }],
    ['when the look-up cannot leave', { lost: 'ACQUIRER_UNREACHABLE' }],
    ['when the amount that is offered is not at its rate', { said: { ...offered, 6: '000000000886' } }],
    [
      'when yen are offered',
      { said: { ...offered, ...conversionElements({ ...dollars, currency: '392', amountMinor: 9 }) } },
    ],
    ['when the terms are none', { said: { ...offered, 62: 'DC0123' } }],
    ['when a rate is missing', { said: { 39: '000', 6: '000000000887', 51: '840', 62: formatOfferTerms(terms) } }],
  ])('%s', async (_why, answer) => {
    rateAnswer = answer;
    const { sell, drained } = await terminal();
    const { sale, steps } = await sell();
    expect(sale).toMatchObject({ outcome: 'approved', amountMinor: 1_280 });
    expect([sale.ownCurrency, steps]).toEqual([undefined, ['rate-not-offered']]);
    const sold = left.filter(({ mti }) => mti === '1200');
    expect(sold).toHaveLength(1);
    expect(elementsOf(sold[0]).filter((element) => ownElements.includes(element))).toEqual([]);
    await drained();
    expect(centre.netMinor).toBe(1_280);
  });

  it('when its holder declines', async () => {
    const { sell } = await terminal();
    const { sale, steps } = await sell('visa-stripe', 'decline');
    expect([sale.outcome, sale.ownCurrency, steps]).toEqual(['approved', undefined, ['rate-offered', 'rate-chosen']]);
    expect(elementsOf(left[1]).filter((element) => ownElements.includes(element))).toEqual([]);
  });
});

test('a balance is never offered in another currency', async () => {
  const { side } = await terminal();
  await side.run({ kind: 'balance', card: 'visa-usd' });
  expect(left.filter(isLookUp)).toEqual([]);
});

test.each([
  [{ currency: '392', country: '840' }, false],
  [{ currency: '840', country: '392' }, true],
  [{ country: '392' }, false],
  [{ country: '276' }, true],
  [{}, true],
])('a card that tells %j may be of another currency: %s', (home, expected) => {
  expect(mayBeForeign(home)).toBe(expected);
});
