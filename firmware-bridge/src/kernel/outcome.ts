import type { ErrorCode } from '@tsunagu/protocols/errors';
import type { CardFacts, Verification } from './dialogue.ts';

/** How a transaction ended, as the kernel sees it. */
export interface KernelOutcome {
  /**
   * `approved`: the issuer said yes, and so did the card where it had a say. `approvedOffline`: card and terminal said yes without the
   * issuer; `emv` goes to it later. `declined`: the issuer said no. `refused`: terminal or card said no without the
   * issuer. `withdrawn`: the card said no after the issuer's yes, so that the sale must be reversed. `unable`: the issuer
   * could not be asked, and card and terminal did not take it upon themselves.
   */
  readonly decision: 'approved' | 'approvedOffline' | 'declined' | 'refused' | 'withdrawn' | 'unable';
  /** Why, when it was `refused` or `withdrawn`. */
  readonly reason?: ErrorCode;
  readonly card: CardFacts;
  readonly verification: Verification;
  /** Terminal verification results (95) at the end. */
  readonly tvr: Uint8Array;
  /** Transaction status information (9B). */
  readonly tsi: Uint8Array;
  /**
   * Data objects of the last cryptogram (9F26, 9F27, 9F10, 9F36, 95, 9F34 …) as DE55 carries them, for advices and the slip; empty when the
   * card gave none.
   */
  readonly emv: Uint8Array;
  /** CVM results (9F34), 3 bytes. */
  readonly cvmResults: Uint8Array;
  /** How the card was authenticated offline. */
  readonly authentication: 'none' | 'SDA' | 'DDA' | 'CDA' | 'fDDA';
  /** What the card calls the application, and its name (84): a slip shows both. EMV 4.3 Book 4, 11.4. */
  readonly application: { readonly label: string; readonly aid: string };
  /** ISO 639-1: the first language that card and terminal share; undefined when there is none. EMV 4.3 Book 4, 11.1. */
  readonly language: string | undefined;
  /** The card asks for an advice about this transaction (9F27, bit 4). EMV 4.3 Book 3, 6.5.5.4. */
  readonly wantsAdvice: boolean;
  /** Issuer script results (9F5B), five bytes a script; empty when there was none. EMV 4.3 Book 4, A5. */
  readonly scriptResults: Uint8Array;
}

/** What ends a transaction without an outcome: the card cannot be used here. */
export type KernelCode = ErrorCode;
