/** What a terminal does with money. */
export const paymentKinds = ['sale', 'void', 'refund', 'preauth', 'complete', 'balance', 'charge', 'history'] as const;
