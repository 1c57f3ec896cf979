import { fail, ok, type Result } from '../kit/index.ts';
import type { PinOperation } from './pin-entry.ts';

/**
 * Writes typed digits into the template of a PIN operation, as a reader does. Units of bits or bytes, position, justification,
 * BCD or ASCII, and the length of the PIN where it is asked for.
 *
 * @param digits ASCII digits: the one PIN of a verification, or old and new PIN of a modification; not kept
 * @returns the command APDU; CCID_FIELD_INVALID when the operation's formats do not fit the template
 * @see USB CCID 1.1, 6.1.11.1 to 6.1.11.5
 */
export function writePins(
  operation: PinOperation,
  digits: readonly Uint8Array[],
): Result<Uint8Array, 'CCID_FIELD_INVALID'> {
  const apdu = Uint8Array.from(operation.apdu);
  const offsets = operation.operation === 'verify' ? [0] : [operation.offsetOld, operation.offsetNew];
  for (const [index, pin] of digits.entries()) {
    const written = writePin(operation, apdu, 5 + (offsets[index] ?? 0), pin);
    if (!written.ok) return written;
  }
  return ok(apdu);
}

function writePin(
  { format, pinBlock, lengthFormat }: PinOperation,
  apdu: Uint8Array,
  base: number,
  pin: Uint8Array,
): Result<undefined, 'CCID_FIELD_INVALID'> {
  const positionBits = ((format >> 3) & 0x0f) * ((format & 0x80) !== 0 ? 8 : 1);
  const type = format & 3;
  if (type !== 1 && type !== 2) return fail('CCID_FIELD_INVALID', { field: 'bmFormatString' });
  const unitBits = type === 1 ? 4 : 8;
  const isRight = (format & 4) !== 0;
  const blockBits = (pinBlock & 0x0f) * 8;
  if (pin.length * unitBits > blockBits) return fail('CCID_FIELD_INVALID', { field: 'bmPINBlockString' });
  const at = base * 8 + positionBits + (isRight ? blockBits - pin.length * unitBits : 0);
  const lengthBits = pinBlock >> 4;
  const lengthAt = base * 8 + (lengthFormat & 0x0f) * ((lengthFormat & 0x10) !== 0 ? 8 : 1);
  if ((at + pin.length * unitBits + 7) >> 3 > apdu.length || (lengthAt + lengthBits + 7) >> 3 > apdu.length)
    return fail('CCID_FIELD_INVALID', { field: 'APDU' });
  writeBits(apdu, lengthAt, lengthBits, pin.length);
  pin.forEach((digit, index) => {
    writeBits(apdu, at + index * unitBits, unitBits, type === 1 ? digit & 0x0f : digit);
  });
  return ok(undefined);
}

/** Writes the low bits of a value, the highest of them first. */
function writeBits(bytes: Uint8Array, from: number, count: number, value: number): void {
  for (let bit = 0; bit < count; bit++) {
    const at = from + bit;
    const mask = 0x80 >> (at & 7);
    const isSet = ((value >> (count - 1 - bit)) & 1) !== 0;
    bytes[at >> 3] = isSet ? (bytes[at >> 3] ?? 0) | mask : (bytes[at >> 3] ?? 0) & ~mask;
  }
}
