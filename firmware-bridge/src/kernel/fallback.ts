import type { ErrorCode } from '@tsunagu/protocols/errors';

/** How a card was tried, and what comes next. */
export type Interface = 'contact' | 'contactless' | 'stripe';

/** What a merchant's acquirer allows. */
export interface FallbackRules {
  /** A card that could not be finished without contacts may be inserted. */
  readonly mayMoveToContacts: boolean;
  /** A chip that cannot be read may be drawn through the stripe head. Card companies forbid it more and more: default no. */
  readonly mayFallBackToStripe: boolean;
}

/** The next interface, and whether it has to be flagged as a technical fallback to the issuer. */
export interface NextInterface {
  readonly interface: Interface;
  readonly isTechnicalFallback: boolean;
}

/** The chip said nothing that could be understood, before any application was selected. */
const unreadable: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'READER_CARD_MUTE',
  'READER_REFUSED',
  'CARD_ANSWER_WRONG',
  'TLV_TRUNCATED',
  'APDU_LENGTH_INVALID',
  'APDU_VALUE_INVALID',
]);

/** The reader without contacts could not finish; contacts may. */
const needsContacts: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'CARD_OTHER_INTERFACE',
  'NO_COMMON_APPLICATION',
  'CARDHOLDER_NOT_VERIFIED',
  'READER_CARD_MUTE',
]);

/**
 * Where a sale goes that ended with a fault: nowhere (undefined), to the contacts, or to the stripe. A card without contacts that fails is
 * inserted; a chip with contacts that cannot be read, or has no application of ours, is drawn, where the acquirer allows it. Never once an
 * application was selected, and never for a card that is blocked or refused. EMV 4.3 Book 4, 10.2; EMV Book A, 6.2 (try another interface).
 *
 * @param hasSelected whether an application had been selected when it ended
 */
export function nextInterface(
  tried: Interface,
  code: ErrorCode,
  hasSelected: boolean,
  readers: readonly string[],
  { mayMoveToContacts, mayFallBackToStripe }: FallbackRules,
): NextInterface | undefined {
  if (tried === 'stripe') return undefined;
  if (tried === 'contactless')
    return mayMoveToContacts && needsContacts.has(code) && readers.includes('contact')
      ? { interface: 'contact', isTechnicalFallback: false }
      : undefined;
  if (hasSelected || !mayFallBackToStripe || !readers.includes('stripe')) return undefined;
  if (unreadable.has(code)) return { interface: 'stripe', isTechnicalFallback: true };
  return code === 'NO_COMMON_APPLICATION' ? { interface: 'stripe', isTechnicalFallback: false } : undefined;
}

/**
 * Whether a stripe may be taken: its service code (first digit 2 or 6) tells of a chip, which has to be read where it can be, unless this very
 * chip could not be used just now (`nextInterface` said so). ISO/IEC 7813:2006, 4.5; EMV 4.3 Book 4, 10.2.
 */
export const mayTakeStripe = (serviceCode: string, hasChipReader: boolean, hasChipFailed: boolean): boolean =>
  !/^[26]/.test(serviceCode) || !hasChipReader || hasChipFailed;
