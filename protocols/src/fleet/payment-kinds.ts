/** What a terminal does with money. */
export const paymentKinds = [
  'sale',
  'void',
  'refund',
  'preauth',
  'complete',
  'balance',
  'charge',
  'issue',
  'history',
] as const;

/** Whether it only asks: it has no amount, and nothing that could be followed up or taken back. */
export const isInquiry = (kind: string | undefined): kind is 'balance' | 'history' =>
  kind === 'balance' || kind === 'history';

/**
 * Which way a kind of payment moves what a shop is owed: a sale adds to it, a refund takes from it, and so does what goes onto a card, since the shop has
 * the cash already. 0 where nothing moves, or where it only takes another one back.
 */
export const signOf = (kind: (typeof paymentKinds)[number]): 1 | -1 | 0 => signs[kind];

const signs = {
  sale: 1,
  complete: 1,
  refund: -1,
  charge: -1,
  issue: -1,
  void: 0,
  preauth: 0,
  balance: 0,
  history: 0,
} as const satisfies Record<(typeof paymentKinds)[number], 1 | -1 | 0>;

/** Whether money goes onto a card: it buys nothing yet, and the shop has the cash already. */
export const isTopUp = (kind: string): kind is 'charge' | 'issue' => kind === 'charge' || kind === 'issue';
