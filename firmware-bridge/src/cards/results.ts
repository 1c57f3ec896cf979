import { hex } from '@tsunagu/protocols/kit';
import { type CryptogramKind, cryptogramKinds } from './cryptogram-kind.ts';
import type { CardProgram } from './program.ts';
import { limitsOf } from './risk.ts';
import { type CardState, recall } from './state.ts';

/** Which cryptograms of the transaction the results tell of. */
export interface ResultKinds {
  readonly first: CryptogramKind;
  /** Absent in the first answer. */
  readonly second?: CryptogramKind;
}

/** The issuer application data (9F10) with the card's verification results filled in. */
export function issuerApplicationData(program: CardProgram, state: CardState, kinds: ResultKinds): Uint8Array {
  const data = hex(program.card.issuerApplicationData);
  if (program.card.scheme === 'mastercard') data.set(mchipResults(program, state, kinds), 2);
  else data.set(visaResults(program, state, kinds), 4);
  return data;
}

/** Both shapes code the two cryptograms alike: second in bits 8-7 (10: not asked for yet), first in bits 6-5. */
const kindBits = ({ first, second }: ResultKinds): number =>
  (second === undefined ? 0x80 : cryptogramKinds[second]) | (cryptogramKinds[first] >> 2);

const when = (holds: boolean, bit: number): number => (holds ? bit : 0);

/** "Unable to go online": what a terminal says in 8A when there was no answer. EMV 4.3 Book 4, A6. */
export const isUnableToGoOnline = ({ told }: CardState): boolean => {
  const code = told.get(0x8a);
  return code !== undefined && (code[0] === 0x59 || code[0] === 0x5a) && code[1] === 0x33;
};

/**
 * Three bytes of verification results, as Visa has them, and as far as public documents tell JCB, American Express and UnionPay too.
 * Only data of the transaction before and findings of this one; VIS 1.5, annex (cvr).
 */
function visaResults(program: CardProgram, state: CardState, kinds: ResultKinds): readonly number[] {
  const { before } = state;
  const { lower } = limitsOf(program, before);
  return [
    kindBits(kinds) |
      when(state.issuerAuthentication === 'failed', 0x08) |
      when(state.pinCheck !== 'none', 0x04) |
      when(state.pinCheck === 'failed', 0x02) |
      when(isUnableToGoOnline(state), 0x01),
    when(before.isOnlineUnfinished, 0x80) |
      when(program.card.hasOfflinePin && recall(state).pinTriesLeft === 0, 0x40) |
      when(program.card.risk !== undefined && before.offlineCount >= lower, 0x20) |
      when(before.lastOnlineAtc === 0, 0x10) |
      when(before.lastIssuerAuthentication === 'failed', 0x08) |
      when(before.lastIssuerAuthentication === 'missing', 0x04),
    (Math.min(before.scriptCount, 15) << 4) |
      when(before.isScriptFailed, 0x08) |
      when(state.signed.dda || state.signed.first || state.signed.second, 0x02),
  ];
}

/** Six bytes of verification results as M/Chip 4 has them, as far as public tools show. */
function mchipResults(program: CardProgram, state: CardState, kinds: ResultKinds): readonly number[] {
  const { before } = state;
  const memory = recall(state);
  const { lower, upper } = limitsOf(program, before);
  const country = Buffer.from(state.told.get(0x9f1a) ?? []).toString('hex');
  const isDomestic = country === program.card.issuerCountry;
  const hasRisk = program.card.risk !== undefined;
  return [
    kindBits(kinds) |
      when(state.pinCheck !== 'none', 0x04) |
      when(state.pinCheck !== 'none' && state.isPinEnciphered, 0x02) |
      when(state.pinCheck === 'passed', 0x01),
    when(state.signed.dda, 0x80) |
      when(state.signed.first, 0x40) |
      when(state.signed.second, 0x20) |
      when(state.issuerAuthentication !== 'none', 0x10),
    (Math.min(before.scriptCount, 15) << 4) | Math.min(memory.pinTriesLeft, 15),
    when(isUnableToGoOnline(state), 0x40) |
      when(state.pinCheck === 'none', 0x20) |
      when(state.pinCheck === 'failed', 0x10) |
      when(program.card.hasOfflinePin && memory.pinTriesLeft === 0, 0x08) |
      (isDomestic ? 0x02 : 0x04),
    when(hasRisk && before.offlineCount >= lower, 0x80) |
      when(hasRisk && before.offlineCount >= upper, 0x40) |
      when(before.mustGoOnline, 0x08) |
      when(state.issuerAuthentication === 'failed' || before.lastIssuerAuthentication === 'failed', 0x04) |
      when(before.scriptCount > 0, 0x02) |
      when(before.isScriptFailed, 0x01),
    0,
  ];
}
