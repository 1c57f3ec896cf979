import { timingSafeEqual } from 'node:crypto';
import { fail, ok, type Result } from './result.ts';

/** Upper-case hexadecimal text of some bytes. */
export const toHex = (bytes: Uint8Array): string => asBuffer(bytes).toString('hex').toUpperCase();

/** Reads hexadecimal text of either case; odd lengths and other characters are HEX_INVALID. */
export function fromHex(text: string): Result<Uint8Array, 'HEX_INVALID'> {
  if (text.length % 2 !== 0 || !/^[0-9A-Fa-f]*$/.test(text))
    return fail('HEX_INVALID', { facts: { length: text.length } });
  return ok(Uint8Array.from(Buffer.from(text, 'hex')));
}

/** Bytes written as hexadecimal in our own source; throws on a slip of the pen. */
export function hex(text: string): Uint8Array {
  const read = fromHex(text.replaceAll(' ', ''));
  if (!read.ok) throw new Error(`not hexadecimal: ${text}`);
  return read.value;
}

/** A Buffer over the same memory, without a copy. */
export const asBuffer = (bytes: Uint8Array): Buffer =>
  bytes instanceof Buffer ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** One array out of many. */
export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** The exclusive or of two arrays of one length. */
export function xor(a: Uint8Array, b: Uint8Array): Uint8Array {
  if (a.length !== b.length) throw new Error(`xor of ${a.length} and ${b.length} bytes`);
  return a.map((byte, index) => byte ^ (b[index] ?? 0));
}

/** Compares authenticators in constant time; arrays of unequal length are unequal. */
export const equalInConstantTime = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && timingSafeEqual(a, b);
