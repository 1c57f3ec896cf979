/** How the card was read; `stored` when it was not: a follow-up of an earlier transaction, whose card the terminal kept sealed. */
export type EntryMode = 'stripe' | 'contact' | 'contactless' | 'stored';

/** How the cardholder was verified: a PIN by the chip itself (`offlinePin`) or by the issuer (`onlinePin`), and a signature, alone or beside it. */
export type Verification =
  | 'none'
  | 'signature'
  | 'offlinePin'
  | 'offlinePinAndSignature'
  | 'onlinePin'
  | 'onlinePinAndSignature';

/** What a terminal can read and write, as far as DE22 asks. */
export interface TerminalAbilities {
  readonly readers: readonly ('stripe' | 'contact' | 'contactless' | 'felica')[];
  readonly pinPad: boolean;
  readonly printer: 'built-in' | 'separate' | 'none';
  readonly screen: 'segments' | 'mono' | 'colour' | 'colour-touch';
}

/** Positions of the point-of-service data code that we fill. ISO 8583:1993, A.8; M is a scheme's addition for contactless chip. */
const capability = { stripe: '2', contact: '5', contactless: 'M' } as const;
const inputMode = { stripe: '2', contact: '5', contactless: 'M', stored: '0' } as const;
/** The stripe of a chip that could not be read: 9 is a scheme's addition too (American Express, "technical fallback"). */
const technicalFallback = '9';
/** Position 8 holds one method, position 9 who judged it: of two the PIN, and DE63 has both (`cardholder-rules.ts`). */
const method = {
  none: '0',
  offlinePin: '1',
  offlinePinAndSignature: '1',
  onlinePin: '1',
  onlinePinAndSignature: '1',
  signature: '5',
} as const satisfies Record<Verification, string>;
const verifier = {
  none: '0',
  offlinePin: '1',
  offlinePinAndSignature: '1',
  onlinePin: '3',
  onlinePinAndSignature: '3',
  signature: '4',
} as const satisfies Record<Verification, string>;

/**
 * The point-of-service data code (DE22, 12 characters) of an attended sale with the card present. ISO 8583:1993, A.8.
 *
 * @param isTechnicalFallback for a stripe: the card's chip could not be read
 */
export function pointOfService(
  entry: EntryMode,
  verification: Verification,
  terminal: TerminalAbilities,
  isTechnicalFallback = false,
): string {
  const best = terminal.readers.includes('contactless')
    ? 'contactless'
    : terminal.readers.includes('contact')
      ? 'contact'
      : 'stripe';
  const prints = terminal.printer !== 'none';
  const shows = terminal.screen !== 'segments';
  return [
    capability[best],
    terminal.pinPad ? '1' : '0',
    '0', // the terminal does not keep cards
    '1', // on the merchant's premises, attended
    '0', // cardholder present
    entry === 'stored' ? '0' : '1', // card present
    entry === 'stripe' && isTechnicalFallback ? technicalFallback : inputMode[entry],
    method[verification],
    verifier[verification],
    entry === 'stripe' || entry === 'stored' ? '1' : '3',
    prints && shows ? '4' : prints ? '2' : '3',
    terminal.pinPad ? 'C' : '0',
  ].join('');
}

/** How the card was read, out of DE22; undefined for a way that this house does not know. */
export function entryModeOf(pointOfServiceCode: string): EntryMode | undefined {
  switch (pointOfServiceCode[6]) {
    case '0':
      return pointOfServiceCode[5] === '0' ? 'stored' : undefined;
    case '2':
    case technicalFallback:
      return 'stripe';
    case '5':
      return 'contact';
    case 'M':
    case 'A':
      return 'contactless';
    default:
      return undefined;
  }
}

/** Whether DE22 says that the stripe stands in for a chip that could not be read. */
export const isTechnicalFallback = (pointOfServiceCode: string): boolean => pointOfServiceCode[6] === technicalFallback;
