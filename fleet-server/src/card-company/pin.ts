import type { DecodedMessage } from '@tsunagu/protocols/iso8583';
import { equalInConstantTime, Secret } from '@tsunagu/protocols/kit';
import { decipherPin } from '@tsunagu/protocols/pinblock';

/** Wrong PINs in a row after which an account takes none any more. */
export const pinTriesMax = 3;

/** What became of a PIN: `blocked` is not looked at, so that nobody learns whether it was right; `short` has too few digits for any card here, and costs no try. */
export type PinVerdict = 'right' | 'wrong' | 'blocked' | 'unreadable' | 'short';

/** DE39 of a request whose PIN is not right. ISO 8583:1993, A.1. */
export const pinActionCodes = { wrong: '117', blocked: '106', unreadable: '126', short: '127' } as const;

/**
 * Checks the PIN of a request (DE52, format 4 under the zone's PIN key); undefined when it has none.
 *
 * @param triesUsed wrong PINs in a row before this one
 * @param digitsLeast the fewest digits that a PIN of this issuer has
 */
export function verifyPin(
  request: DecodedMessage,
  pinKey: Secret<'key'> | undefined,
  card: { readonly pin: Secret<'pin'>; readonly pan: Secret<'pan'> },
  triesUsed: number,
  digitsLeast: number,
): PinVerdict | undefined {
  const block = request.value(52);
  if (block === undefined) return undefined;
  if (triesUsed >= pinTriesMax) return 'blocked';
  if (pinKey === undefined || !(block instanceof Secret)) return 'unreadable';
  const entered = block.use((bytes) => decipherPin(4, pinKey, Uint8Array.from(bytes), card.pan));
  if (!entered.ok) return 'unreadable';
  const isShort = entered.value.length < digitsLeast;
  const isRight = entered.value.use((typed) => card.pin.use((known) => equalInConstantTime(typed, known)));
  entered.value.wipe();
  return isShort ? 'short' : isRight ? 'right' : 'wrong';
}
