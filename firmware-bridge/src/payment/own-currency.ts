import {
  convertMinor,
  currencies,
  type EntryMode,
  moneyText,
  paymentRequest,
  rateText,
  readConversion,
  readOfferTerms,
  refundMinor,
  terminalLink,
} from '@tsunagu/protocols/acquiring';
import { abilities, type TerminalModel } from '@tsunagu/protocols/catalogue';
import type { SaleStep } from '@tsunagu/protocols/fleet';
import { isApproval, textOf } from '@tsunagu/protocols/iso8583';
import type { ErrorCode } from '@tsunagu/protocols/errors';
import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import type { World } from '@tsunagu/protocols/world';
import { type OwnCurrency, refundedMinor, refundedOwnMinor, type Transaction } from '../sales/index.ts';
import type { CurrencyOffer, OnlineQuestion, SecurePart, Stopwatch } from '../secure/index.ts';
import { readAnswer } from './answer.ts';
import type { PaymentPorts } from './ports.ts';
import { sixDigits } from './reversal-message.ts';

/** What cardholder and shop agreed on: an offer of the switch that was accepted, or the rate of the sale that is given back. */
export interface Agreed extends OwnCurrency {
  /** Of the offer; a refund has none. */
  readonly reference?: string;
}

/** What asking for a rate needs. */
export interface OwnCurrencyParts {
  readonly world: World;
  readonly model: TerminalModel;
  readonly ports: Pick<PaymentPorts, 'configuration' | 'identity' | 'stan'>;
  readonly line: Pick<SecurePart, 'exchange'>;
  readonly watch: Stopwatch;
  readonly step: (name: SaleStep, detail?: string) => void;
  readonly amountMinor: number;
  readonly entry: EntryMode;
  /** Whether the order says that the own currency is to be taken: then it is said why it cannot be. */
  readonly isWanted?: boolean;
}

/** The card is in the reader and somebody waits: a rate that takes longer is none. */
const rateTimeoutMs = 4_000;

/**
 * Whether a card may be of another currency, by what its chip tells: the currency of the application (9F42), else the country of the issuer (5F28; EMV 4.3 Book 3, annex A).
 * A card that tells neither may be.
 */
export const mayBeForeign = ({ currency, country }: NonNullable<OnlineQuestion['home']>): boolean =>
  currency === undefined ? country !== terminalLink.country : currency !== terminalLink.currency;

/**
 * Asks the switch what the amount is in the currency of the card, shows both, and lets the cardholder choose. Undefined is a sale in yen: nothing was offered, or
 * nothing chosen. That no offer comes never stops a sale.
 */
export async function agreeOnCurrency(parts: OwnCurrencyParts, question: OnlineQuestion): Promise<Agreed | undefined> {
  const { world, model, ports, watch, step, amountMinor } = parts;
  const { home = {}, chooseCurrency } = question;
  const notOffered = (why: string): undefined => {
    if (parts.isWanted === true) step('rate-not-offered', why);
    return undefined;
  };
  if (!ports.configuration().dcc) return notOffered('dcc = false');
  if (chooseCurrency === undefined || !abilities.ownCurrency.has(model)) return notOffered(model.id);
  if (!mayBeForeign(home)) return notOffered('JPY');
  const asked = await watch.during('acquirer', () => askForRate(parts, question));
  if (!asked.ok) {
    world.log('info', 'rateNotOffered', { fault: asked.fault });
    const { code, facts = {} } = asked.fault;
    return notOffered([code, facts['actionCode']].filter(Boolean).join(' '));
  }
  const { reference, ...offer } = asked.value;
  step('rate-offered', offerText(offer));
  const isAccepted = await chooseCurrency(offer);
  step(
    'rate-chosen',
    isAccepted
      ? moneyText(offer.conversion.amountMinor, offer.conversion.currency)
      : moneyText(amountMinor, terminalLink.currency),
  );
  if (!isAccepted) return undefined;
  return { ...offer.conversion, markUpBasisPoints: offer.markUpBasisPoints, reference };
}

/** Both amounts, the rate and the mark-up, in one line. */
export const offerText = ({ amountMinor, conversion, markUpBasisPoints }: CurrencyOffer): string =>
  [
    `${moneyText(amountMinor, terminalLink.currency)} / ${moneyText(conversion.amountMinor, conversion.currency)}`,
    `JPY 1 = ${currencies[conversion.currency]?.alpha} ${rateText(conversion.rate)}`,
    `+${percentText(markUpBasisPoints)}`,
  ].join(', ');

/** Hundredths of a per cent, for a person. */
export const percentText = (basisPoints: number): string => `${(basisPoints / 100).toFixed(2)}%`;

async function askForRate(
  { world, model, ports, line, amountMinor, entry }: OwnCurrencyParts,
  { card, home }: OnlineQuestion,
): Promise<Result<CurrencyOffer & { readonly reference: string }, ErrorCode>> {
  const stan = await ports.stan.next();
  if (!stan.ok) return stan;
  const { terminalId, merchantId } = ports.identity();
  const { mti, fields } = paymentRequest({
    operation: 'rate',
    terminalId,
    merchantId,
    abilities: model,
    stan: sixDigits(stan.value),
    nowMs: world.clock.now(),
    amountMinor,
    entry,
    verification: 'none',
  });
  const currency = home?.currency;
  const request = { mti, fields: { ...fields, ...(currency !== undefined && { 51: currency }) } };
  const timeoutMs = Math.min(rateTimeoutMs, ports.configuration().answerTimeoutMs);
  const answered = await line.exchange(request, card, { timeoutMs });
  if (!answered.ok) return answered;
  const read = readAnswer(request, answered.value);
  if (!read.ok) return read;
  const { actionCode } = read.value;
  if (!isApproval(actionCode)) return fail('RATE_NOT_OFFERED', { facts: { actionCode } });
  const unusable = (field: number) => fail('ACQUIRER_ANSWER_UNUSABLE', { field });
  const conversion = readConversion((element) => textOf(answered.value, element));
  const terms = readOfferTerms(textOf(answered.value, 62));
  if (!conversion.ok || conversion.value === undefined) return unusable(6);
  if (terms === undefined) return unusable(62);
  const { value } = conversion;
  // What is shown has to be right, whoever made it.
  if (convertMinor(amountMinor, terminalLink.currency, value.rate, value.currency) !== value.amountMinor)
    return unusable(6);
  if (value.currency === terminalLink.currency) return unusable(51);
  return ok({ amountMinor, conversion: value, ...terms });
}

/** What a refund gives back in the own currency: at the rate of its sale, so that all parts come to the sale. Undefined for a sale in yen. */
export function givenBack(all: readonly Transaction[], sale: Transaction, amountMinor: number): Agreed | undefined {
  const { ownCurrency } = sale;
  if (ownCurrency === undefined) return undefined;
  const before = { amountMinor: refundedMinor(all, sale), ownMinor: refundedOwnMinor(all, sale) };
  const own = refundMinor(amountMinor, before, terminalLink.currency, ownCurrency);
  return own === undefined ? undefined : { ...ownCurrency, amountMinor: own };
}

/** What a completion is in the own currency, at the rate of its authorisation. Undefined for one in yen. */
export function completedAt(
  { ownCurrency }: Pick<Transaction, 'ownCurrency'>,
  amountMinor: number,
): Agreed | undefined {
  if (ownCurrency === undefined) return undefined;
  const own = convertMinor(amountMinor, terminalLink.currency, ownCurrency.rate, ownCurrency.currency);
  return own === undefined ? undefined : { ...ownCurrency, amountMinor: own };
}
