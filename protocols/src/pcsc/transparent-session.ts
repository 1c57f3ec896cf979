import { concat, fail, ok, type Result } from '../kit/index.ts';
import { decodeTlv, findTlv, tlv } from '../tlv/index.ts';

/** Data objects of a transparent session. PC/SC part 3, amendment 1, 3.2.3. */
export const sessionTags = {
  version: 0x80,
  start: 0x81,
  end: 0x82,
  rfOff: 0x83,
  rfOn: 0x84,
  switchProtocol: 0x8f,
  flags: 0x90,
  transmitBits: 0x91,
  receiveBits: 0x92,
  transmit: 0x93,
  receive: 0x94,
  transceive: 0x95,
  iccStatus: 0x96,
  iccResponse: 0x97,
  /** The reader's verdict: index of the object and a status word. */
  status: 0xc0,
  timerMicroseconds: 0x5f46,
} as const;

/** Standards for switchProtocol: type byte, and layer. */
export const sessionStandards = { iso14443a: 0x00, iso14443b: 0x01, iso15693: 0x02, felica: 0x03 } as const;

const empty = new Uint8Array(0);

/** Begins a session and switches the field on. */
export const startSession = (): Uint8Array => concat(tlv(sessionTags.start, empty), tlv(sessionTags.rfOn, empty));

/** Ends a session. */
export const endSession = (): Uint8Array => tlv(sessionTags.end, empty);

/** Asks for a standard and layer: layer 3 gives raw frames after anti-collision. */
export const switchTo = (standard: keyof typeof sessionStandards, layer: number): Uint8Array =>
  tlv(sessionTags.switchProtocol, Uint8Array.of(sessionStandards[standard], layer));

/** One frame to the card, with the time that it may take. The timer is little-endian on the wire. */
export function transceive(frame: Uint8Array, timeoutMicroseconds: number): Uint8Array {
  const timer = new Uint8Array(4);
  new DataView(timer.buffer).setUint32(0, timeoutMicroseconds, true);
  return concat(tlv(sessionTags.timerMicroseconds, timer), tlv(sessionTags.transceive, frame));
}

/** What came of a transparent exchange. */
export interface ExchangeResult {
  /** The reader's status word, 9000 when all objects were done. */
  readonly sw: number;
  /** The first object that failed, from 1; 0 when none did. */
  readonly failedAt: number;
  /** The card's frame; absent when it was silent. */
  readonly frame?: Uint8Array;
}

/** Reads the data of the reader's answer. */
export function readExchange(data: Uint8Array): Result<ExchangeResult, 'PCSC_INVALID'> {
  const read = decodeTlv(data, { zeros: 'refuse', depthMax: 2, objectsMax: 16 });
  if (!read.ok) return fail('PCSC_INVALID', { offset: read.fault.offset ?? 0, cause: read.fault });
  const status = findTlv(read.value, sessionTags.status)?.value;
  const [failedAt, high, low] = status ?? empty;
  if (failedAt === undefined || high === undefined || low === undefined || status?.length !== 3)
    return fail('PCSC_INVALID', { field: 'C0' });
  const frame = findTlv(read.value, sessionTags.iccResponse)?.value;
  const result = { sw: (high << 8) | low, failedAt };
  return ok(frame === undefined ? result : { ...result, frame });
}

/** Writes the data of a reader's answer, as an emulated one does. */
export function encodeExchange({ sw, failedAt, frame }: ExchangeResult): Uint8Array {
  const status = tlv(sessionTags.status, Uint8Array.of(failedAt, sw >> 8, sw & 0xff));
  return frame === undefined ? status : concat(status, tlv(sessionTags.iccResponse, frame));
}
