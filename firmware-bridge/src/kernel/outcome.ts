import type { ErrorCode } from '@tsunagu/protocols/errors';
import type { CardFacts, Verification } from './dialogue.ts';

/** How a transaction ended, as the kernel sees it. */
export interface KernelOutcome {
  /**
   * `approved`: the issuer said yes, and so did the card where it had a say. `declined`: the issuer said no. `refused`:
   * terminal or card said no before the issuer was asked. `withdrawn`: the card said no after the issuer's yes, so that the sale must
   * be reversed. `unable`: the issuer could not be asked.
   */
  readonly decision: 'approved' | 'declined' | 'refused' | 'withdrawn' | 'unable';
  /** Why, when it was `refused` or `withdrawn`. */
  readonly reason?: ErrorCode;
  readonly card: CardFacts;
  readonly verification: Verification;
  /** Terminal verification results (95) at the end. */
  readonly tvr: Uint8Array;
  /** Transaction status information (9B). */
  readonly tsi: Uint8Array;
}

/** What ends a transaction without an outcome: the card cannot be used here. */
export type KernelCode = ErrorCode;
