import { cardholderRuleOf } from '@tsunagu/protocols/acquiring';
import { hasBit, verifyFdda } from '@tsunagu/protocols/emv';
import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import { type CryptogramKind, kindOf } from '../cryptogram.ts';
import {
  type AuthenticationFault,
  iccKeyOf,
  issuerKeyOf,
  noteFailure,
  staticDataOf,
  stepOf,
} from '../data-authentication.ts';
import {
  askNegative,
  askPin,
  type CardFacts,
  type Dialogue,
  goOnline,
  note,
  report,
  type Verification,
} from '../dialogue.ts';
import { responseCode } from '../issuer.ts';
import type { KernelCode } from '../outcome.ts';
import { readRecords } from '../reading.ts';
import { requestObjects } from '../request.ts';
import { isSame, restrict } from '../restrictions.ts';
import { found, isFound, noResults, performed, tsiBits, tvrBits } from '../results.ts';
import type { EnteredPin } from '../pin.ts';
import { canOnlinePin, canSign, isOfflineOnly } from '../terminal-facts.ts';
import { bcd } from '../terminal-objects.ts';
import { type Ending, finalOf, type KernelEnd, knowledgeAt, noCvm, type Tap } from './tap.ts';

/** What a fast card asks of the reader, in the terms of its kernel. */
export interface CardWishes {
  readonly wantsOnlinePin: boolean;
  readonly wantsSignature: boolean;
  /** The cardholder was verified on the device already. */
  readonly isVerifiedOnDevice: boolean;
  readonly goesOnlineIfUnauthentic: boolean;
  readonly changesInterfaceIfUnauthentic: boolean;
  readonly goesOnlineIfExpired: boolean;
}

/** What tells one fast kernel from another. */
export interface FastKernel {
  /** What the card's qualifiers ask for; `has` is false for a card that gave none. */
  readonly wishes: (tap: Tap) => CardWishes & { readonly has: boolean };
  /** Whether a TC can be proved by a fast signature (fDDA). */
  readonly hasFastSignature: boolean;
}

/**
 * The way of kernels whose cryptogram stands in the answer to GET PROCESSING OPTIONS: kernel 3 (EMV Book C-3, 5.4 to 5.9), kernel 7
 * (C-7, the same shape) and, for its online part, kernel 6.
 */
export function* fastPath(tap: Tap, { wishes: wishesOf, hasFastSignature }: FastKernel): Dialogue<KernelEnd> {
  const { card, terminal, transaction, candidate, preprocessed } = tap;
  const { scheme } = candidate.entry;
  const end = (fault: Extract<Result<never, KernelCode>, { ok: false }>): KernelEnd => ({
    type: 'endApplication',
    fault,
  });
  for (const tag of [0x82, 0x9f36, 0x9f26, 0x9f10])
    if (!card.has(tag)) return end(fail('EMV_DATA_MISSING', { field: tag.toString(16).toUpperCase() }));
  // A locator comes where something is to be read; what it names is under the signature, or merely useful.
  const records = card.has(0x94) ? yield* readRecords(card) : ok([]);
  if (!records.ok) return end(records);
  const staticData = staticDataOf(card, records.value);
  const read = card.facts(scheme);
  if (!read.ok) return end(read);
  const facts = read.value;
  yield* report('card-read', candidate.label);

  const negative = yield* askNegative(facts);
  yield* report('negative-checked', negative);
  const kind = kindOf(card.get(0x9f27)) ?? kindInIssuerData(card.get(0x9f10));
  yield* report('cryptogram-made', kind ?? '');
  if (kind === undefined) return end(fail('CARD_ANSWER_WRONG', { field: '9F27' }));

  const wishes = wishesOf(tap);
  let results = performed(noResults, tsiBits.cardRiskManaged, tsiBits.terminalRiskManaged);
  results = restrict(results, card, scheme, terminal, transaction);
  if (negative === 'listed' || negative === 'range-listed') results = found(results, tvrBits.onExceptionFile);
  if (preprocessed.isAboveFloorLimit) results = found(results, tvrBits.aboveFloorLimit);
  let ending: Ending = {
    facts,
    verification: 'none',
    cvmResults: noCvm,
    results,
    // The card made its cryptogram over zeros here: no results of the terminal went into it.
    told: noResults,
    authentication: 'none',
  };
  const refuse = (reason: KernelCode): KernelEnd =>
    finalOf(tap, ending, 'refused', reason, responseCode('offlineDeclined'));
  yield* note({ type: 'value', tag: '95', value: Buffer.from(results.tvr).toString('hex').toUpperCase() });
  if (negative === 'listed' || negative === 'range-listed') return refuse('CARD_LISTED');
  if (kind === 'AAC') return refuse('CARD_DECLINED');
  if (isFound(results, tvrBits.serviceNotAllowed)) return refuse('SERVICE_NOT_ALLOWED');
  // An online cryptogram was demanded: a TC does not answer that. C-3, 5.5.
  if (kind === 'TC' && hasBit(preprocessed.qualifiers, 2, 8)) return refuse('CARD_ANSWER_WRONG');
  let goesOnline = kind === 'ARQC';
  // C-3, 5.5.1.1: a card past its date goes online only when it asks for that itself.
  if (isFound(results, tvrBits.expired)) {
    if (!wishes.goesOnlineIfExpired || isOfflineOnly(terminal)) return refuse('CARD_EXPIRED');
    goesOnline = true;
  }

  const verified = yield* verify(tap, wishes);
  if (!verified.ok) return end(verified);
  if (verified.value === undefined) return refuse('CARDHOLDER_NOT_VERIFIED');
  const { verification, pin } = verified.value;
  ending = { ...ending, verification, cvmResults: cvmResultsOf(verification) };
  if (verification === 'onlinePin') goesOnline = true;

  const why =
    hasFastSignature && (kind === 'TC' || card.has(0x9f4b)) ? checkFastSignature(tap, facts, staticData) : undefined;
  staticData?.fill(0);
  if (hasFastSignature && card.has(0x9f4b)) {
    if (why === undefined) yield* note({ type: 'authentication', method: 'fDDA', isPassed: true });
    else yield* noteFailure('fDDA', why);
    results = performed(results, tsiBits.offlineDataAuthenticated);
    if (why !== undefined) results = found(results, tvrBits.ddaFailed);
    ending = { ...ending, results, authentication: 'fDDA' };
  }
  if (kind === 'TC' && (!hasFastSignature || why !== undefined)) {
    // C-3, 5.6: a card whose signature fails may still go online, or to contacts, where it says so.
    if (wishes.goesOnlineIfUnauthentic && !isOfflineOnly(terminal)) goesOnline = true;
    else {
      pin?.wipe();
      if (wishes.changesInterfaceIfUnauthentic) return { type: 'tryAnotherInterface' };
      return refuse('CARD_NOT_AUTHENTIC');
    }
  }
  if (!goesOnline) return finalOf(tap, ending, 'approvedOffline', undefined, responseCode('offlineApproved'));
  return yield* askIssuerOnce(tap, ending, pin);
}

/** The issuer's answer ends it: the card is gone by then. EMV Book A, 5.8; issuer updates are left out. */
export function* askIssuerOnce(tap: Tap, ending: Ending, pin: EnteredPin | undefined): Dialogue<KernelEnd> {
  const { facts, verification, cvmResults, results, told } = ending;
  const emv = requestObjects(knowledgeAt(tap, told ?? results, [[0x9f34, cvmResults], ...(ending.more ?? [])]));
  const online = yield* goOnline({ card: facts, verification, emv, ...(pin !== undefined && { pin }) });
  pin?.wipe();
  yield* report('card-completed', 'removed');
  if (online.type === 'unable') return finalOf(tap, ending, 'unable', undefined, responseCode('unableDeclined'));
  return finalOf(tap, ending, online.isApproved ? 'approved' : 'declined');
}

interface FastVerification {
  readonly verification: Verification;
  readonly pin?: EnteredPin;
}

/**
 * Cardholder verification by the card's qualifiers: undefined when one is needed and none is possible. EMV Book C-3, 5.7: on the device, then
 * PIN, then signature. A card that gives no qualifiers is signed for.
 */
function* verify(
  { terminal, transaction, preprocessed, language, candidate }: Tap,
  wishes: CardWishes & { readonly has: boolean },
): Dialogue<Result<FastVerification | undefined, KernelCode>> {
  const { isCvmRequired } = preprocessed;
  if (wishes.isVerifiedOnDevice) return ok({ verification: 'onDevice' });
  if (wishes.wantsOnlinePin && canOnlinePin(terminal) && terminal.pinPad === 'working') {
    const answer = yield* askPin({
      kind: 'online',
      digitsLeast: cardholderRuleOf(candidate.entry.scheme).pinDigitsLeast,
      triesLeft: undefined,
      isAgain: false,
      mayBypass: false,
      language,
      amountMinor: transaction.amountMinor,
    });
    if (answer.type === 'entered') return ok({ verification: 'onlinePin', pin: answer.pin });
    if (answer.type === 'enteredInPad') return ok({ verification: 'onlinePin' });
    if (answer.type === 'timeout') return fail('PIN_TIMEOUT');
    if (answer.type === 'tooShort') return fail('PIN_TOO_SHORT');
    if (answer.type === 'cancelled' || answer.type === 'bypassed') return fail('CARDHOLDER_CANCELLED');
  }
  const wantsSignature = wishes.wantsSignature || (!wishes.has && isCvmRequired);
  if (wantsSignature && canSign(terminal)) return ok({ verification: 'signature' });
  return ok(isCvmRequired ? undefined : { verification: 'none' });
}

/** CVM results for DE55: these kernels have no list. */
const cvmResultsOf = (verification: Verification): Uint8Array => {
  switch (verification) {
    case 'onlinePin':
      return Uint8Array.of(0x02, 0x00, 0x00);
    case 'signature':
      return Uint8Array.of(0x1e, 0x00, 0x00);
    case 'onDevice':
      return Uint8Array.of(0x01, 0x00, 0x02);
    default:
      return noCvm;
  }
};

/** Fast dynamic data authentication. EMV Book C-3, annex C. @returns why it failed; undefined when it is good */
function checkFastSignature(
  { terminal, transaction, card, candidate }: Tap,
  facts: CardFacts,
  staticData: Uint8Array | undefined,
): AuthenticationFault | undefined {
  const wrong = (step: 'static data' | 'format' | 'dynamic data'): AuthenticationFault => ({ type: 'wrong', step });
  const signature = card.get(0x9f4b);
  const related = card.get(0x9f69);
  if (signature === undefined) return { type: 'missing', tag: 0x9f4b };
  if (related === undefined) return { type: 'missing', tag: 0x9f69 };
  // Version 01: unpredictable numbers of both sides, amount, currency, qualifiers. Version 00 was withdrawn.
  if (related[0] !== 0x01 || related.length < 7) return wrong('format');
  // What the card signed about its qualifiers must be what it told.
  if (!isSame(related.subarray(5, 7), card.get(0x9f6c))) return wrong('dynamic data');
  if (staticData === undefined) return wrong('static data');
  const sources = { terminal, transaction, card, facts, aid: candidate.aid };
  const issuer = issuerKeyOf(sources);
  if (!issuer.ok) return issuer.why;
  const key = iccKeyOf(sources, issuer.value, staticData);
  if (!key.ok) return key.why;
  const verified = verifyFdda(key.value, signature, {
    unpredictableNumber: transaction.unpredictableNumber,
    amount: bcd(transaction.amountMinor, 6),
    currency: terminal.currency,
    cardAuthenticationData: related,
  });
  if (!verified.ok) return stepOf(verified.fault.facts);
  const { iccDynamicNumber } = verified.value;
  card.set(0x9f4c, iccDynamicNumber);
  return isSame(iccDynamicNumber, card.get(0x9f36)) ? undefined : wrong('dynamic data');
}

/** The kind of cryptogram, where a fast card leaves 9F27 out: bits 6-5 of its verification results. VIS 1.5, annex. */
const kindInIssuerData = (issuerData: Uint8Array | undefined): CryptogramKind | undefined =>
  issuerData?.[4] === undefined ? undefined : kindOf(Uint8Array.of((issuerData[4] & 0x30) << 2));
