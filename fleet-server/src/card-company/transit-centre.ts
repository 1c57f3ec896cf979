import type { Operation } from '@tsunagu/protocols/acquiring';
import {
  correctionOf,
  decodeTransitData,
  encodeTransitData,
  encodeTransitOpen,
  onOpened,
  onOutcome,
  orderTransfer,
  readTransitOpening,
  transferNumberText,
  transitActionCodes,
  type TransitBooking,
  transitCardKey,
  transitCommands,
  type TransitData,
  transitNumber,
  type TransitSession,
  type TransitTransfer,
} from '@tsunagu/protocols/felica';
import type { DecodedMessage } from '@tsunagu/protocols/iso8583';
import { equalInConstantTime, hex, type Secret } from '@tsunagu/protocols/kit';
import { type TransitCardData, transitCardData } from '@tsunagu/protocols/test-cards';
import type { World } from '@tsunagu/protocols/world';
import type { BookedTransfer, TransitBooks } from './transit-books.ts';

/** What the centre answers. */
export interface TransitAnswer {
  readonly actionCode: string;
  /** DE55. */
  readonly data?: Uint8Array;
  /** Yen on the card, for DE54. */
  readonly balance?: number;
}

/** A card that was opened last, until something of its session is settled. */
interface Opened {
  readonly nonce: Uint8Array;
  readonly session?: TransitSession;
  readonly transfer?: TransitTransfer;
}

/** One request, told apart. */
interface Asked {
  readonly card: TransitCardData;
  readonly idm: Uint8Array;
  readonly data: TransitData;
  readonly key: string;
}

/** How transfers look in the history of a card: a shop's terminal; goods, a charge at the till, goods taken back, a deduction. */
const shopTerminal = 0xc7;
const processes = { debit: 0x46, charge: 0x49, backToCard: 0x4a, offCard: 0x08 } as const;

/** Action codes by what the rules say: balance (116, for a charge 110), books and card apart (104), an earlier transfer open (193). */
const refusals = {
  TRANSIT_OUT_OF_STEP: '104',
  TRANSIT_PENDING: transitActionCodes.settleFirst,
  TRANSIT_BALANCE: '116',
} as const;

/**
 * The centre of the transit cards: it alone has their keys. A terminal carries frames between it and a card, and learns what became of an
 * order from it. Books first, frame second: whatever is lost on the way, the card's next opening settles it.
 */
export class TransitCentre {
  readonly #world: Pick<World, 'entropy' | 'log'>;
  readonly #books: TransitBooks;
  readonly #masterKey: Secret<'key'>;
  /** By card name; there are no more than cards. */
  readonly #opened = new Map<string, Opened>();
  /** Requests about one card come one after another. */
  readonly #turns = new Map<string, Promise<unknown>>();

  constructor(world: Pick<World, 'entropy' | 'log'>, books: TransitBooks, masterKey: Secret<'key'>) {
    this.#world = world;
    this.#books = books;
    this.#masterKey = masterKey;
  }

  /** The books, for whoever looks after them. */
  get books(): TransitBooks {
    return this.#books;
  }

  /** The card of a number; undefined when it is none of this centre. */
  cardOf(pan: Secret): TransitCardData | undefined {
    return transitCardData.find(({ idm }) =>
      transitNumber(hex(idm)).use((known) => pan.use((asked) => equalInConstantTime(known, asked))),
    );
  }

  /** Answers a request about a card. @param originalKey key of what a confirmation names */
  async handle(
    card: TransitCardData,
    message: DecodedMessage,
    operation: Operation,
    key: string,
    originalKey: string | undefined,
  ): Promise<TransitAnswer> {
    const turn = (this.#turns.get(card.name) ?? Promise.resolve()).then(() =>
      this.#answer(card, message, operation, key, originalKey),
    );
    this.#turns.set(
      card.name,
      turn.catch(() => undefined),
    );
    return await turn;
  }

  /** A request is taken back: what its card took is due back at its next contact. */
  async takeBack(key: string): Promise<void> {
    if (!this.#books.isTakenBack(key)) await this.#books.append({ kind: 'takenBack', key });
  }

  async close(): Promise<void> {
    await Promise.allSettled(this.#turns.values());
    await this.#books.close();
  }

  async #answer(
    card: TransitCardData,
    message: DecodedMessage,
    operation: Operation,
    key: string,
    originalKey: string | undefined,
  ): Promise<TransitAnswer> {
    const data = decodeTransitData(message.binary(55) ?? new Uint8Array(0));
    const idm = hex(card.idm);
    if (!data.ok || data.value.idm === undefined || !equalInConstantTime(data.value.idm, idm))
      return { actionCode: '904' };
    const asked: Asked = { card, idm, data: data.value, key };
    switch (operation) {
      case 'transitOpen':
        return this.#open(asked);
      case 'transitSettle':
        return await this.#settle(asked, message);
      case 'transitConfirm':
        return await this.#confirm(asked, originalKey);
      case 'sale':
        return await this.#transfer(asked, 'debit', message);
      case 'charge':
        return await this.#transfer(asked, 'charge', message);
      default:
        // Nothing is held on a card, and nothing of it is posted: a refund is a void or another charge.
        return { actionCode: '119' };
    }
  }

  #open({ card, idm }: Asked): TransitAnswer {
    const account = this.#books.account(card.name);
    const nonce = this.#world.entropy(8);
    this.#opened.set(card.name, { nonce });
    const isSettleFirst =
      account?.pending !== undefined || (account !== undefined && correctionOf(account) !== undefined);
    return {
      actionCode: '000',
      data: encodeTransitData({ frame: encodeTransitOpen(idm, nonce), isSettleFirst }),
    };
  }

  /** Reads the card's answer to the opening, and settles by it what was pending. An opening serves once. */
  async #prove({ card, idm, data }: Asked): Promise<TransitSession | string> {
    const opened = this.#opened.get(card.name);
    const account = this.#books.account(card.name);
    if (opened === undefined || opened.session !== undefined || account === undefined || data.frame === undefined)
      return transitActionCodes.proveAgain;
    const session = readTransitOpening(transitCardKey(this.#masterKey, idm), idm, opened.nonce, data.frame);
    this.#opened.delete(card.name);
    if (!session.ok) {
      this.#world.log('warn', 'transitRefused', { card: card.name, fault: session.fault });
      return '129';
    }
    const step = onOpened(account, session.value);
    if (!step.ok) {
      this.#world.log('error', 'transitOutOfStep', { card: card.name, fault: step.fault });
      return refusals[step.fault.code];
    }
    if (step.value.booking) await this.#book(card.name, step.value.booking);
    this.#opened.set(card.name, { nonce: opened.nonce, session: session.value });
    return session.value;
  }

  async #settle(asked: Asked, message: DecodedMessage): Promise<TransitAnswer> {
    const proven = await this.#prove(asked);
    if (typeof proven === 'string') return { actionCode: proven };
    const account = this.#books.account(asked.card.name);
    const correction = account && correctionOf(account);
    if (account === undefined || correction === undefined)
      return { actionCode: '000', ...(account && { balance: account.balance }) };
    return await this.#order(asked, proven, correction.kind, correction.amount, message, true);
  }

  async #transfer(asked: Asked, kind: 'charge' | 'debit', message: DecodedMessage): Promise<TransitAnswer> {
    // A reversal that came first wins: what it takes back never happens.
    if (this.#books.isTakenBack(asked.key)) return { actionCode: '914' };
    // Nobody sends a request twice; its order is on the way, or was.
    if (this.#books.transfer(asked.key)) return { actionCode: '913' };
    const proven = await this.#prove(asked);
    if (typeof proven === 'string') return { actionCode: proven };
    const account = this.#books.account(asked.card.name);
    if (account && correctionOf(account)) return { actionCode: transitActionCodes.settleFirst };
    return await this.#order(asked, proven, kind, Number(message.text(4)), message, false);
  }

  async #order(
    { card, key }: Asked,
    session: TransitSession,
    kind: 'charge' | 'debit',
    amount: number,
    message: DecodedMessage,
    isCorrection: boolean,
  ): Promise<TransitAnswer> {
    const account = this.#books.account(card.name);
    if (account === undefined) return { actionCode: '118' };
    const local = message.text(12) ?? '';
    const part = (from: number): number => Number(local.slice(from, from + 2));
    const number = new Uint8Array(8);
    new DataView(number.buffer).setUint32(4, this.#books.ordered + 1);
    const usual = kind === 'debit' ? processes.debit : processes.charge;
    const putRight = kind === 'debit' ? processes.offCard : processes.backToCard;
    const transfer: TransitTransfer = {
      number,
      kind,
      amount,
      terminal: shopTerminal,
      process: isCorrection ? putRight : usual,
      date: { year: 2000 + part(0), month: part(2), day: part(4) },
      places: new Uint8Array(4),
      region: 0,
    };
    const ordered = orderTransfer(account, session, transfer, isCorrection);
    if (!ordered.ok) {
      const { code } = ordered.fault;
      return {
        actionCode: code === 'TRANSIT_BALANCE' && kind === 'charge' ? '110' : refusals[code],
        balance: account.balance,
      };
    }
    // A reversal may have overtaken its request while the card was looked at.
    if (this.#books.isTakenBack(key)) return { actionCode: '914' };
    const numbered = transferNumberText(number);
    await this.#books.append({
      kind: 'ordered',
      key,
      account: card.name,
      number: numbered,
      what: kind,
      amount,
      isCorrection,
    });
    this.#opened.set(card.name, { nonce: new Uint8Array(0), session, transfer });
    this.#world.log('info', 'transitOrdered', { card: card.name, what: kind, amount, number: numbered, isCorrection });
    return {
      actionCode: '000',
      data: encodeTransitData({ frame: ordered.value.frame }),
      balance: account.balance + (kind === 'charge' ? amount : -amount),
    };
  }

  /** What became of an order: by the card's answer to it, or by a new opening of the card. Told again as often as it is asked. */
  async #confirm(asked: Asked, originalKey: string | undefined): Promise<TransitAnswer> {
    const { card, data } = asked;
    const transfer = originalKey === undefined ? undefined : this.#books.transfer(originalKey);
    if (originalKey === undefined || transfer === undefined || transfer.account !== card.name)
      return { actionCode: '914' };
    if (transfer.state === 'pending') {
      const proven =
        data.frame?.[1] === transitCommands.open + 1 ? await this.#prove(asked) : await this.#outcome(asked);
      if (typeof proven === 'string') return { actionCode: proven };
    }
    return this.#fate(this.#books.transfer(originalKey), this.#books.account(card.name)?.balance);
  }

  /** Books by the card's answer to the order. What is not authentic books nothing. */
  async #outcome({ card, data }: Asked): Promise<string | undefined> {
    const opened = this.#opened.get(card.name);
    const account = this.#books.account(card.name);
    if (!opened?.session || !opened.transfer || account === undefined || data.frame === undefined)
      return transitActionCodes.proveAgain;
    const step = onOutcome(account, opened.session, opened.transfer, data.frame);
    if (!step.ok) {
      this.#world.log('warn', 'transitRefused', { card: card.name, fault: step.fault });
      return transitActionCodes.proveAgain;
    }
    this.#opened.delete(card.name);
    if (step.value.booking) await this.#book(card.name, step.value.booking);
    return undefined;
  }

  #fate(transfer: BookedTransfer | undefined, balance: number | undefined): TransitAnswer {
    if (transfer === undefined || transfer.state === 'pending') return { actionCode: transitActionCodes.proveAgain };
    const isStanding = transfer.state === 'done' && !transfer.isTakenBack;
    return {
      actionCode: isStanding ? '000' : transitActionCodes.notTaken,
      ...(balance !== undefined && { balance }),
    };
  }

  async #book(account: string, { number, outcome, kind, amount }: TransitBooking): Promise<void> {
    await this.#books.append({ kind: 'booked', account, number, outcome });
    this.#world.log('info', 'transitBooked', { card: account, number, outcome, what: kind, amount });
  }
}
