/** What a terminal does with money. */
export const paymentKinds = ['sale', 'void', 'refund', 'preauth', 'complete', 'balance', 'charge', 'history'] as const;

/** Whether it only asks: it has no amount, and nothing that could be followed up or taken back. */
export const isInquiry = (kind: string | undefined): kind is 'balance' | 'history' =>
  kind === 'balance' || kind === 'history';
