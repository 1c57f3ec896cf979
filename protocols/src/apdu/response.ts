import { fail, ok, type Result } from '../kit/index.ts';

/** A card's answer. ISO/IEC 7816-4:2020, 5.2. */
export interface ResponseApdu {
  readonly data: Uint8Array;
  /** The status word, SW1 in the high byte. */
  readonly sw: number;
}

const nothing: Uint8Array = new Uint8Array(0);

/** An answer of a status word and, if any, data. */
export const response = (sw: number, data: Uint8Array = nothing): ResponseApdu => ({ data, sw });

/**
 * Reads a response APDU: up to 65536 bytes of data, and the two status bytes. `data` is a view.
 *
 * A status word below 6000 or above 9FFF is none (7816-3, 12.2.2), so it is refused.
 */
export function decodeResponse(bytes: Uint8Array): Result<ResponseApdu, 'APDU_LENGTH_INVALID' | 'APDU_VALUE_INVALID'> {
  const { length } = bytes;
  if (length < 2 || length > 65538) return fail('APDU_LENGTH_INVALID', { offset: length < 2 ? length : 65538 });
  const sw1 = bytes[length - 2] ?? 0;
  if ((sw1 & 0xf0) !== 0x60 && (sw1 & 0xf0) !== 0x90)
    return fail('APDU_VALUE_INVALID', { offset: length - 2, field: 'SW1' });
  return ok({
    data: length === 2 ? nothing : bytes.subarray(0, length - 2),
    sw: (sw1 << 8) | (bytes[length - 1] ?? 0),
  });
}

/** Writes a response APDU. */
export function encodeResponse({ data, sw }: ResponseApdu): Uint8Array {
  const bytes = new Uint8Array(data.length + 2);
  bytes.set(data);
  bytes[data.length] = sw >> 8;
  bytes[data.length + 1] = sw & 0xff;
  return bytes;
}
