import { isDivided } from '@tsunagu/protocols/acquiring';
import { type PaymentMethodOffer, realCard, realStripe, type SaleMethod } from '@tsunagu/protocols/fleet';
import { schemeOfCardName } from '@tsunagu/protocols/test-cards';

/** How a card may be paid with, as the dialog offers it. */
export type Offer = Pick<PaymentMethodOffer, 'methods' | 'instalments'>;

const atOnce: Offer = { methods: ['10'], instalments: [] };

/** What is offered for a card: by its scheme's contract. Whose a real card is shows when it is read: all that any contract has is offered for it. */
export function offerFor(card: string, offers: readonly PaymentMethodOffer[]): Offer {
  const scheme = schemeOfCardName(card);
  if (card !== realCard && card !== realStripe) return offers.find((each) => each.scheme === scheme) ?? atOnce;
  const all = (numbers: readonly (readonly number[])[]): number[] => [...new Set(numbers.flat())].sort((a, b) => a - b);
  return {
    methods: [...new Set(['10' as const, ...offers.flatMap(({ methods }) => methods)])].sort(),
    instalments: all(offers.map(({ instalments }) => instalments)),
  };
}

/** The method that was chosen, where the card's contract has it; else at once. */
export const within = ({ methods }: Offer, method: SaleMethod): SaleMethod =>
  methods.includes(method.code) ? method : { code: '10' };

/** The next method that is offered, the first after the last. */
export function nextMethod({ methods, instalments }: Offer, { code }: SaleMethod): SaleMethod {
  // What is paid in instalments is not offered where no number of them is agreed.
  const offered = methods.filter((each) => !isDivided(each) || instalments.length > 0);
  const next = offered[(offered.indexOf(code) + 1) % offered.length] ?? '10';
  return isDivided(next) ? { code: next, instalments: instalments[0] } : { code: next };
}

/** The next number of instalments that is offered. */
export function nextInstalments({ instalments }: Offer, method: SaleMethod): SaleMethod {
  if (!isDivided(method.code)) return method;
  const at = method.instalments === undefined ? -1 : instalments.indexOf(method.instalments);
  return { ...method, instalments: instalments[(at + 1) % instalments.length] };
}
