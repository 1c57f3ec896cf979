import { ecbDecrypt, isKeyLength } from '../cipher/index.ts';
import { fail, ok, type Result, Secret, toHex, xor } from '../kit/index.ts';
import { type PinBlockFormat, panField03, panField4 } from './digits.ts';

/** Codes that decoding can end with. Whatever is wrong with the block itself is one code, which tells nothing of the PIN. */
export type DecodeError = 'PINBLOCK_UNREADABLE' | 'PINBLOCK_PAN_INVALID' | 'KEY_LENGTH_INVALID';

/** What each format fills up with after the PIN. */
const fillShapes: Readonly<Record<PinBlockFormat, RegExp>> = {
  0: /^F*$/,
  1: /^[0-9A-F]*$/,
  2: /^F*$/,
  3: /^[A-F]*$/,
  4: /^A*$/,
};

/** Reads a PIN field (formats 0 to 3: 8 bytes, 4: 16). Every fault is PINBLOCK_UNREADABLE without a word more. ISO 9564-1:2017, 9.3 and 9.4. */
export function readPinField(format: PinBlockFormat, field: Uint8Array): Result<Secret<'pin'>, 'PINBLOCK_UNREADABLE'> {
  const text = toHex(field.subarray(0, 8));
  const length = Number.parseInt(text[1] ?? '', 16);
  const pin = text.slice(2, 2 + length);
  const isReadable =
    field.length === (format === 4 ? 16 : 8) &&
    text.startsWith(String(format)) &&
    length >= 4 &&
    length <= 12 &&
    /^\d+$/.test(pin) &&
    fillShapes[format].test(text.slice(2 + length));
  return isReadable ? ok(Secret.take('pin', Uint8Array.from(Buffer.from(pin, 'latin1')))) : fail('PINBLOCK_UNREADABLE');
}

/** Reads a clear PIN block of formats 0 to 3; formats 0 and 3 need the PAN. */
export function readClearPinBlock(
  format: 0 | 1 | 2 | 3,
  block: Uint8Array,
  pan: string | undefined,
): Result<Secret<'pin'>, DecodeError> {
  if (format === 1 || format === 2) return readPinField(format, block);
  const panField = panField03(pan ?? '');
  if (!panField.ok) return panField;
  return block.length === 8 ? readPinField(format, xor(block, panField.value)) : fail('PINBLOCK_UNREADABLE');
}

/**
 * Deciphers a PIN block and reads the PIN.
 *
 * @returns PINBLOCK_UNREADABLE whatever is wrong with the block: another answer would tell an attacker about the PIN.
 * @see ISO 9564-1:2017, 9.3 and 9.4; PCI PIN 3.1, 2
 */
export function decipherPin(
  format: PinBlockFormat,
  key: Secret<'key'>,
  block: Uint8Array,
  pan?: Secret<'pan'>,
): Result<Secret<'pin'>, DecodeError> {
  const panText = pan?.use((bytes) => Buffer.from(bytes).toString('latin1'));
  if (!isKeyLength(format === 4 ? 'AES' : 'TDES', key.length)) return fail('KEY_LENGTH_INVALID', { field: 'key' });
  if (format !== 4) {
    if (block.length !== 8) return fail('PINBLOCK_UNREADABLE');
    return readClearPinBlock(
      format,
      key.use((bytes) => ecbDecrypt('TDES', bytes, block)),
      panText,
    );
  }
  const panField = panField4(panText ?? '');
  if (!panField.ok) return panField;
  if (block.length !== 16) return fail('PINBLOCK_UNREADABLE');
  const pinField = key.use((bytes) => ecbDecrypt('AES', bytes, xor(ecbDecrypt('AES', bytes, block), panField.value)));
  return readPinField(4, pinField);
}
