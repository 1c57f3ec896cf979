import { Secret } from '../kit/index.ts';

/** How a transit card is named beside the schemes of payment cards. */
export const transitScheme = { key: 'transit', en: 'Transit IC card', ja: '交通系IC' } as const;

/** Country 392 in what a country assigns for itself (ISO/IEC 7812-1: major industry identifier 9 and the country's number). */
const nationalPrefix = '9392';
/** Six bytes have fifteen digits and begin with 0, 1 or 2; so they begin with 3, 4 or 5, and leave 0 to the house's other cards. */
const offset = 300_000_000_000_000;

/** The leading digits of every transit card's number. */
export const transitNumberPrefixes = ['93923', '93924', '93925'] as const;

/** Whether digits are the number of a transit card. It has no check digit: six bytes leave no room for one. */
export const isTransitNumber = (digits: string): boolean =>
  /^\d{19}$/.test(digits) && transitNumberPrefixes.some((prefix) => digits.startsWith(prefix));

/**
 * The number under which negative list, switch and centre know a transit card: 19 digits out of the card identification number, which is
 * the last six bytes of its IDm (FeliCa Card User's Manual, 3.2). No two numbers are the same, and no key is needed to tell it. The
 * manufacturer code is not in it: the centre compares the whole IDm.
 *
 * @param idm 8 bytes
 */
export function transitNumber(idm: Uint8Array): Secret<'pan'> {
  const identification = Buffer.from(idm).readUIntBE(2, 6);
  return Secret.take('pan', Uint8Array.from(Buffer.from(`${nationalPrefix}${offset + identification}`, 'latin1')));
}
