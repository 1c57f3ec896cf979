import { createHash } from 'node:crypto';
import { concat, fail, fromHex, ok, type Result, Secret, toHex, xor } from '../kit/index.ts';
import { adjustOddParity, checkKey, tdesEncrypt } from './tdes.ts';

/** How a card's master key comes from the issuer's: A for PANs of up to 16 digits, B for longer ones too. */
export type MasterKeyOption = 'A' | 'B';

/** How a transaction's key comes from the card's master key; `none` uses the master key itself. */
export type SessionKeyMethod = 'none' | 'emvCommon' | 'mastercard' | 'unionpay';

/**
 * The card's master key, odd parity.
 *
 * @param psn PAN sequence number (5F34), 0 to 99; 0 when the card has none.
 * @param option B equals A for PANs of up to 16 digits.
 * @see EMV 4.3 Book 2, A1.4.1 and A1.4.2
 */
export function deriveMasterKey(
  issuerKey: Secret<'key'>,
  pan: Secret<'pan'>,
  psn: number,
  option: MasterKeyOption = 'A',
): Result<Secret<'key'>, 'EMV_KEY_INVALID' | 'EMV_VALUE_INVALID'> {
  const checked = checkKey(issuerKey);
  if (!checked.ok) return checked;
  if (!(Number.isInteger(psn) && psn >= 0 && psn <= 99)) return fail('EMV_VALUE_INVALID', { field: '5F34' });
  const digits = pan.use((bytes) => Buffer.from(bytes).toString('latin1'));
  if (!/^\d{1,19}$/.test(digits)) return fail('EMV_VALUE_INVALID', { field: '5A' });
  const joined = digits + String(psn).padStart(2, '0');
  const text = option === 'B' && digits.length > 16 ? decimalised(joined) : joined.slice(-16).padStart(16, '0');
  const y = fromHex(text);
  if (!y.ok) throw new Error('sixteen digits are always hexadecimal');
  return ok(
    issuerKey.use((key) => {
      const inverted = y.value.map((byte) => byte ^ 0xff);
      return Secret.take('key', adjustOddParity(tdesEncrypt(key, concat(y.value, inverted))));
    }),
  );
}

/** Sixteen decimal digits of a SHA-1 hash: its digits first, then its letters A to F as 0 to 5. A1.4.2. */
function decimalised(joined: string): string {
  const even = joined.length % 2 === 0 ? joined : `0${joined}`;
  const hash = createHash('sha1').update(Buffer.from(even, 'hex')).digest('hex');
  const digits = hash.replaceAll(/[^0-9]/g, '');
  const letters = hash.replaceAll(/[0-9]/g, '').replaceAll(/[a-f]/g, (letter) => String(letter.charCodeAt(0) - 0x61));
  return (digits + letters).slice(0, 16);
}

/**
 * The key of one transaction.
 *
 * - `emvCommon`: diversified by the ATC (EMV 4.3 Book 2, A1.3.1).
 * - `mastercard`: by ATC and unpredictable number (M/Chip's own method).
 * - `unionpay`: by the ATC and its complement (PBOC 3.0 part 7).
 *
 * @param atc 9F36, 2 bytes.
 * @param unpredictableNumber 9F37, 4 bytes; only `mastercard` looks at it.
 */
export function deriveSessionKey(
  method: SessionKeyMethod,
  masterKey: Secret<'key'>,
  atc: Uint8Array,
  unpredictableNumber: Uint8Array = new Uint8Array(4),
): Result<Secret<'key'>, 'EMV_KEY_INVALID' | 'EMV_VALUE_INVALID'> {
  const checked = checkKey(masterKey);
  if (!checked.ok) return checked;
  if (method === 'none') return ok(masterKey);
  if (atc.length !== 2) return fail('EMV_VALUE_INVALID', { field: '9F36' });
  if (unpredictableNumber.length !== 4) return fail('EMV_VALUE_INVALID', { field: '9F37' });
  if (method === 'unionpay') {
    const zeros = new Uint8Array(6);
    const halves = concat(zeros, atc, zeros, xor(atc, Uint8Array.of(0xff, 0xff)));
    return ok(masterKey.use((key) => Secret.take('key', adjustOddParity(tdesEncrypt(key, halves)))));
  }
  const tail = method === 'mastercard' ? concat(Uint8Array.of(0, 0), unpredictableNumber) : new Uint8Array(6);
  return ok(commonSessionKey(masterKey, concat(atc, tail)));
}

/** The common derivation over any diversifier of 8 bytes; secure messaging uses the application cryptogram. A1.3.1. */
export function commonSessionKey(masterKey: Secret<'key'>, diversifier: Uint8Array): Secret<'key'> {
  if (diversifier.length !== 8) throw new Error('a diversifier has 8 bytes');
  const left = Uint8Array.from(diversifier);
  const right = Uint8Array.from(diversifier);
  left[2] = 0xf0;
  right[2] = 0x0f;
  return masterKey.use((key) => Secret.take('key', adjustOddParity(tdesEncrypt(key, concat(left, right)))));
}

/** The first three bytes of a block of zeros enciphered, by which two sides compare a key. */
export const tdesCheckValue = (key: Secret<'key'>): string =>
  key.use((bytes) => toHex(tdesEncrypt(bytes, new Uint8Array(8)).subarray(0, 3)));
