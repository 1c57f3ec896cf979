import { fail, type Result } from '../kit/index.ts';

/** What can be wrong with a CCID message. */
export type CcidCode =
  | 'CCID_TRUNCATED'
  | 'CCID_LENGTH_WRONG'
  | 'CCID_TOO_LONG'
  | 'CCID_MESSAGE_UNKNOWN'
  | 'CCID_FIELD_INVALID';

/** bMessageType, dwLength, bSlot, bSeq and three bytes that depend on the message. CCID 1.1, 6. */
export const headerBytes = 10;

/** A message longer than this is none: an extended APDU (65544 bytes with its header) is the longest there is. */
export const messageBytesMax = 65544 + headerBytes;

/** The data of a message that has none. */
export const nothing: Uint8Array = new Uint8Array(0);

/** The same bytes as a view that reads numbers. */
export const asView = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** dwLength: bytes that follow the header, little-endian. */
export const lengthAt = (bytes: Uint8Array, at: number): number =>
  ((bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16) | ((bytes[at + 3] ?? 0) << 24)) >>> 0;

/** The fault of a message that is shorter than its header, or whose dwLength is not what follows; undefined when there is none. */
export function readHeader(bytes: Uint8Array): Extract<Result<never, CcidCode>, { ok: false }> | undefined {
  if (bytes.length < headerBytes) return fail('CCID_TRUNCATED', { offset: bytes.length });
  const length = lengthAt(bytes, 1);
  if (length === bytes.length - headerBytes) return undefined;
  const facts = { stated: length, actual: bytes.length - headerBytes };
  if (length > messageBytesMax - headerBytes) return fail('CCID_TOO_LONG', { offset: 1, field: 'dwLength', facts });
  return fail('CCID_LENGTH_WRONG', { offset: 1, field: 'dwLength', facts });
}

/** Writes header and data. */
export function writeMessage(
  type: number,
  slot: number,
  seq: number,
  a: number,
  b: number,
  c: number,
  data: Uint8Array,
): Uint8Array {
  const { length } = data;
  const bytes = new Uint8Array(headerBytes + length);
  bytes[0] = type;
  bytes[1] = length & 0xff;
  bytes[2] = (length >> 8) & 0xff;
  bytes[3] = (length >> 16) & 0xff;
  bytes[4] = length >>> 24;
  bytes[5] = slot;
  bytes[6] = seq;
  bytes[7] = a;
  bytes[8] = b;
  bytes[9] = c;
  bytes.set(data, headerBytes);
  return bytes;
}
