import { unwrap } from '../kit/index.ts';
import { type Fields, type FieldValue, formatOriginalData, type Message, originalMti } from '../iso8583/index.ts';
import { terminalLink } from './link-profiles.ts';
import { functions } from './message-elements.ts';
import type { OpenMessage } from './sale-request.ts';
import { transmissionTime } from './times.ts';

/**
 * Why a sale is taken back (DE25). A sale has to be reversed when its request may have left and no answer came in time,
 * when the answer that came makes no sense, when the card refused after the issuer had approved, or when the customer
 * walked away. It is not reversed when it was declined, or when nothing was sent.
 */
export const reversalReasons = {
  customerCancelled: '4000',
  lateAnswer: '4006',
  deviceFailed: '4007',
  notDelivered: '4013',
  invalidAnswer: '4020',
  timedOut: '4021',
} as const;

/** A reason code that we give. */
export type ReversalReason = (typeof reversalReasons)[keyof typeof reversalReasons];

/** What a reversal has of its own. */
export interface ReversalHow {
  readonly stan: string;
  readonly nowMs: number;
  readonly reason: string;
  readonly answer?: Message | undefined;
}

/** Elements of the sale that its reversal repeats. Track 2 and EMV data stay away: the PAN names the account. */
const repeated = [2, 3, 4, 6, 10, 12, 14, 22, 23, 26, 32, 37, 41, 42, 49, 51] as const;

/**
 * The reversal advice (1420) of a sale: full amount, its own STAN, the local time of the sale. Send it until a 1430 comes;
 * from the second sending on as 1421 with everything else unchanged (`repeatMti`).
 *
 * @param sale the request or advice as it was sent, with its card or without
 * @param answer its answer, when one came: RRN and approval code are repeated
 */
export function reversalOf(sale: OpenMessage, how: ReversalHow): OpenMessage;
/** The same with the card. */
export function reversalOf(sale: Message, how: ReversalHow): Message;
/** Both forms. */
export function reversalOf(sale: Message, how: ReversalHow): Message {
  const fields: { [element: number]: FieldValue } = {};
  for (const number of repeated) {
    const value = sale.fields[number];
    if (value !== undefined) fields[number] = value;
  }
  for (const number of [37, 38]) {
    const value = how.answer?.fields[number];
    if (value !== undefined) fields[number] = value;
  }
  fields[7] = transmissionTime(how.nowMs);
  fields[11] = how.stan;
  fields[24] = functions.fullReversal;
  fields[25] = how.reason;
  fields[30] = `${text(sale.fields, 4)}000000000000`;
  fields[56] = unwrap(
    formatOriginalData({
      // A repeat has the original's keys, so its original is the first sending.
      mti: originalMti(sale.mti),
      stan: text(sale.fields, 11),
      localTime: text(sale.fields, 12),
      // A terminal's message has no DE32: it is ours.
      acquirer: typeof fields[32] === 'string' ? fields[32] : terminalLink.acquirerId,
    }),
  );
  return { mti: '1420', fields };
}

function text(fields: Fields, number: number): string {
  const value = fields[number];
  if (typeof value !== 'string') throw new Error(`a sale without element ${number}`);
  return value;
}
