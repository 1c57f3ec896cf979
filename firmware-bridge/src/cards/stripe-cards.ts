import { Secret } from '@tsunagu/protocols/kit';
import { type TestCardName, testCard } from '@tsunagu/protocols/test-cards';

/** A plastic card with a stripe and no chip: an account of the test cards, with a service code that says so. */
export const stripeCards = {
  'visa-stripe': 'visa-contact',
  'visa-declined-stripe': 'visa-declined',
  'visa-silent-stripe': 'visa-silent',
  'visa-listed-stripe': 'visa-listed',
  'mastercard-stripe': 'mastercard-contact',
  'jcb-stripe': 'jcb-contact',
  'amex-stripe': 'amex-contact',
} as const satisfies Record<string, TestCardName>;

/** The name of a card in `stripeCards`. */
export type StripeCardName = keyof typeof stripeCards;

export const isStripeCardName = (name: string): name is StripeCardName => Object.hasOwn(stripeCards, name);

/** International, normal authorisation, no restrictions, no chip. ISO/IEC 7813:2006, table 2. */
const serviceCode = '101';

/** Track 2 of such a card, without sentinels, `=` as separator, ASCII. */
export function trackOf(name: StripeCardName): Secret<'pan'> {
  const { pan, expiry, discretionary } = testCard(stripeCards[name]);
  return pan.use((digits) =>
    discretionary.use((rest) =>
      Secret.take(
        'pan',
        Uint8Array.of(...digits, ...Buffer.from(`=${expiry.slice(0, 4)}${serviceCode}`, 'latin1'), ...rest),
      ),
    ),
  );
}
