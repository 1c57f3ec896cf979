import { type OpenMessage, reversalOf, terminalLink } from '@tsunagu/protocols/acquiring';
import { repeatMti } from '@tsunagu/protocols/iso8583';
import type { Transaction } from '../sales/index.ts';
import type { ReversalImage } from './reversal-image.ts';

/** A trace number as it stands in DE11. */
export const sixDigits = (value: number): string => String(value).padStart(6, '0');

/** What a reversal repeats of the message that it takes back. */
interface TakenBack {
  readonly mti: string;
  readonly processingCode: string;
  readonly amountMinor: number;
  readonly stan: string;
  readonly localTime: string;
  readonly posDataCode: string;
  readonly terminalId: string;
  readonly merchantId: string;
  readonly rrn?: string | undefined;
  readonly approvalCode?: string | undefined;
}

const openMessage = (one: TakenBack): OpenMessage => ({
  mti: one.mti,
  fields: {
    3: one.processingCode,
    4: String(one.amountMinor).padStart(12, '0'),
    11: one.stan,
    12: one.localTime,
    22: one.posDataCode,
    41: one.terminalId,
    42: one.merchantId,
    49: terminalLink.currency,
    ...(one.rrn !== undefined && { 37: one.rrn.padEnd(12) }),
  },
});

/**
 * The advice of a kept reversal: 1420 at first, 1421 once it may have been sent before. Everything else stays the same however
 * often it is sent, so that the switch knows it again.
 */
export function reversalMessage(image: ReversalImage, isRepeat: boolean): OpenMessage {
  const { original, reason, transmissionTime } = image;
  const taken = openMessage({ ...image, ...original, stan: sixDigits(original.stan) });
  const advice = reversalOf(taken, { stan: sixDigits(image.stan), nowMs: 0, reason });
  return {
    mti: isRepeat ? repeatMti(advice.mti) : advice.mti,
    fields: { ...advice.fields, 7: transmissionTime },
  };
}

/**
 * The advice that cancels a transaction after its end: ISO 8583:1993 has no reversal request, so a cancellation by the card acceptor is a
 * reversal advice (class 4) too, with reason 4000.
 */
export const voidMessage = (
  taken: Transaction,
  processingCode: string,
  identity: { readonly terminalId: string; readonly merchantId: string },
  how: { readonly stan: string; readonly nowMs: number; readonly reason: string },
): OpenMessage => reversalOf(openMessage({ ...taken, ...identity, processingCode }), how);
