import { fail, ok, type Result } from '../kit/index.ts';

/** One BER-TLV object of DE55, its value a view. */
export interface EmvObject {
  /** Upper-case hexadecimal digits, such as 9F02. */
  readonly tag: string;
  readonly value: Uint8Array;
}

const tagBytesMax = 4;
const lengthBytesMax = 3;

/**
 * The BER-TLV objects at the top level of DE55, in order; what is inside constructed ones is not looked at.
 * EMV_TLV for anything but a whole number of objects of definite length. EMV 4.4 Book 3, annex B.
 */
export function emvObjects(bytes: Uint8Array): Result<readonly EmvObject[], 'EMV_TLV'> {
  const objects: EmvObject[] = [];
  let at = 0;
  while (at < bytes.length) {
    const start = at;
    const bad = fail('EMV_TLV', { field: 55, offset: start });
    const first = bytes[at++] ?? 0;
    if (first === 0) return bad;
    if ((first & 0x1f) === 0x1f) {
      while (at < bytes.length && at - start < tagBytesMax && (bytes[at] ?? 0) >= 0x80) at++;
      if (at >= bytes.length || at - start >= tagBytesMax) return bad;
      at++;
    }
    const tag = Buffer.from(bytes.subarray(start, at)).toString('hex').toUpperCase();
    if (at >= bytes.length) return bad;
    let length = bytes[at++] ?? 0;
    if (length >= 0x80) {
      let more = length & 0x7f;
      if (more === 0 || more > lengthBytesMax || at + more > bytes.length) return bad;
      for (length = 0; more > 0; more--) length = length * 256 + (bytes[at++] ?? 0);
    }
    if (at + length > bytes.length) return bad;
    objects.push({ tag, value: bytes.subarray(at, at + length) });
    at += length;
  }
  return ok(objects);
}
