import { fail, ok, type Result } from '../kit/index.ts';

/**
 * Messages of pcscd, the PC/SC daemon of pcsc-lite, on its local socket. Each request is a header (length of the body, command)
 * and a body; the answer is the body alone, filled in. Numbers are little-endian on every machine that we run on.
 *
 * @see pcsc-lite 1.8 to 2.3, src/winscard_msg.h (protocol 4.2 to 4.5)
 */
export const pcscdCommands = {
  establishContext: 0x01,
  connect: 0x04,
  reconnect: 0x05,
  disconnect: 0x06,
  transmit: 0x09,
  version: 0x11,
  getReadersState: 0x12,
} as const;

/** What a program asks of the daemon. */
export type PcscdCommand = keyof typeof pcscdCommands;

/** Where pcscd listens. */
export const pcscdSocket = '/run/pcscd/pcscd.comm';

/** The protocol that we speak, and the daemon's versions that understand it. */
export const pcscdProtocol = { major: 4, minor: 4, minorMin: 2, minorMax: 5 } as const;

const readerNameBytes = 128;
const readersMax = 16;
const atrBytesMax = 33;
/** Name, event counter, state, sharing, ATR (33 and three of padding), its length, protocol. */
const readerStateBytes = readerNameBytes + 12 + 36 + 8;
/** The longest APDU that the daemon takes, both ways. */
const apduBytesMax = 65_548;

/** Length of the answer to a command; that of `transmit` is followed by the response. */
export const pcscdAnswerBytes = {
  establishContext: 12,
  connect: 4 + readerNameBytes + 20,
  reconnect: 24,
  disconnect: 12,
  transmit: 32,
  version: 12,
  getReadersState: readersMax * readerStateBytes,
} as const satisfies Record<PcscdCommand, number>;

type Code = 'PCSC_PROTOCOL';

/** Puts a header before a body of 32-bit words and bytes. */
function request(command: PcscdCommand, bodyBytes: number, words: readonly (readonly [number, number])[]): Uint8Array {
  const bytes = new Uint8Array(8 + bodyBytes);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, bodyBytes, true);
  view.setUint32(4, pcscdCommands[command], true);
  for (const [at, value] of words) view.setUint32(8 + at, value, true);
  return bytes;
}

/** Says which protocol is spoken; first of all. */
export const pcscdVersion = (minor: number = pcscdProtocol.minor): Uint8Array =>
  request('version', pcscdAnswerBytes.version, [
    [0, pcscdProtocol.major],
    [4, minor],
  ]);

/** Begins a context of scope "system". */
export const pcscdEstablishContext = (): Uint8Array =>
  request('establishContext', pcscdAnswerBytes.establishContext, [[0, 2]]);

/** Asks for the state of all readers. */
export const pcscdGetReadersState = (): Uint8Array => request('getReadersState', 0, []);

/** Sharing and protocols of a connection: nobody else, T=0 or T=1. */
const exclusive = 1;
const anyProtocol = 3;
/** What becomes of the card: a cold reset, or no power. */
const unpower = 2;

/** Connects to the card in a reader, for this program alone. The name has at most 127 bytes. */
export function pcscdConnect(context: number, reader: string): Result<Uint8Array, Code> {
  const name = Buffer.from(reader, 'utf8');
  if (name.length >= readerNameBytes) return fail('PCSC_PROTOCOL', { field: 'szReader' });
  const after = 4 + readerNameBytes;
  const bytes = request('connect', pcscdAnswerBytes.connect, [
    [0, context],
    [after, exclusive],
    [after + 4, anyProtocol],
  ]);
  bytes.set(name, 8 + 4);
  return ok(bytes);
}

/** Resets the card cold and goes on with it. */
export const pcscdReconnect = (card: number): Uint8Array =>
  request('reconnect', pcscdAnswerBytes.reconnect, [
    [0, card],
    [4, exclusive],
    [8, anyProtocol],
    [12, unpower],
  ]);

/** Takes the power away and lets the card go. */
export const pcscdDisconnect = (card: number): Uint8Array =>
  request('disconnect', pcscdAnswerBytes.disconnect, [
    [0, card],
    [4, unpower],
  ]);

/** Sends a command APDU, which follows the body. `protocol` is the active one, 1 for T=0 and 2 for T=1. */
export function pcscdTransmit(card: number, protocol: number, apdu: Uint8Array): Uint8Array {
  const head = request('transmit', pcscdAnswerBytes.transmit, [
    [0, card],
    [4, protocol],
    [8, 8],
    [12, apdu.length],
    [16, protocol],
    [20, 8],
    [24, apduBytesMax],
  ]);
  const bytes = new Uint8Array(head.length + apdu.length);
  bytes.set(head);
  bytes.set(apdu, head.length);
  return bytes;
}

/** An answer's fields. */
export interface PcscdAnswer {
  /** The daemon's result, 0 when all went well; `pcscResultName` names the others. */
  readonly result: number;
  /** Context, card handle, or minor version: what the command gives. */
  readonly value: number;
  /** The protocol that is active after connect and reconnect: 1 T=0, 2 T=1. */
  readonly protocol: number;
  /** Bytes of the response that follow an answer to transmit. */
  readonly followingBytes: number;
}

/** Where value, protocol and result stand in each answer. */
const fields = {
  version: { value: 4, result: 8 },
  establishContext: { value: 4, result: 8 },
  connect: { value: 4 + readerNameBytes + 8, protocol: 4 + readerNameBytes + 12, result: 4 + readerNameBytes + 16 },
  reconnect: { value: 0, protocol: 16, result: 20 },
  disconnect: { value: 0, result: 8 },
  transmit: { value: 0, result: 28 },
} as const satisfies Record<
  Exclude<PcscdCommand, 'getReadersState'>,
  { value: number; protocol?: number; result: number }
>;

/** Reads the answer to a command other than getReadersState. */
export function readPcscdAnswer(
  command: Exclude<PcscdCommand, 'getReadersState'>,
  bytes: Uint8Array,
): Result<PcscdAnswer, Code> {
  if (bytes.length !== pcscdAnswerBytes[command]) return fail('PCSC_PROTOCOL', { facts: { length: bytes.length } });
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const at: { readonly value: number; readonly protocol?: number; readonly result: number } = fields[command];
  const result = view.getUint32(at.result, true);
  const followingBytes = command === 'transmit' && result === 0 ? view.getUint32(24, true) : 0;
  if (followingBytes > apduBytesMax) return fail('PCSC_PROTOCOL', { field: 'pcbRecvLength' });
  const protocol = at.protocol === undefined ? 0 : view.getUint32(at.protocol, true);
  return ok({ result, value: view.getUint32(at.value, true), protocol, followingBytes });
}

/** A reader as the daemon sees it. */
export interface PcscdReader {
  readonly name: string;
  readonly hasCard: boolean;
  readonly isPowered: boolean;
  readonly isMute: boolean;
  /** Of the card, when it is powered. */
  readonly atr: Uint8Array;
}

/** Reads the table of readers; empty places have no name. */
export function readPcscdReaders(bytes: Uint8Array): Result<readonly PcscdReader[], Code> {
  if (bytes.length !== pcscdAnswerBytes.getReadersState)
    return fail('PCSC_PROTOCOL', { facts: { length: bytes.length } });
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const readers: PcscdReader[] = [];
  for (let place = 0; place < readersMax; place++) {
    const at = place * readerStateBytes;
    const name = bytes.subarray(at, at + readerNameBytes);
    const end = name.indexOf(0);
    if (end === 0) continue;
    const state = view.getUint32(at + readerNameBytes + 4, true);
    const atrLength = view.getUint32(at + readerNameBytes + 48, true);
    const atrAt = at + readerNameBytes + 12;
    // A card that does not answer has an ATR of the length FFFFFFFF or 0.
    const isSound = atrLength <= atrBytesMax;
    readers.push({
      name: Buffer.from(end < 0 ? name : name.subarray(0, end)).toString('utf8'),
      hasCard: (state & 0x04) !== 0,
      isPowered: (state & 0x10) !== 0,
      isMute: (state & 0x08) !== 0,
      atr: isSound ? Uint8Array.from(bytes.subarray(atrAt, atrAt + atrLength)) : new Uint8Array(0),
    });
  }
  return ok(readers);
}

const resultNames: Readonly<Record<number, string>> = {
  0x80100006: 'NO_MEMORY',
  0x80100009: 'UNKNOWN_READER',
  0x8010000a: 'TIMEOUT',
  0x8010000b: 'SHARING_VIOLATION',
  0x8010000c: 'NO_SMARTCARD',
  0x8010000f: 'PROTO_MISMATCH',
  0x80100016: 'NOT_TRANSACTED',
  0x80100017: 'READER_UNAVAILABLE',
  0x8010001d: 'NO_SERVICE',
  0x8010002f: 'COMM_DATA_LOST',
  0x80100066: 'UNRESPONSIVE_CARD',
  0x80100067: 'UNPOWERED_CARD',
  0x80100068: 'RESET_CARD',
  0x80100069: 'REMOVED_CARD',
  0x8010006a: 'SECURITY_VIOLATION',
};

/** The name of a result in PC/SC part 5, without its prefix; the number in hexadecimal for others. */
export const pcscResultName = (result: number): string =>
  resultNames[result] ?? result.toString(16).toUpperCase().padStart(8, '0');
