import type { Scheme } from '@tsunagu/protocols/emv';
import { fail, ok, type Result, toHex } from '@tsunagu/protocols/kit';
import { type Action, analyseAction, analyseUnable } from './action-analysis.ts';
import { takeAnswer } from './answers.ts';
import { CardObjects } from './card-objects.ts';
import { verifyCardholder } from './cardholder.ts';
import { type Cryptogram, generateAc, transactionHash, wantsSignature } from './cryptogram.ts';
import {
  type Authentication,
  authenticateData,
  type KeySources,
  pinKeyOf,
  staticDataOf,
} from './data-authentication.ts';
import { askNegative, type CardFacts, type Dialogue, goOnline, note, report, type Verification } from './dialogue.ts';
import { authenticateIssuer, type IssuerAnswer, readIssuerAnswer, responseCode, runScripts } from './issuer.ts';
import type { KernelCode, KernelOutcome } from './outcome.ts';
import type { EnteredPin } from './pin.ts';
import { checkForms, missingOf, optionsLayout, readRecords, startOnCard } from './reading.ts';
import { adviceObjects, requestObjects } from './request.ts';
import { applicationVersions, restrict } from './restrictions.ts';
import { found, isFound, noResults, performed, type Results, tsiBits, tvrBits } from './results.ts';
import { manageRisk } from './risk.ts';
import { type Candidate, choose, commonLanguage, contactCandidates, selectFinally } from './selection.ts';
import { type KernelTerminal, type KernelTransaction, transactionTypes } from './terminal.ts';
import type { Knowledge } from './terminal-objects.ts';

/** An application that was started, and what is known from then on. */
interface Started {
  readonly candidate: Candidate;
  readonly card: CardObjects;
  readonly pdolData: Uint8Array;
  readonly language: string | undefined;
}

/** What is settled before the first cryptogram. */
interface Prepared extends Started {
  readonly terminal: KernelTerminal;
  readonly transaction: KernelTransaction;
  readonly scheme: Scheme;
  readonly facts: CardFacts;
  readonly cdol1: Uint8Array;
  readonly cdol2: Uint8Array;
  readonly authentication: Authentication;
  readonly verification: Verification;
  readonly cvmResults: Uint8Array;
  readonly pin: EnteredPin | undefined;
  /** Objects that the terminal has found out or has of its own. */
  readonly own: ReadonlyMap<number, Uint8Array>;
}

/** How the end of a transaction is told. */
interface End {
  readonly decision: KernelOutcome['decision'];
  readonly reason?: KernelCode;
  /** 8A: the issuer's, or what the terminal made. */
  readonly code?: Uint8Array;
  readonly scriptResults?: Uint8Array;
  readonly wantsAdvice?: boolean;
  /** Whether the card gave a cryptogram that tells of it. */
  readonly hasCryptogram?: boolean;
}

/** A sale with a card that has contacts, from application selection to the last cryptogram. EMV 4.3 Books 1 to 4. */
export function* contactSale(
  terminal: KernelTerminal,
  transaction: KernelTransaction,
): Dialogue<Result<KernelOutcome, KernelCode>> {
  const started = yield* start(terminal, transaction);
  if (!started.ok) return started;
  const prepared = yield* prepare(started.value, terminal, transaction);
  if (!prepared.ok) return prepared;
  const { results, ...rest } = prepared.value;
  const outcome = yield* decide(rest, results);
  rest.pin?.wipe();
  if (outcome.ok) yield* noteEnd(outcome.value);
  return outcome;
}

/** Selects applications in turn until one lets itself be started. EMV 4.3 Book 1, 12.4; Book 3, 10.1. */
function* start(terminal: KernelTerminal, transaction: KernelTransaction): Dialogue<Result<Started, KernelCode>> {
  const candidates = yield* contactCandidates();
  if (!candidates.ok) return candidates;
  let left = candidates.value;
  let last: Result<Started, KernelCode> = fail('NO_COMMON_APPLICATION');
  // Each turn takes a candidate off the list, which is short.
  while (left.length > 0) {
    const chosen = yield* choose(left, terminal);
    if (!chosen.ok) return chosen.fault.code === 'NO_COMMON_APPLICATION' && !last.ok ? last : chosen;
    left = chosen.value.others;
    const selected = yield* selectFinally(chosen.value.candidate);
    if (!selected.ok) {
      last = selected;
      continue;
    }
    const { candidate, pdol, languages } = selected.value;
    yield* report('application-selected', candidate.label);
    const card = new CardObjects();
    const more = new Map([
      [0x9f09, versionOf(candidate.entry.scheme)],
      [0x9f06, candidate.aid],
    ]);
    const options = yield* startOnCard(pdol, { terminal, transaction, card, results: noResults, more });
    if (!options.ok) return options;
    const { answer, pdolData } = options.value;
    const taken = takeAnswer(answer, card, optionsLayout);
    if (taken.ok) {
      const complete = missingOf(card, [0x82, 0x94]);
      if (!complete.ok) return complete;
      return ok({ candidate, card, pdolData, language: commonLanguage(languages, terminal) });
    }
    last = taken;
    // "Conditions of use not satisfied": this application does not want this sale, the next one may.
    if (answer.sw !== 0x6985) return taken;
  }
  return last;
}

const versionOf = (scheme: Scheme): Uint8Array => applicationVersions[scheme] ?? new Uint8Array(2);

/** From the records to terminal risk management. EMV 4.3 Book 3, 10.2 to 10.6. */
function* prepare(
  started: Started,
  terminal: KernelTerminal,
  transaction: KernelTransaction,
): Dialogue<Result<Prepared & { readonly results: Results }, KernelCode>> {
  const { candidate, card, language } = started;
  const { scheme } = candidate.entry;
  const records = yield* readRecords(card);
  if (!records.ok) return records;
  const staticData = staticDataOf(card, records.value);
  // Mandatory: PAN, expiry and both lists. 7.2.
  if (!card.hasPan) return fail('EMV_DATA_MISSING', { field: '5A' });
  const complete = missingOf(card, [0x5f24, 0x8c, 0x8d]);
  if (!complete.ok) return complete;
  const formed = checkForms(card);
  if (!formed.ok) return formed;
  const facts = card.facts(scheme);
  if (!facts.ok) return facts;
  const [cdol1, cdol2] = [card.get(0x8c), card.get(0x8d)];
  if (cdol1 === undefined || cdol2 === undefined) return fail('EMV_DATA_MISSING', { field: '8C' });
  yield* report('card-read', candidate.label);

  const sources: KeySources = { terminal, transaction, card, facts: facts.value, aid: candidate.aid };
  const authenticated = yield* authenticateData(noResults, sources, staticData);
  if (!authenticated.ok) return authenticated;
  const authentication = authenticated.value;
  const restricted = restrict(authentication.results, card, scheme, terminal, transaction);
  const verified = yield* verifyCardholder(restricted, {
    terminal,
    transaction,
    card,
    language,
    scheme,
    pinKey: () => pinKeyOf(sources, staticData),
  });
  staticData?.fill(0);
  if (!verified.ok) return verified;
  const { verification, cvmResults, pin } = verified.value;
  const negative = yield* askNegative(facts.value);
  yield* report('negative-checked', negative);
  const managed = yield* manageRisk(verified.value.results, card, facts.value, terminal, transaction, negative);
  const own = new Map([
    [0x9f34, cvmResults],
    [0x9f09, versionOf(scheme)],
    [0x84, candidate.aid],
    [0x9f06, candidate.aid],
  ]);
  const hashed = transactionHash(
    [cdol1, cdol2],
    managed,
    (results) => ({ terminal, transaction, card, results, more: own }),
    terminal,
  );
  if (!hashed.ok) return hashed;
  if (hashed.value !== undefined) own.set(0x98, hashed.value.hash);
  return ok({
    ...started,
    terminal,
    transaction,
    scheme,
    facts: facts.value,
    cdol1,
    cdol2,
    authentication,
    verification,
    cvmResults,
    pin,
    own,
    results: hashed.value?.results ?? managed,
  });
}

const knowledgeOf = (
  { terminal, transaction, card, own }: Omit<Prepared, 'results'>,
  results: Results,
  more: readonly (readonly [number, Uint8Array])[] = [],
): Knowledge => ({ terminal, transaction, card, results, more: new Map([...own, ...more]) });

function outcomeOf(prepared: Prepared, results: Results, end: End): Result<KernelOutcome, KernelCode> {
  const { candidate, facts, verification, cvmResults, authentication, language } = prepared;
  const scriptResults = end.scriptResults ?? new Uint8Array(0);
  const more: (readonly [number, Uint8Array])[] = [[0x9f5b, scriptResults]];
  if (end.code !== undefined) more.push([0x8a, end.code]);
  return ok({
    decision: end.decision,
    ...(end.reason !== undefined && { reason: end.reason }),
    card: facts,
    verification,
    ...results,
    emv: end.hasCryptogram === false ? new Uint8Array(0) : adviceObjects(knowledgeOf(prepared, results, more)),
    cvmResults,
    authentication: authentication.method,
    application: { label: candidate.label, aid: toHex(candidate.aid) },
    language,
    wantsAdvice: end.wantsAdvice ?? false,
    scriptResults,
  });
}

/** Action analysis and the cryptograms. EMV 4.3 Book 3, 10.7 to 10.11. */
function* decide(prepared: Prepared, before: Results): Dialogue<Result<KernelOutcome, KernelCode>> {
  const { terminal, transaction, card, scheme, cdol1, pdolData, authentication } = prepared;
  const action = isRefund(transaction) ? forRefund : analyseAction(before.tvr, card, terminal, scheme);
  yield* noteAction(before, action);
  const signing = authentication.cdaKey !== undefined && wantsSignature(action.asks, terminal, 'first');
  const signature =
    signing && authentication.cdaKey !== undefined ? { key: authentication.cdaKey, sentBefore: [pdolData] } : undefined;
  const first = yield* generateAc(action.asks, cdol1, knowledgeOf(prepared, before), signature);
  if (!first.ok) return first;
  const { kind, isSigned, wantsAdvice } = first.value;
  let results = performed(before, tsiBits.cardRiskManaged);
  // The signature has shown what it had to; a missing one has failed. Book 2, 6.6.2.
  if (isSigned !== undefined) results = performed(results, tsiBits.offlineDataAuthenticated);
  if (isSigned === false) results = found(results, tvrBits.cdaFailed);
  yield* report('cryptogram-made', kind);
  const refuse = (reason: KernelCode) =>
    outcomeOf(prepared, results, { decision: 'refused', reason, code: responseCode('offlineDeclined'), wantsAdvice });

  // A refund takes the card's account and no decision of the card: the issuer is asked all the same.
  if (isRefund(transaction)) return yield* refund(prepared, results);
  if (action.asks === 'AAC') return refuse(refusalReason(results));
  if (kind === 'AAC') return refuse(declineReason(first.value));
  if (isSigned === false) {
    // A request that is not authentic is ended with the card's "no". Book 4, 6.3.2.
    if (kind === 'ARQC') yield* closeUnsigned(prepared, results);
    return refuse('CARD_NOT_AUTHENTIC');
  }
  if (kind === 'TC')
    return outcomeOf(prepared, results, {
      decision: 'approvedOffline',
      code: responseCode('offlineApproved'),
      wantsAdvice,
    });
  return yield* askIssuer(prepared, results, first.value);
}

const isRefund = ({ type }: KernelTransaction): boolean => type === transactionTypes.refund;
const forRefund: Action = { asks: 'AAC', because: [{ rule: 'refund' }] };

function* refund(prepared: Prepared, results: Results): Dialogue<Result<KernelOutcome, KernelCode>> {
  const { facts, verification } = prepared;
  const online = yield* goOnline({ card: facts, verification, emv: requestObjects(knowledgeOf(prepared, results)) });
  if (online.type === 'unable') return outcomeOf(prepared, results, { decision: 'unable' });
  return outcomeOf(prepared, results, { decision: online.isApproved ? 'approved' : 'declined' });
}

/** Ends a transaction whose ARQC was not signed as it should: the card is told "no". */
function* closeUnsigned(prepared: Prepared, results: Results): Dialogue<void> {
  const code = [[0x8a, responseCode('offlineDeclined')]] as const;
  const second = yield* generateAc('AAC', prepared.cdol2, knowledgeOf(prepared, results, code));
  yield* report('card-completed', second.ok ? second.value.kind : second.fault.code);
}

/** The issuer's turn, and what the card says to it. EMV 4.3 Book 3, 10.9 to 10.11. */
function* askIssuer(
  prepared: Prepared,
  before: Results,
  first: Cryptogram,
): Dialogue<Result<KernelOutcome, KernelCode>> {
  const { facts, verification, pin, card } = prepared;
  const emv = requestObjects(knowledgeOf(prepared, before));
  const online = yield* goOnline({ card: facts, verification, emv, ...(pin !== undefined && { pin }) });
  if (online.type === 'unable') return yield* withoutIssuer(prepared, before, first);

  const answer = readIssuerAnswer(online);
  const authenticated = yield* authenticateIssuer(before, answer, card);
  const early = yield* runScripts({ results: authenticated, scriptResults: new Uint8Array(0) }, answer, 0x71);
  const second = yield* secondCryptogram(prepared, early.results, first, answer.isApproved ? 'TC' : 'AAC', answer);
  const late = yield* runScripts({ ...early, results: second.results }, answer, 0x72);
  const { made } = second;
  yield* report('card-completed', made.ok ? made.value.kind : made.fault.code);
  const end = {
    code: answer.responseCode,
    scriptResults: late.scriptResults,
    wantsAdvice: made.ok && made.value.wantsAdvice,
  };
  if (!answer.isApproved) return outcomeOf(prepared, late.results, { ...end, decision: 'declined' });
  // The issuer has said yes, so that a card which fails now leaves a sale to be undone.
  const isAccepted = made.ok && made.value.kind === 'TC' && made.value.isSigned !== false;
  if (isAccepted) return outcomeOf(prepared, late.results, { ...end, decision: 'approved' });
  const reason = made.ok && made.value.isSigned === false ? 'CARD_NOT_AUTHENTIC' : 'CARD_WITHDREW';
  return outcomeOf(prepared, late.results, { ...end, decision: 'withdrawn', reason });
}

/** Nobody answers: default action codes, and the second cryptogram by them. EMV 4.3 Book 3, 10.7; Book 4, A6. */
function* withoutIssuer(
  prepared: Prepared,
  before: Results,
  first: Cryptogram,
): Dialogue<Result<KernelOutcome, KernelCode>> {
  const { card, terminal, scheme, verification } = prepared;
  const analysed = analyseUnable(before.tvr, card, terminal, scheme);
  // A PIN that only the issuer can judge was judged by nobody.
  const action: Action = verification === 'onlinePin' ? { asks: 'AAC', because: [{ rule: 'online-pin' }] } : analysed;
  yield* noteAction(before, action);
  const code = responseCode(action.asks === 'TC' ? 'unableApproved' : 'unableDeclined');
  const nobody: IssuerAnswer = { isApproved: false, responseCode: code, authentication: undefined, scripts: [] };
  const kind = action.asks === 'TC' ? 'TC' : 'AAC';
  const { results, made } = yield* secondCryptogram(prepared, before, first, kind, nobody, 'unableToGoOnline');
  yield* report('card-completed', made.ok ? made.value.kind : made.fault.code);
  const isApproved = made.ok && made.value.kind === 'TC' && made.value.isSigned !== false;
  return outcomeOf(prepared, results, {
    decision: isApproved ? 'approvedOffline' : 'unable',
    code: responseCode(isApproved ? 'unableApproved' : 'unableDeclined'),
    wantsAdvice: made.ok && made.value.wantsAdvice,
  });
}

/** The second GENERATE AC, and what it adds to the results. */
function* secondCryptogram(
  prepared: Prepared,
  before: Results,
  first: Cryptogram,
  kind: 'TC' | 'AAC',
  { responseCode: code, authentication: issuerData }: IssuerAnswer,
  stage: 'afterIssuer' | 'unableToGoOnline' = 'afterIssuer',
): Dialogue<{ readonly results: Results; readonly made: Result<Cryptogram, KernelCode> }> {
  const { terminal, authentication, cdol2, pdolData } = prepared;
  const told: (readonly [number, Uint8Array])[] = [[0x8a, code]];
  if (issuerData !== undefined) told.push([0x91, issuerData]);
  const { cdaKey } = authentication;
  const signature =
    cdaKey !== undefined && wantsSignature(kind, terminal, stage)
      ? { key: cdaKey, sentBefore: [pdolData, first.sent] }
      : undefined;
  const made = yield* generateAc(kind, cdol2, knowledgeOf(prepared, before, told), signature);
  if (!made.ok || made.value.isSigned === undefined) return { results: before, made };
  const signed = performed(before, tsiBits.offlineDataAuthenticated);
  return { results: made.value.isSigned ? signed : found(signed, tvrBits.cdaFailed), made };
}

const noteAction = function* (results: Results, { asks, because }: Action): Dialogue<void> {
  yield* note({ type: 'value', tag: '95', value: toHex(results.tvr) });
  yield* note({ type: 'value', tag: '9B', value: toHex(results.tsi) });
  yield* note({ type: 'action', asks, because });
};

/** What stands at the end. */
export function* noteEnd({ decision, reason, tvr, tsi, cvmResults }: KernelOutcome): Dialogue<void> {
  for (const [tag, value] of [
    ['9F34', cvmResults],
    ['95', tvr],
    ['9B', tsi],
  ] as const)
    yield* note({ type: 'value', tag, value: toHex(value) });
  yield* note({ type: 'outcome', outcome: reason === undefined ? decision : `${decision} ${reason}` });
}

/** Which of the findings a person is told when the terminal itself declines. */
export function refusalReason(results: Results): KernelCode {
  if (isFound(results, tvrBits.onExceptionFile)) return 'CARD_LISTED';
  if (isFound(results, tvrBits.expired)) return 'CARD_EXPIRED';
  if (isFound(results, tvrBits.serviceNotAllowed)) return 'SERVICE_NOT_ALLOWED';
  const forged = [tvrBits.sdaFailed, tvrBits.ddaFailed, tvrBits.cdaFailed];
  if (forged.some((bit) => isFound(results, bit))) return 'CARD_NOT_AUTHENTIC';
  return isFound(results, tvrBits.cardholderNotVerified) ? 'CARDHOLDER_NOT_VERIFIED' : 'TERMINAL_DECLINED';
}

/** What a card that declines gives as its reason (9F27, bits 3 to 1). EMV 4.3 Book 3, table 14. */
export const declineReason = ({ reason }: Cryptogram): KernelCode =>
  reason === 1 ? 'SERVICE_NOT_ALLOWED' : 'CARD_DECLINED';
