import { dolFitOf } from '@tsunagu/protocols/emv';
import { fail, hex } from '@tsunagu/protocols/kit';
import { buildDol, dolDataLength, parseDol } from '@tsunagu/protocols/tlv';
import type { Result } from '@tsunagu/protocols/kit';
import type { CardObjects } from './card-objects.ts';
import type { Results } from './results.ts';
import type { KernelTerminal, KernelTransaction } from './terminal.ts';

/** A number as binary-coded decimal, `lengthBytes` long. */
export const bcd = (value: number, lengthBytes: number): Uint8Array =>
  hex(String(value).padStart(lengthBytes * 2, '0'));

const binary = (value: number): Uint8Array =>
  Uint8Array.of(0, 0, 0, 0).map((_, at) => (Math.min(value, 0xffffffff) >>> (24 - at * 8)) & 0xff);

/** Everything that a transaction knows when a data object list is filled. */
export interface Knowledge {
  readonly terminal: KernelTerminal;
  readonly transaction: KernelTransaction;
  readonly card: CardObjects;
  readonly results: Results;
  /** Objects that only this moment has: CVM results, TTQ, the issuer's answer. */
  readonly more?: ReadonlyMap<number, Uint8Array>;
}

/** The value of an object as the terminal tells it; what it does not know is asked of the card's own data. EMV 4.3 Book 3, annex A. */
export function valueOf(
  { terminal, transaction, card, results, more }: Knowledge,
  tag: number,
): Uint8Array | undefined {
  const own = more?.get(tag);
  if (own !== undefined) return own;
  switch (tag) {
    case 0x9f02:
      return bcd(transaction.amountMinor, 6);
    case 0x9f03:
      return bcd(transaction.amountOtherMinor, 6);
    case 0x9f04:
      return binary(transaction.amountOtherMinor);
    case 0x81:
      return binary(transaction.amountMinor);
    case 0x9f1a:
      return terminal.country;
    case 0x5f2a:
      return terminal.currency;
    case 0x95:
      return results.tvr;
    case 0x9b:
      return results.tsi;
    case 0x9a:
      return hex(transaction.date);
    case 0x9f21:
      return hex(transaction.time);
    case 0x9c:
      return Uint8Array.of(transaction.type);
    case 0x9f37:
      return transaction.unpredictableNumber;
    case 0x9f33:
      return terminal.capabilities;
    case 0x9f35:
      return terminal.type;
    case 0x9f40:
      return terminal.additionalCapabilities;
    case 0x9f1c:
    case 0x9f1e:
      return terminal.id;
    case 0x9f16:
      return terminal.merchantId;
    case 0x9f15:
      return terminal.merchantCategory;
    case 0x9f4e:
      return terminal.merchantName;
    case 0x9f41:
      return bcd(transaction.sequenceCounter, 4);
    // The yen has no minor unit. ISO 4217.
    case 0x5f36:
      return Uint8Array.of(0);
    case 0x9f1b:
      return binary(terminal.floorLimitMinor);
    default:
      return card.get(tag);
  }
}

/** Data of a built list. */
const listBytesMax = 252;

/** The values that one of the card's lists asks for. */
export function fillList(list: Uint8Array, knowledge: Knowledge): Result<Uint8Array, 'DOL_INVALID'> {
  const entries = parseDol(list);
  if (!entries.ok) return entries;
  // More does not fit into one short command: no issuer asks for so much. EMV 4.3 Book 3, 6.5.
  if (dolDataLength(entries.value) > listBytesMax) return fail('DOL_INVALID', { facts: { listBytesMax } });
  return { ok: true, value: buildDol(entries.value, (tag) => valueOf(knowledge, tag), dolFitOf) };
}
