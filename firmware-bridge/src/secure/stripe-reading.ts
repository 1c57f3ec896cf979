import type { Scheme } from '@tsunagu/protocols/emv';
import type { ErrorCode } from '@tsunagu/protocols/errors';
import type { NegativeAnswer } from '@tsunagu/protocols/negative';
import type { Secret } from '@tsunagu/protocols/kit';
import { mayTakeStripe } from '../kernel/index.ts';
import type { Track2 } from '../readers/stripe/track2.ts';

/** Schemes by the first digits of a PAN. ISO/IEC 7812; the schemes' published ranges. */
const ranges: readonly { readonly pattern: RegExp; readonly scheme: Scheme }[] = [
  { pattern: /^4/, scheme: 'visa' },
  { pattern: /^(5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720)/, scheme: 'mastercard' },
  { pattern: /^3[47]/, scheme: 'amex' },
  { pattern: /^35(2[89]|[3-8])/, scheme: 'jcb' },
  { pattern: /^62/, scheme: 'unionpay' },
];

/** The scheme of a PAN; undefined when it is none that we know. */
export const schemeOfPan = (pan: Secret<'pan'>): Scheme | undefined =>
  pan.use((digits) => {
    const first = Buffer.from(digits.subarray(0, 4)).toString('latin1');
    return ranges.find(({ pattern }) => pattern.test(first))?.scheme;
  });

/**
 * Why a swiped card is refused before anybody is asked; undefined when it may go online.
 *
 * @param today YYMM
 * @param hasChipReader whether this terminal could read the chip that the service code tells of (ISO/IEC 7813, first digit 2 or 6)
 * @param hasChipFailed this very chip could not be used, and the acquirer lets its stripe stand in (`nextInterface` of the kernel)
 */
export function stripeRefusal(
  { expiry, serviceCode }: Track2,
  today: string,
  negative: NegativeAnswer,
  hasChipReader: boolean,
  hasChipFailed = false,
): ErrorCode | undefined {
  if (negative === 'listed' || negative === 'range-listed') return 'CARD_LISTED';
  if (!mayTakeStripe(serviceCode, hasChipReader, hasChipFailed)) return 'CARD_NEEDS_CHIP';
  return sortable(expiry) < sortable(today) ? 'CARD_EXPIRED' : undefined;
}

/**
 * Whether a swiped card wants a PIN for its issuer, by the third digit of its service code: `required` (0, 3, 5), `prompt` where there is a
 * PIN pad (6, 7), or none. ISO/IEC 7813:2006, table 2.
 */
export const pinDemand = (serviceCode: string): 'required' | 'prompt' | 'none' =>
  /[035]$/.test(serviceCode) ? 'required' : /[67]$/.test(serviceCode) ? 'prompt' : 'none';

const sortable = (yearMonth: string): number =>
  (Number(yearMonth.slice(0, 2)) < 50 ? 20 : 19) * 10_000 + Number(yearMonth);
