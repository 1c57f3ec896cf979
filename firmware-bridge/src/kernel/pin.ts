import { command } from '@tsunagu/protocols/apdu';
import { cardholderRuleOf } from '@tsunagu/protocols/acquiring';
import { encipherOfflinePin, offlinePinBlock, type RsaPublicKey, type Scheme } from '@tsunagu/protocols/emv';
import { fail, ok, type Result, type Secret } from '@tsunagu/protocols/kit';
import { templateOf } from './answers.ts';
import type { CardObjects } from './card-objects.ts';
import { askPin, type Dialogue, drawRandom, type PinAnswer, type PinKind, transmit } from './dialogue.ts';
import type { KernelCode } from './outcome.ts';
import { type Bit, found, type Results, tvrBits } from './results.ts';
import type { KernelTerminal, KernelTransaction } from './terminal.ts';

/** What PINs are asked for and checked with. */
export interface PinTurn {
  readonly terminal: KernelTerminal;
  readonly transaction: KernelTransaction;
  readonly card: CardObjects;
  readonly language: string | undefined;
  /** Whose rules about PINs hold. */
  readonly scheme: Scheme;
  /** The key that a PIN is enciphered with for the card; undefined when it cannot be recovered. Asked for when it is needed. */
  readonly pinKey: () => RsaPublicKey | undefined;
}

/** A PIN on its way to the issuer. */
export type EnteredPin = Secret<'pin'>;

/** What came of one PIN rule. */
export interface PinStep {
  readonly results: Results;
  readonly isVerified: boolean;
  /** Once a PIN was left out, every later one of this transaction counts as left out. EMV 4.3 Book 4, 6.3.4.3. */
  readonly isBypassed: boolean;
  readonly pin?: EnteredPin;
}

/** VERIFY is sent at most so often for one rule: 63Cx counts to fifteen. */
const triesMax = 15;

/** The PIN for the issuer. EMV 4.3 Book 3, 10.5.2: whether it is right the answer will tell. */
export function* verifyOnline(
  results: Results,
  turn: PinTurn & { readonly isBypassed: boolean },
): Dialogue<Result<PinStep, KernelCode>> {
  const asked = yield* ask(results, turn, 'online', undefined, false);
  if (!asked.ok) return asked;
  if ('isVerified' in asked.value) return ok(asked.value);
  const { answer } = asked.value;
  const done = { results: found(results, tvrBits.onlinePinEntered), isVerified: true, isBypassed: false };
  return ok(answer.type === 'entered' ? { ...done, pin: answer.pin } : done);
}

/** The PIN for the card, plain or enciphered. EMV 4.3 Book 3, 10.5.1; Book 2, 7. */
export function* verifyOffline(
  results: Results,
  turn: PinTurn & { readonly isBypassed: boolean },
  isEnciphered: boolean,
): Dialogue<Result<PinStep, KernelCode>> {
  const failed = (...bits: readonly Bit[]): Result<PinStep, never> =>
    ok({ results: found(results, ...bits), isVerified: false, isBypassed: turn.isBypassed });
  if (turn.isBypassed) return failed(tvrBits.pinNotEntered);
  let triesLeft = yield* readTries();
  if (triesLeft === 0) return failed(tvrBits.pinTryLimitExceeded);
  const key = isEnciphered ? turn.pinKey() : undefined;
  if (isEnciphered && key === undefined) return failed();
  for (let tries = 0; tries < triesMax; tries++) {
    const asked = yield* ask(results, turn, isEnciphered ? 'offlineEnciphered' : 'offlinePlain', triesLeft, tries > 0);
    if (!asked.ok) return asked;
    if ('isVerified' in asked.value) return ok(asked.value);
    const sw = yield* verify(asked.value.answer, key);
    if (sw === 0x9000) return ok({ results, isVerified: true, isBypassed: false });
    // Blocked now, or blocked already. 6.5.12.5.
    if (sw === 0x6983 || sw === 0x6984 || sw === 0x63c0) return failed(tvrBits.pinTryLimitExceeded);
    if (sw === undefined || sw >> 4 !== 0x63c) return failed();
    triesLeft = sw & 0x0f;
  }
  return failed();
}

type Asked = { readonly answer: Extract<PinAnswer, { type: 'entered' | 'enteredInPad' | 'verifiedByPad' }> };

/** Asks the cardholder; everything but a PIN is a step of its own. */
function* ask(
  results: Results,
  { terminal, transaction, language, scheme, isBypassed }: PinTurn & { readonly isBypassed: boolean },
  kind: PinKind,
  triesLeft: number | undefined,
  isAgain: boolean,
): Dialogue<Result<Asked | PinStep, KernelCode>> {
  const without = (bit: Bit, bypassed: boolean): Result<PinStep, never> =>
    ok({ results: found(results, bit), isVerified: false, isBypassed: bypassed });
  if (isBypassed) return without(tvrBits.pinNotEntered, true);
  if (terminal.pinPad !== 'working') return without(tvrBits.pinPadNotWorking, false);
  const rule = cardholderRuleOf(scheme);
  const mayBypass = terminal.mayBypassPin && rule.mayBypassPin;
  const answer = yield* askPin({
    kind,
    triesLeft,
    isAgain,
    digitsLeast: rule.pinDigitsLeast,
    mayBypass,
    language,
    amountMinor: transaction.amountMinor,
  });
  switch (answer.type) {
    case 'noPad':
      return without(tvrBits.pinPadNotWorking, false);
    case 'bypassed':
      // Where bypass has ended, leaving the PIN out leaves the sale.
      return mayBypass ? without(tvrBits.pinNotEntered, true) : fail('CARDHOLDER_CANCELLED');
    case 'cancelled':
      return fail('CARDHOLDER_CANCELLED');
    case 'timeout':
      return fail('PIN_TIMEOUT');
    case 'tooShort':
      return fail('PIN_TOO_SHORT');
    default:
      return ok({ answer });
  }
}

/** Tries left by GET DATA (9F17); undefined when the card does not tell. EMV 4.3 Book 3, 6.5.7. */
function* readTries(): Dialogue<number | undefined> {
  const answer = yield* transmit(command(0x80, 0xca, 0x9f, 0x17, undefined, 256));
  const object = templateOf(answer, 0x9f17);
  return object.ok && object.value.length === 1 ? object.value.value[0] : undefined;
}

/** Sends VERIFY with an entered PIN, or takes the status word that the reader's PIN pad got; undefined when nothing could be sent. */
function* verify(answer: Asked['answer'], key: RsaPublicKey | undefined): Dialogue<number | undefined> {
  if (answer.type === 'verifiedByPad') return answer.sw;
  if (answer.type === 'enteredInPad') return undefined;
  const { pin } = answer;
  if (key === undefined) {
    const block = offlinePinBlock(pin);
    pin.wipe();
    if (!block.ok) return undefined;
    // The dialogue's owner sends the bytes before it asks for the next action; they are wiped right after.
    const data = block.value.use((bytes) => Uint8Array.from(bytes));
    block.value.wipe();
    const { sw } = yield* transmit(command(0x00, 0x20, 0x00, 0x80, data));
    data.fill(0);
    return sw;
  }
  const challenge = yield* transmit(command(0x00, 0x84, 0x00, 0x00, undefined, 256));
  if (challenge.sw !== 0x9000 || challenge.data.length !== 8) {
    pin.wipe();
    return undefined;
  }
  const padding = yield* drawRandom(key.modulus.length - 17);
  const enciphered = encipherOfflinePin(key, pin, challenge.data, padding);
  pin.wipe();
  if (!enciphered.ok) return undefined;
  return (yield* transmit(command(0x00, 0x20, 0x00, 0x88, enciphered.value))).sw;
}
