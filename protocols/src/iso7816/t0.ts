import { type CommandApdu, command, decodeCommand, encodeCommand, needsExtended, nextAfter } from '../apdu/index.ts';
import { concat, fail, ok, type Result } from '../kit/index.ts';
import type { Dialogue, Reception, TransmissionCode } from './dialogue.ts';

/** GET RESPONSEs and repetitions within one exchange: 65536 bytes in parts of 256, and some more. */
const stepsMax = 300;
/** A response APDU is never longer. */
const responseBytesMax = 65_538;

/** A TPDU: header CLA INS P1 P2 P3, and the command data behind it. */
export interface T0Send {
  readonly bytes: Uint8Array;
  /** Whether data is expected from the card (P3 then is its length, 00 meaning 256). */
  readonly isReading: boolean;
}

/**
 * One command APDU over T=0, as TPDUs whose procedure bytes somebody else handles: a reader at TPDU level, or `t0Characters`.
 * Lc and Le of a case 4 command do not fit one TPDU, so Le is left out and the data fetched: after 61xx, and after a warning
 * that may have data behind it. 6Cxx repeats the command with the length that the card names. Commands too long for P3 go in
 * ENVELOPEs.
 *
 * @see ISO/IEC 7816-3:2006, 12.2; EMV 4.3 Book 1, 9.3.1
 */
export function* t0Exchange(apdu: Uint8Array): Dialogue<T0Send, Uint8Array> {
  const decoded = decodeCommand(apdu);
  if (!decoded.ok) return decoded;
  const whole = decoded.value;
  const isLong = whole.data.length > 255;
  let sent = isLong ? envelope(apdu.subarray(apdu.length)) : tpduOf(whole);
  let answer = isLong ? yield* envelopes(apdu) : yield* exchangeTpdu(sent);
  const expected = whole.le ?? 0;
  let data: Uint8Array = new Uint8Array(0);
  let warning: number | undefined;
  for (let step = 0; step < stepsMax; step++) {
    if (!answer.ok) return answer;
    data = concat(data, answer.value.data);
    if (data.length > responseBytesMax - 2) return broken('the response is too long');
    const { sw } = answer.value;
    const next = nextAfter(sent, answer.value);
    if (next === undefined) {
      const isFirst = warning === undefined && step === 0;
      // A warning to a case 4 command: its data still waits. EMV 4.3 Book 1, 9.3.1.2.
      if (isFirst && expected > 0 && whole.data.length > 0 && isWarning(sw)) {
        warning = sw;
        sent = getResponse(whole, 256);
        answer = yield* exchangeTpdu(sent);
        continue;
      }
      if (warning !== undefined) return ok(withSw(sw === 0x9000 ? data : new Uint8Array(0), warning));
      return ok(withSw(data, sw));
    }
    // What waits beyond what the caller wants stays in the card, and the status word says so. 12.2.1.
    const left = expected - data.length;
    if (left <= 0) return ok(withSw(data, sw));
    sent = next.ins === 0xc0 ? { ...next, le: Math.min(next.le ?? 256, left) } : next;
    answer = yield* exchangeTpdu(sent);
  }
  return broken('the card offers data without end');
}

interface Answer {
  readonly data: Uint8Array;
  readonly sw: number;
}

/** The command as one TPDU: case 4 without Le, extended lengths that fit as short ones. 12.2.2. */
const tpduOf = ({ cla, ins, p1, p2, data, le }: CommandApdu): CommandApdu =>
  data.length > 0 ? command(cla, ins, p1, p2, data) : command(cla, ins, p1, p2, undefined, le && Math.min(le, 256));

const getResponse = (sent: CommandApdu, length: number): CommandApdu =>
  nextAfter(sent, { data: new Uint8Array(0), sw: 0x6100 | (length & 0xff) }) ?? sent;

const envelope = (part: Uint8Array): CommandApdu => command(0x00, 0xc2, 0x00, 0x00, part);

/** A long command in ENVELOPEs; the answer is that of the last, which is empty. ISO/IEC 7816-4:2020, 11.7.3. */
function* envelopes(apdu: Uint8Array): Generator<T0Send, Result<Answer, TransmissionCode>, Reception> {
  for (let at = 0; at < apdu.length; at += 255) {
    const answer = yield* exchangeTpdu(envelope(apdu.subarray(at, at + 255)));
    if (!answer.ok || answer.value.sw !== 0x9000) return answer;
  }
  return yield* exchangeTpdu(envelope(new Uint8Array(0)));
}

function* exchangeTpdu(tpdu: CommandApdu): Generator<T0Send, Result<Answer, TransmissionCode>, Reception> {
  const encoded = encodeCommand(tpdu);
  if (!encoded.ok || needsExtended(tpdu)) return broken('the command does not fit a TPDU');
  const isReading = tpdu.le !== undefined;
  // Case 1: P3 is 00 all the same. 12.2.2.1.
  const bytes = encoded.value.length === 4 ? concat(encoded.value, Uint8Array.of(0)) : encoded.value;
  const reception = yield { bytes, isReading };
  if (reception.type === 'silence') return fail('READER_CARD_MUTE', { facts: { protocol: 'T=0' } });
  if (reception.type === 'garbled') return broken('parity');
  const { bytes: back } = reception;
  const end = back.length - 2;
  if (end < 0) return broken('the answer has no status word');
  if (end > (isReading ? (tpdu.le ?? 0) : 0)) return broken('more data than asked for');
  const sw = ((back[end] ?? 0) << 8) | (back[end + 1] ?? 0);
  if (!isStatus(sw >> 8)) return broken('SW1');
  return ok({ data: back.subarray(0, end), sw });
}

/** Characters to send, and how many are awaited. */
export interface T0Characters {
  readonly bytes: Uint8Array;
  readonly expected: number;
}

/** NULL bytes in succession; each is a work waiting time bought by the card. */
const nullsMax = 1_024;

/**
 * One TPDU character by character, for readers that leave the procedure bytes to the host: NULL waits, INS moves all that is
 * left, its complement one byte, and SW1 ends.
 *
 * @returns data and status word
 * @see ISO/IEC 7816-3:2006, 10.3.3
 */
export function* t0Characters({ bytes, isReading }: T0Send): Dialogue<T0Characters, Uint8Array> {
  const ins = bytes[1] ?? 0;
  const p3 = bytes[4] ?? 0;
  const outgoing = bytes.subarray(5);
  const wanted = isReading ? p3 || 256 : 0;
  const incoming = new Uint8Array(wanted + 2);
  let taken = 0;
  let given = 0;
  let nulls = 0;
  let send: T0Characters = { bytes: bytes.subarray(0, 5), expected: 1 };
  const none = bytes.subarray(bytes.length);
  // Each turn takes a procedure byte; with single-byte acknowledgements there are as many as data bytes.
  for (let turn = 0; turn < 600 + nullsMax; turn++) {
    const read = charactersOf(yield send, send.expected);
    if (!read.ok) return read;
    const procedure = read.value[0] ?? 0;
    send = { bytes: none, expected: 1 };
    if (procedure === 0x60) {
      if (++nulls > nullsMax) return broken('NULL without end');
      continue;
    }
    if (isStatus(procedure)) {
      const last = charactersOf(yield send, 1);
      if (!last.ok) return last;
      incoming[taken] = procedure;
      incoming[taken + 1] = last.value[0] ?? 0;
      return ok(incoming.subarray(0, taken + 2));
    }
    const isSingle = procedure === (ins ^ 0xff);
    if (procedure !== ins && !isSingle) return broken('procedure byte');
    if (isReading) {
      const count = isSingle ? Math.min(1, wanted - taken) : wanted - taken;
      if (count === 0) return broken('the card acknowledges more than there is');
      const data = charactersOf(yield { bytes: none, expected: count }, count);
      if (!data.ok) return data;
      incoming.set(data.value, taken);
      taken += count;
    } else {
      const count = isSingle ? Math.min(1, outgoing.length - given) : outgoing.length - given;
      if (count === 0) return broken('the card acknowledges more than there is');
      send = { bytes: outgoing.subarray(given, given + count), expected: 1 };
      given += count;
    }
  }
  return broken('procedure bytes without end');
}

function charactersOf(reception: Reception, count: number): Result<Uint8Array, TransmissionCode> {
  if (reception.type === 'silence') return fail('READER_CARD_MUTE', { facts: { protocol: 'T=0' } });
  if (reception.type === 'garbled') return broken('parity');
  return reception.bytes.length === count ? ok(reception.bytes) : broken('count of characters');
}

const isStatus = (sw1: number): boolean => ((sw1 & 0xf0) === 0x60 && sw1 !== 0x60) || (sw1 & 0xf0) === 0x90;

const isWarning = (sw: number): boolean => {
  const sw1 = sw >> 8;
  return sw1 === 0x62 || sw1 === 0x63 || ((sw1 & 0xf0) === 0x90 && sw !== 0x9000);
};

const withSw = (data: Uint8Array, sw: number): Uint8Array => concat(data, Uint8Array.of(sw >> 8, sw & 0xff));

const broken = (reason: string) => fail('TRANSMISSION_BROKEN', { facts: { protocol: 'T=0', reason } });
