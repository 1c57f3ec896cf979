import { fail, ok, type Result } from '../kit/index.ts';
import {
  readOutcome,
  sealTransfer,
  type TransferKind,
  transferNumberText,
  transitBalanceMax,
  type TransitSession,
  type TransitTransfer,
} from './transit-session.ts';

/** A transfer that was ordered and whose outcome the centre does not know. */
export interface PendingTransfer {
  /** Hexadecimal. */
  readonly number: string;
  readonly kind: TransferKind;
  readonly amount: number;
  /** It puts right what was taken back before: `due` goes down by it. */
  readonly isCorrection?: boolean;
  /** It was taken back before its outcome is known: should the card have taken it, it is due back. */
  readonly isUnwanted?: boolean;
}

/** What the centre has in its books of one card. Write it down before the frame leaves: see `orderTransfer`. */
export interface TransitAccount {
  /** Transfers that the card is known to have taken. */
  readonly counter: number;
  readonly balance: number;
  readonly pending?: PendingTransfer;
  /** Yen that the card still has to get (or, below zero, to give) for transfers that it took and that were taken back. */
  readonly due?: number;
}

/** A line of the books: what became of a transfer. */
export interface TransitBooking extends PendingTransfer {
  readonly outcome: 'done' | 'notDone';
  /** Yen on the card after it. */
  readonly balance: number;
}

/** The account that follows, and the line to book. */
export interface BookedStep {
  readonly account: TransitAccount;
  readonly booking?: TransitBooking;
}

/** The account of a card that was just issued. */
export const issuedAccount = (balance: number): TransitAccount => ({ counter: 0, balance });

/** What a transfer adds to the balance of the card. */
export const signedAmount = ({ kind, amount }: Pick<PendingTransfer, 'kind' | 'amount'>): number =>
  kind === 'charge' ? amount : -amount;

const withDue = (account: TransitAccount, change: number): TransitAccount => {
  const { due: before = 0, ...rest } = account;
  const due = before + change;
  return due === 0 ? rest : { ...rest, due };
};

/** Ends the pending transfer: what was a correction is due no more, what nobody wants is due back. */
export function settle(account: TransitAccount, outcome: TransitBooking['outcome']): BookedStep {
  const { pending, ...rest } = account;
  if (pending === undefined) return { account };
  if (outcome === 'notDone') return { account: rest, booking: { ...pending, outcome, balance: rest.balance } };
  const balance = rest.balance + signedAmount(pending);
  const taken = { ...rest, counter: rest.counter + 1, balance };
  const change = pending.isCorrection === true || pending.isUnwanted === true ? -signedAmount(pending) : 0;
  return { account: withDue(taken, change), booking: { ...pending, outcome, balance } };
}

/** A transfer is taken back: one whose outcome is unknown is not wanted any more, one that the card took is due back. */
export const takeBack = (account: TransitAccount, transfer: PendingTransfer): TransitAccount =>
  account.pending?.number === transfer.number
    ? { ...account, pending: { ...account.pending, isUnwanted: true } }
    : withDue(account, -signedAmount(transfer));

/** The transfer that puts the card right, as far as its balance has room for it; undefined when nothing is due, or nothing fits now. */
export function correctionOf({
  due = 0,
  balance,
}: TransitAccount): Pick<PendingTransfer, 'kind' | 'amount'> | undefined {
  const amount = due > 0 ? Math.min(due, transitBalanceMax - balance) : Math.min(-due, balance);
  return amount > 0 ? { kind: due > 0 ? 'charge' : 'debit', amount } : undefined;
}

/**
 * Looks at the card that a session was opened with: settles what was pending, and compares the books.
 *
 * @returns TRANSIT_OUT_OF_STEP when the card is in no state that the books allow: a copy, a rollback, or not this centre's.
 */
export function onOpened(
  account: TransitAccount,
  { opening }: TransitSession,
): Result<BookedStep, 'TRANSIT_OUT_OF_STEP'> {
  const { pending } = account;
  const isAsBooked = opening.counter === account.counter && opening.balance === account.balance;
  if (pending === undefined) return isAsBooked ? ok({ account }) : fail('TRANSIT_OUT_OF_STEP');
  if (isAsBooked) return ok(settle(account, 'notDone'));
  const isTaken =
    opening.counter === account.counter + 1 &&
    opening.balance === account.balance + signedAmount(pending) &&
    transferNumberText(opening.lastTransfer) === pending.number;
  return isTaken ? ok(settle(account, 'done')) : fail('TRANSIT_OUT_OF_STEP');
}

/** The frame to send, and the account to write down before it is sent. */
export interface OrderedTransfer {
  readonly account: TransitAccount;
  readonly frame: Uint8Array;
}

/**
 * Orders a charge or debit in an open session.
 *
 * @param isCorrection it is the account's `correctionOf`
 * @returns TRANSIT_PENDING while an earlier one is not settled; TRANSIT_BALANCE when it cannot fit the card.
 */
export function orderTransfer(
  account: TransitAccount,
  session: TransitSession,
  transfer: TransitTransfer,
  isCorrection = false,
): Result<OrderedTransfer, 'TRANSIT_PENDING' | 'TRANSIT_BALANCE' | 'TRANSIT_OUT_OF_STEP'> {
  if (account.pending !== undefined) return fail('TRANSIT_PENDING');
  if (session.opening.counter !== account.counter) return fail('TRANSIT_OUT_OF_STEP');
  const { number, kind, amount } = transfer;
  const pending = { number: transferNumberText(number), kind, amount, ...(isCorrection && { isCorrection }) };
  const balance = account.balance + signedAmount(pending);
  if (!Number.isSafeInteger(amount) || amount < 1 || balance < 0 || balance > transitBalanceMax)
    return fail('TRANSIT_BALANCE');
  return ok({ account: { ...account, pending }, frame: sealTransfer(session, transfer) });
}

/**
 * Takes the card's answer to an order. An answer that is not authentic leaves the transfer pending, as silence does: the next session
 * settles it.
 */
export function onOutcome(
  account: TransitAccount,
  session: TransitSession,
  transfer: TransitTransfer,
  frame: Uint8Array,
): Result<BookedStep, 'TRANSIT_NOT_AUTHENTIC' | 'TRANSIT_OUT_OF_STEP'> {
  const { pending } = account;
  if (pending === undefined || pending.number !== transferNumberText(transfer.number))
    return fail('TRANSIT_OUT_OF_STEP');
  const outcome = readOutcome(session, transfer.number, frame);
  if (!outcome.ok) return outcome;
  const { isDone, counter, balance } = outcome.value;
  if (!isDone) return ok(settle(account, 'notDone'));
  if (counter !== account.counter + 1 || balance !== account.balance + signedAmount(pending))
    return fail('TRANSIT_OUT_OF_STEP');
  return ok(settle(account, 'done'));
}
