import { type CommandApdu, nextAfter, type ResponseApdu } from '@tsunagu/protocols/apdu';
import type { Scheme } from '@tsunagu/protocols/emv';
import type { SaleStep } from '@tsunagu/protocols/fleet';
import type { Secret } from '@tsunagu/protocols/kit';
import type { NegativeAnswer } from '@tsunagu/protocols/negative';
import type { TraceNote } from './trace-note.ts';

/**
 * How the cardholder was verified. `offlinePinAndSignature` still owes the signature; `onlinePin` is for the issuer to judge;
 * `onDevice` was done on the cardholder's own device (CDCVM).
 */
export type Verification = 'none' | 'signature' | 'offlinePin' | 'offlinePinAndSignature' | 'onlinePin' | 'onDevice';

/** What is known of the card, for the request and the slip. */
export interface CardFacts {
  readonly scheme: Scheme | undefined;
  readonly pan: Secret<'pan'>;
  /** YYMM; undefined when the card did not tell. */
  readonly expiry: string | undefined;
  /** PAN sequence number (5F34). */
  readonly sequence: number | undefined;
  /** Where it is at home, ISO 4217 and 3166-1 numeric codes: its currency (9F42) and its issuer's country (5F28), as far as it tells. */
  readonly home: CardHome;
}

/** Currency and country of a card. */
export interface CardHome {
  readonly currency?: string | undefined;
  readonly country?: string | undefined;
}

/** What the issuer has to be asked. */
export interface OnlineRequest {
  readonly card: CardFacts;
  readonly verification: Verification;
  /** The PIN for the issuer, when it was entered here and not inside a PIN pad; whoever takes it wipes it. */
  readonly pin?: Secret<'pin'>;
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

/** Who judges the PIN, and how it travels to the card. EMV 4.3 Book 3, 10.5. */
export type PinKind = 'offlinePlain' | 'offlineEnciphered' | 'online';

/** A PIN is wanted. */
export interface PinQuestion {
  readonly kind: PinKind;
  /** What the card said of its tries (9F17, 63Cx); undefined when it did not, and for the issuer. */
  readonly triesLeft: number | undefined;
  /** The one before was wrong: say so. */
  readonly isAgain: boolean;
  /** The one before had too few digits: say so. */
  readonly isShort?: true;
  /** The fewest digits that it has. */
  readonly digitsLeast: number;
  /** Whether the cardholder or the merchant may go on without a PIN. */
  readonly mayBypass: boolean;
  /** For the prompt: ISO 639-1. */
  readonly language: string | undefined;
  /** Minor units, for the prompt. */
  readonly amountMinor: number;
}

/** What came of asking for a PIN. */
export type PinAnswer =
  /** ASCII digits, 4 to 12. The kernel takes it over and wipes it, but for an online PIN, which it passes on. */
  | { readonly type: 'entered'; readonly pin: Secret<'pin'> }
  /** A PIN pad that keeps the PIN to itself: for the issuer the PIN block will come from there. */
  | { readonly type: 'enteredInPad' }
  /** A PIN pad of the reader sent VERIFY to the card by itself; this is the card's status word. Plain PINs only. */
  | { readonly type: 'verifiedByPad'; readonly sw: number }
  | { readonly type: 'bypassed' }
  /** The cardholder wants no sale any more. */
  | { readonly type: 'cancelled' }
  | { readonly type: 'timeout' }
  /** What was entered had too few digits, again and again. Neither card nor issuer saw it, so it cost no try. */
  | { readonly type: 'tooShort' }
  /** The PIN pad is absent or does not work. */
  | { readonly type: 'noPad' };

/** What a transaction asks of the world around it. */
export type KernelAction =
  | { readonly type: 'transmit'; readonly command: CommandApdu }
  | { readonly type: 'askNegative'; readonly card: CardFacts }
  /** What this card has bought here offline before: split sales stay under no floor limit. EMV 4.3 Book 3, 10.6.1. */
  | { readonly type: 'askLog'; readonly card: CardFacts }
  | { readonly type: 'goOnline'; readonly request: OnlineRequest }
  | { readonly type: 'askPin'; readonly question: PinQuestion }
  /** The cardholder chooses from what card and terminal share, in order of the card's priority. EMV 4.3 Book 1, 12.4. */
  | { readonly type: 'chooseApplication'; readonly labels: readonly string[] }
  /** The card wants the cardholder's consent to this one application. */
  | { readonly type: 'confirmApplication'; readonly label: string }
  /** Unpredictable bytes: for a PIN's padding, a new unpredictable number, and the choice by lot. */
  | { readonly type: 'drawRandom'; readonly lengthBytes: number }
  /** The card is wanted again (contactless): it was taken away, and comes back. */
  | { readonly type: 'presentAgain'; readonly why: 'tryAgain' | 'seePhone' }
  /** Something a person may see. `detail` holds no account data. */
  | { readonly type: 'report'; readonly step: SaleStep; readonly detail: string }
  /** Something for the trace. */
  | { readonly type: 'note'; readonly note: TraceNote };

/** What the world answers: each action has its own event. */
export type KernelEvent =
  | { readonly type: 'response'; readonly response: ResponseApdu; readonly tookMs?: number }
  | { readonly type: 'negative'; readonly answer: NegativeAnswer }
  | { readonly type: 'log'; readonly amountMinor: number }
  | { readonly type: 'online'; readonly result: OnlineResult }
  | { readonly type: 'pin'; readonly answer: PinAnswer }
  /** The place in `labels`; undefined when nothing was chosen. */
  | { readonly type: 'chosen'; readonly index: number | undefined }
  | { readonly type: 'confirmed'; readonly isConfirmed: boolean }
  | { readonly type: 'random'; readonly bytes: Uint8Array }
  | { readonly type: 'presented'; readonly isThere: boolean }
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
  return (yield* transmitTimed(command)).response;
}

/** The same, and how long the first exchange took, where somebody has measured it. */
export function* transmitTimed(
  command: CommandApdu,
): Dialogue<{ readonly response: ResponseApdu; readonly tookMs: number | undefined }> {
  let sent = command;
  let tookMs: number | undefined;
  for (let followUps = 0; ; followUps++) {
    const event = yield { type: 'transmit', command: sent };
    if (event.type !== 'response') throw outOfStep('a response', event.type);
    if (followUps === 0) tookMs = event.tookMs;
    const next = followUps < followUpsMax ? nextAfter(sent, event.response) : undefined;
    if (next === undefined) return { response: event.response, tookMs };
    sent = next;
  }
}

/** Looks the card up in the terminal's negative file. */
export function* askNegative(card: CardFacts): Dialogue<NegativeAnswer> {
  const event = yield { type: 'askNegative', card };
  if (event.type !== 'negative') throw outOfStep('the negative file', event.type);
  return event.answer;
}

/** What this card has bought here offline before, minor units. */
export function* askLog(card: CardFacts): Dialogue<number> {
  const event = yield { type: 'askLog', card };
  if (event.type !== 'log') throw outOfStep('the log', event.type);
  return event.amountMinor;
}

/** Asks the issuer. */
export function* goOnline(request: OnlineRequest): Dialogue<OnlineResult> {
  const event = yield { type: 'goOnline', request };
  if (event.type !== 'online') throw outOfStep('the issuer', event.type);
  return event.result;
}

/** Asks for a PIN. */
export function* askPin(question: PinQuestion): Dialogue<PinAnswer> {
  const event = yield { type: 'askPin', question };
  if (event.type !== 'pin') throw outOfStep('a PIN', event.type);
  return event.answer;
}

/** Lets the cardholder choose; undefined when that did not happen. */
export function* chooseApplication(labels: readonly string[]): Dialogue<number | undefined> {
  const event = yield { type: 'chooseApplication', labels };
  if (event.type !== 'chosen') throw outOfStep('a choice', event.type);
  return event.index !== undefined && event.index >= 0 && event.index < labels.length ? event.index : undefined;
}

/** Lets the cardholder confirm. */
export function* confirmApplication(label: string): Dialogue<boolean> {
  const event = yield { type: 'confirmApplication', label };
  if (event.type !== 'confirmed') throw outOfStep('a confirmation', event.type);
  return event.isConfirmed;
}

/** Unpredictable bytes. */
export function* drawRandom(lengthBytes: number): Dialogue<Uint8Array> {
  const event = yield { type: 'drawRandom', lengthBytes };
  if (event.type !== 'random' || event.bytes.length !== lengthBytes)
    throw outOfStep(`${lengthBytes} random bytes`, event.type);
  return event.bytes;
}

/** Waits for the card to come back; false when it does not. */
export function* presentAgain(why: 'tryAgain' | 'seePhone'): Dialogue<boolean> {
  const event = yield { type: 'presentAgain', why };
  if (event.type !== 'presented') throw outOfStep('a card', event.type);
  return event.isThere;
}

/** Tells a person how far it is. */
export function* report(step: SaleStep, detail: string): Dialogue<void> {
  yield { type: 'report', step, detail };
}

/** Writes something into the trace. */
export function* note(entry: TraceNote): Dialogue<void> {
  yield { type: 'note', note: entry };
}
