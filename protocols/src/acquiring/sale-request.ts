import type { FieldValue, Message } from '../iso8583/index.ts';
import type { Secret } from '../kit/index.ts';
import { terminalLink } from './link-profiles.ts';
import { functions, processingCodes } from './message-elements.ts';
import { type EntryMode, pointOfService, type TerminalAbilities, type Verification } from './point-of-service.ts';
import { localTransactionTime, transmissionTime } from './times.ts';

/** What a terminal knows when it asks for a sale. */
export interface SaleRequest {
  readonly terminalId: string;
  readonly merchantId: string;
  readonly abilities: TerminalAbilities;
  /** Six digits, unique per terminal and second. */
  readonly stan: string;
  readonly nowMs: number;
  /** Yen. */
  readonly amountMinor: number;
  readonly entry: EntryMode;
  readonly verification: Verification;
  readonly pan: Secret<'pan'>;
  /** YYMM. */
  readonly expiry?: string | undefined;
  /** PAN sequence number of a chip card (5F34). */
  readonly panSequence?: number | undefined;
  /** Track 2 as ASCII with "=" or "D"; required for a stripe. */
  readonly track2?: Secret<'pan'> | undefined;
  /** DE55 as BER-TLV, at most 255 bytes; required for a chip. */
  readonly emv?: Uint8Array | undefined;
}

/** The 1200 of a sale, as W3 carries it (`terminalMessages`). */
export function saleRequest(sale: SaleRequest): Message {
  const fields: { [element: number]: FieldValue } = {
    2: sale.pan,
    3: processingCodes.sale,
    4: String(sale.amountMinor).padStart(12, '0'),
    7: transmissionTime(sale.nowMs),
    11: sale.stan,
    12: localTransactionTime(sale.nowMs),
    22: pointOfService(sale.entry, sale.verification, sale.abilities),
    24: functions.sale,
    41: sale.terminalId,
    42: sale.merchantId,
    49: terminalLink.currency,
  };
  if (sale.expiry !== undefined) fields[14] = sale.expiry;
  if (sale.panSequence !== undefined) fields[23] = String(sale.panSequence).padStart(3, '0');
  if (sale.track2 !== undefined) fields[35] = sale.track2;
  if (sale.emv !== undefined) fields[55] = sale.emv;
  return { mti: '1200', fields };
}

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
  return { mti, fields: { ...fields, ...added } };
}
