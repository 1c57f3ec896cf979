import { fail, ok, type Result, toHex } from '@tsunagu/protocols/kit';
import { CardObjects } from './card-objects.ts';
import { generateAc } from './cryptogram.ts';
import {
  analyseAction,
  applicationVersions,
  issuerActionCodes,
  manageRisk,
  restrict,
  verifyCardholder,
} from './decisions.ts';
import { askNegative, type Dialogue, goOnline, report } from './dialogue.ts';
import { authenticateIssuer, readIssuerAnswer, runScripts } from './issuer.ts';
import type { KernelCode, KernelOutcome } from './outcome.ts';
import { takeAnswer } from './answers.ts';
import { readRecords, startOnCard } from './reading.ts';
import { requestObjects } from './request.ts';
import { found, noResults, performed, type Results, tsiBits, tvrBits } from './results.ts';
import { type Candidate, contactCandidates, selectFinally } from './selection.ts';
import type { KernelTerminal, KernelTransaction } from './terminal.ts';
import type { Knowledge } from './terminal-objects.ts';

/** Format 1 of the answer to GET PROCESSING OPTIONS: interchange profile and file locator. EMV 4.3 Book 3, 6.5.8.4. */
export const optionsLayout = [
  { tag: 0x82, length: 2 },
  { tag: 0x94, length: 252 },
] as const;

/** An application that was started, and what is known from then on. */
interface Started {
  readonly candidate: Candidate;
  readonly card: CardObjects;
}

/**
 * A sale with a card that has contacts, from application selection to the second GENERATE AC. EMV 4.3 Books 1, 3 and 4.
 * Left out: offline data authentication, PINs, and approval without the issuer.
 */
export function* contactSale(
  terminal: KernelTerminal,
  transaction: KernelTransaction,
): Dialogue<Result<KernelOutcome, KernelCode>> {
  const started = yield* start(terminal, transaction);
  if (!started.ok) return started;
  const { candidate, card } = started.value;
  const { scheme } = candidate.entry;

  // Nothing authenticates the card offline here: the issuer does, by its cryptogram.
  let results = found(noResults, tvrBits.offlineDataAuthenticationNotPerformed);
  const knowledge = (more?: ReadonlyMap<number, Uint8Array>): Knowledge =>
    more === undefined ? { terminal, transaction, card, results } : { terminal, transaction, card, results, more };

  const read = yield* readRecords(knowledge());
  if (!read.ok) return read;
  const facts = card.facts(scheme);
  if (!facts.ok) return facts;
  const [cdol1, cdol2] = [card.get(0x8c), card.get(0x8d)];
  // Expiry and both lists are mandatory. EMV 4.3 Book 3, 7.2.
  for (const tag of [0x5f24, 0x8c, 0x8d]) if (!card.has(tag)) return missing(tag);
  if (cdol1 === undefined || cdol2 === undefined) return missing(0x8c);
  yield* report('card-read', candidate.label);

  results = restrict(results, card, scheme, terminal, transaction);
  const verified = verifyCardholder(results, card, terminal, transaction);
  const { verification } = verified;
  const negative = yield* askNegative(facts.value);
  yield* report('negative-checked', negative);
  results = manageRisk(verified.results, terminal, transaction, negative);
  const ended = (decision: KernelOutcome['decision'], reason?: KernelCode): Result<KernelOutcome, KernelCode> =>
    ok({
      decision,
      card: facts.value,
      verification,
      ...results,
      emv: requestObjects(knowledge(own)),
      cvmResults: verified.cvmResults,
      authentication: 'none',
      application: { label: candidate.label, aid: toHex(candidate.aid) },
      language: undefined,
      wantsAdvice: false,
      scriptResults: new Uint8Array(0),
      ...(reason !== undefined && { reason }),
    });

  const own = new Map([
    [0x9f34, verified.cvmResults],
    [0x9f09, applicationVersions[scheme] ?? new Uint8Array(2)],
    [0x84, candidate.aid],
  ]);
  const asked = analyseAction(results.tvr, issuerActionCodes(card), terminal.actionCodes);
  const first = yield* generateAc(asked, cdol1, knowledge(own));
  if (!first.ok) return first;
  results = performed(results, tsiBits.cardRiskManaged);
  yield* report('cryptogram-made', first.value);
  if (asked === 'AAC') return ended('refused', refusalReason(results));
  if (first.value !== 'ARQC') return ended('refused', 'CARD_DECLINED');

  const emv = requestObjects(knowledge(own));
  const online = yield* goOnline({ card: facts.value, verification, emv });
  const answer = readIssuerAnswer(online);
  results = yield* authenticateIssuer(results, answer, card.get(0x82));
  results = yield* runScripts(results, answer, 0x71);
  const told = new Map([...own, [0x8a, answer.responseCode]]);
  if (answer.authentication !== undefined) told.set(0x91, answer.authentication);
  const second = yield* generateAc(answer.isApproved ? 'TC' : 'AAC', cdol2, knowledge(told));
  results = yield* runScripts(results, answer, 0x72);
  yield* report('card-completed', second.ok ? second.value : second.fault.code);
  if (online.type === 'unable') return ended('unable');
  if (!answer.isApproved) return ended('declined');
  // The issuer has said yes, so that a card which fails now leaves a sale to be undone.
  return second.ok && second.value === 'TC' ? ended('approved') : ended('withdrawn', 'CARD_WITHDREW');
}

/** Selects applications in turn until one lets itself be started. EMV 4.3 Book 1, 12.4; Book 3, 10.1. */
function* start(terminal: KernelTerminal, transaction: KernelTransaction): Dialogue<Result<Started, KernelCode>> {
  const candidates = yield* contactCandidates();
  if (!candidates.ok) return candidates;
  let last: Result<Started, KernelCode> = fail('NO_COMMON_APPLICATION');
  for (const candidate of candidates.value) {
    const selected = yield* selectFinally(candidate);
    if (!selected.ok) {
      last = selected;
      continue;
    }
    yield* report('application-selected', candidate.label);
    const card = new CardObjects();
    const options = yield* startOnCard(selected.value.pdol, { terminal, transaction, card, results: noResults });
    if (!options.ok) return options;
    // "Conditions of use not satisfied": this application does not want this sale, the next one may.
    const taken = takeAnswer(options.value, card, optionsLayout);
    if (taken.ok) return ok({ candidate, card });
    last = taken;
    if (options.value.sw !== 0x6985) return taken;
  }
  return last;
}

const missing = (tag: number): Result<never, 'EMV_DATA_MISSING'> =>
  fail('EMV_DATA_MISSING', { field: tag.toString(16).toUpperCase() });

/** Which of the findings a person is told when the terminal itself declines. */
export function refusalReason({ tvr }: Results): KernelCode {
  if (((tvr[0] ?? 0) & 0x10) !== 0) return 'CARD_LISTED';
  return ((tvr[1] ?? 0) & 0x40) !== 0 ? 'CARD_EXPIRED' : 'TERMINAL_DECLINED';
}
