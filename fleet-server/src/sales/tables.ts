/** Tables of the sales that the switch never saw. */
export interface SalesTables {
  /** Sales that a terminal ended by itself: refused by its negative file, broken off, declined by the card. */
  readonly terminal_sales: {
    /** The id of the message that told of it: the same message twice is one sale. */
    id: string;
    serial: string;
    at: number;
    outcome: 'approved' | 'declined' | 'refused' | 'reversed' | 'failed';
    amount_minor: number;
    currency: string;
    scheme: string;
    entry: string;
    last_four: string;
    reason: string | null;
    duration_ms: number;
  };
}
