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

/** Whether money goes onto a card: it buys nothing yet, and the shop has the cash already. */
export const isTopUp = (kind: string): kind is 'charge' | 'issue' => kind === 'charge' || kind === 'issue';
