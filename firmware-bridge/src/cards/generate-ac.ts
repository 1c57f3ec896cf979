import { scriptSession } from '@tsunagu/protocols/emv';
import { concat } from '@tsunagu/protocols/kit';
import { dolDataLength, valueInDol } from '@tsunagu/protocols/tlv';
import { type CryptogramKind, cryptogramKindOf } from './cryptogram-kind.ts';
import { drawDynamicNumber, type MadeCryptogram, makeCryptogram, plainAnswer, signedAnswer } from './cryptogram.ts';
import { authenticateIssuer } from './issuer.ts';
import type { ApplicationMemory } from './memory.ts';
import type { CardProgram } from './program.ts';
import { isUnableToGoOnline, type ResultKinds } from './results.ts';
import { decideFirst, decideSecond } from './risk.ts';
import { type CardState, recall, remember } from './state.ts';
import { sw } from './status.ts';
import { type CardStep, give, type Handler, refuse, tell } from './step.ts';

/** P1 bit 5: the answer shall be signed (CDA). EMV 4.3 Book 3, table 14. */
const signatureRequested = 0x10;

/** What a terminal asks for. */
interface Asked {
  readonly kind: CryptogramKind;
  readonly isSigned: boolean;
}

/** GENERATE AC, first and second. EMV 4.3 Book 3, 6.5.5. */
export const generateAc: Handler = (program, state, { p1, p2, data }) => {
  const kind = cryptogramKindOf(p1);
  const isSigned = (p1 & signatureRequested) !== 0;
  if (p2 !== 0 || kind === undefined || (p1 & 0x2f) !== 0 || (isSigned && !program.hasCda))
    return refuse(state, sw.wrongParameters);
  if (state.phase === 'initiated' && program.card.cdol1 !== undefined && program.card.flow !== 'contactlessStripe')
    return firstCryptogram(program, state, { kind, isSigned }, data);
  if (state.phase === 'awaitingIssuer') return secondCryptogram(program, state, { kind, isSigned }, data);
  return refuse(state, sw.conditionsNotSatisfied);
};

function firstCryptogram(program: CardProgram, state: CardState, asked: Asked, data: Uint8Array): CardStep {
  if (data.length !== dolDataLength(program.cdol1)) return refuse(state, sw.wrongLength);
  const told = tell(state.told, program.cdol1, data);
  const next: CardState = { ...state, told, sent: concat(state.sent, data) };
  const kind = decideFirst(program, next, asked.kind);
  const waits = kind === 'ARQC' && program.card.flow === 'contact';
  const answered = answer(program, next, asked, { first: kind });
  if (answered === undefined) return refuse(state, sw.wrongData);
  const { made } = answered;
  const kept: CardState = {
    ...answered.state,
    phase: waits ? 'awaitingIssuer' : 'ended',
    first: { kind, cryptogram: made.cryptogram },
    script: scriptSession(program.scriptKeys, made.cryptogram),
  };
  const { offlineCount } = recall(kept);
  const change: Partial<ApplicationMemory> =
    kind === 'TC' ? { offlineCount: offlineCount + 1 } : waits ? { isOnlineUnfinished: true } : {};
  return give(remember(kept, change), answered.data);
}

function secondCryptogram(program: CardProgram, state: CardState, asked: Asked, data: Uint8Array): CardStep {
  if (asked.kind === 'ARQC') return refuse(state, sw.wrongParameters);
  if (data.length !== dolDataLength(program.cdol2)) return refuse(state, sw.wrongLength);
  const inList = valueInDol(program.cdol2, data, 0x91);
  // M/Chip gets the issuer's answer inside CDOL2; zeros stand for none.
  const authenticated =
    inList?.some((byte) => byte !== 0) === true ? authenticateIssuer(program, state, inList) : state;
  const told = tell(authenticated.told, program.cdol2, data);
  const next: CardState = { ...authenticated, told, sent: concat(authenticated.sent, data) };
  const isUnable = isUnableToGoOnline(next);
  const second = decideSecond(program, next, asked.kind, isUnable);
  const answered = answer(program, next, asked, { first: state.first?.kind ?? 'ARQC', second });
  if (answered === undefined) return refuse(state, sw.wrongData);
  const ended: CardState = { ...answered.state, phase: 'ended' };
  return give(remember(ended, afterSecond(ended, second, isUnable)), answered.data);
}

/** What the end of an online transaction, or of a failed attempt at one, leaves in the card. EMV 4.3 Book 3, 10.9 and 10.11. */
function afterSecond(state: CardState, second: CryptogramKind, isUnable: boolean): Partial<ApplicationMemory> {
  const { atc, offlineCount } = recall(state);
  if (isUnable) return { isOnlineUnfinished: false, ...(second === 'TC' && { offlineCount: offlineCount + 1 }) };
  const { issuerAuthentication } = state;
  const scripts = state.scriptsTaken === 0 ? { scriptCount: 0, isScriptFailed: false } : {};
  const common = { isOnlineUnfinished: false, ...scripts };
  if (issuerAuthentication === 'failed') return { ...common, lastIssuerAuthentication: 'failed' };
  if (issuerAuthentication === 'none' && second !== 'TC') return { ...common, lastIssuerAuthentication: 'missing' };
  return {
    ...common,
    lastIssuerAuthentication: issuerAuthentication === 'passed' ? 'passed' : 'missing',
    lastOnlineAtc: atc,
    offlineCount: 0,
    mustGoOnline: recall(state).mustGoOnline && !state.before.mustGoOnline,
  };
}

/**
 * The answer with or without a signature. A card that declines on its own answers without one (EMV 4.3 Book 2, 6.6.1); where the
 * terminal itself asks for a signed AAC it gets it, as kernel 2 wants it and as no clause forbids.
 */
function answer(
  program: CardProgram,
  state: CardState,
  asked: Asked,
  kinds: ResultKinds,
): { readonly state: CardState; readonly data: Uint8Array; readonly made: MadeCryptogram } | undefined {
  const kind = kinds.second ?? kinds.first;
  const isSigned = asked.isSigned && (kind !== 'AAC' || asked.kind === 'AAC');
  if (!isSigned) {
    const made = makeCryptogram(program, state, kinds);
    return made && { state, made, data: plainAnswer(program, made) };
  }
  const drawn = drawDynamicNumber(program, state);
  const which = kinds.second === undefined ? { first: true } : { second: true };
  const signing: CardState = { ...drawn.state, signed: { ...state.signed, ...which } };
  const made = makeCryptogram(program, signing, kinds, drawn.number);
  const data = made && signedAnswer(program, signing, made, drawn.number);
  return made && data && { state: signing, made, data };
}
