import type { Result } from '@tsunagu/protocols/kit';
import type { ReaderCode } from './codes.ts';
import type { StripeReader } from './stripe/port.ts';

export type { ReaderCode };

/** Whether a card is in the slot or field, and whether it is powered. */
export type SlotState = 'absent' | 'present' | 'active';

/** A slot for chip cards, with contacts or without. Calls are made one after another; a second one waits for the first. */
export interface ChipReader {
  readonly kind: 'contact' | 'contactless';
  /** For people and logs. */
  readonly name: string;
  state(): Promise<Result<SlotState, ReaderCode>>;
  /**
   * Powers the card (cold reset when it was active) and returns its ATR; a contactless reader answers with the ATR that
   * PC/SC part 3 builds from the card's ATS.
   */
  powerOn(): Promise<Result<Uint8Array, ReaderCode>>;
  powerOff(): Promise<Result<void, ReaderCode>>;
  /**
   * Sends a command APDU and returns the response APDU, at least two bytes. After a fault the card is no longer active: the
   * next call must be `powerOn`, and it works whenever reader and card are sound.
   */
  transmit(apdu: Uint8Array): Promise<Result<Uint8Array, ReaderCode>>;
  /** Waits until a card is there; READER_CARD_ABSENT when none comes in time. */
  waitForCard(timeoutMs: number): Promise<Result<void, ReaderCode>>;
  close(): Promise<void>;
}

/** Any reader. */
export type Reader = ChipReader | StripeReader;
