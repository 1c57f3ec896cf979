import { fail, hex, ok, type Result, toHex } from '@tsunagu/protocols/kit';
import { takeAnswer } from './answers.ts';
import { CardObjects } from './card-objects.ts';
import { optionsLayout, refusalReason } from './contact.ts';
import { type CryptogramKind, generateAc, kindOf } from './cryptogram.ts';
import {
  analyseAction,
  applicationVersions,
  issuerActionCodes,
  manageRisk,
  restrict,
  type VerificationStep,
  verifyCardholder,
} from './decisions.ts';
import { askNegative, type Dialogue, goOnline, report, type Verification } from './dialogue.ts';
import type { KernelCode, KernelOutcome } from './outcome.ts';
import { readRecords, startOnCard } from './reading.ts';
import { requestObjects } from './request.ts';
import { found, noResults, performed, type Results, tsiBits, tvrBits } from './results.ts';
import { type Candidate, contactlessCandidates, selectFinally } from './selection.ts';
import type { KernelTerminal, KernelTransaction } from './terminal.ts';
import type { Knowledge } from './terminal-objects.ts';

/** What the fields of one card in front of the reader lead to. */
interface Tapped {
  readonly terminal: KernelTerminal;
  readonly transaction: KernelTransaction;
  readonly candidate: Candidate;
  readonly card: CardObjects;
  /** Objects that only a contactless terminal has. */
  readonly own: ReadonlyMap<number, Uint8Array>;
}

/**
 * A sale with a contactless card: entry point, then the way of its kernel. Kernels 3 and 7 (Visa, UnionPay) have the cryptogram in the
 * answer to GPO; kernels 2, 4 and 5 (Mastercard, American Express, JCB) ask for it once. The card may leave before the issuer answers.
 *
 * Left out: offline data authentication and approval, stripe mode, issuer updates, relay resistance, on-device verification limits.
 * @see EMV Books A and B; C-2 to C-5 and C-7 as far as they are public
 */
export function* contactlessSale(
  terminal: KernelTerminal,
  transaction: KernelTransaction,
): Dialogue<Result<KernelOutcome, KernelCode>> {
  const candidates = yield* contactlessCandidates();
  if (!candidates.ok) return candidates;
  const [candidate] = candidates.value;
  if (candidate === undefined) return fail('NO_COMMON_APPLICATION');
  const selected = yield* selectFinally(candidate);
  if (!selected.ok) return selected;
  yield* report('application-selected', candidate.label);
  const card = new CardObjects();
  const own = ownObjects(terminal, transaction, candidate);
  const start: Knowledge = { terminal, transaction, card, results: noResults, more: own };
  const options = yield* startOnCard(selected.value.pdol, start);
  if (!options.ok) return options;
  const taken = takeAnswer(options.value, card, optionsLayout);
  if (!taken.ok) return taken;
  // Without a locator a fast card has told everything.
  if (card.has(0x94)) {
    const read = yield* readRecords(start);
    if (!read.ok) return read;
  }
  const tapped: Tapped = { terminal, transaction, candidate, card, own };
  const isFast = candidate.entry.kernel === 3 || candidate.entry.kernel === 7;
  return yield* isFast ? fastSale(tapped) : oneCryptogramSale(tapped);
}

/** Kernel 3's way. EMV Book C-3, 5.4 to 5.8. */
function* fastSale(tapped: Tapped): Dialogue<Result<KernelOutcome, KernelCode>> {
  const { terminal, transaction, candidate, card, own } = tapped;
  const { scheme } = candidate.entry;
  const facts = card.facts(scheme);
  if (!facts.ok) return facts;
  for (const tag of [0x9f26, 0x9f36, 0x9f10, 0x82])
    if (!card.has(tag)) return fail('EMV_DATA_MISSING', { field: tag.toString(16).toUpperCase() });
  yield* report('card-read', candidate.label);

  const negative = yield* askNegative(facts.value);
  yield* report('negative-checked', negative);
  const checked = manageRisk(noResults, terminal, transaction, negative);
  const results = performed(restrict(checked, card, scheme, terminal, transaction), tsiBits.cardRiskManaged);
  const method = qualifiedVerification(card.get(0x9f6c), terminal, transaction);
  const ended = (decision: KernelOutcome['decision'], reason?: KernelCode): Result<KernelOutcome, KernelCode> =>
    ok({
      decision,
      card: facts.value,
      verification: method ?? 'none',
      ...results,
      ...ownFacts(candidate, noCvm),
      emv: requestObjects({ terminal, transaction, card, results: noResults, more: requestOwn(own, candidate, noCvm) }),
      ...(reason !== undefined && { reason }),
    });
  const kind = kindOf(card.get(0x9f27)) ?? kindInIssuerData(card.get(0x9f10));
  yield* report('cryptogram-made', kind ?? '');
  if (negative === 'listed') return ended('refused', 'CARD_LISTED');
  if (kind === 'AAC') return ended('refused', 'CARD_DECLINED');
  if (method === undefined) return ended('refused', 'CARDHOLDER_NOT_VERIFIED');
  // A card past its date goes online only when it asks for that itself (CTQ byte 1, bit 4).
  const isExpired = ((results.tvr[1] ?? 0) & 0x40) !== 0;
  if (isExpired && ((card.get(0x9f6c)?.[0] ?? 0) & 0x08) === 0) return ended('refused', 'CARD_EXPIRED');
  if (((results.tvr[1] ?? 0) & 0x10) !== 0) return ended('refused', 'TERMINAL_DECLINED');

  // The card made its cryptogram over zeros here: no results of the terminal went into it.
  const knowledge = { terminal, transaction, card, results: noResults, more: requestOwn(own, candidate, noCvm) };
  return yield* askIssuer(facts.value, method, requestObjects(knowledge), ended);
}

/** The way of kernels 2, 4 and 5: one GENERATE AC after the records are read. */
function* oneCryptogramSale(tapped: Tapped): Dialogue<Result<KernelOutcome, KernelCode>> {
  const { terminal, transaction, candidate, card, own } = tapped;
  const { scheme } = candidate.entry;
  const facts = card.facts(scheme);
  if (!facts.ok) return facts;
  const cdol1 = card.get(0x8c);
  if (cdol1 === undefined || !card.has(0x5f24))
    return fail('EMV_DATA_MISSING', { field: cdol1 === undefined ? '8C' : '5F24' });
  yield* report('card-read', candidate.label);

  const begun = found(noResults, tvrBits.offlineDataAuthenticationNotPerformed);
  const restricted = restrict(begun, card, scheme, terminal, transaction);
  const verified = verifyAboveLimit(restricted, tapped);
  const negative = yield* askNegative(facts.value);
  yield* report('negative-checked', negative);
  let results = manageRisk(verified.results, terminal, transaction, negative);
  const { verification } = verified;
  const ended = (decision: KernelOutcome['decision'], reason?: KernelCode): Result<KernelOutcome, KernelCode> =>
    ok({
      decision,
      card: facts.value,
      verification,
      ...results,
      ...ownFacts(candidate, verified.cvmResults),
      emv: requestObjects({ terminal, transaction, card, results, more }),
      ...(reason !== undefined && { reason }),
    });

  const more = requestOwn(own, candidate, verified.cvmResults);
  const asked = analyseAction(results.tvr, issuerActionCodes(card), terminal.actionCodes);
  const made = yield* generateAc(asked, cdol1, { terminal, transaction, card, results, more });
  if (!made.ok) return made;
  yield* report('cryptogram-made', made.value);
  const emv = requestObjects({ terminal, transaction, card, results, more });
  results = performed(results, tsiBits.cardRiskManaged);
  if (asked === 'AAC') return ended('refused', refusalReason(results));
  if (made.value !== 'ARQC') return ended('refused', 'CARD_DECLINED');
  return yield* askIssuer(facts.value, verification, emv, ended);
}

const ownFacts = ({ label, aid }: Candidate, cvmResults: Uint8Array) => ({
  cvmResults,
  authentication: 'none' as const,
  application: { label, aid: toHex(aid) },
  language: undefined,
  wantsAdvice: false,
  scriptResults: new Uint8Array(0),
});

type Ended = (decision: KernelOutcome['decision'], reason?: KernelCode) => Result<KernelOutcome, KernelCode>;

function* askIssuer(
  card: KernelOutcome['card'],
  verification: Verification,
  emv: Uint8Array,
  ended: Ended,
): Dialogue<Result<KernelOutcome, KernelCode>> {
  const online = yield* goOnline({ card, verification, emv });
  // The card is gone by now: what the issuer tells it is not delivered. EMV Book A, 5.8.
  yield* report('card-completed', 'removed');
  if (online.type === 'unable') return ended('unable');
  return ended(online.isApproved ? 'approved' : 'declined');
}

const canSign = ({ capabilities }: KernelTerminal): boolean => ((capabilities[1] ?? 0) & 0x20) !== 0;

const noCvm = Uint8Array.of(0x3f, 0x00, 0x00);
/** No verification was needed: rule "none, always", successful. */
const noCvmNeeded = Uint8Array.of(0x1f, 0x00, 0x02);

const isAboveLimit = (terminal: KernelTerminal, transaction: KernelTransaction): boolean =>
  transaction.amountMinor >= (terminal.contactless[2]?.cvmRequiredLimitMinor ?? 0);

/** Cardholder verification of kernels 2, 4 and 5: by the card's list, above the limit alone. */
function verifyAboveLimit(results: Results, { terminal, transaction, card }: Tapped): VerificationStep {
  if (isAboveLimit(terminal, transaction)) return verifyCardholder(results, card, terminal, transaction);
  return { results: performed(results, tsiBits.cardholderVerified), verification: 'none', cvmResults: noCvmNeeded };
}

/**
 * Cardholder verification of kernel 3, by the card's qualifiers (9F6C): undefined when one is needed and none is possible.
 * EMV Book C-3, 5.7.
 */
function qualifiedVerification(
  qualifiers: Uint8Array | undefined,
  terminal: KernelTerminal,
  transaction: KernelTransaction,
): Verification | undefined {
  const wantsSignature = ((qualifiers?.[0] ?? 0) & 0x40) !== 0;
  if (wantsSignature && canSign(terminal)) return 'signature';
  return isAboveLimit(terminal, transaction) ? undefined : 'none';
}

/** The kind of cryptogram, where a fast card leaves 9F27 out: bits 6-5 of its verification results. VIS 1.5, annex. */
const kindInIssuerData = (issuerData: Uint8Array | undefined): CryptogramKind | undefined =>
  issuerData?.[4] === undefined ? undefined : kindOf(Uint8Array.of((issuerData[4] & 0x30) << 2));

/** What a contactless terminal tells a card about itself. */
function ownObjects(
  terminal: KernelTerminal,
  transaction: KernelTransaction,
  { entry }: Candidate,
): ReadonlyMap<number, Uint8Array> {
  // EMV mode and signature; the cryptogram must go online, and above the limit the cardholder must be verified. Book A, table 5-4.
  const qualifiers = Uint8Array.of(
    0x20 | (canSign(terminal) ? 0x02 : 0),
    0x80 | (isAboveLimit(terminal, transaction) ? 0x40 : 0),
    0x00,
    0x00,
  );
  const version = applicationVersions[entry.scheme] ?? new Uint8Array(2);
  const own = new Map([
    [0x9f66, qualifiers],
    [0x9f09, version],
  ]);
  // Transaction category "retail" (kernels 2 and 5).
  own.set(0x9f53, Uint8Array.of(0x52));
  if (entry.scheme === 'amex') {
    // Contactless reader capabilities: EMV mode without and with verification; online-capable, attended. Book C-4.
    own.set(0x9f6d, Uint8Array.of(isAboveLimit(terminal, transaction) ? 0xc8 : 0xc0));
    own.set(0x9f6e, hex('D8C00000'));
  }
  return own;
}

const requestOwn = (
  own: ReadonlyMap<number, Uint8Array>,
  { aid }: Candidate,
  cvmResults: Uint8Array,
): ReadonlyMap<number, Uint8Array> => new Map([...own, [0x9f34, cvmResults], [0x84, aid]]);
