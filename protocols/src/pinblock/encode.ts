import { type BlockEncrypter, blockEncrypter, ecbEncrypt, isKeyLength } from '../cipher/index.ts';
import { fail, ok, type Result, type Secret, toHex, xor } from '../kit/index.ts';
import { checkPin, nibbles, type PinBlockFormat, panField03, panField4 } from './digits.ts';

/** Codes that encoding can end with. */
export type EncodeError = 'PINBLOCK_PIN_INVALID' | 'PINBLOCK_PAN_INVALID' | 'PINBLOCK_FILL_INVALID';

/** The nibbles after the PIN in formats 1 and 3, as hexadecimal text; drawn from `entropy` when absent. */
export interface Filling {
  readonly fill?: string;
  /** Cryptographically strong bytes. */
  readonly entropy: (lengthBytes: number) => Uint8Array;
}

/** The PIN field of format 4: control, length, PIN, A to half, and 8 random bytes. ISO 9564-1:2017, 9.4.2.3. */
export function pinField4(
  pin: string,
  random: Uint8Array,
): Result<Uint8Array, 'PINBLOCK_PIN_INVALID' | 'PINBLOCK_FILL_INVALID'> {
  const checked = checkPin(pin);
  if (!checked.ok) return checked;
  if (random.length !== 8) return fail('PINBLOCK_FILL_INVALID', { field: 'random' });
  return ok(nibbles(`${head(4, pin).padEnd(16, 'A')}${toHex(random)}`));
}

/** The PIN field of formats 0 and 2: filled with F. ISO 9564-1:2017, 9.3.2.2 and 9.3.4. */
export function pinField02(format: 0 | 2, pin: string): Result<Uint8Array, 'PINBLOCK_PIN_INVALID'> {
  const checked = checkPin(pin);
  return checked.ok ? ok(nibbles(head(format, pin).padEnd(16, 'F'))) : checked;
}

/** The PIN field of formats 1 (any nibbles after the PIN) and 3 (A to F). ISO 9564-1:2017, 9.3.3 and 9.3.5. */
export function pinField13(
  format: 1 | 3,
  pin: string,
  { fill, entropy }: Filling,
): Result<Uint8Array, 'PINBLOCK_PIN_INVALID' | 'PINBLOCK_FILL_INVALID'> {
  const checked = checkPin(pin);
  if (!checked.ok) return checked;
  const lacking = 14 - pin.length;
  const given = fill ?? drawFill(format, lacking, entropy);
  if (given.length !== lacking || !(format === 1 ? /^[0-9A-F]*$/i : /^[A-F]*$/i).test(given))
    return fail('PINBLOCK_FILL_INVALID', { field: 'fill' });
  return ok(nibbles(`${head(format, pin)}${given}`));
}

/** A clear PIN block of 8 bytes. It exists inside the call that enciphers it, in tests and in the workbench. */
export function clearPinBlock(
  format: 0 | 1 | 2 | 3,
  pin: string,
  pan: string | undefined,
  filling: Filling,
): Result<Uint8Array, EncodeError> {
  const field = format === 0 || format === 2 ? pinField02(format, pin) : pinField13(format, pin, filling);
  if (!field.ok || format === 1 || format === 2) return field;
  const panField = panField03(pan ?? '');
  return panField.ok ? ok(xor(field.value, panField.value)) : panField;
}

/** Enciphers format 4: the PIN field, then, with the PAN field added, once more. AES key. ISO 9564-1:2017, 9.4.2.5. */
export function encipherPinBlock4(
  key: Secret<'key'>,
  pinField: Uint8Array,
  panField: Uint8Array,
): Result<Uint8Array, 'KEY_LENGTH_INVALID'> {
  if (!isKeyLength('AES', key.length)) return fail('KEY_LENGTH_INVALID', { field: 'key' });
  return ok(
    key.use((bytes) => {
      const ready = blockEncrypter('AES', bytes);
      return ready.encrypt(xor(ready.encrypt(pinField), panField));
    }),
  );
}

/**
 * Enciphers a PIN into a block of format 4 by a key that somebody else keeps and enciphers with: one in a token, for one.
 *
 * @see ISO 9564-1:2017, 9.4
 */
export function encipherPinBy(
  cipher: BlockEncrypter,
  { pin, pan, entropy }: Pick<PinToEncipher, 'pin' | 'pan' | 'entropy'>,
): Result<Uint8Array, EncodeError> {
  const pinField = pinField4(pin.use(digits), entropy(8));
  if (!pinField.ok) return pinField;
  const panField = panField4(pan?.use(digits) ?? '');
  return panField.ok ? ok(cipher.encrypt(xor(cipher.encrypt(pinField.value), panField.value))) : panField;
}

/** A PIN and what it is tied to, for enciphering. */
export interface PinToEncipher {
  /** ASCII digits. */
  readonly pin: Secret<'pin'>;
  /** ASCII digits. Formats 0, 3 and 4 need it. */
  readonly pan?: Secret<'pan'>;
  readonly format: PinBlockFormat;
  /** TDES for formats 0 to 3, AES for 4. */
  readonly key: Secret<'key'>;
  readonly entropy: (lengthBytes: number) => Uint8Array;
}

/**
 * Enciphers a PIN into a PIN block: 8 bytes, 16 in format 4.
 *
 * @returns PINBLOCK_PIN_INVALID, PINBLOCK_PAN_INVALID, or KEY_LENGTH_INVALID for a key of the other cipher.
 * @see ISO 9564-1:2017, 9.3 and 9.4
 */
export function encipherPin(request: PinToEncipher): Result<Uint8Array, EncodeError | 'KEY_LENGTH_INVALID'> {
  const { format, key, entropy } = request;
  const pin = request.pin.use(digits);
  const pan = request.pan?.use(digits);
  if (format === 4) {
    const pinField = pinField4(pin, entropy(8));
    if (!pinField.ok) return pinField;
    const panField = panField4(pan ?? '');
    return panField.ok ? encipherPinBlock4(key, pinField.value, panField.value) : panField;
  }
  const clear = clearPinBlock(format, pin, pan, { entropy });
  return clear.ok ? encipherPinBlock03(key, clear.value) : clear;
}

/** Enciphers a clear PIN block of formats 0 to 3 under a TDES key. */
export function encipherPinBlock03(key: Secret<'key'>, clear: Uint8Array): Result<Uint8Array, 'KEY_LENGTH_INVALID'> {
  if (!isKeyLength('TDES', key.length)) return fail('KEY_LENGTH_INVALID', { field: 'key' });
  return ok(key.use((bytes) => ecbEncrypt('TDES', bytes, clear)));
}

const head = (format: PinBlockFormat, pin: string): string => `${format}${pin.length.toString(16).toUpperCase()}${pin}`;

const digits = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');

// Format 3 draws from six letters: bytes of 252 and above are thrown away, so that none is likelier than the others.
function drawFill(format: 1 | 3, count: number, entropy: (lengthBytes: number) => Uint8Array): string {
  if (format === 1) return toHex(entropy(Math.ceil(count / 2))).slice(0, count);
  let fill = '';
  for (let draws = 0; fill.length < count; draws += 1) {
    if (draws > 100) throw new Error('the source of randomness gives no usable bytes');
    for (const byte of entropy(2 * count)) if (byte < 252) fill += 'ABCDEF'[byte % 6];
  }
  return fill.slice(0, count);
}
