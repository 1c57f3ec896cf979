import type { Result } from '@tsunagu/protocols/kit';
import type { ReaderCode } from '../codes.ts';
import type { FelicaTarget } from '../port.ts';

/** A card of type A that was found and selected. */
export interface FoundCard {
  readonly uid: Uint8Array;
  /** SAK: what the card is, when it does not speak ISO/IEC 14443-4. */
  readonly sak: number;
  /** Of the answer to select; absent when the card is a storage card. */
  readonly historicalBytes?: Uint8Array;
}

/**
 * What the chip behind an antenna does for its family. Calls come one after another. `AntennaReader` makes readers of it: a family
 * writes this and nothing else.
 */
export interface Antenna {
  readonly name: string;
  /**
   * Puts the field on anew and selects the one card of type A in it, by RATS where the card takes it. READER_CARD_ABSENT, or
   * READER_SEVERAL_CARDS when more than one answers.
   */
  findTypeA(): Promise<Result<FoundCard, ReaderCode>>;
  /** Sends a command APDU to the selected card, with chaining and waiting times. */
  transmit(apdu: Uint8Array): Promise<Result<Uint8Array, ReaderCode>>;
  /** Whether the selected card still answers. */
  isPresent(): Promise<Result<boolean, ReaderCode>>;
  pollFelica(systemCode: number): Promise<Result<FelicaTarget, ReaderCode>>;
  exchangeFelica(frame: Uint8Array, timeoutMs: number): Promise<Result<Uint8Array, ReaderCode>>;
  /** Puts the field off, whatever state it was in. */
  release(): Promise<Result<void, ReaderCode>>;
  close(): Promise<void>;
}
