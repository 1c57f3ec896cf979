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
}

/** What the centre has in its books of one card. Write it down before the frame leaves: see `orderTransfer`. */
export interface TransitAccount {
  /** Transfers that the card is known to have taken. */
  readonly counter: number;
  readonly balance: number;
  readonly pending?: PendingTransfer;
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

const signed = ({ kind, amount }: PendingTransfer): number => (kind === 'charge' ? amount : -amount);

/**
 * Looks at the card that a session was opened with: settles what was pending, and compares the books.
 *
 * @returns TRANSIT_OUT_OF_STEP when the card is in no state that the books allow: a copy, a rollback, or not this centre's.
 */
export function onOpened(
  account: TransitAccount,
  { opening }: TransitSession,
): Result<BookedStep, 'TRANSIT_OUT_OF_STEP'> {
  const { pending, ...rest } = account;
  const isAsBooked = opening.counter === account.counter && opening.balance === account.balance;
  if (pending === undefined) return isAsBooked ? ok({ account }) : fail('TRANSIT_OUT_OF_STEP');
  if (isAsBooked) return ok({ account: rest, booking: { ...pending, outcome: 'notDone', balance: account.balance } });
  const balance = account.balance + signed(pending);
  const isTaken =
    opening.counter === account.counter + 1 &&
    opening.balance === balance &&
    transferNumberText(opening.lastTransfer) === pending.number;
  if (!isTaken) return fail('TRANSIT_OUT_OF_STEP');
  return ok({ account: { counter: opening.counter, balance }, booking: { ...pending, outcome: 'done', balance } });
}

/** The frame to send, and the account to write down before it is sent. */
export interface OrderedTransfer {
  readonly account: TransitAccount;
  readonly frame: Uint8Array;
}

/**
 * Orders a charge or debit in an open session.
 *
 * @returns TRANSIT_PENDING while an earlier one is not settled; TRANSIT_BALANCE when it cannot fit the card.
 */
export function orderTransfer(
  account: TransitAccount,
  session: TransitSession,
  transfer: TransitTransfer,
): Result<OrderedTransfer, 'TRANSIT_PENDING' | 'TRANSIT_BALANCE' | 'TRANSIT_OUT_OF_STEP'> {
  if (account.pending !== undefined) return fail('TRANSIT_PENDING');
  if (session.opening.counter !== account.counter) return fail('TRANSIT_OUT_OF_STEP');
  const { number, kind, amount } = transfer;
  const pending = { number: transferNumberText(number), kind, amount };
  const balance = account.balance + signed(pending);
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
  const { pending, ...rest } = account;
  if (pending === undefined || pending.number !== transferNumberText(transfer.number))
    return fail('TRANSIT_OUT_OF_STEP');
  const outcome = readOutcome(session, transfer.number, frame);
  if (!outcome.ok) return outcome;
  const { isDone, counter, balance } = outcome.value;
  if (!isDone) return ok({ account: rest, booking: { ...pending, outcome: 'notDone', balance: account.balance } });
  if (counter !== account.counter + 1 || balance !== account.balance + signed(pending))
    return fail('TRANSIT_OUT_OF_STEP');
  return ok({ account: { counter, balance }, booking: { ...pending, outcome: 'done', balance } });
}
