import { type CvmList, type CvmRule, hasBit, parseCvmList } from '@tsunagu/protocols/emv';
import { ok, type Result } from '@tsunagu/protocols/kit';
import type { CardObjects } from './card-objects.ts';
import { type Dialogue, note, type Verification } from './dialogue.ts';
import type { KernelCode } from './outcome.ts';
import { type EnteredPin, type PinTurn, verifyOffline, verifyOnline } from './pin.ts';
import { isSame } from './restrictions.ts';
import { found, performed, type Results, tsiBits, tvrBits } from './results.ts';
import { type KernelTerminal, type KernelTransaction, transactionTypes } from './terminal.ts';
import { canEncipherPin, canGoWithoutCvm, canOnlinePin, canPlainPin, canSign, isAttended } from './terminal-facts.ts';

/** What came of verifying the cardholder. */
export interface VerificationStep {
  readonly results: Results;
  readonly verification: Verification;
  /** 9F34. */
  readonly cvmResults: Uint8Array;
  /** The PIN for the issuer, where one was entered outside a PIN pad that keeps it. */
  readonly pin?: EnteredPin;
}

/** What one rule led to. */
interface Tried {
  readonly results: Results;
  /** Set when the rule was met. */
  readonly verification?: Verification;
  /** The result is for somebody else to judge: signature, PIN by the issuer. */
  readonly isUnknown?: boolean;
  /** The method was carried out, though without success; unsupported ones leave no trace in 9F34. */
  readonly wasPerformed: boolean;
  readonly isBypassed?: boolean;
  readonly pin?: EnteredPin;
}

/** No method was performed: by a card that wants none, or because no condition was met. EMV 4.3 Book 4, table 2. */
const notPerformed = (result: number): Uint8Array => Uint8Array.of(0x3f, 0x00, result);

/**
 * Cardholder verification: walks the card's list. EMV 4.3 Book 3, 10.5; results as in Book 4, 6.3.4.5.
 *
 * @returns a fault only where the cardholder ends the transaction
 */
export function* verifyCardholder(before: Results, turn: PinTurn): Dialogue<Result<VerificationStep, KernelCode>> {
  const { card, terminal, transaction } = turn;
  const plain = (results: Results, result: number): Result<VerificationStep, KernelCode> =>
    ok({ results, verification: 'none', cvmResults: notPerformed(result) });
  if (!hasBit(card.get(0x82) ?? new Uint8Array(2), 1, 5)) return plain(before, 0);
  const list = card.get(0x8e);
  const read = list === undefined ? undefined : parseCvmList(list);
  // A list without a rule is as good as none. 7.5.
  if (read?.ok !== true) return plain(found(before, tvrBits.iccDataMissing), 0);

  let results = performed(before, tsiBits.cardholderVerified);
  let last: Uint8Array | undefined;
  let isBypassed = false;
  for (const rule of read.value.rules) {
    const name = rule.code.toString(16).toUpperCase().padStart(4, '0');
    if (!isConditionMet(rule, read.value, card, terminal, transaction)) {
      yield* note({ type: 'cvm', rule: name, result: 'skipped' });
      continue;
    }
    const tried: Result<Tried, KernelCode> = yield* perform(rule, results, { ...turn, isBypassed });
    if (!tried.ok) return tried;
    results = tried.value.results;
    isBypassed ||= tried.value.isBypassed === true;
    const { verification, wasPerformed, isUnknown } = tried.value;
    if (verification !== undefined) {
      const result = isUnknown === true ? 0x00 : 0x02;
      yield* note({ type: 'cvm', rule: name, result: isUnknown === true ? 'unknown' : 'passed' });
      const { pin } = tried.value;
      return ok({
        results,
        verification,
        cvmResults: Uint8Array.of(rule.code >> 8, rule.code & 0xff, result),
        ...(pin !== undefined && { pin }),
      });
    }
    yield* note({ type: 'cvm', rule: name, result: 'failed' });
    if (wasPerformed) last = Uint8Array.of(rule.code >> 8, rule.code & 0xff, 0x01);
    if (!rule.continues) break;
  }
  return ok({
    results: found(results, tvrBits.cardholderNotVerified),
    verification: 'none',
    cvmResults: last ?? notPerformed(0x01),
  });
}

function* perform(
  { method }: CvmRule,
  results: Results,
  turn: PinTurn & { readonly isBypassed: boolean },
): Dialogue<Result<Tried, KernelCode>> {
  const { terminal } = turn;
  const unsupported = ok({ results, wasPerformed: false });
  switch (method) {
    case 'fail':
      return ok({ results, wasPerformed: true });
    case 'none':
      return canGoWithoutCvm(terminal) ? ok({ results, verification: 'none', wasPerformed: true }) : unsupported;
    case 'signature':
      // A person judges it after the fact.
      return canSign(terminal)
        ? ok({ results, verification: 'signature', isUnknown: true, wasPerformed: true })
        : unsupported;
    case 'encipheredPinOnline': {
      if (!canOnlinePin(terminal)) return withoutPad(results);
      const done = yield* verifyOnline(results, turn);
      if (!done.ok) return done;
      const { pin, isVerified, isBypassed } = done.value;
      return ok({
        results: done.value.results,
        wasPerformed: true,
        isBypassed,
        ...(isVerified && { verification: 'onlinePin' as const, isUnknown: true }),
        ...(pin !== undefined && { pin }),
      });
    }
    case 'plainPinOffline':
    case 'encipheredPinOffline':
    case 'plainPinOfflineAndSignature':
    case 'encipheredPinOfflineAndSignature': {
      const isEnciphered = method.startsWith('enciphered');
      const needsSignature = method.endsWith('AndSignature');
      if (!(isEnciphered ? canEncipherPin(terminal) : canPlainPin(terminal))) return withoutPad(results);
      if (needsSignature && !canSign(terminal)) return unsupported;
      const done = yield* verifyOffline(results, turn, isEnciphered);
      if (!done.ok) return done;
      const { isVerified, isBypassed } = done.value;
      return ok({
        results: done.value.results,
        wasPerformed: true,
        isBypassed,
        ...(isVerified && {
          verification: needsSignature ? ('offlinePinAndSignature' as const) : ('offlinePin' as const),
        }),
        isUnknown: needsSignature,
      });
    }
    default:
      return ok({ results: found(results, tvrBits.cvmUnrecognised), wasPerformed: false });
  }
}

/** A PIN is wanted that this terminal cannot take. 10.5.1 and 10.5.2. */
const withoutPad = (results: Results): Result<Tried, never> =>
  ok({ results: found(results, tvrBits.pinPadNotWorking), wasPerformed: false });

/** Whether this terminal supports a method at all (9F33). */
function isSupported({ method }: CvmRule, terminal: KernelTerminal): boolean {
  switch (method) {
    case 'fail':
      return true;
    case 'none':
      return canGoWithoutCvm(terminal);
    case 'signature':
      return canSign(terminal);
    case 'encipheredPinOnline':
      return canOnlinePin(terminal);
    case 'plainPinOffline':
      return canPlainPin(terminal);
    case 'encipheredPinOffline':
      return canEncipherPin(terminal);
    case 'plainPinOfflineAndSignature':
      return canPlainPin(terminal) && canSign(terminal);
    case 'encipheredPinOfflineAndSignature':
      return canEncipherPin(terminal) && canSign(terminal);
    default:
      return false;
  }
}

/** Whether the condition of a rule is met; one that is not known is not. EMV 4.3 Book 3, C3, table 40. */
function isConditionMet(
  rule: CvmRule,
  { amountX, amountY }: CvmList,
  card: CardObjects,
  terminal: KernelTerminal,
  { type, amountMinor, amountOtherMinor }: KernelTransaction,
): boolean {
  const isCash = type === transactionTypes.cash;
  const isCashback = type === transactionTypes.cashback || amountOtherMinor > 0;
  // Amounts count in the application's currency alone.
  const isOwnCurrency = isSame(card.get(0x9f42), terminal.currency);
  switch (rule.condition) {
    case 'always':
      return true;
    case 'unattendedCash':
      return isCash && !isAttended(terminal);
    case 'manualCash':
      return isCash && isAttended(terminal);
    case 'notCash':
      return !isCash && !isCashback;
    case 'cashback':
      return isCashback;
    case 'ifSupported':
      return isSupported(rule, terminal);
    case 'underX':
      return isOwnCurrency && amountMinor < amountX;
    case 'overX':
      return isOwnCurrency && amountMinor > amountX;
    case 'underY':
      return isOwnCurrency && amountMinor < amountY;
    case 'overY':
      return isOwnCurrency && amountMinor > amountY;
    default:
      return false;
  }
}
