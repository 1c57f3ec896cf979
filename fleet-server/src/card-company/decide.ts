import type { Operation } from '@tsunagu/protocols/acquiring';
import { command } from '@tsunagu/protocols/apdu';
import {
  encodeIssuerScript,
  issuerAuthenticationData,
  profileFor,
  scriptSession,
  sealScriptCommand,
  verifyCryptogram,
} from '@tsunagu/protocols/emv';
import { type DecodedMessage, isApproval, validate } from '@tsunagu/protocols/iso8583';
import { hex, type Secret, unwrap } from '@tsunagu/protocols/kit';
import {
  cardKeysOf,
  findStripeAccount,
  findTestCard,
  type IssuerOrder,
  scriptKeysOf,
  type StripeAccount,
  type TestCard,
} from '@tsunagu/protocols/test-cards';
import { decodeTlv, findTlv, tlv } from '@tsunagu/protocols/tlv';
import { pinActionCodes, type PinVerdict } from './pin.ts';

/** What the card company says to a sale. */
export type Decision =
  | {
      readonly type: 'answer';
      /** Name of the account; empty for a card that it never issued. */
      readonly account: string;
      readonly actionCode: string;
      /** DE55 of the answer; empty for a stripe. */
      readonly emv: Uint8Array;
      /** What became of its PIN; absent when it had none, or none that was looked at. */
      readonly pin?: 'right' | 'wrong';
    }
  /** An account whose fate is that nobody ever answers. */
  | { readonly type: 'silence'; readonly account: string };

/** Limits of every account, yen. */
export const limits = { saleMax: 5_000_000, dayMax: 50_000_000 } as const;

const nothing = new Uint8Array(0);
const refuse = (actionCode: string, account = ''): Decision => ({ type: 'answer', account, actionCode, emv: nothing });

/**
 * Decides a request: sale, authorisation, balance, refund. A refund gives, so the limits do not hold for it; a balance moves nothing. Order: form (904), card known (118), expired (101), cryptogram (129), PIN (126, 106, 117; 120 for a cash card without one), the account's fate, limits (121, 116).
 *
 * @param spentOf what an account spent today
 * @param today YYMM of now, for expiry
 * @param pinOf checks the request's PIN for an account
 */
export function decideSale(
  request: DecodedMessage,
  operation: Operation,
  spentOf: (account: string) => number,
  today: string,
  pinOf: (card: TestCard | StripeAccount) => PinVerdict | undefined,
): Decision {
  const pan = request.secret(2);
  const amountMinor = Number(request.text(4));
  if (!pan || validate(request).some(({ severity }) => severity === 'error')) return refuse('904');
  const card = findTestCard(asPan(pan)) ?? findStripeAccount(asPan(pan));
  if (!card) return refuse('118');
  if (card.expiry.slice(0, 4) < today) return refuse('101', card.name);
  const chip = request.binary(55);
  const proven = chip && 'profile' in card ? checkChip(card, chip) : undefined;
  if (chip && !proven) return refuse('129', card.name);
  if (card.fate.kind === 'silent') return { type: 'silence', account: card.name };
  const verdict = pinOf(card);
  // A cash card pays with its PIN and in no other way.
  if (verdict === undefined && 'kind' in card && card.kind === 'cash' && operation !== 'refund')
    return refuse('120', card.name);
  const actionCode =
    verdict === undefined || verdict === 'right'
      ? judge(card, operation === 'refund' ? 0 : amountMinor, spentOf)
      : pinActionCodes[verdict];
  const emv = proven ? proven.answer(isApproval(actionCode)) : nothing;
  const pin = verdict === 'right' || verdict === 'wrong' ? { pin: verdict } : {};
  return { type: 'answer', account: card.name, actionCode, emv, ...pin };
}

function judge(card: TestCard | StripeAccount, amountMinor: number, spentOf: (account: string) => number): string {
  if (card.fate.kind === 'declined') return String(card.fate.actionCode).padStart(3, '0');
  if (amountMinor > limits.saleMax) return '121';
  return spentOf(card.name) + amountMinor > limits.dayMax ? '116' : '000';
}

/** Checks the ARQC of DE55; what comes back makes the issuer's answer (91, 8A). Undefined when it is not genuine. */
function checkChip(card: TestCard, data: Uint8Array): { answer(isApproved: boolean): Uint8Array } | undefined {
  const objects = decodeTlv(data);
  if (!objects.ok) return undefined;
  const valueOf = (tag: number): Uint8Array | undefined => findTlv(objects.value, tag)?.value;
  const cryptogram = valueOf(0x9f26);
  const issuerData = valueOf(0x9f10);
  const profile = issuerData && profileFor(card.scheme, issuerData);
  if (!cryptogram || !profile || profile !== card.profile) return undefined;
  const keys = cardKeysOf(card);
  if (!verifyCryptogram(profile, keys, valueOf, cryptogram).ok) return undefined;
  return {
    answer(isApproved) {
      const responseCode = Uint8Array.from(Buffer.from(isApproved ? '00' : '05', 'latin1'));
      const said =
        profile.arpc.method === 1 ? { responseCode } : { cardStatusUpdate: hex(isApproved ? '00820000' : '00000000') };
      const authentication = issuerAuthenticationData(profile, keys, valueOf, cryptogram, said);
      const code = tlv(0x8a, responseCode);
      return authentication.ok
        ? Uint8Array.from(Buffer.concat([tlv(0x91, authentication.value), code, scriptFor(card, cryptogram)]))
        : code;
    },
  };
}

/** The account that an advice is about; it was decided elsewhere, so that only the card has to be known. Undefined for a card never issued. */
export function accountOf(advice: DecodedMessage): string | undefined {
  const pan = advice.secret(2);
  return pan && (findTestCard(asPan(pan)) ?? findStripeAccount(asPan(pan)))?.name;
}

/** The issuer's commands by order. EMV 4.3 Book 3, 6.5.1 and 6.5.10. */
const orders = {
  unblockPin: command(0x84, 0x24, 0x00, 0x00),
  blockApplication: command(0x84, 0x1e, 0x00, 0x00),
} as const satisfies Record<IssuerOrder, unknown>;

/** A script (72) for the chip, under the MAC that hangs on the cryptogram of the request; empty for most cards. */
function scriptFor(card: TestCard, cryptogram: Uint8Array): Uint8Array {
  const order = 'order' in card.fate ? card.fate.order : undefined;
  if (order === undefined) return nothing;
  const { sealed } = sealScriptCommand(scriptSession(scriptKeysOf(card), cryptogram), orders[order]);
  return unwrap(encodeIssuerScript({ template: 0x72, commands: [sealed] }));
}

/** DE2 is a card number by the table of elements; its type does not say so. */
function asPan(secret: Secret): Secret<'pan'> {
  if (isPan(secret)) return secret;
  throw new Error('element 2 is not a card number');
}

const isPan = (secret: Secret): secret is Secret<'pan'> => secret.kind === 'pan';
