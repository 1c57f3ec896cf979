import type { Link } from '@tsunagu/protocols/acquiring';
import { isExpiry } from '@tsunagu/protocols/emv';
import { isApproval } from '@tsunagu/protocols/iso8583';
import type { Secret } from '@tsunagu/protocols/kit';
import { type CheckedCard, isCheckable, type ValidityHeader, type ValidityVerdict } from '@tsunagu/protocols/validity';

/** What an issuer says of a card. */
export interface ValidityWord {
  /** DE39. */
  readonly actionCode: string;
  /** DE2 and DE14 of the answer: what counts now. */
  readonly pan: Secret<'pan'> | undefined;
  readonly expiry: string | undefined;
}

/**
 * What an answer means for a card. Order: another number, another expiry (whether it was approved or is said to have expired), then the action code:
 * approved; expired (101, 201); no such card (111, 118); not supported or asked in a way that the issuer does not judge (115, 120); everything else of 1xx and
 * 2xx says that it may not be billed. Undefined: that was no word about the card (9xx, or a card in its place that is none: whoever sent the file would refuse all
 * of its answers), and it is asked again. ISO 8583:1993, A.1.
 */
export function judgeValidity(
  asked: CheckedCard,
  { actionCode, pan, expiry }: ValidityWord,
): ValidityVerdict | undefined {
  const isExpired = actionCode === '101' || actionCode === '201';
  if (isApproval(actionCode) || isExpired) {
    const isOther = pan !== undefined && !isSame(pan, asked.pan);
    if ((isOther && !isCheckable(pan)) || (expiry !== undefined && !isExpiry(expiry))) return undefined;
    if (isOther) return 'newNumber';
    if (expiry !== undefined && expiry !== asked.expiry) return 'newExpiry';
    return isExpired ? 'expired' : 'valid';
  }
  if (actionCode === '111' || actionCode === '118') return 'unknown';
  if (actionCode === '115' || actionCode === '120') return 'notJudged';
  return /^[12]/.test(actionCode) ? 'closed' : undefined;
}

const isSame = (one: Secret, other: Secret): boolean => one.use((a) => other.use((b) => Buffer.compare(a, b) === 0));

/** Where a card goes that no route leads to: it is not judged. */
export const nowhere = '';

/** Who asks, as the link of the centre writes it; undefined where that is none of its parties. */
export const acquirerOf = (link: Link | undefined, header: ValidityHeader): string | undefined =>
  link?.parties.acquirers.find((acquirer) => acquirer.padStart(11, '0') === header.acquirer);
