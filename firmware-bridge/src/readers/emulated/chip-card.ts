/** A chip card as a slot sees it. */
export interface ChipCard {
  /** Historical bytes: with contacts they end the ATR, without they come from the answer to select (ATS). At most 15. */
  readonly historicalBytes: Uint8Array;
  /** How often it asks for more time before each answer; a card at ease never does. */
  readonly extensions?: number;
  /** Power comes on or a reset is given: everything of the transaction is forgotten. */
  reset(): void;
  /** The response APDU to a command APDU; undefined when the card stays mute. */
  transmit(apdu: Uint8Array): Uint8Array | undefined;
}
