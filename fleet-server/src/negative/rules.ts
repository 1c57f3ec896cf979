import { isTransitNumber } from '@tsunagu/protocols/felica';
import { negativeReasons } from '@tsunagu/protocols/negative';

/** The list that is there from the first start, for whoever has no list of its own. */
export const regularList = 'regular';

/** How long a head is good. A terminal that hears nothing for so long approves nothing offline. */
export const headLifeMs = 24 * 3_600_000;
/** A head is signed anew when less than this is left of it. */
export const headRenewBeforeMs = 12 * 3_600_000;
/** How long a manifest is good: a list is published anew before that, changed or not. */
export const manifestLifeMs = 14 * 86_400_000;
export const manifestRenewBeforeMs = 7 * 86_400_000;

/** Whether a list needs a second signature: it falls more than a twentieth under what it was. */
export const shrinks = (count: number, floor: number): boolean => count < floor * 0.95;

/** Whether a PAN's last digit is its check digit (ISO/IEC 7812-1, annex B). `digits` are ASCII. */
export function hasCheckDigit(digits: Uint8Array): boolean {
  let sum = 0;
  for (let index = 0; index < digits.length; index++) {
    const digit = (digits[digits.length - 1 - index] ?? 0) - 0x30;
    const weighted = index % 2 === 0 ? digit : digit * 2;
    sum += weighted > 9 ? weighted - 9 : weighted;
  }
  return sum % 10 === 0;
}

/** Whether digits (ASCII) can be the number of a card: its check digit is right, or it is a transit card, which has none. */
export const isCardNumber = (digits: Uint8Array): boolean =>
  hasCheckDigit(digits) || isTransitNumber(Buffer.from(digits).toString('latin1'));

/** The number of a reason's name; one that is not known is `other`. */
export function numberOf(reason: string): number {
  const known = negativeReasons.findIndex((each) => each === reason);
  return known < 0 ? negativeReasons.indexOf('other') : known;
}
