import { fail, ok, type Result } from '../kit/index.ts';

/** What a scheme asks of its cardholders beyond what chip and terminal agree on. */
export interface CardholderRule {
  /** The fewest digits of a PIN that is worth sending; ISO 9564-1:2017, 5.1 allows 4 to 12. */
  readonly pinDigitsLeast: number;
  /** Whether the cardholder signs beside the PIN. */
  readonly signsBesidePin: boolean;
  /** Whether the PIN may be left out where the terminal lets it be. */
  readonly mayBypassPin: boolean;
}

const usual: CardholderRule = { pinDigitsLeast: 4, signsBesidePin: false, mayBypassPin: true };

/** By scheme. UnionPay, in Japan: six digits to the issuer, and a signature as well, on debit and credit cards (JCB's page for merchants). */
export const cardholderRules = {
  unionpay: { pinDigitsLeast: 6, signsBesidePin: true, mayBypassPin: false },
} as const satisfies Record<string, CardholderRule>;

/** The rule of a scheme; the usual one for all that have none of their own. */
export const cardholderRuleOf = (scheme: string | undefined): CardholderRule =>
  Object.entries(cardholderRules).find(([name]) => name === scheme)?.[1] ?? usual;

/**
 * All the ways in which a cardholder was verified, where position 8 of DE22 has room for the first alone: DE63 of a request, our own layout as ISO 8583:1993 has
 * none. `CV`, then one to four values of that position (A.8), in the order in which it was done: `CV15` is a PIN, and a signature beside it.
 */
export const verificationElement = 63;
/** DE63 of a PIN with a signature beside it. */
export const pinAndSignature = 'CV15';

/**
 * Reads DE63 beside DE22: each way of verification. A private element that does not begin with `CV` is somebody else's, and says nothing here.
 * ACQUIRING_MESSAGE_REFUSED for ways that begin otherwise than DE22 says.
 */
export function readVerifications(
  text: string | undefined,
  pointOfServiceCode: string,
): Result<readonly string[], 'ACQUIRING_MESSAGE_REFUSED'> {
  const first = pointOfServiceCode[7] ?? '0';
  if (text?.startsWith('CV') !== true) return ok([first]);
  const ways = /^CV([0-9]{1,4})$/.exec(text)?.[1];
  return ways?.startsWith(first)
    ? ok([...ways])
    : fail('ACQUIRING_MESSAGE_REFUSED', { field: verificationElement, facts: { expected: 'what DE22 says' } });
}
