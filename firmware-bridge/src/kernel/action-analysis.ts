import type { CardObjects } from './card-objects.ts';
import type { ActionCodes, KernelTerminal } from './terminal.ts';
import { isOfflineOnly, isOnlineOnly } from './terminal-facts.ts';
import type { TraceCause } from './trace-note.ts';
import type { Scheme } from '@tsunagu/protocols/emv';

/** What the terminal asks the card for, and why. */
export interface Action {
  readonly asks: 'AAC' | 'ARQC' | 'TC';
  readonly because: readonly TraceCause[];
}

/** The issuer's action codes as the card gives them; absent ones have their defaults. EMV 4.3 Book 3, 10.7. */
export const issuerActionCodes = (card: CardObjects): ActionCodes => ({
  denial: card.get(0x9f0e) ?? new Uint8Array(5),
  online: card.get(0x9f0f) ?? new Uint8Array(5).fill(0xff),
  default: card.get(0x9f0d) ?? new Uint8Array(5).fill(0xff),
});

/** The terminal's action codes for a scheme. */
export const terminalActionCodes = (terminal: KernelTerminal, scheme: Scheme): ActionCodes =>
  terminal.schemeActionCodes[scheme] ?? terminal.actionCodes;

/** Bits of the TVR that a list of either side names. */
function causes(
  tvr: Uint8Array,
  list: 'denial' | 'online' | 'default',
  issuer: ActionCodes,
  terminal: ActionCodes,
): readonly TraceCause[] {
  const because: TraceCause[] = [];
  for (const [at, byte] of tvr.entries())
    for (let bit = 8; bit >= 1; bit--) {
      const mask = byte & (1 << (bit - 1));
      if (mask === 0) continue;
      if (((terminal[list][at] ?? 0) & mask) !== 0) because.push({ byte: at + 1, bit, code: 'TAC', list });
      else if (((issuer[list][at] ?? 0) & mask) !== 0) because.push({ byte: at + 1, bit, code: 'IAC', list });
    }
  return because;
}

/**
 * Which cryptogram is asked for first. A denial code ends it; a terminal with a line asks the issuer where an online code says so, and one
 * that is online only does so always; one without a line obeys the default codes. EMV 4.3 Book 3, 10.7.
 */
export function analyseAction(tvr: Uint8Array, card: CardObjects, terminal: KernelTerminal, scheme: Scheme): Action {
  const issuer = issuerActionCodes(card);
  const own = terminalActionCodes(terminal, scheme);
  const denied = causes(tvr, 'denial', issuer, own);
  if (denied.length > 0) return { asks: 'AAC', because: denied };
  if (isOfflineOnly(terminal)) return afterDefaults(tvr, issuer, own);
  const online = causes(tvr, 'online', issuer, own);
  if (online.length > 0) return { asks: 'ARQC', because: online };
  if (isOnlineOnly(terminal)) return { asks: 'ARQC', because: [{ rule: 'online-only' }] };
  return { asks: 'TC', because: [{ rule: 'no-code-met' }] };
}

/**
 * What is asked for when the issuer could not be reached. A terminal that is online only declines; others obey the default codes.
 * EMV 4.3 Book 3, 10.7; Book 4, 6.3.6.
 */
export function analyseUnable(tvr: Uint8Array, card: CardObjects, terminal: KernelTerminal, scheme: Scheme): Action {
  if (isOnlineOnly(terminal)) return { asks: 'AAC', because: [{ rule: 'online-only' }] };
  return afterDefaults(tvr, issuerActionCodes(card), terminalActionCodes(terminal, scheme));
}

function afterDefaults(tvr: Uint8Array, issuer: ActionCodes, own: ActionCodes): Action {
  const defaulted = causes(tvr, 'default', issuer, own);
  return defaulted.length > 0
    ? { asks: 'AAC', because: defaulted }
    : { asks: 'TC', because: [{ rule: 'no-code-met' }] };
}
