import { concat, equalInConstantTime, fail, ok, type Result, Secret } from '../kit/index.ts';
import { type RsaPublicKey, type RsaSigner, recover } from './rsa.ts';

/** A PIN for the card: format 2 of ISO 9564-1 (control 2, length, digits, filler F), 8 bytes. EMV 4.3 Book 3, 6.5.12.2. */
export function offlinePinBlock(pin: Secret<'pin'>): Result<Secret<'pin'>, 'EMV_VALUE_INVALID'> {
  const text = pin.use((digits) => Buffer.from(digits).toString('latin1'));
  if (!/^\d{4,12}$/.test(text)) return fail('EMV_VALUE_INVALID', { field: 'PIN' });
  const block = `2${text.length.toString(16)}${text}`.padEnd(16, 'F');
  return ok(Secret.take('pin', Uint8Array.from(Buffer.from(block, 'hex'))));
}

/** The PIN of a format 2 block; every malformed block is the same error. */
export function readOfflinePinBlock(block: Uint8Array): Result<Secret<'pin'>, 'EMV_VALUE_INVALID'> {
  const text = Buffer.from(block).toString('hex');
  const length = Number.parseInt(text.charAt(1), 16);
  const isWhole = text.length === 16 && text.startsWith('2') && length >= 4 && length <= 12;
  if (!isWhole || !/^\d+$/.test(text.slice(2, 2 + length)) || !/^f*$/.test(text.slice(2 + length)))
    return fail('EMV_VALUE_INVALID', { field: 'PIN' });
  return ok(Secret.take('pin', Uint8Array.from(Buffer.from(text.slice(2, 2 + length), 'latin1'))));
}

/**
 * Enciphers a PIN for the card's eyes.
 *
 * @param challenge 8 bytes from GET CHALLENGE.
 * @param random as many random bytes as the key is long, less 17.
 * @see EMV 4.3 Book 2, 7.2
 */
export function encipherOfflinePin(
  icc: RsaPublicKey,
  pin: Secret<'pin'>,
  challenge: Uint8Array,
  random: Uint8Array,
): Result<Uint8Array, 'EMV_VALUE_INVALID' | 'EMV_KEY_INVALID'> {
  const block = offlinePinBlock(pin);
  if (!block.ok) return block;
  if (challenge.length !== 8 || random.length !== icc.modulus.length - 17)
    return fail('EMV_VALUE_INVALID', { field: 'challenge' });
  const clear = block.value.use((bytes) => concat(Uint8Array.of(0x7f), bytes, challenge, random));
  const enciphered = recover(icc, clear);
  clear.fill(0);
  block.value.wipe();
  return enciphered === undefined ? fail('EMV_KEY_INVALID') : ok(enciphered);
}

/** Deciphers a PIN as the card does; a wrong header, challenge or block are one error. */
export function decipherOfflinePin(
  icc: RsaSigner,
  enciphered: Uint8Array,
  challenge: Uint8Array,
): Result<Secret<'pin'>, 'EMV_VALUE_INVALID'> {
  const { modulus } = icc.publicKey;
  if (enciphered.length !== modulus.length || Buffer.compare(enciphered, modulus) >= 0)
    return fail('EMV_VALUE_INVALID', { field: 'PIN' });
  const clear = icc.sign(enciphered);
  const isFresh = clear[0] === 0x7f && equalInConstantTime(clear.subarray(9, 17), challenge);
  const pin = readOfflinePinBlock(clear.subarray(1, 9));
  clear.fill(0);
  return isFresh ? pin : fail('EMV_VALUE_INVALID', { field: 'PIN' });
}
