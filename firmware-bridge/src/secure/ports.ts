import type { Message } from '@tsunagu/protocols/iso8583';
import type { Result, Secret } from '@tsunagu/protocols/kit';
import type { NegativeAnswer } from '@tsunagu/protocols/negative';

/** A message to or from the switch, as the `iso8583` room takes and gives it: card data and PIN blocks are secrets. */
export type AcquirerMessage = Message;

/** Why an exchange with the switch gave no usable answer. */
export type AcquirerFault =
  /** Certainly no byte of the request left the terminal: nothing has to be undone. */
  | 'ACQUIRER_UNREACHABLE'
  /** What was to be sent cannot be written as a message: nothing has left, and nothing ever will. */
  | 'REQUEST_UNWRITABLE'
  /** The switch does not let this terminal in, and read nothing of it: nothing has to be undone, and nothing gets through until people let it in again. */
  | 'ACQUIRER_REFUSES_TERMINAL'
  /** The request may have left and no answer came in time. */
  | 'ACQUIRER_TIMEOUT'
  /** Something came that is not an authentic, readable answer to this request, or the switch refused the frame. */
  | 'ACQUIRER_ANSWER_UNUSABLE';

/**
 * The way to the switch (W3): encrypts, sends, waits, checks and decrypts. It never tries twice by itself, since a second
 * 1200 would be a second sale; a late answer to an earlier request is dropped, never given to a later one.
 */
export interface Acquirer {
  /** @returns the decoded answer; matching it with the request (MTI, STAN, terminal) is the caller's work. */
  exchange(
    message: AcquirerMessage,
    options: {
      readonly timeoutMs: number;
      /** The PIN for the issuer, and the card it belongs to: enciphered under the key of this very message (DE52). */
      readonly pin?: { readonly pin: Secret<'pin'>; readonly pan: Secret<'pan'> } | undefined;
    },
  ): Promise<Result<AcquirerMessage, AcquirerFault>>;
}

/** The terminal's negative list. Asked in memory, so that it answers at once. */
export interface NegativeFile {
  check(pan: Secret<'pan'>): NegativeAnswer;
}
