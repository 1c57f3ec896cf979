import {
  type Conversion,
  convertMinor,
  type GivenBack,
  rateOf,
  refundMinor,
  terminalLink,
} from '@tsunagu/protocols/acquiring';
import type { RateRules } from '@tsunagu/protocols/fleet';

/** What a fresh house offers: nothing. */
export const noRates: RateRules = {
  source: 'nobody',
  at: '1970-01-01T00:00:00Z',
  validMinutes: 1,
  offerMinutes: 10,
  markUpBasisPoints: 0,
  rates: [],
  cards: [],
};

/** A no, with the code that a terminal gets (ISO 8583:1993, A.1) and that of the error table. */
export interface DccRefusal {
  readonly actionCode: string;
  readonly reason:
    | 'SWITCH_RATES_STALE'
    | 'SWITCH_RATE_NOT_OFFERED'
    | 'SWITCH_OFFER_UNKNOWN'
    | 'SWITCH_OFFER_USED'
    | 'SWITCH_OFFER_EXPIRED'
    | 'SWITCH_OFFER_DIFFERS';
}

const no = (actionCode: string, reason: DccRefusal['reason']): DccRefusal => ({ actionCode, reason });

/** What a rate is asked for. */
export interface RateQuestion {
  /** Leading digits of the card number. */
  readonly digits: string;
  /** ISO 4217 number that the chip tells (9F42), if it does. */
  readonly cardSays: string | undefined;
  /** Yen. */
  readonly amountMinor: number;
  /** What the contract lets cardholders pay in. */
  readonly allowed: readonly string[];
}

/** What is offered. */
export interface Offer {
  readonly conversion: Conversion;
  readonly markUpBasisPoints: number;
  /** Milliseconds since 1970, whole seconds. */
  readonly until: number;
}

const minuteMs = 60_000;

/**
 * What an amount is for a card, at the rates that are in force. The table of card numbers decides on the currency, then what the chip says. Order: no currency
 * but the yen, or one that is not agreed (119), rates that are stale or do not have it (115), an amount that cannot be said (110).
 */
export function offerFor(rates: RateRules, asked: RateQuestion, nowMs: number): Offer | DccRefusal {
  const currency = currencyOf(rates, asked);
  if (currency === undefined || currency === terminalLink.currency || !asked.allowed.includes(currency))
    return no('119', 'SWITCH_RATE_NOT_OFFERED');
  const staleAt = Date.parse(rates.at) + rates.validMinutes * minuteMs;
  const until = Math.floor(Math.min(nowMs + rates.offerMinutes * minuteMs, staleAt) / 1_000) * 1_000;
  const yen = rates.rates.find((each) => each.currency === currency)?.yen;
  if (yen === undefined || until <= nowMs) return no('115', 'SWITCH_RATES_STALE');
  const rate = rateWith(yen, rates.markUpBasisPoints);
  if (rate === undefined) return no('110', 'SWITCH_RATE_NOT_OFFERED');
  const amountMinor = convertMinor(asked.amountMinor, terminalLink.currency, rate, currency) ?? 0;
  if (amountMinor === 0) return no('110', 'SWITCH_RATE_NOT_OFFERED');
  return { conversion: { currency, amountMinor, rate }, markUpBasisPoints: rates.markUpBasisPoints, until };
}

/** Of the card by its leading digits, the longest first; else as the chip says. */
function currencyOf({ cards }: RateRules, { digits, cardSays }: RateQuestion): string | undefined {
  let best: RateRules['cards'][number] | undefined;
  for (const each of cards)
    if (digits.startsWith(each.prefix) && each.prefix.length > (best?.prefix.length ?? 0)) best = each;
  return best?.currency ?? cardSays;
}

/** DE10 for a rate in yen for one unit, with the mark-up on top: what the cardholder pays for a yen. */
function rateWith(yen: string, markUpBasisPoints: number): string | undefined {
  const [whole = '0', parts = ''] = yen.split('.');
  const scale = 10n ** BigInt(parts.length);
  return rateOf(scale * BigInt(10_000 + markUpBasisPoints), BigInt(whole + parts) * 10_000n);
}

/** An offer as it stands in the store. */
export interface StoredOffer {
  readonly serial: string;
  readonly panToken: string;
  readonly amountMinor: number;
  readonly until: number;
  readonly conversion: Conversion;
}

/** A sale that says it uses an offer. */
export interface Claim {
  readonly serial: string;
  readonly panToken: string;
  readonly amountMinor: number;
  readonly conversion: Conversion;
}

/**
 * Whether a sale may use an offer. Order: none of this terminal and card (914), used by another sale (902), over (903: look up a new one), another amount, rate or
 * currency than was offered (110). Undefined: it may.
 */
export function judgeClaim(
  claim: Claim,
  offer: StoredOffer | undefined,
  isUsed: boolean,
  nowMs: number,
): DccRefusal | undefined {
  if (offer === undefined || offer.serial !== claim.serial || offer.panToken !== claim.panToken)
    return no('914', 'SWITCH_OFFER_UNKNOWN');
  if (isUsed) return no('902', 'SWITCH_OFFER_USED');
  if (offer.until <= nowMs) return no('903', 'SWITCH_OFFER_EXPIRED');
  return offer.amountMinor === claim.amountMinor && isSame(offer.conversion, claim.conversion)
    ? undefined
    : no('110', 'SWITCH_OFFER_DIFFERS');
}

/**
 * Whether a refund gives back in the currency of its sale what belongs to it: at the rate of the sale, so that all parts come to the sale (110).
 *
 * @param before what was given back of the sale before, and stands
 */
export function judgeRefund(
  amountMinor: number,
  refund: Conversion | undefined,
  sale: Omit<Conversion, 'amountMinor'> | undefined,
  before: GivenBack,
): DccRefusal | undefined {
  if (sale === undefined && refund === undefined) return undefined;
  const expected = sale && refundMinor(amountMinor, before, terminalLink.currency, sale);
  return sale && refund && expected !== undefined && isSame(refund, { ...sale, amountMinor: expected })
    ? undefined
    : no('110', 'SWITCH_OFFER_DIFFERS');
}

/** Whether a completion takes, of an authorisation in the own currency, what its amount is at the rate that was agreed on then (110); undefined: it does. */
export function judgeCompletion(
  amountMinor: number,
  said: Conversion | undefined,
  authorised: Omit<Conversion, 'amountMinor'> | undefined,
): DccRefusal | undefined {
  if (authorised === undefined && said === undefined) return undefined;
  const expected = authorised && convertMinor(amountMinor, terminalLink.currency, authorised.rate, authorised.currency);
  return authorised && said && expected !== undefined && isSame(said, { ...authorised, amountMinor: expected })
    ? undefined
    : no('110', 'SWITCH_OFFER_DIFFERS');
}

const isSame = (a: Conversion, b: Conversion): boolean =>
  a.currency === b.currency && a.rate === b.rate && a.amountMinor === b.amountMinor;
