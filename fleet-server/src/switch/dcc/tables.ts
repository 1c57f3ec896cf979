import type { Generated } from 'kysely';

/** Tables of amounts in cardholders' own currencies. */
export interface SwitchDccTables {
  /** What was offered, by the keys of the look-up. A row is on disk before its offer is told, and goes when nobody can use it any more. */
  readonly switch_offers: {
    seq: Generated<number>;
    reference: string;
    serial: string;
    /** DE11 and DE12 of the look-up, and the keyed tag of what it said. */
    stan: string;
    local_time: string;
    body_tag: string;
    at: number;
    /** Until when it may be used. */
    until: number;
    pan_token: string;
    /** Of the sale, minor units (DE4). */
    amount_minor: number;
    /** DE6, DE51, DE10. */
    own_minor: number;
    own_currency: string;
    rate: string;
    mark_up: number;
    /** Version of the rates by which it was made. */
    rates_version: number;
    /** The answer as ISO 8583 bytes. */
    answer: Uint8Array;
  };
  /** What a sale or refund is in the cardholder's currency. Rows are never changed; a sale uses up its offer. */
  readonly switch_conversions: {
    sale_id: string;
    /** Of a sale: its offer, which no other sale has. */
    offer: string | null;
    own_minor: number;
    own_currency: string;
    rate: string;
    mark_up: number;
    rates_version: number;
  };
}
