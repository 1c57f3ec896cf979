import type { CryptogramKind } from './cryptogram-kind.ts';
import type { ApplicationMemory } from './memory.ts';
import type { CardProgram } from './program.ts';
import { type CardState, recall } from './state.ts';

/** The limits in force: what was personalised, or what the issuer put since. A card without risk management has none. */
export const limitsOf = (
  { card }: CardProgram,
  { lowerLimit, upperLimit }: ApplicationMemory,
): { readonly lower: number; readonly upper: number } => ({
  lower: lowerLimit ?? card.risk?.lowerLimit ?? 0,
  upper: upperLimit ?? card.risk?.upperLimit ?? 0,
});

/** Terminal types that never reach an issuer (9F35). EMV 4.3 Book 4, A1. */
const isOfflineOnly = ({ told }: CardState): boolean => {
  const type = (told.get(0x9f35)?.[0] ?? 0) & 0x0f;
  return type === 3 || type === 6;
};

/**
 * The card's own decision at the first GENERATE AC: what was asked for, or less. A card without risk management of its own wants each
 * sale to be seen by its issuer. EMV 4.3 Book 3, 10.8, tables 28 and 29; the rules are the issuer's.
 */
export function decideFirst(program: CardProgram, state: CardState, asked: CryptogramKind): CryptogramKind {
  const memory = recall(state);
  if (asked === 'AAC' || memory.isBlocked) return 'AAC';
  if (asked === 'ARQC') return 'ARQC';
  return mayApprove(program, state, isOfflineOnly(state)) ? 'TC' : isOfflineOnly(state) ? 'AAC' : 'ARQC';
}

/** Whether the card approves without its issuer; a terminal that cannot go online is let up to the upper limit. */
export function mayApprove(program: CardProgram, state: CardState, isLastResort: boolean): boolean {
  const memory = recall(state);
  if (program.card.risk === undefined || memory.isBlocked) return false;
  const { lower, upper } = limitsOf(program, memory);
  if (isLastResort) return memory.offlineCount < upper;
  // What the issuer has to hear of comes before the count.
  const hasNews =
    state.before.isOnlineUnfinished ||
    state.before.lastOnlineAtc === 0 ||
    state.before.lastIssuerAuthentication === 'failed' ||
    state.before.mustGoOnline;
  return !hasNews && memory.offlineCount < Math.min(lower, upper);
}

/** The card's decision at the second GENERATE AC. EMV 4.3 Book 3, 10.11. */
export function decideSecond(
  program: CardProgram,
  state: CardState,
  asked: CryptogramKind,
  isUnable: boolean,
): CryptogramKind {
  if (asked !== 'TC' || recall(state).isBlocked || state.isDeclinedByIssuer) return 'AAC';
  if (state.issuerAuthentication === 'failed') return 'AAC';
  if (state.issuerAuthentication === 'passed') return 'TC';
  if (isUnable) return mayApprove(program, state, true) ? 'TC' : 'AAC';
  // A card to which no issuer can prove itself takes the terminal's word. 10.9.
  if (!program.hasIssuerAuthentication) return 'TC';
  // The issuer's word without its proof counts only where the card was made so.
  return program.card.risk?.issuerAuthentication === 'optional' ? 'TC' : 'AAC';
}
