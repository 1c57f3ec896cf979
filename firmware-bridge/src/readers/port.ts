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
   * PC/SC part 3 builds from the card's ATS. READER_SEVERAL_CARDS when it cannot tell which card is meant.
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
  /** The reader's own keys for PINs, where it has them. */
  readonly pinPad?: PinPad;
  /** The same antenna as a reader of FeliCa cards, where it is one. */
  readonly felica?: FelicaReader;
  /** Sends a vendor's command to the reader itself, where its driver knows how. */
  escape?(data: Uint8Array): Promise<Result<Uint8Array, ReaderCode>>;
  close(): Promise<void>;
}

/** How a PIN stands in the command: EMV's plaintext offline PIN block (ISO 9564-1 format 2), or ASCII digits. */
export type PinFormat = 'iso9564-2' | 'ascii';

/** A PIN to be entered on the reader. */
export interface PinEntry {
  /**
   * The command APDU with a PIN block that the reader fills in: `00200080 08 20FFFFFFFFFFFFFF` for EMV's VERIFY. A
   * modification holds two blocks, the old PIN and the new one.
   */
  readonly apdu: Uint8Array;
  readonly format: PinFormat;
  readonly digitsMin: number;
  readonly digitsMax: number;
  readonly timeoutSeconds: number;
  /** Language of the reader's display. */
  readonly language: 'ja' | 'en';
}

/**
 * Keys on the reader: the PIN goes from there to the card and never leaves it. The answer is the card's status word, or
 * PIN_PAD_CANCELLED, PIN_PAD_TIMEOUT, PIN_PAD_MISMATCH, PIN_PAD_LENGTH; after those the card is still active.
 */
export interface PinPad {
  verifyPin(entry: PinEntry): Promise<Result<Uint8Array, ReaderCode>>;
  /** The new PIN is asked for twice. */
  modifyPin(entry: PinEntry): Promise<Result<Uint8Array, ReaderCode>>;
}

/** A FeliCa card that answered a poll. */
export interface FelicaTarget {
  /** Manufacture id, 8 bytes: an identity of the card, not for logs. */
  readonly idm: Uint8Array;
  /** Manufacture parameters, 8 bytes: how long its commands take. */
  readonly pmm: Uint8Array;
}

/** An antenna for FeliCa cards (JIS X 6319-4). Calls are made one after another with those of the chip face. */
export interface FelicaReader {
  readonly name: string;
  /**
   * Looks once for a card of this system (FFFF any). READER_CARD_ABSENT when none answers, READER_SEVERAL_CARDS when more
   * than one does.
   */
  poll(systemCode: number): Promise<Result<FelicaTarget, ReaderCode>>;
  /**
   * Sends a command frame and returns the response frame, both with their length byte first. READER_CARD_MUTE when nothing
   * comes in time: FeliCa has no retransmission below this, so the caller decides whether the command may be repeated.
   */
  exchange(frame: Uint8Array, timeoutMs?: number): Promise<Result<Uint8Array, ReaderCode>>;
}

/** The readers of one terminal, wherever they come from; each is opened when it is first needed, and again after it was away. */
export interface Readers {
  /** The reader for chip cards of this kind. */
  chip(kind: 'contact' | 'contactless'): Promise<Result<ChipReader, ReaderCode>>;
  /** The head for stripes. */
  stripe(): Promise<Result<StripeReader, ReaderCode>>;
  /** The antenna for FeliCa cards. */
  felica(): Promise<Result<FelicaReader, ReaderCode>>;
  close(): Promise<void>;
}

/** Any reader. */
export type Reader = ChipReader | StripeReader;
