import type { PaymentMethodOffer } from '@tsunagu/protocols/fleet';
import { expect, test } from 'vitest';
import { bonusMonth, methodOf } from '../../../cli/src/commands/payment-methods.ts';
import { nextInstalments, nextMethod, offerFor, within } from '../../../cli/src/views/sale-methods.ts';

test.each([
  [{}, undefined],
  [
    { method: '61', instalments: 3 },
    { code: '61', instalments: 3 },
  ],
  [{ method: '80' }, { code: '80' }],
  [
    { method: '34', instalments: 6, firstMonth: 1, bonus: bonusMonth('12:30000', bonusMonth('7')) },
    {
      code: '34',
      instalments: 6,
      firstMonth: 1,
      bonus: [
        { month: 7, amountMinor: 0 },
        { month: 12, amountMinor: 30_000 },
      ],
    },
  ],
] as const)('%j on the command line is %j', (typed, method) => {
  expect(methodOf(typed)).toEqual({ ok: true, value: method });
});

test.each([
  [{ instalments: 3 }],
  [{ method: '61' }],
  [{ method: '80', instalments: 3 }],
  [{ method: '10', bonus: bonusMonth('7') }],
] as const)('%j is no way to pay', (typed) => {
  expect(methodOf(typed)).toMatchObject({ ok: false, fault: { code: 'PAYMENT_METHOD_INVALID', field: '--method' } });
});

test.each(['0', '13', '7:', 'x', '7:123456789', ''])('"%s" is no bonus month', (typed) => {
  expect(() => bonusMonth(typed)).toThrow('MONTH or MONTH:YEN');
});

const offers: readonly PaymentMethodOffer[] = [
  { scheme: 'jcb', link: 'a', methods: ['10', '21', '61', '80'], instalments: [3, 5], methodMinMinor: 0 },
  { scheme: 'visa', link: 'a', methods: ['10', '31'], instalments: [], methodMinMinor: 0 },
  { scheme: 'unionpay', link: 'b', methods: ['10'], instalments: [], methodMinMinor: 0 },
];

test('the screen offers what the contract of the chosen card has, one after the other', () => {
  const jcb = offerFor('jcb-contact', offers);
  const seen = [{ code: '10' as const }];
  for (let press = 0; press < 4; press += 1) seen.push(nextMethod(jcb, seen.at(-1) ?? { code: '10' }) as never);
  expect(seen).toEqual([
    { code: '10' },
    { code: '21' },
    { code: '61', instalments: 3 },
    { code: '80' },
    { code: '10' },
  ]);
  const three = { code: '61', instalments: 3 } as const;
  expect(nextInstalments(jcb, three)).toEqual({ code: '61', instalments: 5 });
  expect(nextInstalments(jcb, { code: '61', instalments: 5 })).toEqual(three);
  expect(nextInstalments(jcb, { code: '80' })).toEqual({ code: '80' });
  // Another card was chosen meanwhile, whose contract does not have it.
  expect(within(offerFor('unionpay-contact', offers), three)).toEqual({ code: '10' });
  // Instalments without a number of them are none.
  expect(nextMethod(offerFor('visa-contact', offers), { code: '10' })).toEqual({ code: '10' });
  // No scheme, or none that a contract is of: at once.
  for (const card of ['gift-card', 'transit', 'mastercard-contact'])
    expect(offerFor(card, offers)).toEqual({ methods: ['10'], instalments: [] });
  // Whose a real card is shows when it is read.
  expect(offerFor('reader', offers)).toEqual({ methods: ['10', '21', '31', '61', '80'], instalments: [3, 5] });
});
