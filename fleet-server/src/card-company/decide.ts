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
import { cardKeysOf, type IssuerOrder, scriptKeysOf, type TestCard } from '@tsunagu/protocols/test-cards';
import { decodeTlv, findTlv, tlv } from '@tsunagu/protocols/tlv';
import { type IssuerCard, type IssuerCards, testCardsOnly } from './issuer-cards.ts';
import { pinActionCodes, type PinVerdict } from './pin.ts';
import type { IssuerProfile } from './profile.ts';

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
      /** Of a validity check: the card that took its place. */
      readonly replacedBy?: { readonly pan?: string | undefined; readonly expiry: string } | undefined;
    }
  /** An account whose fate is that nobody ever answers. */
  | { readonly type: 'silence'; readonly account: string };

/** What an issuer decides by. */
export interface Issuer {
  readonly cards: IssuerCards;
  readonly profile: Pick<IssuerProfile, 'limits' | 'hours' | 'refusals' | 'pinDigitsLeast'>;
  /** In [0, 1), for refusals that befall a share of the requests. */
  readonly next: () => number;
}

/** What the books say of an account. */
export interface Books {
  /** Yen that stand against its limit of the day. */
  spent(account: string): number;
  /** Yen taken from it ever, less what was given; of a gift or points card. */
  taken(account: string): number;
  /** Whether a gift or points card was issued at a till. */
  isIssued(account: string): boolean;
}

/** Limits of every account of the house's own card company, yen. */
export const limits = { saleMax: 5_000_000, dayMax: 50_000_000 } as const;

/** The house's own card company. */
export const houseIssuer: Issuer = {
  cards: testCardsOnly,
  profile: { limits, refusals: [], pinDigitsLeast: 4 },
  next: () => 1,
};

const nothing = new Uint8Array(0);
const refuse = (actionCode: string, account = ''): Decision => ({ type: 'answer', account, actionCode, emv: nothing });

/**
 * Decides a request: sale, authorisation, balance, refund, charge, issue of a prepaid card, validity check. A refund and a charge give, so the limits
 * do not hold for them; a balance moves nothing. Order: form (904), what the profile refuses, card known (118), expired (101), cryptogram (129), hours of
 * a bank (907), PIN (126, 106, 127, 117; 120 for a cash card without one), the account's fate, funds or limits (121, 116).
 *
 * @param today YYMM of now, for expiry
 * @param pinOf checks the request's PIN for an account
 */
export function decideSale(
  request: DecodedMessage,
  operation: Operation,
  card: IssuerCard | undefined,
  books: Books,
  today: string,
  pinOf: (card: IssuerCard) => PinVerdict | undefined,
  issuer: Issuer = houseIssuer,
): Decision {
  const pan = request.secret(2);
  const amountMinor = Number(request.text(4));
  if (!pan || validate(request).some(({ severity }) => severity === 'error')) return refuse('904');
  const refused = refusalOf(issuer, request);
  if (refused !== undefined) return refuse(refused);
  if (!card) return refuse('118');
  if (operation === 'validity') return checkValidity(card, today);
  if (card.expiry.slice(0, 4) < today) return refuse('101', card.name);
  const chip = request.binary(55);
  const proven = chip && 'profile' in card ? checkChip(card, chip) : undefined;
  if (chip && !proven) return refuse('129', card.name);
  if (card.fate.kind === 'silent') return { type: 'silence', account: card.name };
  const isCash = 'kind' in card && card.kind === 'cash';
  if (isCash && !isOpen(issuer.profile.hours, request.text(12) ?? '')) return refuse('907', card.name);
  const verdict = pinOf(card);
  // A cash card pays with its PIN and in no other way.
  if (verdict === undefined && isCash && operation !== 'refund') return refuse('120', card.name);
  const actionCode =
    verdict === undefined || verdict === 'right'
      ? judge(card, operation, amountMinor, books, issuer)
      : pinActionCodes[verdict];
  const emv = proven ? proven.answer(isApproval(actionCode)) : nothing;
  const pin = verdict === 'right' || verdict === 'wrong' ? { pin: verdict } : {};
  return { type: 'answer', account: card.name, actionCode, emv, ...pin };
}

/** What the profile refuses by how it looks, a request or an advice. */
export function refusalOf({ profile, next }: Issuer, request: DecodedMessage): string | undefined {
  const pan = request.secret(2);
  if (!pan) return undefined;
  const amountMinor = Number(request.text(4));
  const leading = pan.use((bytes) => Buffer.from(bytes.subarray(0, 11)).toString('latin1'));
  return profile.refusals.find(
    ({ prefix, amountMinor: amount, merchant, share }) =>
      (prefix === undefined || leading.startsWith(prefix)) &&
      (amount === undefined || amount === amountMinor) &&
      (merchant === undefined || merchant === request.text(42)?.trim()) &&
      (share >= 1 || next() < share),
  )?.actionCode;
}

/** Whether a card may be billed, and what took its place if it may not be any more. Nothing moves. */
function checkValidity(card: IssuerCard, today: string): Decision {
  const replacedBy = 'replacedBy' in card ? card.replacedBy : undefined;
  const actionCode =
    card.fate.kind === 'declined'
      ? String(card.fate.actionCode).padStart(3, '0')
      : replacedBy || card.expiry.slice(0, 4) < today
        ? '101'
        : '000';
  return { type: 'answer', account: card.name, actionCode, emv: nothing, ...(replacedBy && { replacedBy }) };
}

/** Whether a bank is open at a local time (YYMMDDhhmmss). */
function isOpen(hours: IssuerProfile['hours'], localTime: string): boolean {
  if (hours === undefined) return true;
  const now = `${localTime.slice(6, 8)}:${localTime.slice(8, 10)}`;
  return hours.from <= hours.until ? now >= hours.from && now < hours.until : now >= hours.from || now < hours.until;
}

function judge(card: IssuerCard, operation: Operation, amountMinor: number, books: Books, issuer: Issuer): string {
  if (card.fate.kind === 'declined') return String(card.fate.actionCode).padStart(3, '0');
  if (operation === 'refund') return '000';
  if (isPrepaid(card)) return judgePrepaid(card, operation, amountMinor, books);
  if (operation === 'issue' || operation === 'charge') return '119';
  const { saleMax, dayMax } = { ...issuer.profile.limits, ...('limits' in card ? card.limits : {}) };
  if (amountMinor > (saleMax ?? limits.saleMax)) return '121';
  return books.spent(card.name) + amountMinor > (dayMax ?? limits.dayMax) ? '116' : '000';
}

/** Whether a card holds a balance of its own. */
export const isPrepaid = (card: IssuerCard): boolean =>
  'kind' in card && (card.kind === 'gift' || card.kind === 'points');

/** The most that a prepaid card may hold, yen. */
const prepaidMax = 100_000;

/** What a prepaid card has left, yen; undefined when it was never issued. */
export function prepaidBalance(card: IssuerCard, books: Books): number | undefined {
  const opening = 'openingMinor' in card ? card.openingMinor : undefined;
  if (opening === undefined && !books.isIssued(card.name)) return undefined;
  return (opening ?? 0) - books.taken(card.name);
}

function judgePrepaid(card: IssuerCard, operation: Operation, amountMinor: number, books: Books): string {
  const balance = prepaidBalance(card, books);
  if (operation === 'issue') return balance !== undefined ? '119' : amountMinor > prepaidMax ? '110' : '000';
  if (balance === undefined) return '125';
  if (operation === 'charge') return balance + amountMinor > prepaidMax ? '110' : '000';
  return amountMinor > balance ? '116' : '000';
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
export const cardOf = (advice: DecodedMessage, cards: IssuerCards): IssuerCard | undefined => {
  const pan = advice.secret(2);
  return pan && cards.find(asPan(pan));
};

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
