import { unwrap } from '../kit/index.ts';
import { type FieldValue, formatOriginalData, type Message, type OriginalData } from '../iso8583/index.ts';
import type { Secret } from '../kit/index.ts';
import { type Conversion, conversionElements } from './conversion.ts';
import { pinAndSignature, verificationElement } from './cardholder-rules.ts';
import { terminalLink } from './link-profiles.ts';
import { formatPaymentMethod, lumpSum, type PaymentMethod } from './payment-method.ts';
import { isRateLookUp, type Operation, operations } from './operations.ts';
import {
  type EntryMode,
  entryModeOf,
  pointOfService,
  type TerminalAbilities,
  type Verification,
} from './point-of-service.ts';
import { localTransactionTime, transmissionTime } from './times.ts';

/** A message without card data: what everybody but the secure part of a terminal handles. */
export interface OpenMessage {
  readonly mti: string;
  readonly fields: { readonly [element: number]: string | Uint8Array };
}

/** The elements that name an account. Only the secure part of a terminal and the switch ever hold them. */
export interface CardElements {
  readonly pan: Secret<'pan'>;
  /** YYMM. */
  readonly expiry?: string | undefined;
  /** PAN sequence number of a chip card (5F34). */
  readonly panSequence?: number | undefined;
  /** Track 2 as ASCII with "=" or "D"; required for a stripe. */
  readonly track2?: Secret<'pan'> | undefined;
}

/** What a terminal knows when it asks for something, but for the card. */
export interface PaymentRequest {
  readonly operation: Operation;
  readonly terminalId: string;
  readonly merchantId: string;
  readonly abilities: TerminalAbilities;
  /** Six digits, unique per terminal and second. */
  readonly stan: string;
  readonly nowMs: number;
  /** Yen; 0 for a balance. */
  readonly amountMinor: number;
  readonly entry: EntryMode;
  /** For a stripe: the card's chip could not be read. */
  readonly isTechnicalFallback?: boolean | undefined;
  readonly verification: Verification;
  /** DE55 as BER-TLV, at most 255 bytes; required for a chip. */
  readonly emv?: Uint8Array | undefined;
  /** What it follows: the sale of a refund, the authorisation of a completion. DE56, and DE30 and DE38 where they are known. */
  readonly original?:
    | {
        readonly data: Omit<OriginalData, 'acquirer'>;
        readonly amountMinor: number;
        readonly approvalCode: string | undefined;
      }
    | undefined;
  /** How the cardholder pays: DE48, where it is not at once. One that makes no sense throws. */
  readonly method?: PaymentMethod | undefined;
  /** DE25 of an advice. */
  readonly reason?: string | undefined;
  /** What it is in the cardholder's currency, and the offer that says so: DE6, DE10, DE51, DE62. */
  readonly conversion?: (Conversion & { readonly reference?: string | undefined }) | undefined;
}

/** A request of the terminal without its card, as W3 carries it (`terminalMessages`). */
export function paymentRequest(request: PaymentRequest): OpenMessage {
  const { operation, original } = request;
  const { mti, processingCode, functions } = operations[operation];
  const isSameAmount = original === undefined || original.amountMinor === request.amountMinor;
  const fields: { [element: number]: string | Uint8Array } = {
    3: processingCode,
    4: String(request.amountMinor).padStart(12, '0'),
    7: transmissionTime(request.nowMs),
    11: request.stan,
    12: localTransactionTime(request.nowMs),
    22: pointOfService(request.entry, request.verification, request.abilities, request.isTechnicalFallback),
    24: (operation === 'completion' && !isSameAmount ? functions[1] : undefined) ?? functions[0],
    41: request.terminalId,
    42: request.merchantId,
    49: terminalLink.currency,
  };
  if (request.verification.endsWith('AndSignature')) fields[verificationElement] = pinAndSignature;
  if (request.reason !== undefined) fields[25] = request.reason;
  if (request.emv !== undefined) fields[55] = request.emv;
  const { method = lumpSum } = request;
  if (method.code !== lumpSum.code) fields[48] = unwrap(formatPaymentMethod(method));
  const { conversion } = request;
  if (conversion !== undefined) Object.assign(fields, conversionElements(conversion, conversion.reference));
  if (original !== undefined) {
    fields[30] = `${String(original.amountMinor).padStart(12, '0')}${'0'.repeat(12)}`;
    if (original.approvalCode !== undefined) fields[38] = original.approvalCode.padEnd(6);
    fields[56] = unwrap(formatOriginalData({ ...original.data, acquirer: terminalLink.acquirerId }));
  }
  return { mti, fields };
}

/** Puts the card into a message. Track 2 only goes with what was just swiped: a request of a stripe, never an advice or a question about a rate. */
export function withCard(message: OpenMessage, card: CardElements): Message {
  const fields: { [element: number]: FieldValue } = { ...message.fields, 2: card.pan };
  if (card.expiry !== undefined) fields[14] = card.expiry;
  if (card.panSequence !== undefined) fields[23] = String(card.panSequence).padStart(3, '0');
  const pointOfServiceCode = message.fields[22];
  const isSwiped = typeof pointOfServiceCode === 'string' && entryModeOf(pointOfServiceCode) === 'stripe';
  const isRate = isRateLookUp(typeof message.fields[3] === 'string' ? message.fields[3] : undefined);
  if (card.track2 !== undefined && isSwiped && message.mti[2] === '0' && !isRate) fields[35] = card.track2;
  return { mti: message.mti, fields };
}

/** A sale with its card. */
export type SaleRequest = Omit<PaymentRequest, 'operation' | 'original' | 'reason'> & CardElements;

/** The 1200 of a sale, card included. */
export const saleRequest = (sale: SaleRequest): Message =>
  withCard(paymentRequest({ ...sale, operation: 'sale' }), sale);

/** The elements of a request that its answer repeats, and what the answer adds. */
export function answerTo(
  request: Message,
  mti: string,
  echoElements: readonly number[],
  added: { readonly [element: number]: FieldValue },
): Message {
  const fields: { [element: number]: FieldValue } = {};
  for (const number of echoElements) {
    const value = request.fields[number];
    if (value !== undefined) fields[number] = value;
  }
  return { mti, fields: Object.assign(fields, added) };
}
