import { fail, ok, type Result } from '../kit/index.ts';

/** What can be wrong with a frame of the PN53x family (PN532, Port-100). */
export type FrameCode = 'FRAME_TRUNCATED' | 'FRAME_CHECKSUM_WRONG' | 'FRAME_INVALID' | 'FRAME_TOO_LONG';

/** One frame on the wire. */
export type Frame =
  | { readonly type: 'ack' | 'nack' | 'error' }
  /** `data` begins with the direction byte (D4, D5; D6, D7) and the command code. */
  | { readonly type: 'data'; readonly data: Uint8Array };

/** Longest data of an extended frame that a PN532 takes: direction byte and 264 bytes. */
const pn532DataMax = 265;

const fixed = {
  ack: Uint8Array.of(0, 0, 0xff, 0x00, 0xff, 0x00),
  nack: Uint8Array.of(0, 0, 0xff, 0xff, 0x00, 0x00),
  error: Uint8Array.of(0, 0, 0xff, 0x01, 0xff, 0x7f, 0x81, 0x00),
} as const;

/** Writes a frame: normal form up to 255 bytes of data, extended beyond. PN532 user manual (NXP UM0701-02), 6.2.1. */
export function encodeFrame(frame: Frame): Uint8Array {
  if (frame.type !== 'data') return Uint8Array.from(fixed[frame.type]);
  const { data } = frame;
  const { length } = data;
  if (length === 0 || length > pn532DataMax) throw new Error(`a PN532 frame carries 1 to ${pn532DataMax} bytes`);
  const head =
    length < 256
      ? [0x00, 0x00, 0xff, length, -length & 0xff]
      : [0x00, 0x00, 0xff, 0xff, 0xff, length >> 8, length & 0xff, -((length >> 8) + (length & 0xff)) & 0xff];
  const bytes = new Uint8Array(head.length + length + 2);
  bytes.set(head);
  bytes.set(data, head.length);
  bytes[head.length + length] = -sumOf(data) & 0xff;
  return bytes;
}

/** Reads exactly one frame. `data` is a view. */
export function decodeFrame(bytes: Uint8Array): Result<Frame, FrameCode> {
  const read = readFrame(bytes, 0, pn532DataMax);
  if (!read.ok) return read;
  if (read.value === undefined) return fail('FRAME_TRUNCATED', { offset: bytes.length });
  if (read.value.end !== bytes.length) return fail('FRAME_INVALID', { offset: read.value.end });
  return ok(read.value.frame);
}

/** A frame and where it ends; undefined when more bytes are needed. */
export function readFrame(
  bytes: Uint8Array,
  from: number,
  dataMax: number,
): Result<{ readonly frame: Frame; readonly end: number } | undefined, FrameCode> {
  const has = (count: number): boolean => bytes.length >= from + count;
  const at = (index: number): number => bytes[from + index] ?? 0;
  for (const [index, wanted] of [0, 0, 0xff].entries())
    if (has(index + 1) && at(index) !== wanted)
      return fail('FRAME_INVALID', { offset: from + index, field: 'preamble' });
  if (!has(6)) return ok(undefined);
  if (at(3) === 0 && at(4) === 0xff) return postamble('ack', 5);
  if (at(3) === 0xff && at(4) === 0) return postamble('nack', 5);
  let length = at(3);
  let dataAt = 5;
  if (at(3) === 0xff && at(4) === 0xff) {
    if (!has(8)) return ok(undefined);
    if (((at(5) + at(6) + at(7)) & 0xff) !== 0) return fail('FRAME_CHECKSUM_WRONG', { offset: from + 7, field: 'LCS' });
    length = (at(5) << 8) | at(6);
    dataAt = 8;
  } else if (((at(3) + at(4)) & 0xff) !== 0) return fail('FRAME_CHECKSUM_WRONG', { offset: from + 4, field: 'LCS' });
  if (length === 0) return fail('FRAME_INVALID', { offset: from + 3, field: 'LEN' });
  if (length > dataMax) return fail('FRAME_TOO_LONG', { offset: from + 3, field: 'LEN', facts: { length } });
  if (!has(dataAt + length + 2)) return ok(undefined);
  const data = bytes.subarray(from + dataAt, from + dataAt + length);
  if (((sumOf(data) + at(dataAt + length)) & 0xff) !== 0)
    return fail('FRAME_CHECKSUM_WRONG', { offset: from + dataAt + length, field: 'DCS' });
  if (at(dataAt + length + 1) !== 0)
    return fail('FRAME_INVALID', { offset: from + dataAt + length + 1, field: 'postamble' });
  const end = from + dataAt + length + 2;
  // The chip's own error frame is a data frame of the one byte 7F.
  return ok({ frame: length === 1 && data[0] === 0x7f ? { type: 'error' } : { type: 'data', data }, end });

  function postamble(type: 'ack' | 'nack', index: number): Result<{ frame: Frame; end: number }, FrameCode> {
    if (at(index) !== 0) return fail('FRAME_INVALID', { offset: from + index, field: 'postamble' });
    return ok({ frame: { type }, end: from + index + 1 });
  }
}

/**
 * Takes frames out of a stream of bytes (the UART of a PN532 board). Bytes before a start code are skipped, as the
 * wake-up sequence 55 55 00 … and idle zeros demand; the buffer never exceeds one frame.
 */
export class FrameReader {
  readonly #dataMax: number;
  #rest: Uint8Array = new Uint8Array(0);

  constructor(dataMax: number = pn532DataMax) {
    this.#dataMax = dataMax;
  }

  /** Bytes kept of a frame that is not complete. */
  get pendingBytes(): number {
    return this.#rest.length;
  }

  /** Frames that these bytes complete, and faults for those that are broken, in order. */
  push(bytes: Uint8Array): readonly Result<Frame, FrameCode>[] {
    const stream = new Uint8Array(this.#rest.length + bytes.length);
    stream.set(this.#rest);
    stream.set(bytes, this.#rest.length);
    const found: Result<Frame, FrameCode>[] = [];
    let at = 0;
    while (at < stream.length) {
      const start = startCode(stream, at);
      if (start === undefined) {
        at = Math.max(at, stream.length - 2);
        break;
      }
      const read = readFrame(stream, start, this.#dataMax);
      if (!read.ok) {
        found.push(read);
        at = start + 3;
      } else if (read.value === undefined) {
        at = start;
        break;
      } else {
        found.push(ok(read.value.frame));
        at = read.value.end;
      }
    }
    this.#rest = stream.slice(at);
    return found;
  }
}

function startCode(bytes: Uint8Array, from: number): number | undefined {
  for (let at = from; at + 2 < bytes.length; at++)
    if (bytes[at] === 0 && bytes[at + 1] === 0 && bytes[at + 2] === 0xff) return at;
  return undefined;
}

const sumOf = (data: Uint8Array): number => {
  let sum = 0;
  for (const byte of data) sum += byte;
  return sum;
};
