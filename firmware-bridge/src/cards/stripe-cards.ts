import { Secret } from '@tsunagu/protocols/kit';
import {
  isStripeAccountName,
  type StripeAccountName,
  stripeAccount,
  type TestCard,
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

/** The stripe of a card that has a chip as well, drawn although the chip would do: its service code tells of the chip. */
export const chipStripes = { 'visa-chip-stripe': 'visa-contact' } as const satisfies Record<string, TestCardName>;

const creditStripes = { ...stripeCards, ...chipStripes } as const;
type CreditStripeName = keyof typeof creditStripes;

/** The name of a stripe: one of `stripeCards` or `chipStripes`, a gift card or a cash card. */
export type StripeCardName = CreditStripeName | StripeAccountName;

type StripeFacts = Pick<TestCard, 'pan' | 'expiry' | 'serviceCode' | 'discretionary'>;

const isCreditStripe = (name: string): name is CreditStripeName => Object.hasOwn(creditStripes, name);

export const isStripeCardName = (name: string): name is StripeCardName =>
  isCreditStripe(name) || isStripeAccountName(name);

/** International, normal authorisation, no restrictions, no chip. ISO/IEC 7813:2006, table 2. */
const internationalCode = '101';

/** Track 2 of such a card, without sentinels, `=` as separator, ASCII. */
export function trackOf(name: StripeCardName): Secret<'pan'> {
  if (!isCreditStripe(name)) return trackOfAccount(stripeAccount(name));
  const card = testCard(creditStripes[name]);
  return trackOfAccount(Object.hasOwn(chipStripes, name) ? card : { ...card, serviceCode: internationalCode });
}

/** The PIN that the holder of such a card knows. */
export const pinOf = (name: StripeCardName): Secret<'pin'> =>
  isCreditStripe(name) ? testCard(creditStripes[name]).pin : stripeAccount(name).pin;

/** Track 2 of an account: that of a chip card is on its stripe, with the chip's service code. */
export const trackOfAccount = ({ pan, expiry, serviceCode, discretionary }: StripeFacts): Secret<'pan'> =>
  pan.use((digits) =>
    discretionary.use((rest) =>
      Secret.take(
        'pan',
        Uint8Array.of(...digits, ...Buffer.from(`=${expiry.slice(0, 4)}${serviceCode}`, 'latin1'), ...rest),
      ),
    ),
  );
