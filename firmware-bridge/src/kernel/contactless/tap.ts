import type { ResponseApdu } from '@tsunagu/protocols/apdu';
import type { ContactlessKernel } from '@tsunagu/protocols/catalogue';
import { type Result, toHex } from '@tsunagu/protocols/kit';
import type { CardObjects } from '../card-objects.ts';
import type { AuthenticationMethod } from '../data-authentication.ts';
import type { CardFacts, Verification } from '../dialogue.ts';
import type { KernelCode, KernelOutcome } from '../outcome.ts';
import { adviceObjects } from '../request.ts';
import { noResults, type Results } from '../results.ts';
import type { Candidate } from '../selection.ts';
import type { ContactlessLimits, KernelTerminal, KernelTransaction } from '../terminal.ts';
import type { Knowledge } from '../terminal-objects.ts';
import type { Preprocessed } from './preprocessing.ts';

/** One card in front of the reader, its application selected and GET PROCESSING OPTIONS answered. */
export interface Tap {
  readonly terminal: KernelTerminal;
  readonly transaction: KernelTransaction;
  readonly candidate: Candidate;
  readonly kernel: ContactlessKernel;
  readonly limits: ContactlessLimits;
  /** What the entry point found out before any card was there. */
  readonly preprocessed: Preprocessed;
  readonly card: CardObjects;
  readonly language: string | undefined;
  /** Objects that only a contactless terminal has: TTQ and those of one kernel. */
  readonly own: ReadonlyMap<number, Uint8Array>;
  /** What the PDOL asked for, as it was sent. */
  readonly pdolData: Uint8Array;
  readonly options: ResponseApdu;
}

/** How a kernel gives control back. EMV Book A, 6.2; Book B, 3.5. */
export type KernelEnd =
  | { readonly type: 'final'; readonly outcome: KernelOutcome }
  /** This application does not want this sale; the next one of the card may. */
  | { readonly type: 'selectNext'; readonly code: KernelCode }
  /** The card has to be presented again: nothing was decided. */
  | { readonly type: 'tryAgain'; readonly why: 'tryAgain' | 'seePhone' }
  /** Contacts or stripe. */
  | { readonly type: 'tryAnotherInterface' }
  | { readonly type: 'endApplication'; readonly fault: Extract<Result<never, KernelCode>, { ok: false }> };

/** What of a transaction is settled when it ends. */
export interface Ending {
  readonly facts: CardFacts;
  readonly verification: Verification;
  readonly cvmResults: Uint8Array;
  readonly results: Results;
  readonly authentication: AuthenticationMethod;
  /** What DE55 is made of: the results that the card knew. */
  readonly told?: Results;
  readonly more?: readonly (readonly [number, Uint8Array])[];
  readonly wantsAdvice?: boolean;
}

/** The verification "no CVM performed". EMV 4.3 Book 4, table 2. */
export const noCvm: Uint8Array = Uint8Array.of(0x3f, 0x00, 0x00);

/** Everything that a list or DE55 may ask for at this tap. */
export const knowledgeAt = (
  tap: Tap,
  results: Results = noResults,
  more: readonly (readonly [number, Uint8Array])[] = [],
): Knowledge => ({
  terminal: tap.terminal,
  transaction: tap.transaction,
  card: tap.card,
  results,
  more: new Map([...tap.own, [0x84, tap.candidate.aid], [0x9f06, tap.candidate.aid], ...more]),
});

/** A final outcome. */
export function finalOf(
  tap: Tap,
  ending: Ending,
  decision: KernelOutcome['decision'],
  reason?: KernelCode,
  code?: Uint8Array,
): KernelEnd {
  const { facts, verification, cvmResults, results, authentication } = ending;
  const more: (readonly [number, Uint8Array])[] = [[0x9f34, cvmResults], ...(ending.more ?? [])];
  if (code !== undefined) more.push([0x8a, code]);
  return {
    type: 'final',
    outcome: {
      decision,
      ...(reason !== undefined && { reason }),
      card: facts,
      verification,
      ...results,
      emv: adviceObjects(knowledgeAt(tap, ending.told ?? results, more)),
      cvmResults,
      authentication,
      application: { label: tap.candidate.label, aid: toHex(tap.candidate.aid) },
      language: tap.language,
      wantsAdvice: ending.wantsAdvice ?? false,
      scriptResults: new Uint8Array(0),
    },
  };
}
