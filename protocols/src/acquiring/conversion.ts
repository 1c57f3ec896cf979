import { fail, ok, type Result } from '../kit/index.ts';
import { currencies } from './currencies.ts';

/**
 * Dynamic currency conversion on W3 and W4: the cardholder pays in the currency of the card, at a rate that is told before. DE4 and DE49 stay yen.
 *
 * | element | rate look-up (1100, DE3 39, DE24 108) | its answer | sale, refund |
 * |---|---|---|---|
 * | DE4, DE49 | the amount of the sale, yen | repeated | the same amount; of a refund its own |
 * | DE51 | what the card says of its currency (9F42), if anything | the currency that is offered | that currency |
 * | DE6 | – | the amount in it | the same; of a refund its part |
 * | DE10 | – | the rate | the same |
 * | DE62 | – | reference, mark-up, until when it stands | the reference; not towards issuers |
 *
 * A rate look-up is an authorisation request that only inquires (ISO 8583:1993, A.9: function 108; A.7 leaves processing codes 38 and 39 to private use): class 1
 * carries DE6, DE10 and DE51 in its answers, names a card, and moves nothing. A file action (1304, as Elavon has it) would carry the same as text in DE72.
 */
export interface Conversion {
  /** ISO 4217 number of the cardholder's currency (DE51). */
  readonly currency: string;
  /** Amount in it, minor units (DE6). */
  readonly amountMinor: number;
  /** DE10. */
  readonly rate: string;
}

/** What an offer says besides the conversion. */
export interface OfferTerms {
  /** Twelve hexadecimal digits. */
  readonly reference: string;
  /** What the rate is above the provider's, hundredths of a per cent. */
  readonly markUpBasisPoints: number;
  /** Until when it may be used, milliseconds since 1970, whole seconds. */
  readonly until: number;
}

const bad = (field: number, expected: string) => fail('ACQUIRING_MESSAGE_REFUSED', { field, facts: { expected } });

/** The most that seven digits say. */
const rateDigitsMax = 9_999_999n;
/** DE6 has twelve digits. */
const amountMax = 999_999_999_999n;

/** To the nearest whole, a half away from zero: of what is not negative. */
const halfUp = (numerator: bigint, denominator: bigint): bigint => (2n * numerator + denominator) / (2n * denominator);

/**
 * A rate as DE10: how many of its seven digits are decimals, then these. As many decimals as there is room for; rounded half up. Undefined: it cannot be said so.
 * ISO 8583:1993, 4.3.10.
 *
 * @param numerator units of the cardholder's currency
 * @param denominator for so many units of the transaction's
 */
export function rateOf(numerator: bigint, denominator: bigint): string | undefined {
  if (numerator <= 0n || denominator <= 0n) return undefined;
  for (let decimals = 9; decimals >= 0; decimals -= 1) {
    const digits = halfUp(numerator * 10n ** BigInt(decimals), denominator);
    if (digits === 0n) return undefined;
    if (digits <= rateDigitsMax) return `${decimals}${String(digits).padStart(7, '0')}`;
  }
  return undefined;
}

/** DE10 as a fraction; undefined when it is none. */
function fractionOf(rate: string): { readonly numerator: bigint; readonly denominator: bigint } | undefined {
  if (!/^\d{8}$/.test(rate)) return undefined;
  const numerator = BigInt(rate.slice(1));
  return numerator === 0n ? undefined : { numerator, denominator: 10n ** BigInt(rate.slice(0, 1)) };
}

/** DE10 as a decimal number: `0.006927`. */
export function rateText(rate: string): string {
  const decimals = Number(rate.slice(0, 1));
  const digits = rate.slice(1).padStart(decimals + 1, '0');
  const [whole, parts] = [digits.slice(0, digits.length - decimals), digits.slice(digits.length - decimals)];
  const shown = parts.replace(/0+$/, '');
  return `${whole.replace(/^0+(?=\d)/, '')}${shown === '' ? '' : `.${shown}`}`;
}

/**
 * An amount in the cardholder's currency: the amount times DE10, between the minor units of both (ISO 4217), rounded half up to the last of them.
 * Whole numbers throughout, so that both sides come to the same. Undefined: a currency that is not in the table, or more than twelve digits.
 */
export function convertMinor(amountMinor: number, from: string, rate: string, to: string): number | undefined {
  const factor = fractionOf(rate);
  const [source, target] = [currencies[from], currencies[to]];
  if (!factor || !source || !target || !Number.isSafeInteger(amountMinor) || amountMinor < 0) return undefined;
  const converted = halfUp(
    BigInt(amountMinor) * factor.numerator * 10n ** BigInt(target.minorDigits),
    factor.denominator * 10n ** BigInt(source.minorDigits),
  );
  return converted > amountMax ? undefined : Number(converted);
}

/** What was given back of a sale, and stands: in the transaction's currency, and in the cardholder's. */
export interface GivenBack {
  readonly amountMinor: number;
  readonly ownMinor: number;
}

/**
 * What a refund of a converted sale gives back in the cardholder's currency: as much as brings the sum to what the rate says of all that was given back. So
 * parts add up to the sale, to the last minor unit, and never to more: also where one of them was voided, whose share of the rounding went with it.
 *
 * @param before given back before it
 */
export function refundMinor(
  amountMinor: number,
  before: GivenBack,
  from: string,
  { rate, currency }: Omit<Conversion, 'amountMinor'>,
): number | undefined {
  const upTo = convertMinor(amountMinor + before.amountMinor, from, rate, currency);
  return upTo === undefined ? undefined : Math.max(0, upTo - before.ownMinor);
}

/** YYMMDDhhmmss, UTC, of this century. */
const utcText = (ms: number): string =>
  new Date(ms)
    .toISOString()
    .replaceAll(/[-:T]|\..*$/g, '')
    .slice(2);
const utcMs = (text: string): number =>
  Date.parse(text.replace(/^(..)(..)(..)(..)(..)(..)$/, '20$1-$2-$3T$4:$5:$6.000Z'));

/** DE62 of an answer: `DC`, reference (12), mark-up (4), until (YYMMDDhhmmss, UTC). */
export const formatOfferTerms = ({ reference, markUpBasisPoints, until }: OfferTerms): string =>
  `DC${reference}${String(markUpBasisPoints).padStart(4, '0')}${utcText(until)}`;

/** DE6, DE10, DE51 of a message, and DE62 with the reference of the offer, where there is one. */
export const conversionElements = (
  { amountMinor, rate, currency }: Conversion,
  reference?: string,
): { readonly [element: number]: string } => ({
  6: String(amountMinor).padStart(12, '0'),
  10: rate,
  51: currency,
  ...(reference !== undefined && { 62: `DC${reference}` }),
});

/** The conversion of a message; undefined where it has none. DE6, DE10 and DE51 come together. */
export function readConversion(
  textOf: (element: number) => string | undefined,
): Result<Conversion | undefined, 'ACQUIRING_MESSAGE_REFUSED'> {
  const [amount, rate, currency] = [textOf(6), textOf(10), textOf(51)];
  if (amount === undefined && rate === undefined && currency === undefined) return ok(undefined);
  if (amount === undefined) return bad(6, 'present');
  if (rate === undefined || fractionOf(rate) === undefined) return bad(10, 'a rate');
  if (currency === undefined || currencies[currency] === undefined) return bad(51, 'a known currency');
  return ok({ currency, amountMinor: Number(amount), rate });
}

/** The reference of an offer in DE62; undefined where there is none. */
export function readOfferReference(text: string | undefined): string | undefined {
  return /^DC([0-9A-F]{12})/.exec(text?.trimEnd() ?? '')?.[1];
}

/** The terms of an offer in DE62; undefined when they are none. */
export function readOfferTerms(text: string | undefined): OfferTerms | undefined {
  const [, reference, markUp, until] = /^DC([0-9A-F]{12})(\d{4})(\d{12})$/.exec(text?.trimEnd() ?? '') ?? [];
  if (reference === undefined || markUp === undefined || until === undefined) return undefined;
  const ends = utcMs(until);
  return Number.isNaN(ends) ? undefined : { reference, markUpBasisPoints: Number(markUp), until: ends };
}
