import type { Result } from '../kit/index.ts';

/** What came back after something was sent: bytes, nothing in time, or bytes that the line spoilt (parity, overrun). */
export type Reception =
  | { readonly type: 'bytes'; readonly bytes: Uint8Array }
  | { readonly type: 'silence' }
  | { readonly type: 'garbled' };

/** Wraps received bytes. */
export const received = (bytes: Uint8Array): Reception => ({ type: 'bytes', bytes });

/** What a transmission protocol can end with. */
export type TransmissionCode = 'TRANSMISSION_BROKEN' | 'READER_CARD_MUTE' | 'PPS_REFUSED' | 'APDU_LENGTH_INVALID';

/**
 * A protocol as a pure dialogue: it yields what is to be sent, is resumed with what came back, and returns the outcome. Who
 * drives it owns the wire and the clock.
 */
export type Dialogue<Send, Outcome> = Generator<Send, Result<Outcome, TransmissionCode>, Reception>;
