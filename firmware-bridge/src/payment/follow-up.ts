import type { ErrorCode } from '@tsunagu/protocols/errors';
import { transitScheme } from '@tsunagu/protocols/felica';
import { type Configuration, isInquiry, type PaymentOrder } from '@tsunagu/protocols/fleet';
import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import { type AdviceEntry, followersOf, isVoided, refundedMinor, type Transaction } from '../sales/index.ts';
import type { SealedCard } from '../secure/index.ts';

/** A payment that follows up an earlier one. */
export type FollowUpOrder = Extract<PaymentOrder, { readonly original: string }>;

/** The earlier one, whose card the terminal has. */
export interface FollowUp {
  readonly original: Transaction;
  readonly card: SealedCard;
  /** Yen. */
  readonly amountMinor: number;
}

/** What is known of the terminal's transactions. */
export interface Known {
  readonly day: number;
  readonly all: readonly Transaction[];
  readonly advices: readonly AdviceEntry[];
}

/**
 * The newest transaction with a message of this STAN (up to six digits) or RRN (twelve characters). Each issuer link counts its own RRNs, so two of one hour may have
 * the same: what nobody could follow up gives way, and of several others PAYMENT_RRN_TWICE asks for the STAN.
 */
export function findOriginal(
  all: readonly Transaction[],
  number: string,
): Result<Transaction, 'PAYMENT_UNKNOWN' | 'PAYMENT_RRN_TWICE'> {
  const stan = number.padStart(6, '0');
  const isRrn = number.length === 12;
  const named = all.filter((one) => (isRrn ? one.rrn === number : one.stan === stan));
  const followable = named.filter(({ kind }) => kind !== 'void' && !isInquiry(kind));
  if (isRrn && followable.length > 1)
    return fail('PAYMENT_RRN_TWICE', { facts: { stans: followable.map((one) => one.stan).join(' ') } });
  const found = (isRrn ? followable.at(-1) : undefined) ?? named.at(-1);
  return found ? ok(found) : fail('PAYMENT_UNKNOWN', { field: 'original' });
}

/** Of one business transaction: what belongs to it goes to the switch in order. */
export const chainOf = ({ original, stan, localTime }: Transaction): string =>
  original === undefined ? `${stan}/${localTime}` : `${original.stan}/${original.localTime}`;

/** Whether the shop hands money back for the void of a payment: the issuer may refuse it, where the card was spent meanwhile. */
export const isCashBack = ({ kind }: Pick<Transaction, 'kind'>): boolean => kind === 'charge' || kind === 'issue';

/** Whether the void of a payment still waits for an answer. */
const isUnderWay = ({ all, advices }: Known, original: Transaction): boolean =>
  followersOf(all, original).some(
    ({ kind, slip }) => kind === 'void' && advices.some((one) => one.slip === slip && one.state !== 'refused'),
  );

/**
 * Whether a follow-up is allowed, and with which card. Order of faults: unknown, not approved, voided already, then what the kind asks:
 * a void its kind, day and followers; a refund its kind, what the switch has, what is left; a completion its kind, whether it was completed
 * before, and the rule of the amount.
 */
export function judgeFollowUp(
  order: FollowUpOrder,
  known: Known,
  configuration: Configuration,
): Result<FollowUp, ErrorCode> {
  const found = findOriginal(known.all, order.original);
  if (!found.ok) return found;
  const original = found.value;
  const { card, kind } = original;
  if (kind === 'void' || isInquiry(kind)) return fail('PAYMENT_NOT_FOLLOWABLE', { facts: { kind } });
  if (original.outcome !== 'approved' || card === undefined)
    return fail('PAYMENT_NOT_APPROVED', { facts: { outcome: original.outcome } });
  if (isVoided(known.all, original))
    return fail(isCashBack(original) && isUnderWay(known, original) ? 'VOID_UNDECIDED' : 'PAYMENT_VOIDED_ALREADY');
  const isRefused = known.advices.some(({ slip, state }) => slip === original.slip && state === 'refused');
  if (isRefused) return fail('ADVICE_REFUSED');
  const followers = followersOf(known.all, original).filter((one) => !isVoided(known.all, one));
  switch (order.kind) {
    case 'void':
      if (original.day !== known.day) return fail('PAYMENT_OF_ANOTHER_DAY', { facts: { day: original.day } });
      if (followers.length > 0) return fail('PAYMENT_FOLLOWED_UP', { facts: { stan: followers[0]?.stan ?? '' } });
      return ok({ original, card, amountMinor: original.amountMinor });
    case 'refund': {
      // Money goes onto a transit card by its centre alone: a void, or a charge.
      if (card.scheme === transitScheme.key) return fail('PAYMENT_NOT_FOR_CARD', { facts: { kind } });
      if (kind !== 'sale' && kind !== 'complete') return fail('PAYMENT_NOT_FOLLOWABLE', { facts: { kind } });
      // The switch checks a refund against the sale, so it has to know that first.
      if (known.advices.some(({ slip }) => slip === original.slip)) return fail('PAYMENT_NOT_DELIVERED');
      const leftMinor = original.amountMinor - refundedMinor(known.all, original);
      if (order.amountMinor > leftMinor) return fail('REFUND_ABOVE_SALE', { facts: { leftMinor } });
      return ok({ original, card, amountMinor: order.amountMinor });
    }
    case 'complete': {
      if (kind !== 'preauth') return fail('PAYMENT_NOT_FOLLOWABLE', { facts: { kind } });
      if (followers.length > 0) return fail('PAYMENT_FOLLOWED_UP', { facts: { stan: followers[0]?.stan ?? '' } });
      const maxMinor = Math.floor((original.amountMinor * configuration.completionPercentMax) / 100);
      if (order.amountMinor > maxMinor) return fail('COMPLETION_ABOVE_AUTHORISED', { facts: { maxMinor } });
      return ok({ original, card, amountMinor: order.amountMinor });
    }
  }
}
