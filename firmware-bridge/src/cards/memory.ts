import type { Secret } from '@tsunagu/protocols/kit';
import type { TestCard } from '@tsunagu/protocols/test-cards';

/** What one application keeps without power. */
export interface ApplicationMemory {
  /** Application transaction counter (9F36). */
  readonly atc: number;
  /** The counter at the last transaction that its issuer completed (9F13). */
  readonly lastOnlineAtc: number;
  /** Approvals without the issuer in a row. */
  readonly offlineCount: number;
  readonly pinTriesLeft: number;
  /** The PIN, once the issuer changed it. */
  readonly pin?: Secret<'pin'>;
  readonly isBlocked: boolean;
  /** An ARQC was given and no second cryptogram asked for. */
  readonly isOnlineUnfinished: boolean;
  /** What the last online transaction left behind. */
  readonly lastIssuerAuthentication: 'none' | 'passed' | 'failed' | 'missing';
  /** Commands of the issuer that were taken in the last online transaction, and whether one failed. */
  readonly scriptCount: number;
  readonly isScriptFailed: boolean;
  /** The issuer asked for the next transaction to go online (card status update). */
  readonly mustGoOnline: boolean;
  /** Limits that PUT DATA changed (9F14, 9F23). */
  readonly lowerLimit?: number;
  readonly upperLimit?: number;
  /** Records that UPDATE RECORD changed, by `sfi.record`. */
  readonly records: ReadonlyMap<string, Uint8Array>;
}

/** What a chip keeps without power. */
export interface CardMemory {
  /** In the order of the chip's applications. */
  readonly applications: readonly ApplicationMemory[];
  /** CARD BLOCK: for ever. */
  readonly isBlocked: boolean;
  /** How many random numbers were drawn: each is the cipher of this counter, so that a run can be repeated. */
  readonly drawn: number;
}

/** An application that was never used. */
export const freshApplication: ApplicationMemory = {
  atc: 0,
  lastOnlineAtc: 0,
  offlineCount: 0,
  pinTriesLeft: 0,
  isBlocked: false,
  isOnlineUnfinished: false,
  lastIssuerAuthentication: 'none',
  scriptCount: 0,
  isScriptFailed: false,
  mustGoOnline: false,
  records: new Map(),
};

/** PIN try limit of a card. */
export const pinTryLimit = ({ pinTries = 3 }: TestCard): number => pinTries;

/** The memory of a chip out of its envelope. */
export const freshMemory = (applications: readonly TestCard[]): CardMemory => ({
  applications: applications.map((card) => ({
    ...freshApplication,
    atc: card.atc,
    lastOnlineAtc: card.lastOnlineAtc ?? card.atc,
    pinTriesLeft: card.pinTriesLeft ?? pinTryLimit(card),
    isBlocked: card.blocked === 'application',
  })),
  isBlocked: applications.some(({ blocked }) => blocked === 'card'),
  drawn: 0,
});
