import { hasBit, type RsaPublicKey } from '@tsunagu/protocols/emv';
import { fail, toHex } from '@tsunagu/protocols/kit';
import { analyseAction } from '../action-analysis.ts';
import { verifyCardholder, type VerificationStep } from '../cardholder.ts';
import { refusalReason } from '../contact.ts';
import { generateAc, wantsSignature } from '../cryptogram.ts';
import {
  type Authentication,
  authenticateData,
  authenticationMethod,
  type KeySources,
  staticDataOf,
} from '../data-authentication.ts';
import { askNegative, type Dialogue, note, report } from '../dialogue.ts';
import { responseCode } from '../issuer.ts';
import type { KernelCode } from '../outcome.ts';
import { checkForms, missingOf, readRecords } from '../reading.ts';
import { restrict } from '../restrictions.ts';
import { found, noResults, performed, type Results, tsiBits, tvrBits } from '../results.ts';
import type { KernelTerminal } from '../terminal.ts';
import { isOfflineOnly } from '../terminal-facts.ts';
import { askIssuerOnce } from './fast-path.ts';
import { type Ending, finalOf, type KernelEnd, knowledgeAt, type Tap } from './tap.ts';

/** What tells one kernel of this shape from another. */
export interface OneCryptogramKernel {
  /** Whether static data (SDA) and INTERNAL AUTHENTICATE (DDA) count, or the combined signature alone. */
  readonly hasStaticAndDynamic: boolean;
  /** Findings that the kernel has before the records are read. */
  readonly before?: Results;
  /** Whether the card's word that it verified its holder (82, byte 1, bit 2) is taken. */
  readonly knowsOnDevice: boolean;
  /** Asked below the limit, a list is walked with "no CVM" alone (kernel 2), or not at all (4 and 5). */
  readonly walksListBelowLimit: boolean;
}

/**
 * The way of kernels 2, 4 and 5: records, checks, and one GENERATE AC. The card may leave before the issuer answers, so that there is
 * no second one.
 */
export function* oneCryptogram(tap: Tap, kernel: OneCryptogramKernel): Dialogue<KernelEnd> {
  const { card, terminal, transaction, candidate, preprocessed } = tap;
  const { scheme } = candidate.entry;
  const end = (fault: Extract<KernelEnd, { type: 'endApplication' }>['fault']): KernelEnd => ({
    type: 'endApplication',
    fault,
  });
  const complete = missingOf(card, [0x82, 0x94]);
  if (!complete.ok) return end(complete);
  const records = yield* readRecords(card);
  if (!records.ok) return end(records);
  const staticData = staticDataOf(card, records.value);
  const mandatory = missingOf(card, [0x5f24, 0x8c]);
  if (!mandatory.ok) return end(mandatory);
  const formed = checkForms(card);
  if (!formed.ok) return end(formed);
  const read = card.facts(scheme);
  if (!read.ok) return end(read);
  const facts = read.value;
  const cdol1 = card.get(0x8c);
  if (cdol1 === undefined) return end(fail('EMV_DATA_MISSING', { field: '8C' }));
  yield* report('card-read', candidate.label);

  const sources: KeySources = { terminal, transaction, card, facts, aid: candidate.aid };
  const authenticated = yield* authenticate(kernel, sources, staticData);
  staticData?.fill(0);
  if (!authenticated.ok) return end(authenticated);
  const authentication = authenticated.value;
  const restricted = restrict(authentication.results, card, scheme, terminal, transaction);
  const verified = yield* verify(restricted, tap, kernel);
  if (!verified.ok) return end(verified);
  const { verification, cvmResults, pin } = verified.value;
  const negative = yield* askNegative(facts);
  yield* report('negative-checked', negative);
  let results = performed(verified.value.results, tsiBits.terminalRiskManaged);
  if (negative === 'listed' || negative === 'range-listed') results = found(results, tvrBits.onExceptionFile);
  if (preprocessed.isAboveFloorLimit) results = found(results, tvrBits.aboveFloorLimit);
  if (transaction.isForcedOnline) results = found(results, tvrBits.forcedOnline);

  const own = [[0x9f34, cvmResults]] as const;
  const action = analyseAction(results.tvr, card, terminal, scheme);
  yield* note({ type: 'value', tag: '95', value: toHex(results.tvr) });
  yield* note({ type: 'action', asks: action.asks, because: action.because });
  const signature = signatureFor(authentication.cdaKey, action.asks, terminal, tap.pdolData);
  const made = yield* generateAc(action.asks, cdol1, knowledgeAt(tap, results, own), signature);
  if (!made.ok) return end(made);
  const { kind, isSigned, wantsAdvice } = made.value;
  const told = results;
  results = performed(results, tsiBits.cardRiskManaged);
  if (isSigned !== undefined) results = performed(results, tsiBits.offlineDataAuthenticated);
  if (isSigned === false) results = found(results, tvrBits.cdaFailed);
  yield* report('cryptogram-made', kind);
  const ending: Ending = {
    facts,
    verification,
    cvmResults,
    results,
    told,
    authentication: authentication.method,
    wantsAdvice,
  };
  const refuse = (reason: KernelCode): KernelEnd => {
    pin?.wipe();
    return finalOf(tap, ending, 'refused', reason, responseCode('offlineDeclined'));
  };
  if (action.asks === 'AAC') return refuse(refusalReason(results));
  if (kind === 'AAC') return refuse('CARD_DECLINED');
  // Whatever the card wanted: a signature that is not good ends it. Book 4, 6.3.2; C-2, 6.6 (states S9 to S11).
  if (isSigned === false) return refuse('CARD_NOT_AUTHENTIC');
  if (kind === 'ARQC') {
    if (isOfflineOnly(terminal)) return refuse('TERMINAL_DECLINED');
    return yield* askIssuerOnce(tap, ending, pin);
  }
  return finalOf(tap, ending, 'approvedOffline', undefined, responseCode('offlineApproved'));
}

const signatureFor = (
  key: RsaPublicKey | undefined,
  asks: 'TC' | 'ARQC' | 'AAC',
  terminal: KernelTerminal,
  pdolData: Uint8Array,
) => (key !== undefined && wantsSignature(asks, terminal, 'first') ? { key, sentBefore: [pdolData] } : undefined);

function* authenticate(
  { hasStaticAndDynamic, before = noResults }: OneCryptogramKernel,
  sources: KeySources,
  staticData: Uint8Array | undefined,
): ReturnType<typeof authenticateData> {
  const method = authenticationMethod(sources.card.get(0x82) ?? new Uint8Array(2), sources.terminal);
  if (hasStaticAndDynamic || method === 'CDA') return yield* authenticateData(before, sources, staticData);
  yield* note({ type: 'authentication', method: 'none', isPassed: false });
  const none: Authentication = {
    results: found(before, tvrBits.offlineDataAuthenticationNotPerformed),
    method: 'none',
  };
  return { ok: true, value: none };
}

/** No verification was needed: rule "none, always", successful. */
const noCvmNeeded = Uint8Array.of(0x1f, 0x00, 0x02);
/** Verified on the device, where the reader demands a verification. EMV Book C-2, 7.5 (CVM selection). */
const onDevice = Uint8Array.of(0x01, 0x00, 0x02);

/**
 * Cardholder verification: on the device where card and reader can; else by the card's list, with the methods that a reader without contacts
 * has. A PIN for the card needs contacts.
 */
function* verify(
  results: Results,
  tap: Tap,
  { knowsOnDevice, walksListBelowLimit }: OneCryptogramKernel,
): ReturnType<typeof verifyCardholder> {
  const { card, terminal, transaction, preprocessed, language, candidate } = tap;
  const done = performed(results, tsiBits.cardholderVerified);
  const { isCvmRequired } = preprocessed;
  if (knowsOnDevice && hasBit(card.get(0x82) ?? new Uint8Array(2), 1, 2)) {
    const step: VerificationStep = isCvmRequired
      ? { results: done, verification: 'onDevice', cvmResults: onDevice }
      : { results: done, verification: 'none', cvmResults: Uint8Array.of(0x3f, 0x00, 0x02) };
    return { ok: true, value: step };
  }
  if (!isCvmRequired && !walksListBelowLimit)
    return { ok: true, value: { results: done, verification: 'none', cvmResults: noCvmNeeded } };
  const methods = isCvmRequired ? 0x68 : 0x08;
  const [readers = 0, cardholder = 0, security = 0] = terminal.capabilities;
  const capable = { ...terminal, capabilities: Uint8Array.of(readers, cardholder & methods, security) };
  const turn = {
    terminal: capable,
    transaction,
    card,
    language,
    scheme: candidate.entry.scheme,
    pinKey: () => undefined,
  };
  return yield* verifyCardholder(results, turn);
}
