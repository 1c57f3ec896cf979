import { fail, ok, type Result } from '../kit/index.ts';
import type { FrameCode } from '../pn532/index.ts';

/** One frame of the Port-100 chip in a PaSoRi RC-S380. */
export type Port100Frame =
  | { readonly type: 'ack' }
  | { readonly type: 'error' }
  /** Begins with the direction byte (D6 out, D7 in) and the command code. */
  | { readonly type: 'data'; readonly data: Uint8Array };

/** Longest data: direction byte, command, status and a card's 290 bytes. */
export const port100DataMax = 300;

const ack = Uint8Array.of(0x00, 0x00, 0xff, 0x00, 0xff, 0x00);
const errorFrame = Uint8Array.of(0x00, 0x00, 0xff, 0x01, 0xff, 0x7f, 0x81, 0x00);

/** Writes a frame: always the extended form, with a little-endian length. Send a zero-length packet after one of n × 64 bytes. */
export function encodePort100Frame(frame: Port100Frame): Uint8Array {
  if (frame.type === 'ack') return Uint8Array.from(ack);
  if (frame.type === 'error') return Uint8Array.from(errorFrame);
  const { data } = frame;
  const { length } = data;
  if (length === 0 || length > port100DataMax) throw new Error(`a Port-100 frame carries 1 to ${port100DataMax} bytes`);
  const bytes = new Uint8Array(length + 10);
  bytes.set([0x00, 0x00, 0xff, 0xff, 0xff, length & 0xff, length >> 8, -((length & 0xff) + (length >> 8)) & 0xff]);
  bytes.set(data, 8);
  bytes[8 + length] = -sumOf(data) & 0xff;
  return bytes;
}

/** Reads exactly one frame, as one USB transfer carries it. `data` is a view. */
export function decodePort100Frame(bytes: Uint8Array): Result<Port100Frame, FrameCode> {
  for (const [index, wanted] of [0, 0, 0xff].entries()) {
    if (bytes.length <= index) return fail('FRAME_TRUNCATED', { offset: bytes.length });
    if (bytes[index] !== wanted) return fail('FRAME_INVALID', { offset: index, field: 'preamble' });
  }
  if (bytes.length < 6) return fail('FRAME_TRUNCATED', { offset: bytes.length });
  if (equal(bytes, ack)) return ok({ type: 'ack' });
  if (equal(bytes, errorFrame)) return ok({ type: 'error' });
  if (bytes[3] !== 0xff || bytes[4] !== 0xff) return fail('FRAME_INVALID', { offset: 3, field: 'start code' });
  if (bytes.length < 10) return fail('FRAME_TRUNCATED', { offset: bytes.length });
  const [low, high, check] = [bytes[5] ?? 0, bytes[6] ?? 0, bytes[7] ?? 0];
  if (((low + high + check) & 0xff) !== 0) return fail('FRAME_CHECKSUM_WRONG', { offset: 7, field: 'LCS' });
  const length = low | (high << 8);
  if (length === 0) return fail('FRAME_INVALID', { offset: 5, field: 'LEN' });
  if (length > port100DataMax) return fail('FRAME_TOO_LONG', { offset: 5, field: 'LEN', facts: { length } });
  if (bytes.length < length + 10) return fail('FRAME_TRUNCATED', { offset: bytes.length });
  if (bytes.length > length + 10) return fail('FRAME_INVALID', { offset: length + 10 });
  const data = bytes.subarray(8, 8 + length);
  if (((sumOf(data) + (bytes[8 + length] ?? 0)) & 0xff) !== 0)
    return fail('FRAME_CHECKSUM_WRONG', { offset: 8 + length, field: 'DCS' });
  if (bytes[9 + length] !== 0) return fail('FRAME_INVALID', { offset: 9 + length, field: 'postamble' });
  return ok({ type: 'data', data });
}

const equal = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((byte, index) => byte === b[index]);

const sumOf = (data: Uint8Array): number => {
  let sum = 0;
  for (const byte of data) sum += byte;
  return sum;
};
