import { concat, equalInConstantTime, fail, ok, type Result, Secret, toHex } from '../kit/index.ts';
import { computeMac } from '../mac/index.ts';

// Mutual authentication and the commands with keys of real FeliCa cards are not public. What stands here is ours, and named so: it has
// their shape (both sides prove a card key, each command is bound to a session and a counter) and none of their bytes.

/** Command codes of our secure session; the manual gives them to nobody. The answer's code is one higher. */
export const transitCommands = { open: 0xf0, transfer: 0xf2 } as const;

/** Most that a card of the Suica family holds, yen. */
export const transitBalanceMax = 20_000;

const macBytes = 8;

/** MACs are cut to 8 bytes; the key of every call is 16 bytes. */
function macOf(key: Secret<'key'>, data: Uint8Array): Uint8Array {
  const mac = computeMac({ kind: 'CMAC', cipher: 'AES' }, key, data);
  if (!mac.ok) throw new Error('a transit key has 16 bytes');
  return mac.value;
}

const derive = (key: Secret<'key'>, label: number, ...parts: readonly Uint8Array[]): Secret<'key'> =>
  Secret.take('key', macOf(key, concat(Uint8Array.of(label), ...parts)));

/** The key of one card, from the centre's master key and its IDm. NIST SP 800-108 in its shortest form. */
export const transitCardKey = (masterKey: Secret<'key'>, idm: Uint8Array): Secret<'key'> => derive(masterKey, 1, idm);

const u32 = (value: number): Uint8Array =>
  Uint8Array.of((value >>> 24) & 0xff, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff);
const readU32 = (bytes: Uint8Array, at: number): number =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(at);

const framed = (...parts: readonly Uint8Array[]): Uint8Array => {
  const body = concat(...parts);
  return concat(Uint8Array.of(body.length + 1), body);
};

/** What a card says when a session is opened. */
export interface TransitOpening {
  /** 8 bytes; never the same twice. */
  readonly cardNonce: Uint8Array;
  /** Transfers that the card has taken, ever. */
  readonly counter: number;
  /** The last transfer's number, 8 bytes; zeros on a new card. */
  readonly lastTransfer: Uint8Array;
  readonly balance: number;
}

/** A session between one card and the centre. */
export interface TransitSession {
  readonly idm: Uint8Array;
  readonly key: Secret<'key'>;
  readonly opening: TransitOpening;
}

/** The centre's request for a session. @param centreNonce 8 random bytes */
export const encodeTransitOpen = (idm: Uint8Array, centreNonce: Uint8Array): Uint8Array =>
  framed(Uint8Array.of(transitCommands.open), idm, centreNonce);

/** Reads a request for a session, card side; undefined when it is none for this card. */
export const decodeTransitOpen = (frame: Uint8Array, idm: Uint8Array): Uint8Array | undefined =>
  frame.length === 18 && isFor(frame, transitCommands.open, idm) ? frame.slice(10) : undefined;

const isFor = (frame: Uint8Array, code: number, idm: Uint8Array): boolean =>
  frame[0] === frame.length && frame[1] === code && Buffer.compare(frame.subarray(2, 10), idm) === 0;

/** Opens a session, card side: the answer proves the card key over both nonces. */
export function openTransitSession(
  cardKey: Secret<'key'>,
  idm: Uint8Array,
  centreNonce: Uint8Array,
  opening: TransitOpening,
): { readonly session: TransitSession; readonly answer: Uint8Array } {
  const { cardNonce, counter, lastTransfer, balance } = opening;
  const key = derive(cardKey, 2, idm, centreNonce, cardNonce, u32(counter));
  const body = concat(
    Uint8Array.of(transitCommands.open + 1),
    idm,
    cardNonce,
    u32(counter),
    lastTransfer,
    u32(balance),
  );
  const answer = framed(body, macOf(key, body).subarray(0, macBytes));
  return { session: { idm, key, opening }, answer };
}

/** Reads the card's answer, centre side. Everything that is wrong is TRANSIT_NOT_AUTHENTIC. */
export function readTransitOpening(
  cardKey: Secret<'key'>,
  idm: Uint8Array,
  centreNonce: Uint8Array,
  frame: Uint8Array,
): Result<TransitSession, 'TRANSIT_NOT_AUTHENTIC'> {
  if (frame.length !== 42 || !isFor(frame, transitCommands.open + 1, idm)) return fail('TRANSIT_NOT_AUTHENTIC');
  const opening: TransitOpening = {
    cardNonce: frame.slice(10, 18),
    counter: readU32(frame, 18),
    lastTransfer: frame.slice(22, 30),
    balance: readU32(frame, 30),
  };
  const { session, answer } = openTransitSession(cardKey, idm, centreNonce, opening);
  return equalInConstantTime(answer, frame) ? ok(session) : fail('TRANSIT_NOT_AUTHENTIC');
}

/** Which way the money goes: onto the card, or off it. */
export type TransferKind = 'charge' | 'debit';

/** A charge or debit, as the centre orders it. */
export interface TransitTransfer {
  /** The centre's number for it, 8 bytes; never used twice. */
  readonly number: Uint8Array;
  readonly kind: TransferKind;
  /** Yen, 1 to 20,000. */
  readonly amount: number;
  /** What goes into the history beside balance and serial number: see `TransitEntry`. */
  readonly terminal: number;
  readonly process: number;
  readonly date: { readonly year: number; readonly month: number; readonly day: number };
  /** 4 bytes. */
  readonly places: Uint8Array;
  readonly region: number;
}

const kinds = { charge: 1, debit: 2 } as const satisfies Record<TransferKind, number>;
const transferBytes = 44;

/** Orders a transfer in a session: it takes effect once, as the transfer after the last. */
export function sealTransfer({ idm, key, opening }: TransitSession, transfer: TransitTransfer): Uint8Array {
  const { number, kind, amount, terminal, process, date, places, region } = transfer;
  const day = ((date.year - 2000) << 9) | (date.month << 5) | date.day;
  const body = concat(
    Uint8Array.of(transitCommands.transfer),
    idm,
    u32(opening.counter + 1),
    number,
    Uint8Array.of(kinds[kind]),
    u32(amount),
    Uint8Array.of(terminal, process, day >> 8, day & 0xff),
    places,
    Uint8Array.of(region),
  );
  return framed(body, macOf(key, body).subarray(0, macBytes));
}

/** Reads an order, card side; undefined when it is not of this session or not authentic: a card stays mute then. */
export function openTransfer(session: TransitSession, frame: Uint8Array): TransitTransfer | undefined {
  const { idm, key, opening } = session;
  if (frame.length !== transferBytes || !isFor(frame, transitCommands.transfer, idm)) return undefined;
  const mac = macOf(key, frame.subarray(1, -macBytes)).subarray(0, macBytes);
  if (!equalInConstantTime(mac, frame.subarray(-macBytes))) return undefined;
  if (readU32(frame, 10) !== opening.counter + 1) return undefined;
  const at = (index: number): number => frame[index] ?? 0;
  const kind = at(22) === kinds.charge ? 'charge' : at(22) === kinds.debit ? 'debit' : undefined;
  if (kind === undefined) return undefined;
  const day = (at(29) << 8) | at(30);
  return {
    number: frame.slice(14, 22),
    kind,
    amount: readU32(frame, 23),
    terminal: at(27),
    process: at(28),
    date: { year: 2000 + (day >> 9), month: (day >> 5) & 0x0f, day: day & 0x1f },
    places: frame.slice(31, 35),
    region: at(35),
  };
}

/** What a card did with an order. */
export interface TransferOutcome {
  readonly isDone: boolean;
  readonly counter: number;
  readonly balance: number;
}

/** Answers an order, card side. Status flags as FeliCa has them: 00 00, or FF 01 for a balance out of range. */
export function sealOutcome({ idm, key }: TransitSession, number: Uint8Array, outcome: TransferOutcome): Uint8Array {
  const { isDone, counter, balance } = outcome;
  const flags = isDone ? Uint8Array.of(0, 0) : Uint8Array.of(0xff, 0x01);
  const body = concat(Uint8Array.of(transitCommands.transfer + 1), idm, flags, u32(counter), u32(balance));
  return framed(body, macOf(key, concat(body, number)).subarray(0, macBytes));
}

/** Reads the card's answer to an order, centre side: it is bound to the order's number. */
export function readOutcome(
  session: TransitSession,
  number: Uint8Array,
  frame: Uint8Array,
): Result<TransferOutcome, 'TRANSIT_NOT_AUTHENTIC'> {
  if (frame.length !== 28 || !isFor(frame, transitCommands.transfer + 1, session.idm))
    return fail('TRANSIT_NOT_AUTHENTIC');
  const outcome = { isDone: frame[10] === 0, counter: readU32(frame, 12), balance: readU32(frame, 16) };
  return equalInConstantTime(sealOutcome(session, number, outcome), frame)
    ? ok(outcome)
    : fail('TRANSIT_NOT_AUTHENTIC');
}

/** A transfer's number as the books write it. */
export const transferNumberText = (number: Uint8Array): string => toHex(number);
