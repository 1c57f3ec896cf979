import { type CommandApdu, nextAfter, type ResponseApdu } from '@tsunagu/protocols/apdu';
import type { Scheme } from '@tsunagu/protocols/emv';
import type { SaleStep } from '@tsunagu/protocols/fleet';
import type { Secret } from '@tsunagu/protocols/kit';
import type { NegativeAnswer } from '@tsunagu/protocols/negative';

/** How the cardholder was verified. */
export type Verification = 'none' | 'signature' | 'pin';

/** What is known of the card, for the request and the slip. */
export interface CardFacts {
  readonly scheme: Scheme | undefined;
  readonly pan: Secret<'pan'>;
  /** YYMM; undefined when the card did not tell. */
  readonly expiry: string | undefined;
  /** PAN sequence number (5F34). */
  readonly sequence: number | undefined;
}

/** What the issuer has to be asked. */
export interface OnlineRequest {
  readonly card: CardFacts;
  readonly verification: Verification;
  /** Data objects for DE55. */
  readonly emv: Uint8Array;
}

/** What became of it. */
export type OnlineResult =
  | {
      readonly type: 'answered';
      readonly isApproved: boolean;
      /** The issuer's objects in DE55 of the answer: 8A, 91, 71, 72; empty when there were none. */
      readonly emv: Uint8Array;
    }
  /** Nothing came that could be used: unreachable, too late, or unreadable. */
  | { readonly type: 'unable' };

/** What a transaction asks of the world around it. */
export type KernelAction =
  | { readonly type: 'transmit'; readonly command: CommandApdu }
  | { readonly type: 'askNegative'; readonly card: CardFacts }
  | { readonly type: 'goOnline'; readonly request: OnlineRequest }
  /** Something a person may see. `detail` holds no account data. */
  | { readonly type: 'report'; readonly step: SaleStep; readonly detail: string };

/** What the world answers: each action has its own event. */
export type KernelEvent =
  | { readonly type: 'response'; readonly response: ResponseApdu }
  | { readonly type: 'negative'; readonly answer: NegativeAnswer }
  | { readonly type: 'online'; readonly result: OnlineResult }
  | { readonly type: 'noted' };

/**
 * A transaction as a pure program: it yields one action, is given its event, and decides what follows. Nothing else goes in
 * or out, so that the same events always lead to the same actions, and a recorded transaction can be replayed.
 */
export type Dialogue<T> = Generator<KernelAction, T, KernelEvent>;

const outOfStep = (asked: string, given: string): Error =>
  new Error(`the kernel asked for ${asked} and was given ${given}`);

/** GET RESPONSE and a corrected Le, where a reader leaves them to us: at most so often for one command. */
const followUpsMax = 8;

/** Sends a command and follows 61xx and 6Cxx to the end. EMV 4.3 Book 1, 9.3.1. */
export function* transmit(command: CommandApdu): Dialogue<ResponseApdu> {
  let sent = command;
  for (let followUps = 0; ; followUps++) {
    const event = yield { type: 'transmit', command: sent };
    if (event.type !== 'response') throw outOfStep('a response', event.type);
    const next = followUps < followUpsMax ? nextAfter(sent, event.response) : undefined;
    if (next === undefined) return event.response;
    sent = next;
  }
}

/** Looks the card up in the terminal's negative file. */
export function* askNegative(card: CardFacts): Dialogue<NegativeAnswer> {
  const event = yield { type: 'askNegative', card };
  if (event.type !== 'negative') throw outOfStep('the negative file', event.type);
  return event.answer;
}

/** Asks the issuer. */
export function* goOnline(request: OnlineRequest): Dialogue<OnlineResult> {
  const event = yield { type: 'goOnline', request };
  if (event.type !== 'online') throw outOfStep('the issuer', event.type);
  return event.result;
}

/** Tells a person how far it is. */
export function* report(step: SaleStep, detail: string): Dialogue<void> {
  yield { type: 'report', step, detail };
}
