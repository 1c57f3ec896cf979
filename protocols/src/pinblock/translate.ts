import { fail, ok, type Result, type Secret } from '../kit/index.ts';
import { type DecodeError, decipherPin } from './decode.ts';
import type { PinBlockFormat } from './digits.ts';
import { type EncodeError, encipherPin } from './encode.ts';

/** One side of a translation. */
export interface TranslationSide {
  readonly format: PinBlockFormat;
  readonly key: Secret<'key'>;
}

/**
 * Whether a PIN may travel from one format to another. Formats with a PAN never lose it (0, 3, 4 into 1), format 2 is
 * made for the chip card alone, and never read from a network either.
 *
 * @see ISO 9564-1:2017, 9.5; PCI PIN 3.1, 3-3
 */
export const isTranslationPermitted = (from: PinBlockFormat, to: PinBlockFormat): boolean =>
  // Listed rather than excluded: what is no format at all is not permitted either.
  [0, 1, 3, 4].includes(from) && [0, 1, 3, 4].includes(to) && !(to === 1 && from !== 1);

/**
 * Translates an enciphered PIN block to another key and format, under the same PAN.
 *
 * @returns PINBLOCK_TRANSLATION_FORBIDDEN, PINBLOCK_UNREADABLE for a block that cannot be read, whatever the reason.
 */
export function translatePinBlock(
  block: Uint8Array,
  from: TranslationSide,
  to: TranslationSide,
  pan: Secret<'pan'> | undefined,
  entropy: (lengthBytes: number) => Uint8Array,
): Result<Uint8Array, DecodeError | EncodeError | 'PINBLOCK_TRANSLATION_FORBIDDEN'> {
  if (!isTranslationPermitted(from.format, to.format))
    return fail('PINBLOCK_TRANSLATION_FORBIDDEN', { facts: { from: from.format, to: to.format } });
  const pin = decipherPin(from.format, from.key, block, pan);
  if (!pin.ok) return pin;
  const enciphered = encipherPin({ ...to, pin: pin.value, entropy, ...(pan === undefined ? {} : { pan }) });
  pin.value.wipe();
  return enciphered.ok ? ok(enciphered.value) : enciphered;
}
