import { Secret } from '@tsunagu/protocols/kit';
import {
  isStripeAccountName,
  type StripeAccountName,
  stripeAccount,
  type TestCardName,
  testCard,
} from '@tsunagu/protocols/test-cards';

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

type CreditStripeName = keyof typeof stripeCards;

/** The name of a card with a stripe alone: one of `stripeCards`, a gift card or a cash card. */
export type StripeCardName = CreditStripeName | StripeAccountName;

const isCreditStripe = (name: string): name is CreditStripeName => Object.hasOwn(stripeCards, name);

export const isStripeCardName = (name: string): name is StripeCardName =>
  isCreditStripe(name) || isStripeAccountName(name);

/** International, normal authorisation, no restrictions, no chip. ISO/IEC 7813:2006, table 2. */
const internationalCode = '101';

/** Track 2 of such a card, without sentinels, `=` as separator, ASCII. */
export function trackOf(name: StripeCardName): Secret<'pan'> {
  const account = isCreditStripe(name)
    ? { ...testCard(stripeCards[name]), serviceCode: internationalCode }
    : stripeAccount(name);
  const { pan, expiry, serviceCode, discretionary } = account;
  return pan.use((digits) =>
    discretionary.use((rest) =>
      Secret.take(
        'pan',
        Uint8Array.of(...digits, ...Buffer.from(`=${expiry.slice(0, 4)}${serviceCode}`, 'latin1'), ...rest),
      ),
    ),
  );
}
